"""A share of an upstream's requests may be on a further attempt at once, and a few always."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.upstream.budget import FLOOR, RetryBudget


@pytest.mark.parametrize(
    ("active", "allowed"), [(0, 3), (1, 3), (15, 3), (19, 3), (20, 4), (24, 4), (100, 20), (1000, 200)]
)  # fmt: skip
def test_a_fifth_and_never_less_than_the_floor(active: int, allowed: int) -> None:
    budget = RetryBudget()
    budget.active = active
    assert budget.allowed == allowed
    assert [budget.take() for _ in range(allowed + 2)] == [True] * allowed + [False, False]
    budget.give()
    assert budget.take()
    assert not budget.take()


@given(st.lists(st.sampled_from(["begin", "end", "take", "give"])))
def test_leave_is_given_within_the_bound_of_that_moment(steps: list[str]) -> None:
    budget = RetryBudget()
    for step in steps:
        if step == "begin":
            budget.active += 1
        elif step == "end" and budget.active:
            budget.active -= 1
        elif step == "take":
            before = budget.retrying
            taken = budget.take()
            assert taken is (before < max(FLOOR, budget.active // 5))
            assert budget.retrying == before + taken
        elif step == "give" and budget.retrying:
            budget.give()
        assert budget.retrying >= 0
