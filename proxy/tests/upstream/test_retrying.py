"""Whether a failed attempt is followed by another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.config.retries import Retries, When
from stranglerfig.http1.failure import Failure, Phase, Side
from stranglerfig.upstream.retrying import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    FailedAttempt,
    Refusal,
    is_stale,
    judge,
    kind_of,
    pause_s,
)

BOTH = Retries(attempts=2, when=(When.CONNECT, When.EARLY_CLOSE))
DEFAULT = Retries()
OFF = Retries(attempts=0)
REFUSED, CLOSED = Failure.CONNECT_FAILED, Failure.CLOSED_EARLY


def failed(failure: Failure, **different: object) -> FailedAttempt:
    """The first attempt of a safe request without a body, with ten seconds left."""
    return FailedAttempt(failure, False, True, True, 0, 10.0)._replace(**different)


TABLE = [
    (failed(REFUSED), DEFAULT, When.CONNECT),
    (failed(REFUSED, is_repeatable=False), DEFAULT, When.CONNECT),
    (failed(Failure.CONNECT_TIMEOUT, is_repeatable=False), DEFAULT, When.CONNECT),
    (failed(CLOSED), DEFAULT, None),
    (failed(REFUSED), OFF, None),
    (failed(CLOSED), BOTH, When.EARLY_CLOSE),
    (failed(Failure.SEND_FAILED), BOTH, When.EARLY_CLOSE),
    (failed(CLOSED, is_repeatable=False), BOTH, Refusal.UNSAFE),
    (failed(Failure.SEND_FAILED, is_repeatable=False), BOTH, Refusal.UNSAFE),
    (failed(CLOSED, has_answer=True), BOTH, None),
    (failed(Failure.RESPONSE_TIMEOUT), BOTH, None),
    (failed(Failure.BAD_RESPONSE, has_answer=True), BOTH, None),
    (failed(Failure.CUT_RESPONSE, has_answer=True), BOTH, None),
    (failed(Failure.BODY_TIMEOUT), BOTH, None),
    (failed(Failure.PROXY_ERROR), BOTH, None),
    (failed(REFUSED, retries=1), BOTH, When.CONNECT),
    (failed(REFUSED, retries=2), BOTH, Refusal.ATTEMPTS),
    (failed(REFUSED, retries=1), DEFAULT, Refusal.ATTEMPTS),
    (failed(REFUSED, is_body_kept=False), DEFAULT, Refusal.BODY),
    (failed(REFUSED, left_s=0.1), DEFAULT, Refusal.TIME),
    (failed(REFUSED, left_s=-1.0), DEFAULT, Refusal.TIME),
]


@pytest.mark.parametrize(("attempt", "retries", "verdict"), TABLE)
def test_table(attempt: FailedAttempt, retries: Retries, verdict: When | Refusal | None) -> None:
    assert judge(attempt, retries, 0.1) is verdict


ATTEMPTS = st.builds(
    FailedAttempt,
    st.sampled_from(Failure),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 6),
    st.floats(-1, 20),
)
POLICIES = st.builds(
    Retries,
    attempts=st.integers(0, 5),
    when=st.lists(st.sampled_from(When), min_size=1, max_size=2, unique=True).map(tuple),
)


@given(ATTEMPTS, POLICIES, st.floats(0, 0.25))
def test_nothing_that_may_have_been_taken_is_sent_twice_unless_it_may_arrive_twice(
    attempt: FailedAttempt, retries: Retries, pause: float
) -> None:
    verdict = judge(attempt, retries, pause)
    if isinstance(verdict, When):
        assert not attempt.has_answer
        assert attempt.failure.phase is Phase.CONNECT or attempt.is_repeatable
        assert attempt.failure.side is Side.UPSTREAM
        assert verdict in retries.when
        assert attempt.retries < retries.attempts
        assert attempt.is_body_kept
        assert attempt.left_s > pause


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_before_a_connection_is_one_to_connect(failure: Failure) -> None:
    is_connect = failure.side is Side.UPSTREAM and failure.phase is Phase.CONNECT
    assert (kind_of(failure) is When.CONNECT) is is_connect


@given(st.integers(0, 50), st.floats(0, 1))
def test_pauses_are_bounded_and_double(retries: int, chance: float) -> None:
    assert 0 <= pause_s(retries, chance) <= min(FIRST_PAUSE_S * 2**retries, LONGEST_PAUSE_S)
    assert pause_s(1, 1.0) == 2 * pause_s(0, 1.0)


@pytest.mark.parametrize("failure", Failure)
def test_only_a_kept_connection_is_stale(failure: Failure) -> None:
    assert not is_stale(failure, is_reused=False, has_answer=False)
    assert not is_stale(failure, is_reused=True, has_answer=True)
    expected = failure in (CLOSED, Failure.SEND_FAILED, Failure.UNASKED_RESPONSE)
    assert is_stale(failure, is_reused=True, has_answer=False) is expected
