"""Log lines of requests that an upstream is not asked for: of each upstream and kind the first, then one a second with their number.

When a server is overloaded or down, thousands of requests a second are refused in its place, each in microseconds. A line
for each of them would be most of the work, and one that nobody reads in time holds up the worker. The metrics count them all.
"""

import asyncio
from typing import Any, Final

import structlog

from stranglerfig.http1.failure import Failure

EVERY_S: Final = 1.0
log = structlog.get_logger(__name__)


class _Untold:
    """What came since the last line of one upstream and kind."""

    __slots__ = ("count", "timer")

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.count = 0
        self.timer = timer


class RefusalLines:
    """Writes the lines of one worker."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._untold: dict[tuple[str, Failure], _Untold] = {}

    def add(self, upstream: str, failure: Failure, **request: Any) -> None:
        """Tell of one more; ``request`` goes into the line if it has one of its own."""
        key = upstream, failure
        untold = self._untold.get(key)
        if untold is not None:
            untold.count += 1
            return
        self._untold[key] = _Untold(self._loop.call_later(EVERY_S, self._tell, key))
        tell_failed(upstream, failure, **request)

    def _tell(self, key: tuple[str, Failure]) -> None:
        untold = self._untold.pop(key)
        if untold.count:
            self._untold[key] = _Untold(self._loop.call_later(EVERY_S, self._tell, key))
            tell_failed(*key, count=untold.count)

    def close(self) -> None:
        """Tell the rest."""
        for key, untold in self._untold.items():
            untold.timer.cancel()
            if untold.count:
                tell_failed(*key, count=untold.count)
        self._untold.clear()


def tell_failed(upstream: str, failure: Failure, **more: Any) -> None:
    """Write the line of a failed upstream."""
    log.warning(
        "upstream_failed", upstream=upstream, phase=failure.phase.value, kind=failure.kind, **more
    )
