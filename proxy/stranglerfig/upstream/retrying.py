"""Whether a failed attempt is followed by another one at the same upstream: pure, time and chance are arguments.

A request may be sent again if nothing of it was sent, for then nobody can have got it, or if it may arrive twice and no
byte of an answer came. After that byte nothing is tried again: the upstream was at work, and the client may have seen it.

That a kept connection turns out to be stale is no failure of the upstream, which may close it at any time (RFC 9112
section 9.3.1). A request that changes nothing goes out once more then, whatever the policy, the budget and the pause say.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from stranglerfig.config.retries import Retries, When
from stranglerfig.http1.failure import Failure, Phase, Side

FIRST_PAUSE_S: Final = 0.025
LONGEST_PAUSE_S: Final = 0.25
_EARLY: Final = frozenset({Failure.CLOSED_EARLY, Failure.SEND_FAILED})
_STALE: Final = _EARLY | {Failure.UNASKED_RESPONSE}


class Refusal(StrEnum):
    """Why there is no further attempt, though the upstream's ``retries`` have such failures (a closed list)."""

    UNSAFE = "unsafe"  # it may have arrived, and must not arrive twice
    ATTEMPTS = "attempts"  # all were made
    BODY = "body_too_large"  # what was passed on of the body was not kept
    TIME = "no_time"  # the exchange's deadline is too near
    BUDGET = "budget"  # too many requests of this upstream are being sent again already


class FailedAttempt(NamedTuple):
    """One attempt that gave no answer."""

    failure: Failure
    has_answer: bool
    """Whether a byte of an answer came."""
    is_repeatable: bool
    """Whether the request may arrive twice: it is safe, or its route says so."""
    is_body_kept: bool
    """Whether all that came of the request's body could be sent again; True without a body."""
    retries: int
    """How many attempts there were after the first one."""
    left_s: float
    """How long until the exchange's deadline."""


def judge(attempt: FailedAttempt, retries: Retries, pause_s: float) -> When | Refusal | None:
    """After what it may be sent again, with ``pause_s`` before; else why not, None if ``retries`` have no such failure.

    The budget is looked at last, by who keeps it.
    """
    when = kind_of(attempt.failure)
    if attempt.has_answer or when is None or not retries.covers(when):
        return None
    if when is not When.CONNECT and not attempt.is_repeatable:
        return Refusal.UNSAFE
    if attempt.retries >= retries.attempts:
        return Refusal.ATTEMPTS
    if not attempt.is_body_kept:
        return Refusal.BODY
    if attempt.left_s <= pause_s:
        return Refusal.TIME
    return when


def kind_of(failure: Failure) -> When | None:
    """By the phase: whatever an upstream fails by before it is connected, nothing was sent."""
    if failure.side is not Side.UPSTREAM:
        return None
    if failure.phase is Phase.CONNECT:
        return When.CONNECT
    return When.EARLY_CLOSE if failure in _EARLY else None


def is_stale(failure: Failure, *, is_reused: bool, has_answer: bool) -> bool:
    """Whether a kept connection ended as one does that the upstream closed while it was idle."""
    return is_reused and not has_answer and failure in _STALE


def pause_s(retries: int, chance: float) -> float:
    """How long to wait before the next attempt: from nothing to a bound that doubles with each. ``chance`` is from 0 to 1.

    Any length is as likely as any other, so that requests that failed together do not come again together.
    """
    return float(min(FIRST_PAUSE_S * 2**retries, LONGEST_PAUSE_S) * chance)
