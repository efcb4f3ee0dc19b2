"""How many client connections a worker holds, in all and of each address.

What is written holds for the whole proxy and is divided among the workers, over which the kernel spreads connections by
chance. So a worker may be full a little before the proxy is, and a client that may have few connections may be refused
one or two before it has all of them.
"""

import resource
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stranglerfig.config.model import Config
from stranglerfig.http1.failure import Failure
from stranglerfig.http1.forwarded import Network, is_trusted
from stranglerfig.server.client_key import client_key

_OWN_DESCRIPTORS: Final = 64  # the loop, the channel, counters, logs, name look-ups
# Refused connections linger until the client has read why. Beyond so many of them they are cut without a word.
_REFUSED_AT_ONCE: Final = 64
UNBOUNDED: Final = 1 << 60


def descriptors() -> int:
    """How many descriptors this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNBOUNDED if soft == resource.RLIM_INFINITY else soft


def connections_within(descriptors: int) -> int:
    """How many clients one worker can hold: a quarter of its descriptors is kept for upstreams, since most clients are idle."""
    return max((descriptors - _OWN_DESCRIPTORS - _REFUSED_AT_ONCE) * 3 // 4, 1)


def share_of(count: int, workers: int) -> int:
    """One worker's part of what the whole proxy may have, rounded up; 0 is no limit."""
    return -(-count // workers) if count else UNBOUNDED


@dataclass(frozen=True, slots=True)
class Refused:
    """A connection gets no place."""

    failure: Failure
    is_told: bool
    """Whether it is answered before it is closed."""


class Places:
    """The connections of one worker."""

    def __init__(self, config: Config) -> None:
        self._of_client: dict[str, int] = {}
        self._taken = 0
        self._refused = 0
        self.take_limits(config)

    def take_limits(self, config: Config) -> None:
        """Use the limits of ``config`` for connections that come from now on."""
        limits, workers = config.limits, config.worker_count
        self._trusted: Sequence[Network] = config.trusted_proxies
        self._most = min(share_of(limits.connections, workers), connections_within(descriptors()))
        self._most_of_client = share_of(limits.connections_per_client, workers)

    def enter(self, address: str) -> Refused | None:
        """Take a place for a connection from ``address``; else why there is none. Either way it must ``leave``."""
        failure = None
        key = client_key(address)
        if self._taken >= self._most:
            failure = Failure.CONNECTIONS_FULL
        elif self._of_client.get(key, 0) >= self._most_of_client and not is_trusted(
            address, self._trusted
        ):
            failure = Failure.CLIENT_CONNECTIONS_FULL
        if failure is None:
            self._taken += 1
            self._of_client[key] = self._of_client.get(key, 0) + 1
            return None
        self._refused += 1
        return Refused(failure, is_told=self._refused <= _REFUSED_AT_ONCE)

    def leave(self, address: str, refused: Refused | None) -> None:
        """Give the place back."""
        if refused is not None:
            self._refused -= 1
            return
        self._taken -= 1
        key = client_key(address)
        left = self._of_client[key] - 1
        if left:
            self._of_client[key] = left
        else:
            del self._of_client[key]
