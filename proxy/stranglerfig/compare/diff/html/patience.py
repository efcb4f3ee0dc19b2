"""Patience diff over numbers: what is there once on both sides, in the same order, divides the rest into stretches."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final

_CELLS_AT_ONCE: Final = (
    2_500  # pairs of one stretch that are looked at one by one; in a longer one none is
)
_MAX_SPLITS: Final = 16

Pair = tuple[int, int]


def anchors_of(left: list[int], right: list[int]) -> Iterator[Pair]:
    """Equal tokens, in the same order on both sides."""
    waiting = [(0, len(left), 0, len(right), _MAX_SPLITS)]
    while waiting:
        i, i_end, j, j_end, splits = waiting.pop()
        while i < i_end and j < j_end and left[i] == right[j]:
            yield i, j
            i, j = i + 1, j + 1
        while i < i_end and j < j_end and left[i_end - 1] == right[j_end - 1]:
            i_end, j_end = i_end - 1, j_end - 1
            yield i_end, j_end
        if i == i_end or j == j_end:
            continue
        unique = _in_order(_unique(left, right, i, i_end, j, j_end))
        if not unique or not splits:
            if (i_end - i) * (j_end - j) <= _CELLS_AT_ONCE:
                matcher = SequenceMatcher(None, left[i:i_end], right[j:j_end], autojunk=False)
                for block in matcher.get_matching_blocks():
                    yield from ((i + block.a + n, j + block.b + n) for n in range(block.size))
            continue
        for anchor in [*unique, (i_end, j_end)]:
            waiting.append((i, anchor[0], j, anchor[1], splits - 1))
            i, j = anchor[0] + 1, anchor[1] + 1
        yield from unique


def _unique(
    left: list[int], right: list[int], i: int, i_end: int, j: int, j_end: int
) -> list[Pair]:
    """What is there once on either side of a stretch, in the order of the left one."""
    counts = Counter(left[i:i_end]), Counter(right[j:j_end])
    at = {token: j + n for n, token in enumerate(right[j:j_end]) if counts[1][token] == 1}
    return [
        (i + n, at[token])
        for n, token in enumerate(left[i:i_end])
        if token in at and counts[0][token] == 1
    ]


def _in_order(pairs: list[Pair]) -> list[Pair]:
    """The longest run of pairs whose right sides rise."""
    ends: list[int] = []  # the smallest right side that ends a run of each length
    at: list[int] = []
    before: list[int] = []
    for number, (_, right) in enumerate(pairs):
        length = bisect_left(ends, right)
        before.append(at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(right)
            at.append(number)
        else:
            ends[length], at[length] = right, number
    run = []
    number = at[-1] if at else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    return run[::-1]


def moved_of(left: list[int], right: list[int], anchors: list[Pair]) -> list[Pair]:
    """Equal tokens that no anchor holds."""
    known = {at for at, _ in anchors}, {at for _, at in anchors}
    waiting: dict[int, list[int]] = {}
    for at in range(len(right) - 1, -1, -1):
        if at not in known[1]:
            waiting.setdefault(right[at], []).append(at)
    return [
        (at, waiting[token].pop())
        for at, token in enumerate(left)
        if at not in known[0] and waiting.get(token)
    ]
