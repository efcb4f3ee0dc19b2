"""Latencies as cells: fixed buckets, so that histograms of several processes can be added up."""

from bisect import bisect_left
from collections.abc import Sequence

from stranglerfig.counters.block import CounterBlock, Key
from stranglerfig.counters.names import BUCKET_SUFFIX, SUM_SUFFIX

#: Upper bounds in seconds; the last bucket (+Inf) follows. Finer below 100 ms, where shop pages are.
BOUNDS_S = (
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1,
    0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
LE = (*(f"{bound:g}" for bound in BOUNDS_S), "+Inf")


class Histogram:
    """The cells of one histogram with one set of label values. Making one is slow, ``observe`` is not."""

    __slots__ = ("_buckets", "_cells", "_sum")

    def __init__(self, block: CounterBlock, name: str, **labels: str) -> None:
        self._cells = block.cells
        self._buckets = [block.cell(name + BUCKET_SUFFIX, le=le, **labels) for le in LE]
        self._sum = block.cell(name + SUM_SUFFIX, **labels)

    def observe(self, seconds: float) -> None:
        """Count one duration; a negative one (a clock that was set back) counts as zero."""
        seconds = max(seconds, 0.0)
        self._cells[self._buckets[bisect_left(BOUNDS_S, seconds)]] += 1
        self._cells[self._sum] += int(seconds * 1e6)


def read_buckets(counts: dict[Key, int], name: str, **labels: str) -> list[int]:
    """Add up the bucket counts (not cumulated) of what ``read_all`` gave, of all histograms that have ``labels``."""
    wanted = labels.items()
    buckets = dict.fromkeys(LE, 0)
    for (known, pairs), count in counts.items():
        if known == name + BUCKET_SUFFIX:
            has = dict(pairs)
            if wanted <= has.items() and has["le"] in buckets:
                buckets[has["le"]] += count
    return list(buckets.values())


def quantile_s(buckets: Sequence[int], q: float) -> float | None:
    """Estimate the ``q`` quantile in seconds, linear inside its bucket; ``None`` without observations.

    What falls beyond the last bound is given as that bound: the histogram knows no more.
    """
    total = sum(buckets)
    if not total:
        return None
    rank, below = q * total, 0
    for index, count in enumerate(buckets):
        if count and below + count >= rank:
            if index >= len(BOUNDS_S):
                return BOUNDS_S[-1]
            low = BOUNDS_S[index - 1] if index else 0.0
            return low + (BOUNDS_S[index] - low) * max(rank - below, 0.0) / count
        below += count
    return BOUNDS_S[-1]
