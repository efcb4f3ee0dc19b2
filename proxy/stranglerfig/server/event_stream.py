"""A stream of server-sent events: an ordinary answer that has no end, so a reload may have to end it.

Its bytes are passed on like any others. It is ended between two events where that is known, as a whole answer;
EventSource comes back by itself, with ``Last-Event-ID`` (HTML standard, section 9.2).
"""

from collections.abc import Callable, Sequence
from typing import Final

from stranglerfig.http1.headers import first_value
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.server.course import Course
from stranglerfig.server.streams import Kind, StreamEnd

_BLANK_LINES: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_LONGEST: Final = 4


def begins_events(events: Sequence[ResponseEvent]) -> bool:
    """Whether the head of a stream of events is among these parts of an answer."""
    return any(
        isinstance(event, ResponseHead)
        and (first_value(event.headers, b"content-type") or b"")
        .lower()
        .startswith(b"text/event-stream")
        for event in events
    )


class EventStream:
    """One of them; ``end`` ends its exchange and is told whether nothing of an event is under way."""

    __slots__ = ("_end", "_tail", "course")

    kind: Final = Kind.EVENTS

    def __init__(self, course: Course, end: Callable[[StreamEnd, bool], None]) -> None:
        self.course = course
        self._end = end
        self._tail = b"\n\n"  # nothing has begun

    def passed(self, events: Sequence[ResponseEvent]) -> None:
        """Take notice of what went to the client."""
        for event in events:
            if isinstance(event, bytes):
                self._tail = (self._tail + event[-_LONGEST:])[-_LONGEST:]

    def leave(self, why: StreamEnd) -> None:
        """End it."""
        self._end(why, self._tail.endswith(_BLANK_LINES))
