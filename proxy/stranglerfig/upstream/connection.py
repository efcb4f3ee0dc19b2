"""One connection to an upstream: the only sockets of this room.

It carries one request at a time for a *receiver*, from ``begin`` until the receiver got the end of the answer or a
failure, exactly one of them, and nothing after it. What is written before the connection is open waits in memory;
``is_congested`` tells the receiver to hold back.

Which deadline applies when: until it is open ``connect``; while the upstream takes no more of a body, and between two
pieces of the answer's body, ``idle``; from the request's end to the answer's head ``response``; none while the client is waited
for.
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final, Protocol, cast

from stranglerfig.config.model import Timeouts, Upstream
from stranglerfig.http1.failure import Failure, UpstreamError
from stranglerfig.http1.response_parser import ResponseEvent, ResponseParser
from stranglerfig.upstream.deadlines import NEVER
from stranglerfig.upstream.last_words import LastWords

HIGH_WATER_BYTES: Final = 64 * 1024


class Receiver(Protocol):
    """Who gets what the upstream sends."""

    def on_response(self, events: Sequence[ResponseEvent]) -> None:
        """Take the next part of the answer."""

    def on_upstream_failed(self, failure: Failure, detail: str) -> None:
        """Take notice that the exchange is over."""

    def on_upstream_congested(self) -> None:
        """Write no more for now."""

    def on_upstream_writable(self) -> None:
        """Write on."""


class Owner(Protocol):
    """Who keeps connections between two requests."""

    def on_free(self, connection: "UpstreamConnection") -> None:
        """Take back a connection that can carry another request."""

    def on_gone(self, connection: "UpstreamConnection") -> None:
        """Forget a connection that is closed."""

    def on_moved(self, connection: "UpstreamConnection", address: str) -> None:
        """Take notice that it did not come about at its address, and is tried at ``address``."""


class UpstreamConnection(asyncio.Protocol):
    """A connection to ``upstream``, opened by ``begin`` when it is used first."""

    __slots__ = (
        "_connecting",
        "_has_answer",
        "_is_whole",
        "_last_words",
        "_loop",
        "_owner",
        "_parser",
        "_pending",
        "_receiver",
        "_timeouts",
        "_transport",
        "address",
        "deadline",
        "elsewhere",
        "is_congested",
        "is_reused",
        "upstream",
    )

    def __init__(
        self, upstream: Upstream, loop: asyncio.AbstractEventLoop, owner: Owner | None = None
    ) -> None:
        self.upstream = upstream
        self.address = upstream.host
        """Where it is opened: the host, or one of its addresses."""
        self.elsewhere: Sequence[str] = ()
        """Where it is tried, in this order, when it does not come about there."""
        self.deadline = NEVER
        self.is_congested = False
        self.is_reused = False
        self._timeouts: Timeouts = upstream.timeouts
        self._loop = loop
        self._owner = owner
        self._parser = ResponseParser()
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._pending: list[bytes] = []
        self._receiver: Receiver | None = None
        self._is_whole = False
        self._has_answer = False
        self._last_words: LastWords | None = None

    @property
    def has_answer(self) -> bool:
        """Whether any byte came since ``begin``."""
        return self._has_answer

    def begin(
        self, receiver: Receiver, upstream: Upstream, data: bytes, *, is_head: bool, is_whole: bool
    ) -> None:
        """Send a request's head, or all of it if ``is_whole``, and give the answer to ``receiver``."""
        self._receiver = receiver
        self.upstream = upstream  # a reload may have changed its name and its time-outs
        self._timeouts = upstream.timeouts
        self._is_whole = is_whole
        self._has_answer = False
        self._parser.begin(is_head=is_head)
        transport = self._transport
        if transport is None:
            self._pending.append(data)
            self.is_congested = True
            self.deadline = self._loop.time() + self._timeouts.connect_s
            self._connecting = self._loop.create_task(self._connect(), name="connect")
            return
        self.is_reused = True
        self.deadline = self._loop.time() + self._timeouts.response_s if is_whole else NEVER
        transport.write(data)

    def write(self, data: bytes) -> None:
        """Send a piece of the request's body, already framed."""
        if self._transport is None:
            self._pending.append(data)
            return
        if self._parser.response is not None:
            self.deadline = self._loop.time() + self._timeouts.idle_s
        self._transport.write(data)

    def end(self, data: bytes = b"") -> None:
        """Send the last bytes of the request; the answer is waited for from now on."""
        if data:
            self.write(data)
        self._is_whole = True
        if self._transport is not None and self._parser.response is None:
            self.deadline = self._loop.time() + self._timeouts.response_s

    def pause_reading(self) -> None:
        """Take no more of the answer: the client does not read."""
        if self._transport is not None and self._receiver is not None:
            self._transport.pause_reading()
            self.deadline = NEVER

    def resume_reading(self) -> None:
        """Take the answer again."""
        if self._transport is not None and self._receiver is not None:
            self._transport.resume_reading()
            self.deadline = self._loop.time() + self._timeouts.idle_s

    def abort(self) -> None:
        """Give the request up and close at once; the receiver hears nothing more."""
        self._receiver = None
        self._close()

    def timeout_failure(self) -> Failure:
        """Say what a deadline that passes now would be."""
        if self._transport is None:
            return Failure.CONNECT_TIMEOUT
        if self._parser.response is not None:
            return Failure.BODY_STALLED
        return Failure.RESPONSE_TIMEOUT if self._is_whole else Failure.SEND_TIMEOUT

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
            self._fail(Failure.CONNECT_FAILED, str(error))

    async def _open(self) -> None:
        """Open it at its address, else at another one of its name: nothing has been sent yet, so any will do."""
        for tried, other in enumerate(self.elsewhere):
            # An address that is silent must leave time for the others.
            share_s = (self.deadline - self._loop.time()) / (len(self.elsewhere) - tried + 1)
            try:
                opened = await self._reach(share_s)
            except OSError:
                if self._owner is not None:
                    self._owner.on_moved(self, other)
                self.address = other
            else:
                await self._loop.create_connection(lambda: self, sock=opened)
                return
        await self._loop.create_connection(lambda: self, self.address, self.upstream.port)

    async def _reach(self, within_s: float) -> socket.socket:
        """A connected socket. Raises ``OSError``, of which ``TimeoutError`` is one."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        opening = socket.socket(family, socket.SOCK_STREAM)
        try:
            opening.setblocking(False)
            async with asyncio.timeout(within_s):
                await self._loop.sock_connect(opening, (self.address, self.upstream.port))
        except BaseException:
            opening.close()
            raise
        return opening

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
        pending, self._pending = self._pending, []
        self.is_congested = False
        self.deadline = self._loop.time() + self._timeouts.response_s if self._is_whole else NEVER
        opened.write(b"".join(pending))
        if not self._is_whole:
            self._last_words = LastWords(opened)
            if not self.is_congested:
                receiver.on_upstream_writable()

    # The answer

    def data_received(self, data: bytes) -> None:
        """Read a part of the answer. Bytes while nobody asked for any end the connection."""
        receiver = self._receiver
        if receiver is None:
            self._close()
            return
        self._has_answer = True
        parser = self._parser
        try:
            events = parser.feed(data)
        except UpstreamError as error:
            if parser.pending:
                receiver.on_response(parser.pending)
            self._fail(error.failure, error.detail)
            return
        if parser.is_done:
            self._finish()
        elif parser.response is not None:
            self.deadline = self._loop.time() + self._timeouts.idle_s
        if events:
            receiver.on_response(events)

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
            self.deadline = self._loop.time() + self._timeouts.idle_s
            self._receiver.on_upstream_congested()

    def resume_writing(self) -> None:
        """Let the receiver write on."""
        self.is_congested = False
        if self._receiver is not None:
            if self._parser.response is None:
                self.deadline = (
                    self._loop.time() + self._timeouts.response_s if self._is_whole else NEVER
                )
            self._receiver.on_upstream_writable()

    # Ending

    def _early(self, failure: Failure) -> Failure:
        """An end before the answer, while the request was still being sent, is a failure to send."""
        if failure is Failure.CLOSED_EARLY and not self._is_whole:
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
            and not self.is_congested
            and transport is not None
            and not transport.is_closing()
        ):
            self._owner.on_free(self)
        else:
            self._close()

    def _fail(self, failure: Failure, detail: str = "") -> None:
        receiver, self._receiver = self._receiver, None
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

    def _forget(self) -> None:
        if self._owner is not None:
            self._owner.on_gone(self)

    def _hear_last_words(self, words: LastWords) -> None:
        """Read an answer that came before the upstream hung up on the request's body."""
        for data in words.hear():
            self.data_received(data)
            if self._receiver is None:
                return
        self.eof_received()

    def _drop_last_words(self) -> None:
        if self._last_words is not None:
            self._last_words.close()
            self._last_words = None
