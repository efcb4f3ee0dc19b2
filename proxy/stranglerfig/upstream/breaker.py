"""Whether an address that fails gets requests: pure, time and chance are arguments.

The circuit breaker of Nygard, "Release It!" (2007): *closed* as long as all is well; *open* after failures in a row, for a
time that doubles with each trial that fails; then *half open*: one request at a time is the trial, and its answer closes it.
A trial that takes too long, as an upload does whose client is slow, is followed by another.

Only what has no usable answer is a failure. A status of 500 and above is an answer: with Django it mostly comes of one
page, is the same at every address, and must not take all other pages away.
"""

from enum import StrEnum
from typing import Final

from stranglerfig.config.balancing import BreakerLimits
from stranglerfig.http1.failure import Failure

FAILS: Final = frozenset(
    {
        Failure.CONNECT_FAILED,
        Failure.CONNECT_TIMEOUT,
        Failure.TLS_FAILED,
        Failure.SEND_TIMEOUT,
        Failure.CLOSED_EARLY,
        Failure.RESPONSE_TIMEOUT,
        Failure.BAD_RESPONSE,
        Failure.UNASKED_RESPONSE,
        Failure.CUT_RESPONSE,
    }
)
"""What counts, but for a kept connection that was stale (``retrying.is_stale``).

Not among them: who hangs up on a body may not want just this one, and a stream may be silent for long.
"""


class BreakerState(StrEnum):
    """What becomes of requests."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """The breaker of one address."""

    __slots__ = ("_opened", "_trial", "_trial_by", "failures", "since", "until", "why")

    def __init__(self) -> None:
        self.failures = 0
        """How many there were in a row; 0 while all is well."""
        self.until: float | None = None
        """Until when it is open; None if it is closed."""
        self.why: Failure | None = None
        """What opened it, or made the last trial fail."""
        self.since = 0.0
        """When it was opened."""
        self._opened = 0
        self._trial: object = None
        self._trial_by = 0.0

    def state(self, now: float) -> BreakerState:
        """What it is at ``now``."""
        if self.until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.until else BreakerState.HALF_OPEN

    def allows(self, now: float) -> bool:
        """Whether another request may go there."""
        return self.until is None or (
            now >= self.until and (self._trial is None or now >= self._trial_by)
        )

    def changes_at(self, now: float) -> float | None:
        """When it allows another request if nothing happens until then; None if that is no matter of time."""
        if self.until is None or now < self.until:
            return self.until
        return None if self._trial is None or now >= self._trial_by else self._trial_by

    def begin(self, request: object, now: float, by: float) -> bool:
        """Take notice of a request that goes there; gives whether it is the trial.

        ``by``: when there may be another trial if this one has told nothing. What becomes of this one says nothing then, unless it is answered.
        """
        if self.until is None or not self.allows(now):
            return False
        self._trial = request
        self._trial_by = by
        return True

    def succeed(self) -> bool:
        """Take notice of a whole answer, to whatever request; gives whether that closed it."""
        was_open = self.until is not None
        self.failures = self._opened = 0
        self.until = self.why = self._trial = None
        return was_open

    def fail(
        self,
        request: object,
        failure: Failure,
        now: float,
        limits: BreakerLimits,
        chance: float,
        *,
        at_once: bool,
    ) -> bool:
        """Take notice of a failure; gives whether that opened it, or opened it again.

        ``at_once``: it opens now, however many it is of. ``chance``, from 0 to 1, spreads the trials of several processes.
        While it is open only the trial counts: what was under way by then says nothing new.
        """
        if self.until is None:
            self.failures += 1
            if not at_once and self.failures < limits.failures:
                return False
            self.since = now
        elif request is not self._trial or self._trial is None:
            return False
        self._trial = None
        self.why = failure
        longest = min(limits.longest_s, limits.open_s * 2.0 ** min(self._opened, 30))
        self.until = now + longest * (0.5 + chance / 2)
        self._opened += 1
        return True

    def give_up(self, request: object) -> bool:
        """Take notice that a request ended without telling anything, as with a client that left; whether it was the trial."""
        if self._trial is None or request is not self._trial:
            return False
        self._trial = None
        return True
