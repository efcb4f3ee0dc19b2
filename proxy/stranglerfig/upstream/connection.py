"""One connection to an upstream: the only sockets of this room.

It carries one request at a time for a *receiver*, from ``begin`` until the receiver got the end of the answer or a
failure, exactly one of them, and nothing after it. What is written before the connection is open waits in memory;
``is_congested`` tells the receiver to hold back.

An answer to a request that was given whole must not begin before the upstream can have got it (``kernel.py``). Otherwise it
is *unasked*. On a kept connection that fails, and the request can go elsewhere; on a new one an error may be told, as
servers do that are overloaded or waited too long, and anything else fails. An answer to an upload may come at any time.
"""

import asyncio
import time
from typing import Final, cast

from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure, UpstreamError
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.upgrade import Upgrade
from stranglerfig.upstream.deadlines import NEVER
from stranglerfig.upstream.last_words import LastWords
from stranglerfig.upstream.opening import failure_of, open_connection
from stranglerfig.upstream.peer import Peer
from stranglerfig.upstream.roles import Detached, Owner, Receiver
from stranglerfig.upstream.securing import View, view_of
from stranglerfig.upstream.timing import Timing

HIGH_WATER_BYTES: Final = 64 * 1024


class UpstreamConnection(Timing, asyncio.Protocol):
    """A connection to ``upstream``, opened by ``begin`` when it is used first."""

    __slots__ = (
        "_begun_at",
        "_connecting",
        "_is_unasked",
        "_is_upload",
        "_kernel",
        "_last_words",
        "_owner",
        "_pending",
        "_receiver",
        "has_answer",
        "is_reused",
    )

    def __init__(
        self, upstream: Upstream, loop: asyncio.AbstractEventLoop, owner: Owner | None = None
    ) -> None:
        super().__init__(upstream, loop)
        self.is_reused = False
        self._owner = owner
        self._begun_at = 0.0
        self._connecting: asyncio.Task[None] | None = None
        self._pending: list[bytes] = []
        self._receiver: Receiver | None = None
        self._is_upload = False
        self._is_unasked = False
        self.has_answer = False
        """Whether any byte of an answer came since ``begin``."""
        self._kernel: View | None = None
        self._last_words: LastWords | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether a kept connection is open and has nothing to say: else it is stale or poisoned."""
        transport, kernel = self._transport, self._kernel
        return (
            transport is not None
            and kernel is not None
            and not transport.is_closing()
            and not kernel.has_news()
        )

    def begin(
        self,
        receiver: Receiver,
        upstream: Upstream,
        data: bytes,
        *,
        is_head: bool,
        is_whole: bool,
        awaits_continue: bool = False,
        upgrade: Upgrade | None = None,
    ) -> None:
        """Send a request's head, or all of it if ``is_whole``, and give the answer to ``receiver``.

        With ``awaits_continue`` its body may not come before the upstream says 100; ``begin_body`` tells that it does.
        The answer to a request that asks for ``upgrade`` may be a 101: its head is the last event, and the receiver must call ``detach``.
        """
        self._receiver = receiver
        self.upstream = upstream  # a reload may have changed its name and its time-outs
        self._timeouts = upstream.timeouts
        self._is_whole = is_whole
        self.awaits_continue = awaits_continue
        self._is_upload = not is_whole
        self._is_unasked = False
        self.has_answer = False
        self._parser.begin(is_head=is_head, upgrade=upgrade)
        if self._kernel is None:
            self._pending.append(data)
            self.is_congested = True
            self.deadline = self._loop.time() + self._timeouts.connect_s
            self._connecting = self._loop.create_task(self._connect(), name="connect")
            return
        self.is_reused = True
        self._kernel.send(data)
        self._wait()

    def begin_body(self) -> None:
        """Wait for the body: the client is told to send it, or does so unasked."""
        self.awaits_continue = False
        if self._transport is not None:
            self._wait()

    def write(self, data: bytes) -> None:
        """Send a piece of the request's body, already framed."""
        if self._transport is None:
            self._pending.append(data)
            return
        self._transport.write(data)

    def end(self, data: bytes = b"") -> None:
        """Send the last bytes of the request; the answer is waited for from now on."""
        if data:
            self.write(data)
        self._is_whole = True
        if self._transport is not None:
            self._wait()

    def pause_reading(self) -> None:
        """Take no more of the answer: the client does not read."""
        if self._transport is not None and self._receiver is not None:
            self._transport.pause_reading()
            self._is_paused = True
            self._wait()

    def resume_reading(self) -> None:
        """Take the answer again."""
        if self._transport is not None and self._receiver is not None:
            self._transport.resume_reading()
            self._is_paused = False
            self._wait()

    def abort(self) -> None:
        """Give the request up and close at once; the receiver hears nothing more."""
        self._receiver = None
        self._close()

    def detach(self) -> Detached:
        """Give the connection away after a 101. It counts as one that carries a request until it is told of its loss."""
        transport = self._transport
        assert transport is not None
        self._receiver = None
        self.deadline = NEVER
        if self._is_paused:
            self._is_paused = False
            transport.resume_reading()
        return Detached(transport, self, self._parser.behind, self.is_congested)

    def on_deadline(self) -> None:
        """Fail: the upstream took too long."""
        if self._receiver is not None:
            self._fail(self.timeout_failure())

    # Opening

    async def _connect(self) -> None:
        try:
            await self._open()
        except (OSError, UnicodeError) as error:
            self._connecting = None
            self._fail(failure_of(error), str(error))
        except UpstreamError as error:
            self._connecting = None
            self._fail(error.failure, error.detail)

    async def _open(self) -> None:
        if self._owner is not None:
            await self._owner.find(self)
            if self._transport is not None:
                return
        self._begun_at = time.perf_counter()  # behind who waited for a place, or a name
        await open_connection(self._loop, self, self, self._on_moved)

    def _on_moved(self, other: Peer, failure: Failure) -> None:
        if self._owner is not None:
            self._owner.on_moved(self, other, failure)
        self.peer = other

    def adopt(self, idle: "UpstreamConnection") -> None:
        """Go on with the open connection of ``idle``, which is quiet and is nothing any more; only in ``find``."""
        self._transport, idle._transport = idle._transport, None
        self._kernel, idle._kernel = idle._kernel, None
        idle._parser.close()
        assert self._transport is not None
        assert self._kernel is not None
        self._transport.set_protocol(self)
        self._connecting = None
        self.is_reused = True
        self.is_congested = False
        pending, self._pending = self._pending, []
        self._kernel.send(b"".join(pending))
        self._wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what was written before the connection was open."""
        self._connecting = None
        # A cast, since uvloop's transports are no subclasses of asyncio's.
        opened = self._transport = cast("asyncio.Transport", transport)
        receiver = self._receiver
        if receiver is None:
            opened.abort()
            return
        opened.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        if self._owner is not None:
            self._owner.on_opened(self, time.perf_counter() - self._begun_at)
        kernel = self._kernel = view_of(opened)
        pending, self._pending = self._pending, []
        self.is_congested = False
        self._is_unasked = kernel.has_spoken()
        kernel.send(b"".join(pending))
        self._wait()
        if not self._is_whole:
            self._last_words = LastWords(opened)
            if not self.is_congested:
                receiver.on_upstream_writable()

    # The answer

    def data_received(self, data: bytes) -> None:
        """Read a part of the answer. Bytes while nobody asked for any end the connection."""
        receiver = self._receiver
        if receiver is None:
            self._poisoned()
            self._close()
            return
        if not self.has_answer:
            if not self._is_upload and not self._is_delivered():
                self._is_unasked = True
            if self._is_unasked and self.is_reused:
                self._poisoned()
                self._fail(Failure.UNASKED_RESPONSE)
                return
            self.has_answer = True
        parser = self._parser
        try:
            events = parser.feed(data)
        except UpstreamError as error:
            if parser.pending and not self._is_unasked:
                receiver.on_response(parser.pending)
            self._fail(error.failure, error.detail)
            return
        if self._is_unasked and any(
            isinstance(event, ResponseHead) and event.status < 400 for event in events
        ):
            self._poisoned()
            self._fail(Failure.UNASKED_RESPONSE)
            return
        if parser.is_done:
            self._finish()
        elif parser.response is not None:
            self._wait()
        if events:
            receiver.on_response(events)

    def _is_delivered(self) -> bool:
        """Whether the upstream's kernel has got all that was sent."""
        transport, kernel = self._transport, self._kernel
        assert transport is not None
        assert kernel is not None
        if transport.is_closing():
            return True
        return transport.get_write_buffer_size() == 0 and kernel.has_delivered_all()

    def eof_received(self) -> bool:
        """Take the upstream's end: of an answer that it delimits, or of a connection."""
        receiver = self._receiver
        if receiver is not None:
            try:
                events = self._parser.eof()
            except UpstreamError as error:
                self._fail(self._early(error.failure), error.detail)
                return False
            self._finish()
            receiver.on_response(events)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way."""
        words, self._last_words = self._last_words, None
        if words is not None:
            if self._receiver is not None and not self._is_whole and exc is not None:
                self._hear_last_words(words)
            words.close()
        if self._receiver is not None:
            failure = (
                Failure.CLOSED_EARLY if self._parser.response is None else Failure.CUT_RESPONSE
            )
            self._fail(self._early(failure), str(exc or ""))
        self._close()
        self._parser.close()
        self._forget()

    def pause_writing(self) -> None:
        """Hold the receiver back; the upstream must take something before the idle time-out."""
        self.is_congested = True
        if self._receiver is not None:
            self._wait()
            self._receiver.on_upstream_congested()

    def resume_writing(self) -> None:
        """Let the receiver write on."""
        self.is_congested = False
        if self._receiver is not None:
            self._wait()
            self._receiver.on_upstream_writable()

    # Ending

    def _early(self, failure: Failure) -> Failure:
        """An end before the answer, while the request was still being sent, is a failure to send."""
        if failure is Failure.CLOSED_EARLY and not self._is_its_turn:
            return Failure.SEND_FAILED
        return failure

    def _finish(self) -> None:
        """Let go of the receiver after a whole answer; keep the connection if it is clean."""
        self._receiver = None
        self.deadline = NEVER
        self._drop_last_words()
        transport = self._transport
        if (
            self._owner is not None
            and self._parser.may_reuse
            and self._is_whole
            and not self._is_unasked
            and transport is not None
            and not transport.is_closing()
            and transport.get_write_buffer_size() == 0
        ):
            self._owner.on_free(self)
            return
        if self._owner is not None:
            self._owner.on_answered(self)
        if self._parser.is_poisoned:
            self._poisoned()
        self._close()

    def _fail(self, failure: Failure, detail: str = "") -> None:
        receiver, self._receiver = self._receiver, None
        if self._owner is not None:
            self._owner.on_failed(self, failure)
        self._close()
        if receiver is not None:
            receiver.on_upstream_failed(failure, detail)

    def _close(self) -> None:
        self.deadline = NEVER
        self._pending = []
        self._drop_last_words()
        if self._transport is not None:
            self._transport.abort()
            return
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._forget()

    def _poisoned(self) -> None:
        if self._owner is not None:
            self._owner.on_poisoned(self)

    def _forget(self) -> None:
        if self._owner is not None:
            self._owner.on_gone(self)

    def _hear_last_words(self, words: LastWords) -> None:
        """Read an answer that came before the upstream hung up on the request's body."""
        for data in words.hear():
            self.data_received(data)
            if self._receiver is None:
                return
        if words.is_end:
            self.eof_received()

    def _drop_last_words(self) -> None:
        if self._last_words is not None:
            self._last_words.close()
            self._last_words = None
