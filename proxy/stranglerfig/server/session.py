"""One client connection: requests are read as they come and answered in the order they came, one at a time.

While an exchange is under way, requests that come behind it wait in a queue and the socket is not read: a client gets
no more memory than one read. After a refused request nothing is served, and the connection is closed so that the client
still gets the refusal (RFC 9112 section 9.6).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, cast

import structlog

from stranglerfig.http1.failure import ClientError, Failure
from stranglerfig.http1.headers import Header
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_line import END_OF_HEAD
from stranglerfig.http1.request_parser import END, RequestEvent, RequestParser
from stranglerfig.server.answers import COME_AGAIN_AFTER_S, error_answer
from stranglerfig.server.exchange import Exchange
from stranglerfig.server.flow_control import Hold, ReadGate
from stranglerfig.server.patience import Patience
from stranglerfig.server.peer import Peer
from stranglerfig.server.places import UNBOUNDED, Refused
from stranglerfig.server.reset import reset as reset_connection
from stranglerfig.server.runtime import Runtime, new_request_id
from stranglerfig.tls.connection import TlsConnection
from stranglerfig.upstream.roles import Detached

log = structlog.get_logger(__name__)

HIGH_WATER_BYTES: Final = 64 * 1024


class ClientSession(asyncio.Protocol):
    """The protocol of one accepted connection."""

    __slots__ = (
        "_body_left",
        "_entered",
        "_exchange",
        "_gate",
        "_is_closing",
        "_is_congested",
        "_is_head_timed",
        "_is_pumping",
        "_is_request_open",
        "_parser",
        "_patience",
        "_queue",
        "_runtime",
        "_transport",
        "peer",
    )

    def __init__(self, runtime: Runtime, peer: Peer | None = None) -> None:
        """``peer``: the client's end, if it has taken its place already."""
        self._entered = peer
        self._runtime = runtime
        self._parser = RequestParser(runtime.head_limits)
        self._queue: deque[RequestEvent] = deque()
        self._exchange: Exchange | None = None
        self._body_left = UNBOUNDED  # bytes that may still come in chunks
        self._is_request_open = False  # its end has not been read
        self._is_congested = False
        self._is_closing = False
        self._is_pumping = False
        self._is_head_timed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take an accepted connection."""
        # A cast, since uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self._gate = ReadGate(self._transport)
        runtime = self._runtime
        self._patience = Patience(self, runtime, self._transport)
        runtime.sessions.add(self)
        runtime.deadlines.add(self._patience)
        runtime.meters.connected()
        self.peer = self._entered or Peer(transport, runtime.places)
        if self.peer.refused is not None:
            self._turn_away(self.peer.refused)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or we hung up."""
        self._is_closing = True
        self._patience.nothing()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.on_client_gone()
        self._queue.clear()
        self._parser.close()
        runtime = self._runtime
        runtime.deadlines.discard(self._patience)
        runtime.sessions.discard(self)
        self.peer.leave()
        if not runtime.sessions:
            runtime.on_last_session_gone.set()

    # What the exchange needs of the client

    def write(self, data: bytes) -> None:
        """Send a part of an answer."""
        if not self._is_closing:
            if self._is_congested:
                self._patience.wrote(len(data))
            self._transport.write(data)

    def answer(
        self,
        failure: Failure,
        head: RequestHead | None,
        request_id: bytes,
        *,
        keep_alive: bool,
        extra: tuple[Header, ...] = (),
        again_after_s: int = COME_AGAIN_AFTER_S,
    ) -> int:
        """Send an answer of the proxy's own; gives how many bytes it has."""
        data = error_answer(
            failure,
            head,
            request_id,
            keep_alive=keep_alive,
            extra=extra,
            again_after_s=again_after_s,
        )
        self.write(data)
        return len(data)

    def detach(self) -> Detached:
        """Give the connection away for a tunnel. The session is known, as one that is busy, until it is told of its loss."""
        self._patience.nothing()
        self._gate.release_all()
        return Detached(self._transport, self, self._parser.take_held(), self._is_congested)

    def hold_body(self) -> None:
        """Read no more of the request's body: the upstream does not take it."""
        self._gate.hold(Hold.UPSTREAM)
        self.await_body()

    def release_body(self) -> None:
        """Read the request's body again."""
        self._gate.release(Hold.UPSTREAM)
        if self._exchange is not None and self._exchange.is_waiting_for_client:
            self.await_body()

    def await_body(self, came: int = 0) -> None:
        """Wait for more than the ``came`` bytes of the body, unless the client is waited for anyway or the upstream takes none."""
        if self._is_congested:
            return
        if not self._is_request_open or self._gate.is_held(Hold.UPSTREAM):
            self._patience.nothing()
        else:
            self._patience.body(came)

    def cut(self, *, reset: bool) -> None:
        """End the connection in the middle of an answer, with a reset if closing would look like its normal end."""
        self._exchange = None
        self._is_closing = True
        if reset:
            reset_connection(self._transport)
        elif isinstance(self._transport, TlsConnection):
            self._patience.flush()
            self._transport.close_unannounced()
        else:
            self._close()

    def on_exchange_done(self, *, keep_alive: bool) -> None:
        """Go on with the next request, or close."""
        exchange, self._exchange = self._exchange, None
        self._gate.release(Hold.UPSTREAM)
        if not keep_alive or self._is_request_open:
            self._close_gently()
            return
        # What is held is behind a request for an upgrade: not behind one that was answered before it.
        if self._parser.is_holding and exchange is not None and exchange.asks_for_upgrade:
            self._queue.extend(self._parser.read_on())
            if not self._queue:
                self._gate.release(Hold.PIPELINE)
        if self._queue:
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
            elif events:
                self._take(events)
            elif self._parser.is_holding:
                self._gate.hold(Hold.PIPELINE)
        except Exception as error:
            self.fail(error)
            return
        exchange = self._exchange
        if exchange is None:
            if self._parser.is_inside_head and not self._is_head_timed and not self._is_closing:
                # From the first byte, and not anew with each: a head may not trickle in.
                self._is_head_timed = True
                self._await_request()
        else:
            if _holds_more(events, data):
                exchange.begin_body()  # by no byte of it yet, but of a chunk's size
            if exchange.is_waiting_for_client:
                self.await_body(len(data))

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
            self._patience.nothing()
            self._is_head_timed = False
            self._is_request_open = event.has_body
            if event.has_body:
                self._body_left = self._runtime.limits.body_size or UNBOUNDED
            exchange = self._exchange = Exchange(self, self._runtime, event)
            exchange.begin()
        elif event is END:
            self._is_request_open = False
            # From here on the socket tells only that the client leaves, and that must be heard.
            self._gate.release(Hold.UPSTREAM)
            if exchange is not None:
                self.await_body()
                exchange.on_request_end()
        elif isinstance(event, ClientError):
            self._is_request_open = True  # it has no end that we could find
            if exchange is not None:
                exchange.abandon(event.failure)
            else:
                self._refuse(event.failure)
        elif exchange is not None:
            self._body_left -= len(event)
            if self._body_left >= 0:
                exchange.on_request_body(event)
            else:
                exchange.abandon(Failure.BODY_TOO_LARGE)

    def _refuse(self, failure: Failure) -> None:
        """Answer a request whose head could not be read, or a connection, and close."""
        self._runtime.meters.refused(failure.kind)
        request_id = new_request_id()
        sent_bytes = self.answer(failure, None, request_id, keep_alive=False)
        self._runtime.log_unread(self.peer.address, request_id, failure, sent_bytes)
        self._close_gently()

    def _turn_away(self, refused: Refused) -> None:
        """Tell a connection that there is no place for it, or, where many must be told, just cut it."""
        if refused.is_told:
            # What it sends is read and thrown away, so that it reads why.
            self._is_request_open = True
            self._refuse(refused.failure)
        else:
            self._runtime.meters.refused(refused.failure.kind)
            self.cut(reset=True)

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
        self._patience.reader()
        if self._exchange is not None:
            self._exchange.on_client_congested()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._is_congested = False
        if self._is_closing:
            return
        self._patience.nothing()
        if self._exchange is not None:
            self._exchange.on_client_writable()
            if self._exchange.is_waiting_for_client:
                self.await_body()
        elif self._queue:
            self._pump()
        else:
            self._await_request()

    # Time

    def _await_request(self) -> None:
        if self._parser.is_inside_head:
            self._patience.head()
        else:
            self._patience.request()

    def on_too_slow(self, failure: Failure | None) -> None:
        """The client took too long."""
        exchange = self._exchange
        if self._is_closing:
            self._transport.abort()
        elif failure is None:
            self._close()
        elif exchange is not None:
            if failure is Failure.CLIENT_STALLED:
                self._runtime.meters.client_gone()
            else:
                self._is_request_open = True
            exchange.abandon(failure)
        elif failure is Failure.CLIENT_STALLED:  # the answer was whole, and is not taken
            self._transport.abort()
        else:
            self._refuse(failure)

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
            self._patience.linger()
            self._transport.write_eof()
        else:
            self._close()

    def _close(self) -> None:
        """Close when all that was written has been sent; the client must take it in time."""
        self._is_closing = True
        self._patience.flush()
        self._transport.close()


def _holds_more(events: Sequence[RequestEvent], data: bytes) -> bool:
    """Whether ``data`` has bytes behind the last of its ``events`` if that is a head."""
    return not events or (isinstance(events[-1], RequestHead) and not data.endswith(END_OF_HEAD))
