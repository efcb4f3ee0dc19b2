"""The way of a request's body through an exchange, from the client to the upstream that is asked.

What becomes of the exchange is in ``exchange.py``; here the body goes on as it comes, or is held back.
"""

from typing import TYPE_CHECKING

from stranglerfig.http1.request_head import RequestHead
from stranglerfig.server.exchange_record import ExchangeRecord
from stranglerfig.server.request_body import RequestBody
from stranglerfig.server.runtime import Runtime

if TYPE_CHECKING:
    from stranglerfig.server.session import ClientSession
    from stranglerfig.upstream.connection import UpstreamConnection


class Upload(ExchangeRecord):
    """The body of one exchange of ``session``. A base class, for one object less per request."""

    __slots__ = ("_body", "_connection", "_fallback", "_is_over", "_is_whole", "_session")

    def __init__(self, session: "ClientSession", runtime: Runtime, head: RequestHead) -> None:
        super().__init__(runtime, head)
        self._session = session
        self._is_whole = not head.has_body
        self._is_over = False
        self._body = None if self._is_whole else RequestBody(is_chunked=head.is_chunked)
        self._connection: UpstreamConnection | None = None
        self._fallback: str | None = None
        """Who can still be asked in the upstream's place; None as well once a part of an answer went to the client."""

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether the rest of the request's body is still to come."""
        return not self._is_whole and not self._is_over

    def on_request_body(self, data: bytes) -> None:
        """Pass a piece of the body on. What comes after the exchange is over is thrown away."""
        if self._is_over or self._body is None:
            return
        self._body_bytes += len(data)
        if self._recording is not None:
            self._recording.request_body(data)
        self._body.add(data, self._connection)

    def on_request_end(self) -> None:
        """The body is whole."""
        if self._is_whole or self._body is None:
            return
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
