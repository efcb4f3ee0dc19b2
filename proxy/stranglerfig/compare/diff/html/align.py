"""Which child of one element is which child of the other one.

What is the same stays where it is (patience diff: anchors are what is there once on both sides); what has an ``id`` or a
name of its own is known by it even when it has changed; the rest is matched between the anchors, by likeness and then
in order. So an inserted row is one difference, and not a page of them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from stranglerfig.compare.diff.html.like import likeness
from stranglerfig.compare.diff.html.node import Element, Node, token
from stranglerfig.compare.diff.html.patience import (
    Pair,
    anchors_of,
    moved_of,
)

_CELLS: Final = (
    60_000  # pairs that are weighed on a whole page, a microsecond each; more are matched in order
)
_CELLS_AT_ONCE: Final = 20_000  # lists of a hundred rows, and some
_NAMED_BY: Final = {
    "a": ("href",),
    "img": ("src",),
    "label": ("for",),
    "link": ("href",),
    "meta": ("name", "property", "http-equiv"),
    "script": ("src",),
}


class Alignment(NamedTuple):
    """Positions on both sides. ``moved`` are pairs too, that stand elsewhere among the others."""

    pairs: list[Pair]
    moved: list[Pair]
    missing: list[int]
    extra: list[int]


class Aligner:
    """Aligns the children of one page's elements, within a bound on the work for all of them."""

    def __init__(self) -> None:
        self._cells_left = _CELLS

    def align(self, ours: Sequence[Node], theirs: Sequence[Node]) -> Alignment:
        """Match all that can be matched; what is equal at both ends is left out."""
        start, end = _equal_ends(ours, theirs)
        ours, theirs = ours[start : len(ours) - end], theirs[start : len(theirs) - end]
        if (changed := _changed_in_place(ours, theirs)) is not None:
            return Alignment(_shifted(changed, start), [], [], [])
        left, right = _tokens(ours, theirs)
        anchors = sorted(anchors_of(left, right))
        moved = moved_of(left, right, anchors)
        gone = {position for position, _ in moved}
        come = {position for _, position in moved}
        pairs, missing, extra = list(anchors), [], []
        for (i, j), (next_i, next_j) in zip(
            [(-1, -1), *anchors], [*anchors, (len(left), len(right))], strict=True
        ):
            ours_open = [at for at in range(i + 1, next_i) if at not in gone]
            theirs_open = [at for at in range(j + 1, next_j) if at not in come]
            found = list(self._between(ours, theirs, ours_open, theirs_open))
            pairs += found
            known = {at for at, _ in found}, {at for _, at in found}
            missing += [at + start for at in ours_open if at not in known[0]]
            extra += [at + start for at in theirs_open if at not in known[1]]
        return Alignment(_shifted(pairs, start), _shifted(moved, start), missing, extra)

    def _between(
        self, ours: Sequence[Node], theirs: Sequence[Node], left: list[int], right: list[int]
    ) -> Iterator[Pair]:
        """What is left between two anchors, each tag with its own."""
        for tag in dict.fromkeys(_tag(ours[at]) for at in left):
            one = [at for at in left if _tag(ours[at]) == tag]
            other = [at for at in right if _tag(theirs[at]) == tag]
            cells = len(one) * len(other)
            if cells > 1 and cells <= min(_CELLS_AT_ONCE, self._cells_left):
                self._cells_left -= cells
                yield from _most_alike(ours, theirs, one, other)
            else:
                yield from zip(one, other, strict=False)


def _equal_ends(ours: Sequence[Node], theirs: Sequence[Node]) -> Pair:
    """How many are the same at the beginning, and how many of the others at the end."""
    most = min(len(ours), len(theirs))
    start = 0
    while start < most and ours[start] == theirs[start]:
        start += 1
    end = 0
    # Of equally many the one at the start is known to differ, and to compare is what costs here.
    most -= start + (len(ours) == len(theirs))
    while end < most and ours[-1 - end] == theirs[-1 - end]:
        end += 1
    return start, end


def _changed_in_place(ours: Sequence[Node], theirs: Sequence[Node]) -> list[Pair] | None:
    """Most pages differ in a few children that are where they were; ``None`` where it is not so plain."""
    if len(ours) != len(theirs):
        return None
    changed = [at for at, node in enumerate(ours) if len(ours) == 1 or node != theirs[at]]
    if any(_tag(ours[at]) != _tag(theirs[at]) or _key(ours[at]) != _key(theirs[at]) for at in changed):  # fmt: skip
        return None
    if len(changed) > 1:
        if 2 * len(changed) > len(ours):
            return None
        left, right = ({token(side[at]) for at in changed} for side in (ours, theirs))
        if left & right:  # something has moved
            return None
    return [(at, at) for at in changed]


def _shifted(pairs: list[Pair], by: int) -> list[Pair]:
    return [(i + by, j + by) for i, j in pairs]


def _tag(node: Node) -> str:
    return node.tag if isinstance(node, Element) else ""


def _key(node: Node) -> tuple[str, ...] | None:
    if not isinstance(node, Element):
        return None
    for name in ("id", "name", *_NAMED_BY.get(node.tag, ())):
        if value := node.attributes.get(name):
            return (node.tag, name, value)
    return None


def _tokens(ours: Sequence[Node], theirs: Sequence[Node]) -> tuple[list[int], list[int]]:
    """One number for each child; the same for those that are equal, or have a key that is there once on both sides."""
    keys = [[_key(node) for node in side] for side in (ours, theirs)]
    once = [{key for key, count in Counter(side).items() if count == 1} for side in keys]
    shared = (once[0] & once[1]) - {None}
    numbers: dict[object, int] = {}
    left, right = (
        [
            numbers.setdefault((key,) if key in shared else token(node), len(numbers))
            for node, key in zip(side, side_keys, strict=True)
        ]
        for side, side_keys in zip((ours, theirs), keys, strict=True)
    )
    return left, right


def _most_alike(
    ours: Sequence[Node], theirs: Sequence[Node], left: list[int], right: list[int]
) -> Iterator[Pair]:
    """The pairs, in order on both sides, that have most in common; between them what has nothing in common, in order."""
    alike = likeness([ours[at] for at in left], [theirs[at] for at in right])
    rows, columns = len(left), len(right)
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            best[i][j] = max(best[i + 1][j + 1] + alike[i][j], best[i + 1][j], best[i][j + 1])
    i = j = start_i = start_j = 0
    while i < rows and j < columns:
        if alike[i][j] > 0 and best[i][j] == best[i + 1][j + 1] + alike[i][j]:
            yield from zip(left[start_i:i], right[start_j:j], strict=False)
            yield left[i], right[j]
            i, j = i + 1, j + 1
            start_i, start_j = i, j
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    yield from zip(left[start_i:], right[start_j:], strict=False)
