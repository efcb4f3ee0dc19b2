"""Whether a request is taken in at all: by its body's announced length, its client's rate, and how much there is to do.

``is_on`` says whether anybody needs to be asked, so that without these limits a request pays one look at it.
"""

import asyncio
import time
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

from stranglerfig.config.model import Config
from stranglerfig.http1.failure import Failure
from stranglerfig.http1.headers import Header
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.server.client_key import client_key
from stranglerfig.server.loop_delay import LoopDelay
from stranglerfig.server.meters import Meters
from stranglerfig.server.places import UNBOUNDED, share_of
from stranglerfig.server.rate_table import RateTable

RATES_NAME: Final = "rates.cells"
_NS: Final = 1_000_000_000


_PASSES: Final = frozenset(
    {
        Failure.RATE_EXCEEDED,
        Failure.CLIENT_CONNECTIONS_FULL,
        Failure.CONNECTIONS_FULL,
        Failure.REQUESTS_FULL,
        Failure.OVERLOADED,
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request is not taken in."""

    failure: Failure
    headers: tuple[Header, ...] = ()


def retry_after(failure: Failure, seconds: float = 1.0) -> tuple[Header, ...]:
    """The header that tells when to come again (RFC 9110 section 10.2.3), for failures that pass by themselves."""
    if failure not in _PASSES:
        return ()
    return ((b"Retry-After", b"%d" % max(ceil(seconds), 1)),)


class Admission:
    """One worker's door."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        config: Config,
        *,
        key: bytes,
        state_dir: Path,
        meters: Meters,
    ) -> None:
        """``key`` spreads clients in the table of rates, which lies in ``state_dir``."""
        self._delay = LoopDelay(loop, self._weigh)
        self.start, self._stop = self._delay.start, self._delay.stop
        self._key = key
        self._meters = meters
        self._rates_path = state_dir / RATES_NAME
        self._rates: RateTable | None = None
        self.is_on = False
        self.take(config)

    def take(self, config: Config) -> None:
        """Use the limits of ``config`` for requests that begin from now on."""
        limits = config.limits
        self._most_bytes = limits.body_size or UNBOUNDED
        self._most_requests = share_of(limits.requests, config.worker_count)
        self._delay.limit_s = limits.loop_delay_s
        self._burst = limits.rate.burst
        self._period_ns = round(_NS / limits.rate.per_client) if limits.rate.per_client else 0
        if self._period_ns and self._rates is None:
            self._rates = RateTable.open(self._rates_path, self._key, self._meters.rate_forgotten)
        self._always = bool(limits.body_size or limits.requests or self._period_ns)
        self._weigh()

    def _weigh(self) -> None:
        self.is_on = self._always or self._delay.is_overloaded

    def refusal(self, head: RequestHead, address: str, under_way: int) -> Refusal | None:
        """Why a request from ``address`` is not taken in while ``under_way`` are, itself among them; None: it is."""
        failure, wait_s = None, 1.0
        if self._delay.is_overloaded:
            failure = Failure.OVERLOADED
        elif (head.content_length or 0) > self._most_bytes:
            failure = Failure.BODY_TOO_LARGE
        elif under_way > self._most_requests:
            failure = Failure.REQUESTS_FULL
        elif self._period_ns and self._rates is not None:
            wait_ns = self._rates.ask(
                client_key(address), time.monotonic_ns(), self._period_ns, self._burst
            )
            if wait_ns:
                failure, wait_s = Failure.RATE_EXCEEDED, wait_ns / _NS
        return None if failure is None else Refusal(failure, retry_after(failure, wait_s))

    def close(self) -> None:
        """Look no more, and let go of the table of rates."""
        self._stop()
        if self._rates is not None:
            self._rates.close()
            self._rates = None
