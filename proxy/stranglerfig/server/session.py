"""One client connection: requests are read as they come and answered in the order they came, one at a time.

While an exchange is under way, requests that come behind it wait in a queue and the socket is not read: a client gets
no more memory than one read. After a refused request nothing is served, and the connection is closed so that the client
still gets the refusal (RFC 9112 section 9.6).
"""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Sequence
from typing import Final, cast

import structlog

from stranglerfig.http1.failure import ClientError, Failure
from stranglerfig.http1.forwarded import Network, PeerHeaders
from stranglerfig.http1.headers import Header
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import END, RequestEvent, RequestParser
from stranglerfig.server.answers import error_answer
from stranglerfig.server.exchange import Exchange
from stranglerfig.server.flow_control import Hold, ReadGate
from stranglerfig.server.runtime import Runtime, new_request_id
from stranglerfig.upstream.deadlines import NEVER

log = structlog.get_logger(__name__)

HIGH_WATER_BYTES: Final = 64 * 1024
# As nginx's keepalive_timeout. Browsers that want to keep a connection longer open a new one without complaint.
IDLE_S: Final = 75.0
# From a request's first byte to its head's last: heads that trickle in are a cheap way to hold connections.
HEAD_S: Final = 30.0
# Without a byte of a body from the client, or without it taking one of the answer.
STALL_S: Final = 60.0
# After an answer to half a request, so that it is read before the reset that unread bytes cause.
LINGER_S: Final = 10.0
_RESET: Final = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds


class ClientSession(asyncio.Protocol):
    """The protocol of one accepted connection."""

    __slots__ = (
        "_exchange",
        "_gate",
        "_is_closing",
        "_is_congested",
        "_is_head_timed",
        "_is_pumping",
        "_is_request_open",
        "_parser",
        "_peer",
        "_peer_headers",
        "_queue",
        "_runtime",
        "_transport",
        "_trusted",
        "deadline",
    )

    def __init__(self, runtime: Runtime) -> None:
        self.deadline = NEVER
        self._runtime = runtime
        self._parser = RequestParser()
        self._queue: deque[RequestEvent] = deque()
        self._exchange: Exchange | None = None
        self._is_request_open = False  # its end has not been read
        self._is_congested = False
        self._is_closing = False
        self._is_pumping = False
        self._is_head_timed = False
        self._peer = ""
        self._trusted: Sequence[Network] | None = None
        self._peer_headers: PeerHeaders | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take an accepted connection."""
        # A cast, since uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self._gate = ReadGate(self._transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self.deadline = self._runtime.loop.time() + IDLE_S
        self._runtime.sessions.add(self)
        self._runtime.deadlines.add(self)
        self._runtime.meters.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or we hung up."""
        self._is_closing = True
        self.deadline = NEVER
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.on_client_gone()
        self._queue.clear()
        self._parser.close()
        runtime = self._runtime
        runtime.deadlines.discard(self)
        runtime.sessions.discard(self)
        if not runtime.sessions:
            runtime.on_last_session_gone.set()

    # What the exchange needs of the client

    def peer_headers(self, trusted: Sequence[Network]) -> PeerHeaders:
        """Give the maker of forwarded headers for this client, under the trusted networks of a snapshot."""
        if self._peer_headers is None or self._trusted is not trusted:
            self._peer_headers = PeerHeaders(self._peer, trusted)
            self._trusted = trusted
        return self._peer_headers

    @property
    def is_trusted(self) -> bool:
        """Whether the peer was in the trusted networks last asked for."""
        return self._peer_headers is not None and self._peer_headers.is_trusted

    def write(self, data: bytes) -> None:
        """Send a part of an answer."""
        if not self._is_closing:
            self._transport.write(data)

    def answer(
        self,
        failure: Failure,
        head: RequestHead | None,
        request_id: bytes,
        *,
        keep_alive: bool,
        extra: tuple[Header, ...] = (),
    ) -> int:
        """Send an answer of the proxy's own; gives how many bytes it has."""
        data = error_answer(failure, head, request_id, keep_alive=keep_alive, extra=extra)
        self.write(data)
        return len(data)

    def hold_body(self) -> None:
        """Read no more of the request's body: the upstream does not take it."""
        self._gate.hold(Hold.UPSTREAM)
        self._await_body()

    def release_body(self) -> None:
        """Read the request's body again."""
        self._gate.release(Hold.UPSTREAM)
        if self._exchange is not None and self._exchange.is_waiting_for_client:
            self._await_body()

    def cut(self, *, reset: bool) -> None:
        """End the connection in the middle of an answer, with a reset if closing would look like its normal end."""
        self._exchange = None
        self._is_closing = True
        if reset:
            # Without lingering the kernel closes with RST; a plain close would be FIN, an orderly end.
            known = self._transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
        else:
            self._close()

    def on_exchange_done(self, *, keep_alive: bool) -> None:
        """Go on with the next request, or close."""
        self._exchange = None
        self._gate.release(Hold.UPSTREAM)
        if not keep_alive or self._is_request_open:
            self._close_gently()
        elif self._queue:
            self._pump()
        elif self._runtime.closes_idle:
            self._close_gently()
        else:
            self._await_request()

    # Reading

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        if self._is_closing:
            return
        try:
            events = self._parser.feed(data)
            if self._queue:
                self._queue.extend(events)
            else:
                self._take(events)
        except Exception as error:
            self.fail(error)
            return
        exchange = self._exchange
        if exchange is None:
            if self._parser.is_inside_head and not self._is_head_timed and not self._is_closing:
                # From the first byte, and not anew with each: a head may not trickle in.
                self._is_head_timed = True
                self._await_request()
        elif exchange.is_waiting_for_client:
            self._await_body()

    def _take(self, events: Sequence[RequestEvent]) -> None:
        """Handle events until a request must wait for the one before it; queue the rest."""
        for index, event in enumerate(events):
            if self._is_closing:
                return
            if self._must_wait():
                self._queue.extend(events[index:])
                self._gate.hold(Hold.PIPELINE)
                return
            self._handle(event)

    def _pump(self) -> None:
        """Serve what waits, as far as possible. Not by recursion: thousands may wait."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            queue = self._queue
            while queue and not self._is_closing:
                if self._must_wait():
                    return
                self._handle(queue.popleft())
        except Exception as error:
            self.fail(error)
        finally:
            self._is_pumping = False
        if not self._is_closing and not self._queue:
            self._gate.release(Hold.PIPELINE)
            if self._exchange is None:
                self._await_request()

    def _must_wait(self) -> bool:
        """Whether what comes next must not be handled yet: a whole request is being answered, or answers pile up."""
        return not self._is_request_open if self._exchange is not None else self._is_congested

    def _handle(self, event: RequestEvent) -> None:
        exchange = self._exchange
        if isinstance(event, RequestHead):
            self.deadline = NEVER
            self._is_head_timed = False
            self._is_request_open = event.has_body
            exchange = self._exchange = Exchange(self, self._runtime, event)
            exchange.begin()
        elif event is END:
            self._is_request_open = False
            if exchange is not None:
                self._await_body()
                exchange.on_request_end()
        elif isinstance(event, ClientError):
            self._is_request_open = True  # it has no end that we could find
            if exchange is not None:
                exchange.abandon(event.failure)
            else:
                self._refuse(event.failure)
        elif exchange is not None:
            exchange.on_request_body(event)

    def _refuse(self, failure: Failure) -> None:
        """Answer a request whose head could not be read, and close."""
        self._runtime.meters.refused(failure.kind)
        request_id = new_request_id()
        sent_bytes = self.answer(failure, None, request_id, keep_alive=False)
        self._runtime.log_unread(self._peer, request_id, failure, sent_bytes)
        self._close_gently()

    def fail(self, error: Exception) -> None:
        """End the connection after a mistake of our own; the other connections go on."""
        log.error("session_failed", exc_info=error)
        if self._exchange is not None:
            self._exchange.abandon(Failure.PROXY_ERROR)
        elif not self._is_closing:
            self._refuse(Failure.PROXY_ERROR)

    # Flow control by the transport

    def pause_writing(self) -> None:
        """The client does not read its answer."""
        self._is_congested = True
        self.deadline = self._runtime.loop.time() + STALL_S
        if self._exchange is not None:
            self._exchange.on_client_congested()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._is_congested = False
        if self._is_closing:
            return
        self.deadline = NEVER
        if self._exchange is not None:
            self._exchange.on_client_writable()
            if self._exchange.is_waiting_for_client:
                self._await_body()
        elif self._queue:
            self._pump()
        else:
            self._await_request()

    # Time

    def _await_request(self) -> None:
        self.deadline = self._runtime.loop.time() + (
            HEAD_S if self._parser.is_inside_head else IDLE_S
        )

    def _await_body(self) -> None:
        """Wait for more of the body, unless the client is waited for anyway or the upstream takes none."""
        if self._is_congested:
            return
        is_held = not self._is_request_open or self._gate.is_held(Hold.UPSTREAM)
        self.deadline = NEVER if is_held else self._runtime.loop.time() + STALL_S

    def on_deadline(self) -> None:
        """The client took too long."""
        exchange = self._exchange
        if self._is_closing or (exchange is None and not self._parser.is_inside_head):
            self._transport.abort()
        elif exchange is None:
            self._refuse(Failure.HEAD_TIMEOUT)
        elif self._is_congested:
            self._runtime.meters.client_gone()
            exchange.abandon(Failure.CLIENT_STALLED)
        else:
            self._is_request_open = True
            exchange.abandon(Failure.BODY_TIMEOUT)

    # Closing

    def drain(self) -> None:
        """Close if nothing is under way; else the exchange does so when it ends."""
        if self._exchange is None and not self._queue and not self._parser.is_inside_head:
            self._close_gently()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _close_gently(self) -> None:
        """Close after what was written has been sent.

        Closing a socket that holds unread bytes resets it, and the client may lose the answer. So where bytes of a
        request are still to come, our side is closed and they are read and thrown away for a while.
        """
        self._is_closing = True
        self._queue.clear()
        if self._is_request_open and self._transport.can_write_eof():
            self._gate.release_all()
            self.deadline = self._runtime.loop.time() + LINGER_S
            self._transport.write_eof()
        else:
            self._close()

    def _close(self) -> None:
        """Close when all that was written has been sent; the client must take it in time."""
        self.deadline = self._runtime.loop.time() + STALL_S
        self._transport.close()
