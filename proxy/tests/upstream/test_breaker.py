"""When an address that fails is left alone, and when it is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.config.balancing import BreakerLimits
from stranglerfig.http1.failure import Failure, Side
from stranglerfig.upstream.breaker import FAILS, Breaker, BreakerState

LIMITS = BreakerLimits(failures=3, open_s=1.0, longest_s=8.0)
LATER = float("inf")


def failed(breaker: Breaker, now: float, request: object = "", *, at_once: bool = False) -> bool:
    """One failure, without jitter."""
    return breaker.fail(request, Failure.RESPONSE_TIMEOUT, now, LIMITS, chance=1.0, at_once=at_once)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    assert failed(breaker, now, at_once=True)
    return breaker


def test_it_opens_at_the_last_of_the_failures_in_a_row() -> None:
    breaker = Breaker()
    assert [failed(breaker, 5), failed(breaker, 6), failed(breaker, 7)] == [False, False, True]
    assert (breaker.state(7), breaker.since, breaker.why) == (
        BreakerState.OPEN,
        7,
        Failure.RESPONSE_TIMEOUT,
    )
    assert not breaker.allows(7)


def test_an_answer_in_between_begins_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(10):
        assert not failed(breaker, 0)
        assert not failed(breaker, 0)
        assert not breaker.succeed()
    assert breaker.allows(0)


def test_after_its_time_one_request_at_a_time_is_let_through() -> None:
    breaker = opened()
    assert not breaker.allows(0.999)
    assert breaker.state(1.0) is BreakerState.HALF_OPEN
    assert breaker.allows(1.0)
    assert breaker.begin("first", 1.0, LATER)
    assert not breaker.allows(1.0)
    assert not breaker.begin("second", 1.0, LATER)
    assert breaker.succeed()
    assert breaker.state(1.0) is BreakerState.CLOSED
    assert breaker.allows(1.0)


def test_each_trial_that_fails_doubles_the_time_up_to_the_longest() -> None:
    breaker, now, waited = opened(), 0.0, []
    for trial in range(6):
        assert breaker.until is not None
        waited.append(breaker.until - now)
        now = breaker.until
        assert breaker.begin(trial, now, LATER)
        assert failed(breaker, now, trial)
    assert waited == [1, 2, 4, 8, 8, 8]
    assert breaker.since == 0
    breaker.succeed()
    failed(breaker, now, at_once=True)
    assert breaker.until == now + 1


def test_only_the_trial_counts_while_it_is_open() -> None:
    breaker = opened()
    assert not failed(breaker, 0.5, "was under way")
    assert breaker.until == 1
    assert breaker.begin("trial", 1, LATER)
    assert not failed(breaker, 1.2, "was under way too")
    assert not breaker.allows(1.2)
    assert failed(breaker, 1.3, "trial")
    assert breaker.until == 1.3 + 2


def test_a_trial_whose_client_left_says_nothing_and_makes_room_for_the_next() -> None:
    breaker = opened()
    breaker.begin("trial", 1, LATER)
    assert not breaker.give_up("another")
    assert not breaker.allows(1)
    assert breaker.give_up("trial")
    assert not breaker.give_up("trial")
    assert breaker.state(1) is BreakerState.HALF_OPEN
    assert breaker.begin("next", 1, LATER)


def test_a_trial_that_takes_too_long_is_followed_by_another_and_its_failure_says_nothing() -> None:
    breaker = opened()
    assert breaker.changes_at(0.5) == 1
    assert breaker.begin("slow", 1, by=5)
    assert breaker.changes_at(4.9) == 5
    assert not breaker.allows(4.9)
    assert breaker.allows(5)
    assert breaker.changes_at(5) is None
    assert breaker.begin("next", 5, by=9)
    assert not breaker.allows(5)
    assert not failed(breaker, 6, "slow")
    assert not breaker.give_up("slow")
    assert not breaker.allows(6)
    assert failed(breaker, 7, "next")
    assert breaker.until == 7 + 2


@pytest.mark.parametrize(("chance", "until"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_chance_shortens_the_time_by_up_to_a_half(chance: float, until: float) -> None:
    breaker = Breaker()
    breaker.fail("", Failure.CONNECT_FAILED, 0, LIMITS, chance, at_once=True)
    assert breaker.until == until


def test_what_counts_is_what_an_upstream_did_and_no_answer_is() -> None:
    assert {each.side for each in FAILS} == {Side.UPSTREAM}
    passed_over = {each for each in Failure if each.side is Side.UPSTREAM} - FAILS
    assert passed_over == {
        Failure.SEND_FAILED,
        Failure.BODY_STALLED,
        Failure.BODY_OVER_CAP,
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "succeed", "fail", "fail at once", "give up"]),
            st.integers(0, 3),
            st.floats(0, 5),
            st.floats(0, 1),
        ),
        max_size=60,
    )
)
def test_it_never_stays_shut_for_longer_than_the_longest_and_never_lets_two_trials_through(
    steps: list[tuple[str, int, float, float]],
) -> None:
    breaker, now, trial = Breaker(), 0.0, None
    for step, request, later, chance in steps:
        now += later
        allows = breaker.allows(now)
        match step:
            case "begin":
                begun = breaker.begin(request, now, LATER)
                assert begun is (allows and breaker.until is not None)
                trial = request if begun else trial
            case "succeed":
                breaker.succeed()
                trial = None
                assert breaker.allows(now)
            case "give up":
                assert breaker.give_up(request) is (trial == request)
                trial = None if trial == request else trial
            case _:
                was_closed = breaker.until is None
                at_once = step == "fail at once"
                has_opened = breaker.fail(
                    request, Failure.CLOSED_EARLY, now, LIMITS, chance, at_once=at_once
                )
                if has_opened:
                    assert breaker.until is not None
                    assert 0.499 <= breaker.until - now <= LIMITS.longest_s + 0.001
                    trial = None
                else:
                    assert was_closed or trial != request
        if trial is not None:
            assert not breaker.allows(now)
            assert not breaker.allows(now + 1e9)
        else:
            assert breaker.allows(now + LIMITS.longest_s + 0.001)
