"""What is known of one exchange, and what is told of it: by counters, by the access log, by headers.

An exchange itself is in ``exchange.py``; here nothing is sent and nobody is waited for.
"""

import time

from stranglerfig.compare.observation import SkipReason
from stranglerfig.config.balancing import Endpoint
from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure, Phase, Side
from stranglerfig.http1.forwarded import Origin
from stranglerfig.http1.headers import Header
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.trace_context import Trace
from stranglerfig.routing.path import check_path, is_internal, wsgi_path
from stranglerfig.routing.plan import Plan
from stranglerfig.server.admission import Refusal
from stranglerfig.server.answer_stream import AnswerStream
from stranglerfig.server.attempts import Attempts
from stranglerfig.server.course import Course
from stranglerfig.server.log_lines import Answered
from stranglerfig.server.own_writes import OwnWrites
from stranglerfig.server.peer import Peer
from stranglerfig.server.planning import make_plan, plan_header, verify_debug, verify_force
from stranglerfig.server.recording import Recording
from stranglerfig.server.refusal_lines import tell_failed
from stranglerfig.server.runtime import Runtime, new_request_id


class ExchangeRecord:
    """The record of one exchange under the running generation. A base class, for one object less per request."""

    __slots__ = (
        "_answer",
        "_attempts",
        "_body_bytes",
        "_failure",
        "_generation",
        "_head",
        "_origin",
        "_own_writes",
        "_plan",
        "_recording",
        "_request",
        "_runtime",
        "_sent_bytes",
        "_shows_plan",
        "_started_at",
        "_status",
        "_trace",
        "_tries",
    )

    def __init__(self, runtime: Runtime, head: RequestHead) -> None:
        self._runtime = runtime
        self._generation = runtime.generation
        self._head = head
        self._started_at = time.perf_counter()  # uvloop's own clock is one of whole milliseconds
        self._answer: AnswerStream | None = None
        self._attempts: Attempts | None = None
        self._origin: Origin | None = None
        self._own_writes: OwnWrites | None = None
        self._plan: Plan | None = None
        self._recording: Recording | None = None
        self._request = b""
        """As it was written for the upstream that is asked; empty as long as none is."""
        self._shows_plan = False
        self._trace: Trace | None = None
        self._tries = 0
        self._body_bytes = 0
        self._sent_bytes = 0
        self._status = 0
        """Of an answer of our own."""
        self._failure: str | None = None

    @property
    def asks_for_upgrade(self) -> bool:
        """Whether what comes behind the request may be another protocol."""
        return bool(self._head.upgrade)

    # The plan

    def _find_upstream(self, peer: Peer) -> Upstream | Refusal:
        """Check the request of ``peer`` and plan it: who is to be asked, or why nobody is."""
        head, generation, runtime = self._head, self._generation, self._runtime
        origin = self._origin = peer.headers(generation.trusted).origin(
            head.forwarded, head.host, new_request_id
        )
        trace = self._trace = generation.tracing.trace_of(
            head.trace, origin.request_id, is_trusted=peer.is_trusted
        )
        if trace.dropped is not None:
            runtime.meters.dropped_header(trace.dropped, len(head.trace))
        admission = runtime.admission
        if admission.is_on:
            refusal = admission.refusal(head, origin.address, runtime.exchanges)
            if refusal is not None:
                return refusal
        path = wsgi_path(head.target)
        if check_path(head.target, path, allow_dot_segments=generation.allow_dot_segments):
            return Refusal(Failure.BAD_PATH)
        if is_internal(path):
            return Refusal(Failure.NOT_FOUND)
        plan = self._plan = self._make_plan(path, origin, is_trusted=peer.is_trusted)
        upstream = generation.upstreams.get(plan.upstream) if plan.upstream is not None else None
        return upstream or Refusal(Failure.NOT_FOUND)

    def _make_plan(self, path: str, origin: Origin, *, is_trusted: bool) -> Plan:
        """Decide who answers; ``is_trusted``: whether the peer may say where the request comes from."""
        head, runtime = self._head, self._runtime
        meters = runtime.meters
        forced = None
        recent = None if head.wrote is None else self._know_writes().recent(runtime.lags)
        if head.force is None and head.debug is None:
            plan = make_plan(head, path, origin.address, self._generation.snapshot, {}, recent)
        else:
            now = time.time()
            forced = verify_force(head, runtime.signing_key, now)
            debug = verify_debug(head, runtime.signing_key, now)
            if forced is None or debug is None:
                meters.dropped_header("not_signed")
            self._shows_plan = bool(debug)
            plan = make_plan(
                head, path, origin.address, self._generation.snapshot, forced or {}, recent
            )
        if head.dropped:
            for reason in head.dropped:
                meters.dropped_header(reason)
        if head.forwarded and not is_trusted:
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

    def _begin_recording(self, *, is_upgrade: bool) -> None:
        """Take a copy for the comparer, or account for there being none, as the plan says."""
        plan, tee = self._plan, self._runtime.tee
        assert plan is not None
        if plan.sampled and plan.other is not None:
            self._recording = Recording(tee, plan, time.time())
            if is_upgrade:
                self._recording.skip(SkipReason.NOT_COMPARABLE)
                self._recording = None
        elif plan.skip is not None and plan.capability is not None:
            tee.asked(plan.capability)
            tee.skip(plan.capability, SkipReason(plan.skip))

    def _offer_recording(self) -> None:
        """Hand the copy of a whole answer to the comparer."""
        if self._recording is not None and self._origin is not None:
            self._recording.offer(
                method=self._head.method,
                target=self._head.target,
                headers=(*self._head.kept, *self._origin.headers, *self._trace_headers),
                request_id=self._request_id,
                elapsed_s=time.perf_counter() - self._started_at,
            )

    def _skip_recording(self, reason: SkipReason) -> None:
        """End the copy, if there is one, without handing it on."""
        if self._recording is not None:
            self._recording.skip(reason)

    def _course(self, server: Endpoint | None) -> Course:
        """What an answer without end, from ``server``, is to be decided by again."""
        assert self._plan is not None
        assert self._origin is not None
        return Course(
            self._head,
            self._origin.address,
            self._plan,
            self._generation,
            server,
            fell_back=self._attempts is not None and self._attempts.fallback is not None,
        )

    # What the client is told

    def _plan_headers(self) -> tuple[Header, ...]:
        if not self._shows_plan or self._plan is None:
            return ()
        fallback = self._attempts.fallback if self._attempts is not None else None
        return (plan_header(self._plan, fallback.reason if fallback is not None else None),)

    def _wrote_headers(self, failure: Failure) -> tuple[Header, ...]:
        """Set fig_wrote with an answer of our own if an upstream may have got the request: it may go on with it."""
        plan, origin = self._plan, self._origin
        if plan is None or plan.pin is None or origin is None or not self._request:
            return ()
        was_sent = self._attempts is not None and self._attempts.was_sent
        if failure.phase is Phase.CONNECT and not was_sent:
            return ()
        return (self._know_writes().header(plan.pin, https=origin.https),)

    # What is counted and logged

    def _tell_failure(self, upstream: str, failure: Failure, detail: str) -> None:
        """Count and log that ``upstream`` failed."""
        self._failure = failure.kind
        self._runtime.meters.failed(upstream, failure)
        # What we refused ourselves comes by thousands.
        tell = self._runtime.refusal_lines.add if failure.side is Side.PROXY else tell_failed
        tell(
            upstream,
            failure,
            detail=detail,
            request_id=self._request_id.decode("latin-1"),
            trace_id=self._trace_id.decode("ascii"),
        )

    def _count(self, status: int) -> None:
        """Count the answer, if an upstream was to give it. With a fallback it is the service's failure that counts."""
        plan = self._plan
        if plan is not None and plan.upstream is not None:
            elapsed_s = time.perf_counter() - self._started_at
            fallback = self._attempts.fallback if self._attempts is not None else None
            if fallback is not None:
                status, elapsed_s = fallback.status, fallback.elapsed_s
            elif self._answer is not None and self._answer.head_at:
                head_s = self._answer.head_at - self._started_at
                self._runtime.meters.head_came(plan.upstream, head_s)
            self._runtime.meters.answered(plan, status, elapsed_s)

    def _answered(self) -> Answered:
        """What the access log may tell of this exchange."""
        origin, answer, plan = self._origin, self._answer, self._plan
        fallback = self._attempts.fallback if self._attempts is not None else None
        head_at = answer.head_at if answer is not None else 0.0
        return Answered(
            self._head,
            origin.address if origin is not None else "",
            self._request_id,
            self._trace.trace_id if self._trace is not None else None,
            self._plan,
            (answer.status if answer is not None else 0) or self._status,
            self._body_bytes,
            self._sent_bytes,
            time.perf_counter() - self._started_at,
            head_at - self._started_at if head_at else None,
            self._failure or (None if fallback is None else fallback.reason),
            max(self._tries - 1, 0),
            None if fallback is None or plan is None else plan.fallback,
        )

    @property
    def _trace_headers(self) -> tuple[Header, ...]:
        return self._trace.headers if self._trace is not None else ()

    @property
    def _trace_id(self) -> bytes:
        return (self._trace.trace_id if self._trace is not None else None) or b"-"

    @property
    def _request_id(self) -> bytes:
        return self._origin.request_id if self._origin is not None else b"-"
