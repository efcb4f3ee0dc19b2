"""What follows when an exchange's first attempt failed: its upstream is asked again, then the other side, once.

Most exchanges have none of this, so it is made at the first failure. All of it shares one deadline, counted from the moment
at which it was the upstream's turn, for the request was whole or waits for a 100: what the most patient of the upstreams that may be asked has by itself to be connected
and to answer. So nobody waits longer for an answer than a client of that upstream alone, however many attempts there are.
It holds until the answer begins; from then on the upstream's own time-outs do.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from stranglerfig.config.model import Upstream
from stranglerfig.config.retries import When
from stranglerfig.http1.failure import Failure, Phase
from stranglerfig.http1.response_head import ResponseHead
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.routing.plan import Plan
from stranglerfig.server.meters import Result
from stranglerfig.server.request_body import RequestBody
from stranglerfig.server.runtime import Generation, Runtime
from stranglerfig.upstream.connection import UpstreamConnection
from stranglerfig.upstream.deadlines import NEVER
from stranglerfig.upstream.retrying import FailedAttempt, Refusal, is_stale, judge, pause_s

log = structlog.get_logger(__name__)

_UNAVAILABLE: Final = frozenset({502, 503, 504})


class Attempting(Protocol):
    """The exchange whose attempts these are."""

    may_resend: bool

    def attempt(
        self, upstream: Upstream, *, fresh: bool, follows: UpstreamConnection | None = None
    ) -> None:
        """Send the request, and what there is of its body, to ``upstream``; ``follows`` hands its place on."""

    def ask(self, upstream: Upstream) -> None:
        """Send it to ``upstream`` instead of the one before."""

    def hold_body(self) -> None:
        """Let the client send no more for now."""

    def fail(self, name: str, failure: Failure, detail: str) -> None:
        """Go on after a failure of upstream ``name`` that no further attempt follows."""

    def on_too_late(self) -> None:
        """Give up the attempt under way, unless its answer has begun."""

    def on_mistake(self, error: Exception) -> None:
        """End after a mistake of our own."""


def unavailable(event: ResponseEvent) -> int | None:
    """The status, if ``event`` is a head by which a service says that it, or what it needs, can't answer: 502, 503, 504."""
    if isinstance(event, ResponseHead) and event.status in _UNAVAILABLE:
        return event.status
    return None


def reaches_client(
    events: Sequence[ResponseEvent], *, is_http_1_0: bool
) -> Sequence[ResponseEvent]:
    """Give the part of ``events`` that is passed on: HTTP/1.0 knows no interim answers (RFC 9110 section 15.2)."""
    if not is_http_1_0:
        return events
    return [each for each in events if not (isinstance(each, ResponseHead) and each.is_interim)]


class Fallback:
    """A failure of the service, after which the other side was asked."""

    __slots__ = ("capability", "elapsed_s", "reason", "status")

    def __init__(self, capability: str, reason: str, status: int, elapsed_s: float) -> None:
        self.capability = capability
        self.reason = reason
        self.status = status
        """What counts as the service's: its own status, or that of the failure."""
        self.elapsed_s = elapsed_s


class Attempts:
    """The further attempts of one exchange, from its first failure to ``end``."""

    __slots__ = (
        "_allowed_s",
        "_body",
        "_budget",
        "_exchange",
        "_is_open",
        "_other",
        "_pause",
        "_plan",
        "_retries",
        "_runtime",
        "_started_at",
        "_upstream",
        "_when",
        "deadline",
        "fallback",
        "was_sent",
    )

    def __init__(
        self,
        exchange: Attempting,
        runtime: Runtime,
        generation: Generation,
        plan: Plan,
        body: RequestBody | None,
        started_at: float,
    ) -> None:
        """``started_at`` is of ``time.perf_counter``."""
        assert plan.upstream is not None
        self._exchange = exchange
        self._runtime = runtime
        self._plan = plan
        self._body = body
        self._started_at = started_at
        self._upstream = generation.upstreams[plan.upstream]
        self._other = None if plan.fallback is None else generation.upstreams[plan.fallback]
        self._budget = generation.budgets[plan.upstream]
        self._allowed_s = max(
            each.timeouts.connect_s + each.timeouts.response_s
            for each in (self._upstream, self._other)
            if each is not None
        )
        self._pause: asyncio.TimerHandle | None = None
        self._retries = 0
        self._when: When | None = None
        """After what the attempt under way was begun. It is in the budget; None: none is."""
        self._is_open = False
        """Whether it is not known yet how the fallback ends."""
        self.fallback: Fallback | None = None
        self.deadline = NEVER
        self.was_sent = False
        """Whether some attempt may have been taken, though it was not answered."""

    # Once more

    def retry(self, failure: Failure, detail: str, connection: UpstreamConnection) -> bool:
        """Begin another attempt at the same upstream, now or after a pause; False: there is none."""
        exchange, has_answer = self._exchange, connection.has_answer
        if exchange.may_resend and is_stale(
            failure, is_reused=connection.is_reused, has_answer=has_answer
        ):
            exchange.may_resend = False
            exchange.attempt(connection.upstream, fresh=True, follows=connection)
            return True
        self.ended(Result.FAILED)
        self.was_sent = self.was_sent or failure.phase is not Phase.CONNECT
        if self.fallback is not None:
            return False
        pause = pause_s(self._retries, random.random())  # noqa: S311 - no secret
        verdict = judge(
            FailedAttempt(
                failure=failure,
                has_answer=has_answer,
                is_repeatable=self._plan.repeatable,
                is_body_kept=self._body is None or self._body.is_kept,
                retries=self._retries,
                left_s=self._left_s(),
            ),
            self._upstream.retries,
            pause,
        )
        if isinstance(verdict, When) and not self._budget.take():
            verdict = Refusal.BUDGET
        if not isinstance(verdict, When):
            if verdict is not None:
                self._runtime.meters.retry_refused(self._upstream.name, verdict)
            return False
        log.info("retrying", upstream=self._upstream.name, kind=failure.kind, detail=detail)
        self._when = verdict
        self._retries += 1
        exchange.hold_body()
        self._pause = self._runtime.loop.call_later(pause, self._again, failure, detail)
        return True

    def _again(self, failure: Failure, detail: str) -> None:
        self._pause = None
        try:
            if self._body is None or self._body.is_kept:
                self.watch()
                self._exchange.attempt(self._upstream, fresh=True)
            else:  # more of it came meanwhile
                self.ended(Result.FAILED)
                self._exchange.fail(self._upstream.name, failure, detail)
        except Exception as error:
            self._exchange.on_mistake(error)

    # The other side

    def fall_back(self, reason: str, status: int) -> bool:
        """Ask the other side, as the service failed by ``reason``, which counts as ``status``; False: it is not asked."""
        self.ended(Result.ANSWERED)
        capability, other = self._plan.capability, self._other
        assert capability is not None
        assert other is not None
        refusal = None
        if self._body is not None and not self._body.is_kept:
            refusal = Refusal.BODY
        elif self._left_s() <= 0:
            refusal = Refusal.TIME
        if refusal is not None:
            self._runtime.meters.fell_back(capability, reason, refusal)
            return False
        elapsed_s = time.perf_counter() - self._started_at
        self.fallback = Fallback(capability, reason, status, elapsed_s)
        self._is_open = True
        self.watch()
        self._exchange.ask(other)
        return True

    # Time

    def _since(self) -> float | None:
        """Since when the deadline is counted; None while the client is sending."""
        body = self._body
        return self._started_at if body is None or body.awaits_continue else body.ended_at

    def _left_s(self) -> float:
        """How long until the deadline; all of it while the client is sending."""
        since = self._since()
        if since is None:
            return self._allowed_s
        return self._allowed_s - (time.perf_counter() - since)

    def watch(self) -> None:
        """Look after the deadline, if there is one now; this is called again when the body begins, and when it ends."""
        if self._since() is None:
            self.deadline = NEVER
        else:
            self.deadline = self._runtime.loop.time() + self._left_s()
            self._runtime.deadlines.add(self)

    def on_deadline(self) -> None:
        """Let the attempt under way fail as it would have by its own time-out."""
        self._exchange.on_too_late()

    # Ends

    def ended(self, result: Result) -> None:
        """Note how the attempt under way ended; the first one is none of ours."""
        meters = self._runtime.meters
        if self._when is not None:
            meters.retried(self._upstream.name, self._when, result)
            self._when = None
            self._budget.give()
        if self._is_open:
            self._is_open = False
            assert self.fallback is not None
            meters.fell_back(self.fallback.capability, self.fallback.reason, result)

    def end(self) -> None:
        """The exchange is over. What is under way is so because nobody waits for it any more."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._runtime.deadlines.discard(self)
        self.ended(Result.LEFT)
