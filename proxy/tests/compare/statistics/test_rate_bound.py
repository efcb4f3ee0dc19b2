"""The bound of a rate: exact where it can be told, and never below the true rate too often, however often one looks."""

import random
from math import comb, log

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stranglerfig.compare.statistics.beta import incomplete_beta
from stranglerfig.compare.statistics.rate_bound import (
    ALPHA,
    trials_needed,
    upper_bound,
    wealth,
)


@pytest.mark.parametrize(
    ("events", "trials", "bound"),
    [(0, 0, 1.0), (1, 1, 1.0), (0, 300, 0.011402), (0, 3000, 0.0011463), (1, 300, 0.025683), (26, 225, 0.193714), (100, 100_000, 0.00136472)],
)  # fmt: skip
def test_known_bounds(events: int, trials: int, bound: float) -> None:
    assert upper_bound(events, trials) == pytest.approx(bound, rel=1e-3)


@pytest.mark.parametrize("trials", [100, 1000, 30_000])
def test_nothing_in_n_costs_a_little_more_than_the_rule_of_three(trials: int) -> None:
    assert 3.0 < upper_bound(0, trials) * trials < 3.5


@given(st.integers(0, 40), st.integers(1, 400), st.floats(0.001, 0.999))
def test_theincomplete_beta_function_is_a_binomial_tail(s: int, f: int, x: float) -> None:
    n = s + f
    tail = sum(comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(s, n + 1)) if s else 1.0
    assert (incomplete_beta(x, s, f + 1) if s else 1.0) == pytest.approx(tail, rel=1e-8, abs=1e-12)


@given(st.integers(0, 30), st.integers(0, 2000), st.floats(0.001, 0.9))
def test_the_bet_is_fair_at_the_true_rate_and_loses_at_larger_ones(
    events: int, others: int, rate: float
) -> None:
    trials = events + others
    now = wealth(events, trials, rate)
    assume(1e-200 < now < 1e200)

    def mean(true_rate: float) -> float:
        return true_rate * wealth(events + 1, trials + 1, rate) + (1 - true_rate) * wealth(
            events, trials + 1, rate
        )

    assert mean(rate) == pytest.approx(now, rel=1e-6)
    assert mean(min(1.0, rate * 1.1)) <= now * (1 + 1e-9)


@given(st.integers(0, 20), st.integers(22, 2000))
def test_more_events_widen_it_and_more_trials_narrow_it(events: int, trials: int) -> None:
    bound = upper_bound(events, trials)
    assert bound > events / trials
    assert upper_bound(events + 1, trials) > bound
    assert upper_bound(events, trials + 1) < bound


@pytest.mark.parametrize(("rate", "needed"), [(0.1, 33), (0.01, 343), (0.001, 3440)])
def test_how_many_are_needed(rate: float, needed: int) -> None:
    assert trials_needed(rate) == needed
    assert upper_bound(0, needed) <= rate < upper_bound(0, needed - 1)
    assert trials_needed(rate, 2) > 2 * needed


@pytest.mark.parametrize("rate", [0.0, 1.0, -1.0])
def test_a_rate_that_bounds_nothing_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        trials_needed(rate)


@pytest.mark.parametrize("rate", [0.002, 0.02, 0.2])
def test_looked_at_after_every_comparison_it_fails_in_no_more_than_five_of_a_hundred(
    rate: float,
) -> None:
    draw = random.Random(1939)
    runs, looks = 600, 600
    sequential = one_look = 0
    for _ in range(runs):
        events = 0
        was_below = three_was_below = False
        for trials in range(1, looks + 1):
            events += draw.random() < rate
            # The bound is below the true rate exactly when the bet against that rate has won.
            was_below = was_below or wealth(events, trials, rate) >= 1 / ALPHA
            three_was_below = (
                three_was_below
                or (events == 0 and -log(ALPHA) / trials < rate)
                or (events == 1 and 4.744 / trials < rate)
                or (events == 2 and 6.296 / trials < rate)
            )
        sequential += was_below
        one_look += three_was_below
    assert sequential <= ALPHA * runs
    if rate > 0.01:
        assert one_look > ALPHA * runs, "bounds for one look do not survive being looked at"


@pytest.mark.parametrize(("events", "trials"), [(0, 50), (0, 299), (3, 400), (17, 60)])
def test_the_bound_is_where_the_bet_has_won(events: int, trials: int) -> None:
    bound = upper_bound(events, trials)
    assert wealth(events, trials, bound * (1 + 1e-6)) >= 1 / ALPHA
    assert wealth(events, trials, bound * (1 - 1e-6)) < 1 / ALPHA
