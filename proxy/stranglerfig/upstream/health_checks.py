"""Asks addresses how they are, each on a connection of the question's own, as long as their upstream is written so.

Each worker asks for itself: it knows what it can reach, and goes on when the supervisor is gone. An address is thus asked as
many times an interval as there are workers. The pauses vary by a tenth, so that they do not ask in step.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from stranglerfig import __version__
from stranglerfig.config.balancing import HealthProbe
from stranglerfig.config.upstream import Upstream
from stranglerfig.http1.failure import UpstreamError
from stranglerfig.upstream.balancer import Balancer
from stranglerfig.upstream.choice import Chance
from stranglerfig.upstream.fetch import fetch
from stranglerfig.upstream.peer import Peer

MAX_ANSWER_BYTES: Final = 64 * 1024
FIRST_WITHIN_S: Final = 0.2


class HealthChecks:
    """The questions of one process."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_change: Callable[[Balancer, Peer], None],
        chance: Chance,
    ) -> None:
        """``on_change`` is called when the health of an address is another."""
        self._loop = loop
        self._on_change = on_change
        self._chance = chance
        self._asking: dict[Peer, asyncio.Task[None]] = {}

    def retain(self, balancers: Iterable[Balancer]) -> None:
        """Ask the addresses of ``balancers`` whose upstream is written so, and no others."""
        wanted = {
            peer: balancer
            for balancer in balancers
            if balancer.upstream.health is not None
            for peer in balancer.peers()
        }
        for peer in self._asking.keys() - wanted.keys():
            self._asking.pop(peer).cancel()
        for peer in wanted.keys() - self._asking.keys():
            self._asking[peer] = self._loop.create_task(
                self._ask_on(wanted[peer], peer), name="health"
            )

    def close(self) -> None:
        """Ask nobody any more."""
        for task in self._asking.values():
            task.cancel()
        self._asking.clear()

    async def _ask_on(self, balancer: Balancer, peer: Peer) -> None:
        # The first question comes soon, yet not from all workers at once.
        await asyncio.sleep(FIRST_WITHIN_S * self._chance())
        while (probe := balancer.upstream.health) is not None:
            trouble = await _trouble(balancer.upstream, peer, probe)
            now = self._loop.time()
            health = peer.health
            if health.bad(now, probe, trouble) if trouble else health.good(now, probe):
                self._on_change(balancer, peer)
            await asyncio.sleep(probe.interval_s * (0.9 + 0.2 * self._chance()))


async def _trouble(upstream: Upstream, peer: Peer, probe: HealthProbe) -> str:
    """Ask once: what is wrong, nothing if all is well."""
    host = probe.host or peer.written_authority
    headers = (
        (b"Host", host.encode("ascii")),
        (b"User-Agent", f"fig/{__version__}".encode("ascii")),
    )
    try:
        answer = await fetch(
            upstream,
            "GET",
            probe.path.encode("ascii"),
            headers,
            b"",
            deadline_s=probe.timeout_s,
            max_body_bytes=MAX_ANSWER_BYTES,
            peer=peer,
        )
    except UpstreamError as error:
        return error.failure.kind
    return "" if 200 <= answer.status < 400 else f"status {answer.status}"
