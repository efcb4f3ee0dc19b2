"""Whether a worker has more to do than it can: how late its own loop is.

A timer is due ten times a second. What it comes too late by is how long everything waits that the kernel has ready: the
delay that each request has before it is even read. As in CoDel (RFC 8289) a peak is not a queue: a garbage collection
or a large reload makes one look late, and only a delay that stands for several looks in a row is overload.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 0.1
STANDING_LOOKS: Final = 3


class StandingDelay:
    """Turns what single looks found into whether the delay stands."""

    __slots__ = ("_late_looks",)

    def __init__(self) -> None:
        self._late_looks = 0

    def look(self, late_s: float, limit_s: float) -> bool:
        """Take in that a look came ``late_s`` too late; True while the delay has stood. ``limit_s`` 0: never."""
        self._late_looks = self._late_looks + 1 if limit_s and late_s > limit_s else 0
        return self._late_looks >= STANDING_LOOKS


class LoopDelay:
    """Looks from ``start`` to ``stop``; ``is_overloaded`` says what was found, and ``on_change`` that it changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_change: Callable[[], None]) -> None:
        self.limit_s = 0.0
        """How late a look may be, in seconds; 0: however late."""
        self.is_overloaded = False
        self._loop = loop
        self._on_change = on_change
        self._standing = StandingDelay()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._timer is None:
            self._again()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self) -> None:
        self._due = self._loop.time() + LOOK_EVERY_S
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        was_overloaded = self.is_overloaded
        self.is_overloaded = self._standing.look(self._loop.time() - self._due, self.limit_s)
        if self.is_overloaded is not was_overloaded:
            log.warning("overloaded" if self.is_overloaded else "no_longer_overloaded")
            self._on_change()
        self._again()
