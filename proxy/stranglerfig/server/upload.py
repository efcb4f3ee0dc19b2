"""The way of a request's body through an exchange, from the client to the upstream that is asked.

What becomes of the exchange is in ``exchange.py``; here the body goes on as it comes, or is held back.

A client that expects a 100 may wait for it (RFC 9110 section 10.1.1), and waits for us then: up to the 100, or the first byte
of a body that comes without, all time is the upstream's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.server.exchange_record import ExchangeRecord
from stranglerfig.server.request_body import RequestBody
from stranglerfig.server.runtime import Runtime

if TYPE_CHECKING:
    from stranglerfig.server.session import ClientSession
    from stranglerfig.upstream.connection import UpstreamConnection

CONTINUE: Final = 100


class Upload(ExchangeRecord):
    """The body of one exchange of ``session``. A base class, for one object less per request."""

    __slots__ = ("_body", "_connection", "_fallback", "_is_over", "_is_whole", "_session")

    def __init__(self, session: "ClientSession", runtime: Runtime, head: RequestHead) -> None:
        super().__init__(runtime, head)
        self._session = session
        self._is_whole = not head.has_body
        self._is_over = False
        self._body = (
            RequestBody(is_chunked=head.is_chunked, awaits_continue=head.expects_continue)
            if head.has_body
            else None
        )
        self._connection: UpstreamConnection | None = None
        self._fallback: str | None = None
        """Who can still be asked in the upstream's place; None as well once a part of an answer went to the client."""

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether the rest of the request's body is still to come, and the client is not the one who waits."""
        return not (self._is_whole or self._is_over or self.awaits_continue)

    @property
    def awaits_continue(self) -> bool:
        """Whether the client may be waiting for a 100."""
        return self._body is not None and self._body.awaits_continue

    def begin_body(self) -> None:
        """Wait for the client from now on: it was told to send the body, or does so unasked."""
        if self._body is None or not self._body.awaits_continue:
            return
        self._body.awaits_continue = False
        if self._connection is not None:
            self._connection.begin_body()
        if self._attempts is not None:
            self._attempts.watch()

    def _heed_continue(self, events: Sequence[ResponseEvent]) -> None:
        """Begin the body if the client was just passed the 100 that it may have waited for."""
        if self.awaits_continue and any(
            isinstance(event, ResponseHead) and event.status == CONTINUE for event in events
        ):
            self.begin_body()
            self._session.await_body()

    def on_request_body(self, data: bytes) -> None:
        """Pass a piece of the body on. What comes after the exchange is over is thrown away."""
        if self._is_over or self._body is None:
            return
        self.begin_body()
        self._body_bytes += len(data)
        if self._recording is not None:
            self._recording.request_body(data)
        self._body.add(data, self._connection)

    def on_request_end(self) -> None:
        """The body is whole."""
        if self._is_whole or self._body is None:
            return
        self.begin_body()
        self._is_whole = True
        self._body.end(self._connection)
        if self._attempts is not None:
            self._attempts.watch()

    def on_upstream_congested(self) -> None:
        """Take no more of the body from the client."""
        self.hold_body()

    def hold_body(self) -> None:
        """Let the client send no more of the body for now."""
        if not self._is_whole:
            self._session.hold_body()

    def on_upstream_writable(self) -> None:
        """Take the body again: it is connected."""
        plan, connection = self._plan, self._connection
        if self._body is not None and self._fallback is None and plan and connection:
            self._body.arrives(connection.upstream.retries, is_repeatable=plan.repeatable)
        self._session.release_body()
