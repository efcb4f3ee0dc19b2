"""An upgraded connection: bytes of another protocol, both ways, as they come.

Between the two connections a tunnel holds at most what one read gives and the high-water mark of a transport lets
through, each way: where one side does not take its bytes, the other is not read. One side's end is passed on as its end
alone, and the other is heard on; a reset becomes a reset.

Of WebSocket it knows where the upstream's frames end, and nothing else. When it must go, it lets the client know by a
Close frame there and throws away what the upstream says behind that; the client's own Close goes on to the upstream, so
both know and close. Other protocols are closed as they stand.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.http1.upgrade import SWITCHING
from stranglerfig.http1.websocket import GOING_AWAY, SERVICE_RESTART, Frames, close_frame
from stranglerfig.server.course import Course
from stranglerfig.server.reset import reset
from stranglerfig.server.runtime import Runtime
from stranglerfig.server.streams import Kind, StreamEnd
from stranglerfig.upstream.deadlines import NEVER
from stranglerfig.upstream.roles import Detached

if TYPE_CHECKING:
    from stranglerfig.server.exchange import Exchange

CLOSING_S: Final = 5.0  # for both sides to close, once they were told
FLUSH_S: Final = 60.0  # for one side to take what the other said before it ended
_SAID: Final = {
    StreamEnd.IDLE: close_frame(GOING_AWAY, "idle"),
    StreamEnd.MOVED: close_frame(SERVICE_RESTART, "service restart"),
    StreamEnd.STOPPING: close_frame(SERVICE_RESTART, "service restart"),
}


class Handshake:
    """Receives the answer to a request for an upgrade for ``exchange``: a 101, or any other."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def on_response(self, events: Sequence[ResponseEvent]) -> None:
        """Take the next part of the answer."""
        (*before, last) = events
        if not isinstance(last, ResponseHead) or last.status != SWITCHING:
            self._exchange.on_response(events)
            return
        if before:
            self._exchange.on_response(before)
        self._exchange.on_switched(last)

    def on_upstream_failed(self, failure: Failure, detail: str) -> None:
        """Take notice that there is no answer."""
        self._exchange.on_upstream_failed(failure, detail)

    def on_upstream_congested(self) -> None:
        """Take notice of what can't matter: the request has no body."""

    def on_upstream_writable(self) -> None:
        """Take notice of what can't matter: the request has no body."""


class _Side(asyncio.Protocol):
    """One of the two connections."""

    __slots__ = ("_owner", "_take", "_tunnel", "has_ended", "is_congested", "is_lost", "transport")

    def __init__(self, tunnel: "Tunnel", known: Detached, take: Callable[[bytes], None]) -> None:
        self._tunnel = tunnel
        self._owner = known.owner
        self._take = take
        self.transport = known.transport
        self.is_congested = False
        self.has_ended = False  # it says nothing more
        self.is_lost = False

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def read(self, *, is_allowed: bool) -> None:
        if not self.has_ended and not self.transport.is_closing():
            self.transport.resume_reading() if is_allowed else self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def eof_received(self) -> bool:
        return self._tunnel.on_end(self)

    def pause_writing(self) -> None:
        self._tunnel.on_congestion(self, is_congested=True)

    def resume_writing(self) -> None:
        self._tunnel.on_congestion(self, is_congested=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._tunnel.on_lost(self, exc)
        self._owner.connection_lost(exc)


class Tunnel:
    """Two connections that are one."""

    __slots__ = (
        "_client",
        "_end",
        "_farewell",
        "_frames",
        "_is_deaf",
        "_is_leaving",
        "_runtime",
        "_timeout_s",
        "_upstream",
        "course",
        "deadline",
    )

    kind: Final = Kind.TUNNEL

    def __init__(
        self,
        runtime: Runtime,
        course: Course,
        client: Detached,
        upstream: Detached,
        answer: bytes,
        *,
        frames: Frames | None,
        timeout_s: float,
    ) -> None:
        """Begin with ``answer``, the 101, and with what came behind it and what the client sent early.

        ``frames`` follows the upstream's frames of a WebSocket; ``timeout_s`` is how long nothing may move, in seconds.
        """
        self.course = course
        self.deadline = NEVER
        self._runtime = runtime
        self._client = _Side(self, client, self._from_client)
        self._upstream = _Side(self, upstream, self._from_upstream)
        self._frames = frames
        self._timeout_s = timeout_s
        self._end: StreamEnd | None = None
        self._is_leaving = False
        self._farewell: bytes | None = None  # a Close frame that waits for the end of another
        self._is_deaf = False  # to the upstream: the client got our Close frame
        for side, known in ((self._client, client), (self._upstream, upstream)):
            side.transport.set_protocol(side)
            if known.is_congested:
                self.on_congestion(side, is_congested=True)
        self._runtime.deadlines.add(self)
        self._runtime.streams.add(self)
        self._touch()
        self._client.write(answer)
        if upstream.rest:
            self._from_upstream(upstream.rest)
        if client.rest:
            self._from_client(client.rest)

    # Bytes

    def _from_client(self, data: bytes) -> None:
        self._touch()
        self._upstream.write(data)

    def _from_upstream(self, data: bytes) -> None:
        self._touch()
        frames = self._frames
        if frames is None:
            self._client.write(data)
        elif self._farewell is not None:
            self._client.write(data[: frames.follow(data, stop=True)])
            self._say_farewell()
        elif not self._is_deaf:
            frames.follow(data)
            self._client.write(data)

    def _touch(self) -> None:
        """Something moved. While a side takes nothing, that is no reason to wait longer for it."""
        if not self._is_leaving and not (self._client.is_congested or self._upstream.is_congested):
            self.deadline = self._runtime.loop.time() + self._timeout_s

    def on_congestion(self, side: _Side, *, is_congested: bool) -> None:
        """Read the other side only while this one takes its bytes."""
        side.is_congested = is_congested
        if not is_congested:
            self._touch()
        if not (self._is_deaf and side is self._client):
            self._other(side).read(is_allowed=not is_congested)

    # Ends

    def on_end(self, side: _Side) -> bool:
        """One side says nothing more: tell the other. Gives whether its connection stays open for what that has to say."""
        self._note(side)
        side.has_ended = True
        other = self._other(side)
        if other.has_ended:
            other.transport.close()
            return False
        if not other.transport.is_closing():
            other.transport.write_eof()
        return True

    def on_lost(self, side: _Side, exc: Exception | None) -> None:
        """One connection is gone: end the other one, after what was said before, or by a reset.

        Who was reset after its end has only not taken what was said to it; its own last words stand. The other one has
        been told of that end, and is read on, or closing would reset it before it has heard them.
        """
        self._note(side)
        other = self._other(side)
        if other.is_lost:
            self._finish()
        elif exc is not None and not side.has_ended:
            reset(other.transport)
        else:
            self._leave_within(FLUSH_S)
            if side.has_ended and not other.has_ended:
                other.read(is_allowed=True)
            else:
                other.transport.close()

    def _leave_within(self, seconds: float) -> None:
        self._is_leaving = True
        self.deadline = self._runtime.loop.time() + seconds

    def _note(self, side: _Side) -> None:
        if self._end is None:
            self._end = StreamEnd.CLIENT if side is self._client else StreamEnd.UPSTREAM

    def leave(self, why: StreamEnd) -> None:
        """End it, as gently as it can be, in a few seconds at most."""
        if self._is_leaving:
            return
        self._end = why
        self._leave_within(CLOSING_S)
        if self._frames is None or self._upstream.has_ended:
            self._client.transport.close()
            self._upstream.transport.close()
        elif not self._frames.has_close:  # else the two are about to close
            self._farewell = _SAID[why]
            self._say_farewell()

    def _say_farewell(self) -> None:
        """Let the client know, if no frame of the upstream's is under way."""
        assert self._frames is not None
        assert self._farewell is not None
        if self._frames.is_between:
            self._client.write(self._farewell)
            self._farewell = None
            self._is_deaf = True
            self._upstream.read(is_allowed=True)

    def on_deadline(self) -> None:
        """Nothing moved for too long, or one side did not close."""
        if not self._is_leaving:
            self.leave(StreamEnd.IDLE)
        else:
            self._client.transport.abort()
            self._upstream.transport.abort()

    def _finish(self) -> None:
        assert self._end is not None
        self.course.end()
        self._runtime.deadlines.discard(self)
        self._runtime.streams.discard(self)
        self._runtime.meters.stream_ended(self.kind.value, self._end.value)

    def _other(self, side: _Side) -> _Side:
        return self._upstream if side is self._client else self._client
