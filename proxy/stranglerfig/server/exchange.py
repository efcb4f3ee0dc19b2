"""One request and its answer through the proxy.

1. ``begin``: the path is checked, the plan made, the request written to a connection of the plan's upstream.
2. The request's body follows as it comes; the answer streams back as it comes, whichever is first.
3. It ends once: with the answer's last byte, with an answer of the proxy's own, with a cut, or with the client gone.

A request that meets a stale pooled connection is sent once more if it changes nothing and has no body. Others never get
a connection that may be stale. After the answer's first byte nothing is tried again.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from stranglerfig.compare.observation import SkipReason
from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure, Phase, Side
from stranglerfig.http1.forwarded import Origin
from stranglerfig.http1.headers import Header
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import END
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.http1.writing import BodyFraming, chunk, last_chunk, request_bytes
from stranglerfig.routing.path import check_path, is_internal, wsgi_path
from stranglerfig.routing.plan import Plan
from stranglerfig.server.answer_stream import AnswerStream
from stranglerfig.server.own_writes import OwnWrites
from stranglerfig.server.planning import make_plan, plan_header, verify_debug, verify_force
from stranglerfig.server.recording import Recording
from stranglerfig.server.runtime import Runtime, new_request_id

if TYPE_CHECKING:
    from stranglerfig.server.session import ClientSession
    from stranglerfig.upstream.connection import UpstreamConnection

log = structlog.get_logger(__name__)

# Where the client and we may not agree on what comes next.
_ENDS_THE_CONNECTION = frozenset({Failure.BAD_PATH, Failure.PROXY_ERROR})
_STALE = frozenset({Failure.CLOSED_EARLY, Failure.SEND_FAILED, Failure.UNASKED_RESPONSE})


class Exchange:
    """One exchange of ``session``; takes the running generation and keeps it to its end."""

    __slots__ = (
        "_answer",
        "_connection",
        "_generation",
        "_head",
        "_is_over",
        "_is_whole",
        "_may_retry",
        "_origin",
        "_own_writes",
        "_plan",
        "_recording",
        "_request",
        "_runtime",
        "_session",
        "_shows_plan",
        "_started_at",
    )

    def __init__(self, session: "ClientSession", runtime: Runtime, head: RequestHead) -> None:
        self._session = session
        self._runtime = runtime
        self._generation = runtime.generation
        self._generation.exchanges += 1
        self._head = head
        self._started_at = time.perf_counter()  # uvloop's own clock is one of whole milliseconds
        self._is_whole = not head.has_body
        self._is_over = False
        self._may_retry = False
        self._shows_plan = False
        self._answer: AnswerStream | None = None
        self._connection: UpstreamConnection | None = None
        self._origin: Origin | None = None
        self._own_writes: OwnWrites | None = None
        self._plan: Plan | None = None
        self._recording: Recording | None = None
        self._request = b""

    @property
    def is_waiting_for_client(self) -> bool:
        """Whether the rest of the request's body is still to come."""
        return not self._is_whole and not self._is_over

    def begin(self) -> None:
        """Plan the request and send it."""
        head, generation = self._head, self._generation
        origin = self._origin = self._session.peer.headers(generation.trusted).origin(
            head.forwarded, head.host, new_request_id
        )
        admission = self._runtime.admission
        if admission.is_on:
            refusal = admission.refusal(head, origin.address, self._runtime.exchanges)
            if refusal is not None:
                self._refuse(refusal.failure, refusal.headers)
                return
        path = wsgi_path(head.target)
        if check_path(head.target, path, allow_dot_segments=generation.allow_dot_segments):
            self._refuse(Failure.BAD_PATH)
            return
        if is_internal(path):
            self._refuse(Failure.NOT_FOUND)
            return
        plan = self._plan = self._make_plan(path, origin)
        upstream = generation.upstreams.get(plan.upstream) if plan.upstream is not None else None
        if upstream is None:
            self._refuse(Failure.NOT_FOUND)
            return
        if plan.sampled and plan.other is not None:
            self._recording = Recording(self._runtime.tee, plan, time.time())
        elif plan.skip is not None and plan.capability is not None:
            self._runtime.tee.asked(plan.capability)
            self._runtime.tee.skip(plan.capability, SkipReason(plan.skip))
        self._answer = AnswerStream(
            head,
            plan,
            origin,
            self._plan_headers(),
            self._runtime.meters,
            self._recording,
            self._own_writes,
        )
        self._request = request_bytes(head, origin.lines, upstream.authority)
        self._may_retry = head.is_safe and self._is_whole
        self._send(upstream, fresh=not self._may_retry)

    def _make_plan(self, path: str, origin: Origin) -> Plan:
        head, runtime = self._head, self._runtime
        meters = runtime.meters
        forced = None
        recent = None if head.wrote is None else self._know_writes().recent(runtime.lags)
        if head.force is None and head.debug is None:
            plan = make_plan(head, path, origin, self._generation.snapshot, {}, recent)
        else:
            now = time.time()
            forced = verify_force(head, runtime.signing_key, now)
            debug = verify_debug(head, runtime.signing_key, now)
            if forced is None or debug is None:
                meters.dropped_header("not_signed")
            self._shows_plan = bool(debug)
            plan = make_plan(head, path, origin, self._generation.snapshot, forced or {}, recent)
        if head.dropped:
            for reason in head.dropped:
                meters.dropped_header(reason)
        if head.forwarded and not self._session.peer.is_trusted:
            meters.dropped_header("untrusted_forwarded", len(head.forwarded))
        if plan.unit is not None and plan.capability is not None:
            meters.assigned(plan.capability, plan.unit)
        if plan.pin is not None:
            self._know_writes()
        return plan

    def _know_writes(self) -> OwnWrites:
        """Look after fig_wrote in this exchange; most have nothing to do with it."""
        if self._own_writes is None:
            key = self._generation.cookie_key
            self._own_writes = OwnWrites(self._head.wrote, key, self._runtime.meters)
        return self._own_writes

    def _send(self, upstream: Upstream, *, fresh: bool) -> None:
        connection = self._connection = self._runtime.upstreams.take(upstream, fresh=fresh)
        connection.begin(
            self,
            upstream,
            self._request,
            is_head=self._head.method == "HEAD",
            is_whole=self._is_whole,
        )
        if not self._is_whole and connection.is_congested:
            self._session.hold_body()

    # The request's body

    def on_request_body(self, data: bytes) -> None:
        """Pass a piece of the body on. What comes after the exchange is over is thrown away."""
        connection = self._connection
        if connection is None:
            return
        if self._recording is not None:
            self._recording.request_body(data)
        connection.write(chunk(data) if self._head.is_chunked else data)

    def on_request_end(self) -> None:
        """The body is whole."""
        if self._is_whole:
            return
        self._is_whole = True
        if self._connection is not None:
            self._connection.end(last_chunk() if self._head.is_chunked else b"")

    def on_upstream_congested(self) -> None:
        """Take no more of the body from the client."""
        if not self._is_whole:
            self._session.hold_body()

    def on_upstream_writable(self) -> None:
        """Take the body again."""
        self._session.release_body()

    # The answer

    def on_response(self, events: Sequence[ResponseEvent]) -> None:
        """Pass a part of the answer on."""
        try:
            self._pass_on(events)
        except Exception as error:
            self._session.fail(error)

    def _pass_on(self, events: Sequence[ResponseEvent]) -> None:
        answer = self._answer
        assert answer is not None
        is_end = events[-1] is END
        if is_end:
            # The connection may already be in the pool: from here on it is another exchange's.
            self._connection = None
        may_keep_alive = self._is_whole and not self._runtime.is_draining
        self._session.write(answer.take(events, may_keep_alive=may_keep_alive))
        if is_end and not self._is_over:
            self._finish(answer)

    def on_client_congested(self) -> None:
        """The client does not read: take no more of the answer."""
        if self._connection is not None:
            self._connection.pause_reading()

    def on_client_writable(self) -> None:
        """The client reads again."""
        if self._connection is not None:
            self._connection.resume_reading()

    # Ends

    def on_upstream_failed(self, failure: Failure, detail: str) -> None:
        """The upstream gave no whole answer."""
        connection, self._connection = self._connection, None
        assert connection is not None
        is_stale = connection.is_reused and not connection.has_answer and failure in _STALE
        if is_stale and self._may_retry:
            self._may_retry = False
            self._send(connection.upstream, fresh=True)
            return
        name = connection.upstream.name
        self._runtime.meters.failed(name, failure)
        log.warning(
            "upstream_failed",
            upstream=name,
            phase=failure.phase.value,
            kind=failure.kind,
            detail=detail,
            request_id=self._request_id.decode("latin-1"),
        )
        if self._recording is not None:
            self._recording.skip(SkipReason.UPSTREAM_FAILED)
        answer = self._answer
        if answer is None or not answer.status:
            self._answer_ourselves(failure)
            return
        self._count(answer.status)
        self._end()
        # Closing is how the client learns that the answer was cut; where closing is the normal end, a reset is.
        self._session.cut(reset=answer.framing is BodyFraming.CLOSE)

    def abandon(self, failure: Failure) -> None:
        """Give up for a reason that is no upstream's: the request can't be read on, the client stalls, we failed."""
        if self._is_over:
            return
        self._drop_connection()
        self._runtime.meters.failed("-", failure)
        if self._recording is not None:
            is_client = failure.side is Side.CLIENT
            self._recording.skip(
                SkipReason.CLIENT_LEFT if is_client else SkipReason.UPSTREAM_FAILED
            )
        has_begun = self._answer is not None and self._answer.status
        if has_begun or failure.status is None:
            self._end()
            self._session.cut(reset=True)
            return
        self._refuse(failure)

    def on_client_gone(self) -> None:
        """The client left: nobody is to blame, and the upstream need not go on."""
        if self._is_over:
            return
        self._drop_connection()
        self._runtime.meters.client_gone()
        if self._recording is not None:
            self._recording.skip(SkipReason.CLIENT_LEFT)
        self._end()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _refuse(self, failure: Failure, extra: tuple[Header, ...] = ()) -> None:
        self._runtime.meters.refused(failure.kind)
        self._answer_ourselves(failure, extra)

    def _answer_ourselves(self, failure: Failure, extra: tuple[Header, ...] = ()) -> None:
        keep_alive = (
            self._head.keep_alive
            and self._is_whole
            and failure not in _ENDS_THE_CONNECTION
            and not self._runtime.is_draining
        )
        self._session.answer(
            failure,
            self._head,
            self._request_id,
            keep_alive=keep_alive,
            extra=(*extra, *self._plan_headers(), *self._wrote_headers(failure)),
        )
        assert failure.status is not None
        self._count(failure.status)
        self._end()
        self._session.on_exchange_done(keep_alive=keep_alive)

    def _finish(self, answer: AnswerStream) -> None:
        if self._recording is not None and self._origin is not None:
            self._recording.offer(
                method=self._head.method,
                target=self._head.target,
                headers=(*self._head.kept, *self._origin.headers),
                request_id=self._request_id,
                elapsed_s=time.perf_counter() - self._started_at,
            )
        self._count(answer.status)
        self._end()
        self._session.on_exchange_done(keep_alive=answer.keep_alive)

    def _count(self, status: int) -> None:
        """Count the answer, if an upstream was to give it."""
        plan = self._plan
        if plan is not None and plan.upstream is not None:
            elapsed_s = time.perf_counter() - self._started_at
            self._runtime.meters.answered(plan, status, elapsed_s)

    def _plan_headers(self) -> tuple[Header, ...]:
        return (plan_header(self._plan),) if self._shows_plan and self._plan is not None else ()

    def _wrote_headers(self, failure: Failure) -> tuple[Header, ...]:
        """Set fig_wrote with an answer of our own if an upstream may have got the request: it may go on with it."""
        plan, origin = self._plan, self._origin
        if plan is None or plan.pin is None or origin is None or not self._request:
            return ()
        if failure.phase is Phase.CONNECT:
            return ()
        return (self._know_writes().header(plan.pin, https=origin.https),)

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._generation.exchanges -= 1

    @property
    def _request_id(self) -> bytes:
        return self._origin.request_id if self._origin is not None else b"-"
