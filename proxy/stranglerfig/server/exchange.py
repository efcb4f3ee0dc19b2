"""One request and its answer through the proxy.

1. ``begin``: the path is checked, the plan made, the request written to a connection of the plan's upstream.
2. The request's body follows as it comes; the answer streams back as it comes, whichever is first.
3. It ends once: with the answer's last byte, with an answer of the proxy's own, with a cut, or with the client gone.

A request that meets a stale pooled connection is sent once more if it changes nothing and has no body. Others never get
a connection that may be stale. What follows other failures is in ``attempts.py``. After the answer's first byte nothing
is tried again.
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
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.http1.trace_context import Trace
from stranglerfig.http1.upgrade import Upgrade, choose_upgrade
from stranglerfig.http1.websocket import Frames
from stranglerfig.http1.writing import BodyFraming, last_chunk, request_bytes
from stranglerfig.routing.path import check_path, is_internal, wsgi_path
from stranglerfig.routing.plan import Plan
from stranglerfig.server.answer_stream import AnswerStream
from stranglerfig.server.answers import COME_AGAIN_AFTER_S
from stranglerfig.server.attempts import Attempts, unavailable
from stranglerfig.server.course import Course
from stranglerfig.server.event_stream import EventStream, begins_events
from stranglerfig.server.log_lines import Answered
from stranglerfig.server.meters import Result
from stranglerfig.server.own_writes import OwnWrites
from stranglerfig.server.planning import make_plan, plan_header, verify_debug, verify_force
from stranglerfig.server.recording import Recording
from stranglerfig.server.request_body import RequestBody
from stranglerfig.server.runtime import Runtime, new_request_id
from stranglerfig.server.streams import Kind, StreamEnd
from stranglerfig.server.tunnel import Handshake, Tunnel
from stranglerfig.upstream.budget import RetryBudget

if TYPE_CHECKING:
    from stranglerfig.server.session import ClientSession
    from stranglerfig.upstream.connection import UpstreamConnection

log = structlog.get_logger(__name__)

# Where the client and we may not agree on what comes next.
_ENDS_THE_CONNECTION = frozenset({Failure.BAD_PATH, Failure.PROXY_ERROR})


class Exchange:
    """One exchange of ``session``; takes the running generation and keeps it to its end."""

    __slots__ = (
        "_answer",
        "_attempts",
        "_body",
        "_body_bytes",
        "_budget",
        "_connection",
        "_failure",
        "_fallback",
        "_generation",
        "_head",
        "_is_over",
        "_is_whole",
        "_origin",
        "_own_writes",
        "_plan",
        "_recording",
        "_request",
        "_runtime",
        "_sent_bytes",
        "_session",
        "_shows_plan",
        "_started_at",
        "_status",
        "_stream",
        "_trace",
        "_tries",
        "_upgrade",
        "may_resend",
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
        self.may_resend = False
        """Whether it may have a kept connection, and goes out once more if that is stale."""
        self._shows_plan = False
        self._answer: AnswerStream | None = None
        self._attempts: Attempts | None = None
        self._body = None if self._is_whole else RequestBody(is_chunked=head.is_chunked)
        self._budget: RetryBudget | None = None
        self._connection: UpstreamConnection | None = None
        self._fallback: str | None = None
        """Who can still be asked in the upstream's place; None as well once a part of an answer went to the client."""
        self._origin: Origin | None = None
        self._own_writes: OwnWrites | None = None
        self._plan: Plan | None = None
        self._recording: Recording | None = None
        self._request = b""
        self._stream: EventStream | None = None
        self._upgrade: Upgrade | None = None
        self._trace: Trace | None = None
        self._tries = 0
        self._body_bytes = 0
        self._sent_bytes = 0
        self._status = 0
        self._failure: str | None = None

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
        trace = self._trace = generation.tracing.trace_of(
            head.trace, origin.request_id, is_trusted=self._session.peer.is_trusted
        )
        if trace.dropped is not None:
            self._runtime.meters.dropped_header(trace.dropped, len(head.trace))
        admission = self._runtime.admission
        if admission.is_on:
            refusal = admission.refusal(head, origin.address, self._runtime.exchanges)
            if refusal is not None:
                self._refuse(refusal.failure, refusal.again_after_s)
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
        if head.upgrade:
            self._upgrade = choose_upgrade(head, upstream.upgrades)
        if plan.sampled and plan.other is not None:
            recording = Recording(self._runtime.tee, plan, time.time())
            if self._upgrade is None:
                self._recording = recording
            else:
                recording.skip(SkipReason.NOT_COMPARABLE)
        elif plan.skip is not None and plan.capability is not None:
            self._runtime.tee.asked(plan.capability)
            self._runtime.tee.skip(plan.capability, SkipReason(plan.skip))
        budget = self._budget = generation.budgets[upstream.name]
        budget.active += 1
        self.ask(upstream)

    def ask(self, upstream: Upstream) -> None:
        """Send the request to ``upstream``, whose answer is to be the client's."""
        head, plan, origin = self._head, self._plan, self._origin
        assert plan is not None
        assert origin is not None
        is_fallback = self._attempts is not None
        if is_fallback and self._recording is not None:
            # Another side's answer is not to be compared as this one's.
            self._recording.skip(SkipReason.FELL_BACK)
            self._recording = None
        self._fallback = None if is_fallback or self._upgrade is not None else plan.fallback
        self._answer = AnswerStream(
            head,
            plan,
            origin,
            self._plan_headers(),
            self._runtime.meters,
            self._recording,
            self._own_writes,
        )
        assert self._trace is not None
        lines = origin.lines + self._trace.lines
        if self._upgrade is not None:
            lines += self._upgrade.lines
        self._request = request_bytes(head, lines, upstream.authority)
        self.may_resend = (
            plan.safe and head.is_safe and self._body is None and self._upgrade is None
        )
        self.attempt(upstream, fresh=not self.may_resend)

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

    def attempt(
        self, upstream: Upstream, *, fresh: bool, follows: "UpstreamConnection | None" = None
    ) -> None:
        """Send the request, and what there is of its body, to ``upstream``."""
        self._tries += 1
        connection = self._runtime.upstreams.take(upstream, fresh=fresh, follows=follows)
        self._connection = connection
        body = self._body
        connection.begin(
            self if self._upgrade is None else Handshake(self),
            upstream,
            self._request,
            is_head=self._head.method == "HEAD",
            is_whole=body is None,
            upgrade=self._upgrade,
        )
        if body is not None:
            if self._attempts is not None:
                body.send_again(connection)
            if connection.is_congested:
                self.hold_body()

    # The request's body

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
        """Take the body again. It is connected, so what must not arrive twice is not going to be sent again."""
        if self._body is not None and self._plan is not None and not self._plan.repeatable:
            self._body.forget()
        self._session.release_body()

    # The answer

    def on_response(self, events: Sequence[ResponseEvent]) -> None:
        """Pass a part of the answer on."""
        try:
            if self._fallback is None or not self._falls_back(events):
                self._pass_on(events)
        except Exception as error:
            self.on_mistake(error)

    def _falls_back(self, events: Sequence[ResponseEvent]) -> bool:
        """Whether the other side is asked instead, for the answer that begins with ``events`` says that there is none."""
        status = unavailable(events[0])
        if status is not None:
            # At its end the connection may already be in the pool, and another exchange's.
            refused_on = None if events[-1] is END else self._connection
            if self._know_attempts().fall_back(f"status_{status}", status):
                if refused_on is not None:
                    refused_on.abort()
                return True
        self._fallback = None
        return False

    def _pass_on(self, events: Sequence[ResponseEvent]) -> None:
        answer = self._answer
        assert answer is not None
        is_end = events[-1] is END
        if is_end:
            # The connection may already be in the pool: from here on it is another exchange's.
            self._connection = None
        else:
            self._watch(events)
        may_keep_alive = self._is_whole and not self._runtime.is_draining
        data = answer.take(events, may_keep_alive=may_keep_alive)
        self._sent_bytes += len(data)
        self._session.write(data)
        if is_end and not self._is_over:
            self._finish(answer)

    def on_switched(self, response: ResponseHead) -> None:
        """Pass on a 101 that was asked for: from here on the two connections are a tunnel."""
        answer, connection, upgrade = self._answer, self._connection, self._upgrade
        plan, origin = self._plan, self._origin
        assert answer is not None
        assert connection is not None
        assert upgrade is not None
        assert plan is not None
        assert origin is not None
        self._connection = None
        self._runtime.meters.upgraded(plan)
        if self._attempts is not None:
            self._attempts.ended(Result.ANSWERED)
        course = Course(self._head, origin.address, plan, self._generation, connection.server)
        opening = answer.switch(response, upgrade)
        self._end()
        Tunnel(
            self._runtime,
            course,
            self._session.detach(),
            connection.detach(),
            opening,
            frames=Frames() if upgrade.is_websocket else None,
            timeout_s=connection.upstream.timeouts.tunnel_s,
        )

    def _watch(self, events: Sequence[ResponseEvent]) -> None:
        """Look after a stream of events, which a reload may have to end."""
        if self._stream is None:
            if not begins_events(events):
                return
            plan, origin, connection = self._plan, self._origin, self._connection
            assert plan is not None
            assert origin is not None
            assert connection is not None
            course = Course(self._head, origin.address, plan, self._generation, connection.server)
            self._stream = EventStream(course, self._leave_stream)
            self._runtime.streams.add(self._stream)
            self._generation.exchanges -= 1  # the stream holds one now
        self._stream.passed(events)

    def _leave_stream(self, why: StreamEnd, is_between: bool) -> None:
        """End a stream of events before the upstream does; ``is_between``: with no event under way."""
        answer = self._answer
        assert answer is not None
        self._drop_connection()
        if self._recording is not None:
            self._recording.skip(SkipReason.NOT_COMPARABLE)
        self._runtime.meters.stream_ended(Kind.EVENTS.value, why.value)
        self._count(answer.status)
        self._end()
        if is_between and self._is_whole and answer.framing is BodyFraming.CHUNKED:
            self._session.write(last_chunk())
            self._session.on_exchange_done(keep_alive=answer.keep_alive and why is StreamEnd.MOVED)
        else:
            self._session.cut(reset=answer.framing is BodyFraming.CLOSE and not is_between)

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
        try:
            if not self._know_attempts().retry(failure, detail, connection):
                self.fail(connection.upstream.name, failure, detail)
        except Exception as error:
            self.on_mistake(error)

    def fail(self, name: str, failure: Failure, detail: str) -> None:
        """Ask the other side if that may be, as upstream ``name`` gives no answer; else answer, or cut the answer."""
        self._failure = failure.kind
        self._runtime.meters.failed(name, failure)
        log.warning(
            "upstream_failed",
            upstream=name,
            phase=failure.phase.value,
            kind=failure.kind,
            detail=detail,
            request_id=self._request_id.decode("latin-1"),
            trace_id=self._trace_id.decode("ascii"),
        )
        if self._fallback is not None:
            assert failure.status is not None
            if self._know_attempts().fall_back(failure.kind, failure.status):
                return
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

    def on_too_late(self) -> None:
        """Give up the attempt under way, unless its answer has begun."""
        if self._connection is not None and self._answer is not None and not self._answer.status:
            self._connection.on_deadline()

    def on_mistake(self, error: Exception) -> None:
        """End after a mistake of our own."""
        self._session.fail(error)

    def _know_attempts(self) -> Attempts:
        if self._attempts is None:
            assert self._plan is not None
            self._attempts = Attempts(
                self, self._runtime, self._generation, self._plan, self._body, self._started_at
            )
        return self._attempts

    def abandon(self, failure: Failure) -> None:
        """Give up for a reason that is no upstream's: the request can't be read on, the client stalls, we failed."""
        if self._is_over:
            return
        self._drop_connection()
        self._failure = failure.kind
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
        self._failure = SkipReason.CLIENT_LEFT.value
        self._runtime.meters.client_gone()
        if self._recording is not None:
            self._recording.skip(SkipReason.CLIENT_LEFT)
        self._end()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _refuse(self, failure: Failure, again_after_s: int = COME_AGAIN_AFTER_S) -> None:
        self._failure = failure.kind
        self._runtime.meters.refused(failure.kind)
        self._answer_ourselves(failure, again_after_s)

    def _answer_ourselves(self, failure: Failure, again_after_s: int = COME_AGAIN_AFTER_S) -> None:
        keep_alive = (
            self._head.keep_alive
            and self._is_whole
            and failure not in _ENDS_THE_CONNECTION
            and not self._runtime.is_draining
        )
        self._sent_bytes += self._session.answer(
            failure,
            self._head,
            self._request_id,
            keep_alive=keep_alive,
            extra=(*self._plan_headers(), *self._wrote_headers(failure)),
            again_after_s=again_after_s,
        )
        assert failure.status is not None
        self._status = failure.status
        self._count(failure.status)
        self._end()
        self._session.on_exchange_done(keep_alive=keep_alive)

    def _finish(self, answer: AnswerStream) -> None:
        if self._recording is not None and self._origin is not None:
            self._recording.offer(
                method=self._head.method,
                target=self._head.target,
                headers=(*self._head.kept, *self._origin.headers, *self._trace_headers),
                request_id=self._request_id,
                elapsed_s=time.perf_counter() - self._started_at,
            )
        self._count(answer.status)
        if self._attempts is not None:
            self._attempts.ended(Result.ANSWERED)
        self._end()
        self._session.on_exchange_done(keep_alive=answer.keep_alive)

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

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._stream is None:
            self._generation.exchanges -= 1
        else:
            self._runtime.streams.discard(self._stream)
            self._stream.course.end()
        if self._budget is not None:
            self._budget.active -= 1
        if self._attempts is not None:
            self._attempts.end()
        if self._generation.lines is not None:
            self._runtime.log(self._generation, self._answered())

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
