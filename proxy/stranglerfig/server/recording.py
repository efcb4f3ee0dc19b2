"""A copy of one exchange for the comparer, taken beside the client's stream and never touching it.

Every recording ends in exactly one entry of the tee's account: offered, or skipped for the first reason that arose.
"""

from typing import Final

from stranglerfig.compare.observation import RecordedRequest, RecordedResponse, SkipReason
from stranglerfig.http1.headers import Header, first_value
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.routing.plan import Plan
from stranglerfig.server.tee import Tee

MAX_REQUEST_BODY_BYTES: Final = 256 * 1024
MAX_RESPONSE_BODY_BYTES: Final = 1024 * 1024


class Recording:
    """Gathers request and answer of an exchange whose plan asks the other side too."""

    __slots__ = (
        "_is_over",
        "_plan",
        "_request_bytes",
        "_request_pieces",
        "_response",
        "_response_bytes",
        "_response_pieces",
        "_skip",
        "_started_at",
        "_tee",
    )

    def __init__(self, tee: Tee, plan: Plan, started_at: float) -> None:
        """``started_at`` is unix seconds."""
        assert plan.capability is not None
        self._tee = tee
        self._plan = plan
        self._started_at = started_at
        self._request_pieces: list[bytes] = []
        self._request_bytes = 0
        self._response: ResponseHead | None = None
        self._response_pieces: list[bytes] = []
        self._response_bytes = 0
        self._skip: SkipReason | None = None
        self._is_over = False
        tee.asked(plan.capability)

    def request_body(self, data: bytes) -> None:
        """Copy a piece of the request's body, up to the cap."""
        self._request_bytes += len(data)
        if self._request_bytes > MAX_REQUEST_BODY_BYTES:
            self._give_up(SkipReason.REQUEST_BODY_TOO_LARGE)
        elif self._skip is None:
            self._request_pieces.append(data)

    def response_head(self, head: ResponseHead) -> None:
        """Take the answer's head."""
        self._response = head
        kind = first_value(head.headers, b"content-type") or b""
        if head.status == 206 or kind.lower().startswith(b"text/event-stream"):
            self._give_up(SkipReason.NOT_COMPARABLE)

    def response_body(self, data: bytes) -> None:
        """Copy a piece of the answer's body, up to the cap."""
        self._response_bytes += len(data)
        if self._response_bytes > MAX_RESPONSE_BODY_BYTES:
            self._give_up(SkipReason.RESPONSE_BODY_TOO_LARGE)
        elif self._skip is None:
            self._response_pieces.append(data)

    def skip(self, reason: SkipReason) -> None:
        """End without an offer; an earlier reason stands."""
        if not self._is_over:
            self._is_over = True
            assert self._plan.capability is not None
            self._tee.skip(self._plan.capability, self._skip or reason)

    def offer(
        self,
        *,
        method: str,
        target: bytes,
        headers: tuple[Header, ...],
        request_id: bytes,
        elapsed_s: float,
    ) -> None:
        """End with the whole answer: hand it to the comparer."""
        response, plan = self._response, self._plan
        if self._skip is not None or response is None:
            self.skip(SkipReason.UPSTREAM_FAILED)
            return
        if self._is_over:
            return
        self._is_over = True
        assert plan.capability is not None
        assert plan.stage is not None
        self._tee.offer(
            request_id=request_id.decode("latin-1"),
            generation=plan.generation,
            capability=plan.capability,
            route=plan.route or "",
            stage=plan.stage.value,
            side=plan.side.value,
            answered_by=plan.upstream or "",
            other=plan.other or "",
            request=RecordedRequest(method, target, headers, b"".join(self._request_pieces)),
            response=RecordedResponse(
                response.status, tuple(response.headers), b"".join(self._response_pieces)
            ),
            started_at=self._started_at,
            elapsed_s=elapsed_s,
        )

    def _give_up(self, reason: SkipReason) -> None:
        if self._skip is None:
            self._skip = reason
            self._request_pieces.clear()
            self._response_pieces.clear()
