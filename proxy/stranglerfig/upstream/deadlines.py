"""One timer for every time-out of a process.

A timer per request would cost more than all its other bookkeeping. Whoever waits for something keeps the moment at which
it has waited too long in ``deadline``; a sweep every tenth of a second finds those that are due. So a time-out comes
up to one tick late, and setting or clearing one is a plain assignment.
"""

import asyncio
from typing import Final, Protocol

NEVER: Final = float("inf")
TICK_S: Final = 0.1


class Timed(Protocol):
    """Something that may wait too long. ``deadline`` is in the loop's time."""

    deadline: float

    def on_deadline(self) -> None:
        """Be told that the deadline has passed; it was set to NEVER before."""


class Deadlines:
    """Looks after the deadlines of what was added, from ``start`` to ``stop``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tick_s: float = TICK_S) -> None:
        self._loop = loop
        self._tick_s = tick_s
        self._items: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.add = self._items.add
        self.discard = self._items.discard

    def start(self) -> None:
        """Begin to sweep."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._tick_s, self._sweep)

    def stop(self) -> None:
        """Sweep no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self._timer = self._loop.call_later(self._tick_s, self._sweep)
        now = self._loop.time()
        for item in [item for item in self._items if item.deadline <= now]:
            item.deadline = NEVER
            item.on_deadline()
