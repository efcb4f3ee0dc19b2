"""What rounds add up to."""

import pytest
from benchmarks.figures import quantile
from benchmarks.proxies.spread import (
    Spread,
    cpu_s_per_gib,
    cpu_us_per_request,
    interleaved,
    paired_ratio,
)
from hypothesis import given
from hypothesis import strategies as st

FIGURES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=9)


@given(FIGURES)
def test_the_median_lies_within_what_was_seen(values: list[float]) -> None:
    spread = Spread.of(values)
    assert (spread.least, spread.most) == (min(values), max(values))
    assert spread.least <= spread.median <= spread.most
    assert spread.rounds == len(values)


@given(FIGURES, st.floats(0, 1))
def test_a_quantile_was_measured_and_enough_values_do_not_exceed_it(
    values: list[float], share: float
) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


def test_rounds_begin_with_another_each_time() -> None:
    assert "".join(item for _, item in interleaved("ABC", 4)) == "ABCBCACABABC"


@given(st.lists(st.integers(), unique=True, max_size=7), st.integers(0, 9))
def test_each_item_has_every_round_once(items: list[int], rounds: int) -> None:
    found = list(interleaved(items, rounds))
    for turn in range(rounds):
        assert sorted(item for number, item in found if number == turn) == sorted(items)
    assert len(found) == rounds * len(items)


def test_what_hits_a_whole_round_falls_out_of_a_paired_ratio() -> None:
    calm, hit = [10.0, 20.0], [70.0, 140.0]  # the second round of both took seven times as long
    assert paired_ratio([calm[1], hit[1]], [calm[0], hit[0]]) == Spread(2.0, 2.0, 2.0, 2)


@pytest.mark.parametrize(("values", "beside"), [([1.0], [1.0, 2.0]), ([1.0], [0.0]), ([], [])])
def test_rounds_that_do_not_pair_are_refused(values: list[float], beside: list[float]) -> None:
    with pytest.raises(ValueError, match=r"round|divide"):
        paired_ratio(values, beside)


def test_cpu_is_divided_by_what_was_answered() -> None:
    assert cpu_us_per_request(0.5, 10_000) == 50.0
    assert cpu_s_per_gib(0.5, 1024, 1 << 20) == 0.5
    for requests in (0, -1):
        with pytest.raises(ValueError, match="no request"):
            cpu_us_per_request(1.0, requests)
    with pytest.raises(ValueError, match="no byte"):
        cpu_s_per_gib(1.0, 0, 1 << 20)
