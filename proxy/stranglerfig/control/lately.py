"""What was observed in the last minutes: the counters as they were every few seconds, and what came since."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from stranglerfig.counters import Key
from stranglerfig.counters.histogram import quantile_s, read_buckets
from stranglerfig.counters.names import BUCKET_SUFFIX, DURATION, REQUESTS

EVERY_S: Final = 15.0
WINDOW_S: Final = 300.0
_SIDES: Final = ("monolith", "service")


class _Look(NamedTuple):
    at_s: float
    counts: dict[Key, int]


class Lately:
    """Remembers requests and latencies of the last ``WINDOW_S`` seconds; ``now`` gives seconds that only grow."""

    def __init__(
        self, counts: Callable[[], dict[Key, int]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._counts = counts
        self._now = now
        self._looks: deque[_Look] = deque()

    async def run(self) -> None:
        """Look every ``EVERY_S`` seconds, until cancelled."""
        while True:
            # In a thread: with many workers there is much to add up, and the supervisor has more to do.
            self.take(await asyncio.to_thread(self._counts))
            await asyncio.sleep(EVERY_S)

    def take(self, counts: dict[Key, int]) -> None:
        """Keep what was counted by now, and forget what is older than the window needs."""
        kept = {key: count for key, count in counts.items() if key[0] in _KEPT}
        self._looks.append(_Look(self._now(), kept))
        # One may be as old as the window or older: what came since is counted from there.
        while len(self._looks) > 1 and self._looks[1].at_s <= self._now() - WINDOW_S:
            self._looks.popleft()

    def observed(self, capability: str) -> dict[str, Any]:
        """What came for ``capability``: ``seconds`` that are looked back on, and per side requests by status class, and latencies.

        Latencies are those of evidence alone, as in the status.
        """
        counts = self._counts()
        before = self._looks[0] if self._looks else _Look(self._now(), counts)
        since = {
            key: count - before.counts.get(key, 0)
            for key, count in counts.items()
            if key[0] in _KEPT and dict(key[1]).get("capability") == capability
        }
        return {
            "seconds": round(self._now() - before.at_s, 1),
            "sides": {side: _side(since, side) for side in _SIDES},
        }


_KEPT: Final = frozenset({REQUESTS, DURATION + BUCKET_SUFFIX})


def _side(since: dict[Key, int], side: str) -> dict[str, Any]:
    by_status: dict[str, int] = {}
    for (name, labels), count in since.items():
        values = dict(labels)
        if name == REQUESTS and values["side"] == side and count:
            by_status[values["status"]] = by_status.get(values["status"], 0) + count
    buckets = read_buckets(since, DURATION, side=side)
    return {
        "requests": sum(by_status.values()),
        "by_status": dict(sorted(by_status.items())),
        "p50_ms": _ms(quantile_s(buckets, 0.5)),
        "p99_ms": _ms(quantile_s(buckets, 0.99)),
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
