"""The sign test: exact values, and no more false alarms than promised though it is looked at after every pair."""

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.compare.statistics.sign_test import ALPHA, excess, is_worse, sign_test


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_is_the_exact_binomial_tail(b: int, c: int) -> None:
    n = b + c
    exact = Fraction(sum(comb(n, k) for k in range(b, n + 1)), 2**n)
    assert sign_test(b, c) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(
    ("b", "c", "p"), [(0, 0, 1.0), (5, 0, 1 / 32), (8, 2, 56 / 1024), (10, 0, 1 / 1024), (0, 9, 1)]
)
def test_known_values(b: int, c: int, p: float) -> None:
    assert sign_test(b, c) == pytest.approx(p)


@pytest.mark.parametrize(
    ("b", "c", "worse"),
    [(0, 0, False), (6, 0, False), (7, 0, True), (50, 50, False), (40, 20, False), (50, 20, True), (0, 40, False)],
)  # fmt: skip
def test_when_the_candidate_is_worse(b: int, c: int, worse: bool) -> None:
    assert is_worse(b, c) is worse


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_evidence_is_a_fair_bet(b: int, c: int) -> None:
    """Under the null the mean of the next step is where the bet stands: what makes it a martingale."""
    mean = (excess(b + 1, c) + excess(b, c + 1)) / 2
    assert mean == pytest.approx(excess(b, c), rel=1e-9)


def test_many_pairs_are_counted_without_overflow() -> None:
    assert sign_test(50_000, 50_000) == pytest.approx(0.5, abs=0.01)
    assert excess(3000, 0) > 1e300
    assert is_worse(30_000, 20_000)
    assert not is_worse(20_000, 30_000)


def test_looked_at_after_every_pair_it_alarms_in_no_more_than_five_of_a_hundred() -> None:
    draw = random.Random(1946)
    runs = 1000
    sequential = once_for_all = 0
    for _ in range(runs):
        b = c = 0
        was_worse = had_p = False
        for _ in range(200):
            if draw.random() < 0.5:
                b += 1
            else:
                c += 1
            was_worse = was_worse or is_worse(b, c)
            had_p = had_p or (b + c >= 10 and sign_test(b, c) < ALPHA)
        sequential += was_worse
        once_for_all += had_p
    assert sequential <= ALPHA * runs
    assert once_for_all > 3 * ALPHA * runs, "the test for one look does not survive being looked at"
