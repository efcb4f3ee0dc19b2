"""What rounds add up to. Pure: figures in, figures out."""

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")


class Spread(NamedTuple):
    """Of one figure over all rounds: the median, the least and the most that was seen."""

    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """``ValueError`` if there is none."""
        if not values:
            raise ValueError("no round was measured")
        return cls(statistics.median(values), min(values), max(values), len(values))


def interleaved(items: Sequence[Item], rounds: int) -> Iterator[tuple[int, Item]]:
    """Each item once in every round, each time beginning with another: nobody always comes first, or after the same one."""
    for turn in range(rounds):
        start = turn % len(items) if items else 0
        for item in [*items[start:], *items[:start]]:
            yield turn, item


def paired_ratio(values: Sequence[float], beside: Sequence[float]) -> Spread:
    """Round by round, how many times ``beside`` the values are: what hits a whole round falls out.

    ``ValueError`` where the rounds are not the same number, or a figure to divide by is 0.
    """
    if len(values) != len(beside):
        raise ValueError(f"{len(values)} rounds beside {len(beside)}")
    if any(each == 0 for each in beside):
        raise ValueError("a figure to divide by is 0")
    return Spread.of([mine / theirs for mine, theirs in zip(values, beside, strict=True)])


def cpu_us_per_request(cpu_s: float, requests: int) -> float:
    """Microseconds of CPU time for each answered request."""
    if requests <= 0:
        raise ValueError("no request was answered")
    return cpu_s / requests * 1e6


def cpu_s_per_gib(cpu_s: float, answers: int, size: int) -> float:
    """Seconds of CPU time for each GiB of bodies."""
    if answers <= 0 or size <= 0:
        raise ValueError("no byte was passed on")
    return cpu_s / (answers * size / 2**30)
