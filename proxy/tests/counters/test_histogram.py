"""Latency histograms: where an observation falls, what a quantile says."""

from pathlib import Path

import pytest

from stranglerfig.counters import CounterBlock, Histogram, read_all
from stranglerfig.counters.histogram import BOUNDS_S, LE, quantile_s, read_buckets
from stranglerfig.counters.names import DURATION


@pytest.mark.parametrize(
    ("seconds", "le"),
    [
        (0.0, "0.001"),
        (0.001, "0.001"),
        (0.0011, "0.002"),
        (30.0, "30"),
        (31.0, "60"),
        (60.0, "60"),
        (60.1, "+Inf"),
        (-1.0, "0.001"),
    ],
)
def test_an_observation_falls_into_the_first_bucket_that_holds_it(
    tmp_path: Path, seconds: float, le: str
) -> None:
    block = CounterBlock.open(tmp_path / "w")
    Histogram(block, DURATION, capability="catalog", stage="canary", side="service").observe(
        seconds
    )
    buckets = read_buckets(read_all(tmp_path), DURATION, capability="catalog", side="service")
    assert buckets == [int(bound == le) for bound in LE]
    block.close()


def test_the_sum_is_kept_in_microseconds(tmp_path: Path) -> None:
    block = CounterBlock.open(tmp_path / "w")
    histogram = Histogram(block, DURATION, capability="c", stage="shadow", side="monolith")
    histogram.observe(0.25)
    histogram.observe(1.5)
    key = (f"{DURATION}_sum_us", (("capability", "c"), ("side", "monolith"), ("stage", "shadow")))
    assert read_all(tmp_path)[key] == 1_750_000
    block.close()


def test_buckets_of_several_histograms_are_added_up(tmp_path: Path) -> None:
    block = CounterBlock.open(tmp_path / "w")
    for stage, side in (("canary", "service"), ("service", "service"), ("canary", "monolith")):
        Histogram(block, DURATION, capability="c", stage=stage, side=side).observe(0.002)
    counts = read_all(tmp_path)
    assert sum(read_buckets(counts, DURATION, capability="c", side="service")) == 2
    assert sum(read_buckets(counts, DURATION, capability="c", stage="canary")) == 2
    assert sum(read_buckets(counts, DURATION, capability="d")) == 0
    block.close()


def test_no_observation_has_no_quantile() -> None:
    assert quantile_s([0] * len(LE), 0.5) is None


def test_a_quantile_lies_inside_the_bucket_that_holds_its_rank() -> None:
    buckets = [0] * len(LE)
    buckets[LE.index("0.01")] = 99
    buckets[LE.index("1")] = 1
    median = quantile_s(buckets, 0.5)
    assert median is not None
    assert 0.0075 < median <= 0.01
    p999 = quantile_s(buckets, 0.999)
    assert p999 is not None
    assert 0.5 < p999 <= 1.0


def test_what_is_beyond_the_last_bound_is_given_as_that_bound() -> None:
    buckets = [0] * len(LE)
    buckets[-1] = 5
    assert quantile_s(buckets, 0.5) == BOUNDS_S[-1]
