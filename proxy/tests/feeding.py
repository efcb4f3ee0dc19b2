"""Feed a parser the same bytes in every way that could matter, and demand the same events."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from stranglerfig.http1.failure import ClientError, UpstreamError


def cuts(data: bytes) -> list[list[bytes]]:
    """The bytes whole, one by one, and in two pieces at every place."""
    single = [data[index : index + 1] for index in range(len(data))]
    return [[data], single, *([data[:at], data[at:]] for at in range(1, len(data)))]


def feed(parser: Any, pieces: Iterable[bytes]) -> list[Any]:
    """All events of a parser, adjacent pieces of a body joined, heads and errors as comparable values."""
    events: list[Any] = []
    for piece in pieces:
        error = None
        try:
            found: Sequence[Any] = parser.feed(piece)
        except UpstreamError as caught:
            found, error = parser.pending, caught.failure
        for event in found:
            if isinstance(event, bytes) and events and isinstance(events[-1], bytes):
                events[-1] += event
            else:
                events.append(event)
        if error is not None:
            events.append(error)  # nobody reads on after that
            break
    return [comparable(event) for event in events]


def comparable(event: Any) -> Any:
    """An event as a value that ``==`` compares by content."""
    if isinstance(event, ClientError):
        return event.failure
    if hasattr(event, "kept"):
        slots = [name for name in type(event).__slots__ if name[0] != "_"]
        return {name: getattr(event, name) for name in slots}
    return event


def feed_every_way(make: Callable[[], Any], data: bytes) -> list[Any]:
    """The events of ``data``, the same however it is cut."""
    first, *others = (feed(make(), pieces) for pieces in cuts(data))
    for other in others:
        assert other == first
    return first
