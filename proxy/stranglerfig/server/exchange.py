"""One request and its answer through the proxy.

1. ``begin``: the path is checked, the plan made, the request written to a connection of the plan's upstream.
2. The request's body follows as it comes; the answer streams back as it comes, whichever is first.
3. It ends once: with the answer's last byte, with an answer of the proxy's own, with a cut, or with the client gone.

A request that meets a stale pooled connection is sent once more if it changes nothing and has no body. Others never get
a connection that may be stale. What follows other failures is in ``attempts.py``. After the answer's first byte nothing
is tried again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stranglerfig.compare.observation import SkipReason
from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure, Side
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import END
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.http1.upgrade import Upgrade, choose_upgrade
from stranglerfig.http1.websocket import Frames
from stranglerfig.http1.writing import BodyFraming, last_chunk, request_bytes
from stranglerfig.server.admission import Refusal
from stranglerfig.server.answer_stream import AnswerStream
from stranglerfig.server.answers import COME_AGAIN_AFTER_S
from stranglerfig.server.attempts import Attempts, reaches_client, unavailable
from stranglerfig.server.event_stream import EventStream, begins_events
from stranglerfig.server.meters import Result
from stranglerfig.server.runtime import Runtime
from stranglerfig.server.streams import Kind, StreamEnd
from stranglerfig.server.tunnel import Handshake, Tunnel
from stranglerfig.server.upload import Upload
from stranglerfig.upstream.budget import RetryBudget

if TYPE_CHECKING:
    from stranglerfig.server.session import ClientSession
    from stranglerfig.upstream.connection import UpstreamConnection

# Where the client and we may not agree on what comes next.
_ENDS_THE_CONNECTION = frozenset({Failure.BAD_PATH, Failure.PROXY_ERROR})


class Exchange(Upload):
    """One exchange of ``session``; takes the running generation and keeps it to its end."""

    __slots__ = (
        "_budget",
        "_stream",
        "_upgrade",
        "may_resend",
    )

    def __init__(self, session: "ClientSession", runtime: Runtime, head: RequestHead) -> None:
        super().__init__(session, runtime, head)
        self._generation.exchanges += 1
        self.may_resend = False
        """Whether it may have a kept connection, and goes out once more if that is stale."""
        self._budget: RetryBudget | None = None
        self._stream: EventStream | None = None
        self._upgrade: Upgrade | None = None

    def begin(self) -> None:
        """Plan the request and send it."""
        found = self._find_upstream(self._session.peer)
        if isinstance(found, Refusal):
            self._refuse(found.failure, found.again_after_s)
            return
        if self._head.upgrade:
            self._upgrade = choose_upgrade(self._head, found.upgrades)
        self._begin_recording(is_upgrade=self._upgrade is not None)
        budget = self._budget = self._generation.budgets[found.name]
        budget.active += 1
        self.ask(found)

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
        self._request = request_bytes(head, lines, lambda: upstream.authority)
        self.may_resend = (
            plan.safe and head.is_safe and self._body is None and self._upgrade is None
        )
        self.attempt(upstream, fresh=not self.may_resend)

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
            awaits_continue=self.awaits_continue,
            upgrade=self._upgrade,
        )
        if body is not None:
            if self._attempts is not None:
                body.send_again(connection)
            if connection.is_congested:
                self.hold_body()

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
        told = reaches_client(events, is_http_1_0=self._head.is_http_1_0)
        if not told:
            return False
        status = unavailable(told[0])
        if status is not None:
            # At its end the connection may already be in the pool, and another exchange's.
            refused_on = None if events[-1] is END else self._connection
            if self._know_attempts().fall_back(f"status_{status}", status):
                if refused_on is not None:
                    self._runtime.upstreams.on_answered(refused_on)
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
        if data and self._body is not None:
            self._body.forget()
        self._sent_bytes += len(data)
        self._session.write(data)
        self._heed_continue(events)
        if is_end and not self._is_over:
            self._finish(answer)

    def on_switched(self, response: ResponseHead) -> None:
        """Pass on a 101 that was asked for: from here on the two connections are a tunnel."""
        answer, connection, upgrade = self._answer, self._connection, self._upgrade
        assert self._plan is not None
        assert answer is not None
        assert connection is not None
        assert upgrade is not None
        self._connection = None
        self._runtime.meters.upgraded(self._plan)
        if self._attempts is not None:
            self._attempts.ended(Result.ANSWERED)
        course = self._course(connection.server)
        opening = answer.switch(response, upgrade)
        self._runtime.upstreams.on_answered(connection)
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
            assert self._connection is not None
            self._stream = EventStream(self._course(self._connection.server), self._leave_stream)
            self._runtime.streams.add(self._stream)
            self._runtime.upstreams.on_lasting(self._connection)
            self._generation.exchanges -= 1  # the stream holds one now
        self._stream.passed(events)

    def _leave_stream(self, why: StreamEnd, is_between: bool) -> None:
        """End a stream of events before the upstream does; ``is_between``: with no event under way."""
        answer = self._answer
        assert answer is not None
        self._drop_connection()
        self._skip_recording(SkipReason.NOT_COMPARABLE)
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
        self._tell_failure(name, failure, detail)
        if self._fallback is not None:
            assert failure.status is not None
            if self._know_attempts().fall_back(failure.kind, failure.status):
                return
        self._skip_recording(SkipReason.UPSTREAM_FAILED)
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
        connection = self._connection
        if connection is not None and self._answer is not None and not self._answer.status:
            # Its own time is not over, so this is not to count at its breaker.
            failure = connection.timeout_failure()
            connection.abort()
            self.on_upstream_failed(failure, "")

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
        is_client = failure.side is Side.CLIENT
        self._skip_recording(SkipReason.CLIENT_LEFT if is_client else SkipReason.UPSTREAM_FAILED)
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
        self._skip_recording(SkipReason.CLIENT_LEFT)
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
        self._offer_recording()
        self._count(answer.status)
        if self._attempts is not None:
            self._attempts.ended(Result.ANSWERED)
        self._end()
        self._session.on_exchange_done(keep_alive=answer.keep_alive)

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
