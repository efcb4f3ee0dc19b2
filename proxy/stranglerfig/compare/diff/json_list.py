"""Which element of one list is which element of the other one.

Without a rule: elements that carry a key (``id``, ``slug``, …) are matched by it, so that one inserted row is one difference and
not a whole page of them; others go by position. When fewer than half of the keys are found on both sides, the keys
themselves are what differs, and positions are used. A rule says ``ordered``, ``bag`` or ``key`` for one list.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from stranglerfig.compare.diff.json_tree import Json, Members, Number, canonical
from stranglerfig.compare.diff.path import MAX_NAMED_MEMBERS, Index, Member, Steps, is_name
from stranglerfig.compare.diff.reading import As, ListReading

_KEY_NAMES: Final = ("id", "uuid", "pk", "slug", "sku", "code", "key")

Pair = tuple[int, int]


class Aligned(NamedTuple):
    """Positions on both sides, and what is to be said of the lists as wholes. Pairs that are equal may be left out."""

    pairs: list[Pair]
    missing: list[int]
    extra: list[int]
    is_other_order: bool = False
    is_other_size: bool = False


def align(
    control: list[Json],
    candidate: list[Json],
    how: ListReading | None,
    text_of: Callable[[Json], str],
) -> Aligned:
    """Match what can be matched. ``text_of``: one text for all that counts as equal."""
    match how:
        case ListReading(As.KEY, name):
            return _by_key(_keyed(control, name), _keyed(candidate, name))
        case ListReading(As.BAG):
            return _as_bag([text_of(item) for item in control], [text_of(item) for item in candidate])  # fmt: skip
        case None if (keys := _shared_keys(control, candidate)) is not None:
            return _by_key(*keys)
    if len(control) == len(candidate):
        return _by_position(control, candidate)
    if how is not None:
        pairs = [(at, at) for at in range(min(len(control), len(candidate)))]
        return Aligned(pairs, [], [], is_other_size=True)
    # What is the same on both sides, wherever it stands, is no further difference; the rest is compared in order.
    ours, theirs = [canonical(item) for item in control], [canonical(item) for item in candidate]
    rest = zip(_without(ours, theirs), _without(theirs, ours), strict=False)
    return Aligned(list(rest), [], [], is_other_size=True)


def _by_position(control: list[Json], candidate: list[Json]) -> Aligned:
    unequal = [at for at, item in enumerate(control) if item != candidate[at]]
    if len(unequal) > 1:
        ours, theirs = (Counter(canonical(side[at]) for at in unequal) for side in (control, candidate))  # fmt: skip
        if ours == theirs:
            return Aligned([], [], [], is_other_order=True)
    return Aligned([(at, at) for at in unequal], [], [])


def _as_bag(ours: list[str], theirs: list[str]) -> Aligned:
    """What is left over is held against each other in the order of its text, which no order of the list changes."""
    left = sorted(_without(ours, theirs), key=ours.__getitem__)
    right = sorted(_without(theirs, ours), key=theirs.__getitem__)
    shared = min(len(left), len(right))
    return Aligned(list(zip(left, right, strict=False)), left[shared:], right[shared:])


def _without(ours: list[str], theirs: list[str]) -> list[int]:
    """Positions in ``ours`` of what ``theirs`` has not, each occurrence counted once."""
    remaining = Counter(theirs)
    positions = []
    for position, text in enumerate(ours):
        if remaining[text]:
            remaining[text] -= 1
        else:
            positions.append(position)
    return positions


def _by_key(ours: dict[str, int], theirs: dict[str, int]) -> Aligned:
    common = [key for key in ours if key in theirs]
    return Aligned(
        [(ours[key], theirs[key]) for key in common],
        [position for key, position in ours.items() if key not in theirs],
        [position for key, position in theirs.items() if key not in ours],
        is_other_order=common != [key for key in theirs if key in ours],
    )


def _keyed(items: list[Json], name: str) -> dict[str, int]:
    """Key to position. Of elements with one key, and of those without, the first is known apart from the second."""
    keys: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for position, item in enumerate(items):
        has_key = isinstance(item, Members) and name in item
        key = canonical(item[name]) if has_key and isinstance(item, Members) else "(none)"
        keys[f"{key} {seen[key]}"] = position
        seen[key] += 1
    return keys


def _shared_keys(
    control: list[Json], candidate: list[Json]
) -> tuple[dict[str, int], dict[str, int]] | None:
    """Key to position on both sides, if the elements carry one and most keys are on both."""
    for name in _KEY_NAMES:
        ours, theirs = _keys(control, name), _keys(candidate, name)
        if ours is None or theirs is None:
            continue
        if 2 * len(ours.keys() & theirs.keys()) >= max(len(ours), len(theirs)):
            return ours, theirs
        return None
    return None


def _keys(items: list[Json], name: str) -> dict[str, int] | None:
    """Key to position, or ``None`` unless every element has a scalar of its own under ``name``."""
    keys: dict[str, int] = {}
    for position, item in enumerate(items):
        if not isinstance(item, Members):
            return None
        key = item.get(name)
        if not isinstance(key, str | Number):
            return None
        keys[canonical(key)] = position
    return keys if len(keys) == len(items) else None


def sorted_bags(tree: Json, is_bag: Callable[[Steps], bool], steps: Steps) -> Json:
    """The tree with the elements of its bags in one order, so that equal bags are equal."""
    match tree:
        case Members() if not tree.duplicates:
            is_dictionary = len(tree) > MAX_NAMED_MEMBERS
            return Members(
                (key, sorted_bags(item, is_bag, (*steps, Member(key, is_dictionary or not is_name(key)))))
                for key, item in tree.items()
            )  # fmt: skip
        case list():
            items = [sorted_bags(item, is_bag, (*steps, Index(at))) for at, item in enumerate(tree)]
            return sorted(items, key=canonical) if is_bag(steps) else items
    return tree


def positions(aligned: Aligned) -> Iterator[tuple[int, int | None]]:
    """The positions of one side in order, each with the other one's or ``None``."""
    yield from sorted([*aligned.pairs, *((at, None) for at in aligned.missing)], key=lambda each: each[0])  # fmt: skip
