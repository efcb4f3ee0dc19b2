"""The answers without end of one worker, tunnels and streams of events: who must end them when the table changes.

A reload decides each of them again. Those that would lead elsewhere now are ended, evenly spread over seconds, so that
their clients do not all come back in the same moment; the others stay.
"""

import asyncio
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from stranglerfig.server.course import Course
    from stranglerfig.server.runtime import Generation

SPREAD_S: Final = 5.0
_DECIDED_AT_ONCE: Final = 100  # then requests get their turn


class Kind(StrEnum):
    """What it is."""

    TUNNEL = "tunnel"
    EVENTS = "events"


class StreamEnd(StrEnum):
    """Who or what ended it."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    IDLE = "idle"  # no byte for too long, or one side takes none
    MOVED = "moved"  # a new table leads it elsewhere
    STOPPING = "stopping"  # the worker does


class Stream(Protocol):
    """An answer without end."""

    @property
    def kind(self) -> Kind:
        """What it is."""

    @property
    def course(self) -> "Course":
        """Where it leads."""

    def leave(self, why: StreamEnd) -> None:
        """End it, as gently as it can be, in a few seconds at most."""


class Streams:
    """Those that are open."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open: dict[Stream, None] = {}
        self._looking: asyncio.Task[None] | None = None
        self._generation: Generation | None = None

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    def add(self, stream: Stream) -> None:
        """Look after ``stream``. A new table may have come since its request began."""
        self._open[stream] = None
        if self._generation is not None and stream.course.generation is not self._generation:
            self._loop.call_soon(self._leave_if_moved, stream)

    def discard(self, stream: Stream) -> None:
        """Forget a stream that is over."""
        self._open.pop(stream, None)

    def state(self) -> dict[str, int]:
        """Count them by kind."""
        counted = Counter(stream.kind for stream in self._open)
        return {"tunnels": counted[Kind.TUNNEL], "event_streams": counted[Kind.EVENTS]}

    def reload(self, generation: "Generation") -> None:
        """End what leads elsewhere under ``generation``."""
        self._generation = generation
        if self._looking is not None:
            self._looking.cancel()
        if self._open:
            self._looking = self._loop.create_task(self._look(generation), name="streams")

    async def _look(self, generation: "Generation") -> None:
        moved = []
        for number, stream in enumerate(list(self._open), 1):
            if stream in self._open and not stream.course.holds_under(generation):
                moved.append(stream)
            if number % _DECIDED_AT_ONCE == 0:
                await asyncio.sleep(0)
        for place, stream in enumerate(moved):
            self._loop.call_later(SPREAD_S * place / len(moved), self._leave_if_moved, stream)

    def _leave_if_moved(self, stream: Stream) -> None:
        """End a stream, unless the table was changed back meanwhile."""
        assert self._generation is not None
        if stream in self._open and not stream.course.holds_under(self._generation):
            stream.leave(StreamEnd.MOVED)

    def leave_all(self) -> None:
        """End every stream: the worker stops."""
        for stream in list(self._open):
            stream.leave(StreamEnd.STOPPING)
