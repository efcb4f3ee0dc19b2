"""Two JSON trees compared, in both directions.

Lists: elements that carry a key (``id``, ``slug``, …) are matched by it, so that one inserted row is one difference and
not a whole page of them; others go by position. When fewer than half of the keys are found on both sides, the
keys themselves are what differs, and positions are used.
"""

from collections import Counter
from collections.abc import Iterator

from stranglerfig.compare.diff.difference import ABSENT, BODY, Found, Kind
from stranglerfig.compare.diff.json_tree import Json, Members, Number, canonical
from stranglerfig.compare.diff.meaning import is_same_number, is_same_text
from stranglerfig.compare.diff.path import MAX_NAMED_MEMBERS, Index, Member, Steps, is_name

_KEY_NAMES = ("id", "uuid", "pk", "slug", "sku", "code", "key")


def diff_json(control: Json, candidate: Json, steps: Steps = ()) -> Iterator[Found]:
    """Every difference between two trees."""
    if control == candidate:
        return
    match control, candidate:
        case Members(), Members():
            yield from _diff_members(control, candidate, steps)
        case list(), list():
            yield from _diff_lists(control, candidate, steps)
        case _:
            yield Found(_kind_of(control, candidate), BODY, steps, control, candidate)


def _kind_of(control: Json, candidate: Json) -> Kind:
    """How two unequal values differ, of which at most one is a container."""
    match control, candidate:
        case (None, _) | (_, None):
            return Kind.NULL
        case Number(one), Number(other):
            return Kind.FORMAT if is_same_number(one, other) else Kind.VALUE
        case str(), str():
            return Kind.FORMAT if is_same_text(control, candidate) else Kind.VALUE
        case bool(), bool():
            return Kind.VALUE
    return Kind.TYPE


def _diff_members(control: Members, candidate: Members, steps: Steps) -> Iterator[Found]:
    is_dictionary = max(len(control), len(candidate)) > MAX_NAMED_MEMBERS
    for key in dict.fromkeys((*control, *candidate)):
        if _is_same_member(control, candidate, key):
            continue
        below = (*steps, Member(key, is_dictionary or not is_name(key)))
        if key not in candidate:
            yield Found(Kind.MISSING, BODY, below, control[key], ABSENT)
        elif key not in control:
            yield Found(Kind.EXTRA, BODY, below, ABSENT, candidate[key])
        else:
            yield from _diff_duplicates(control, candidate, key, below)
            yield from diff_json(control[key], candidate[key], below)


def _is_same_member(control: Members, candidate: Members, key: str) -> bool:
    if control.get(key, ABSENT) != candidate.get(key, ABSENT):
        return False
    return control.duplicates.get(key) == candidate.duplicates.get(key)


def _diff_duplicates(
    control: Members, candidate: Members, key: str, steps: Steps
) -> Iterator[Found]:
    """A key repeated on one side, or with other values before its last one (which parsers keep)."""
    if not control.duplicates and not candidate.duplicates:
        return
    ours, theirs = control.duplicates.get(key, []), candidate.duplicates.get(key, [])
    if ours[:-1] != theirs[:-1]:
        yield Found(Kind.DUPLICATE, BODY, steps, ours or control[key], theirs or candidate[key])


def _diff_lists(control: list[Json], candidate: list[Json], steps: Steps) -> Iterator[Found]:
    keys = _shared_keys(control, candidate)
    if keys is not None:
        yield from _diff_by_key(control, candidate, *keys, steps)
        return
    if len(control) == len(candidate):
        yield from _diff_by_position(control, candidate, steps)
        return
    yield Found(Kind.SIZE, BODY, steps, control, candidate)
    # What is the same on both sides, wherever it stands, is no further difference; the rest is compared in order.
    ours, theirs = [canonical(item) for item in control], [canonical(item) for item in candidate]
    only_ours, only_theirs = _without(ours, theirs), _without(theirs, ours)
    for left_at, right_at in zip(only_ours, only_theirs, strict=False):
        yield from diff_json(control[left_at], candidate[right_at], (*steps, Index(left_at)))


def _diff_by_position(control: list[Json], candidate: list[Json], steps: Steps) -> Iterator[Found]:
    unequal = [at for at, item in enumerate(control) if item != candidate[at]]
    if len(unequal) > 1 and _is_reordered(control, candidate, unequal):
        yield Found(Kind.ORDER, BODY, steps, control, candidate)
        return
    for at in unequal:
        yield from diff_json(control[at], candidate[at], (*steps, Index(at)))


def _is_reordered(control: list[Json], candidate: list[Json], unequal: list[int]) -> bool:
    """Whether what stands at ``unequal`` is the same on both sides but for its order; the rest is alike in place."""
    ours, theirs = (Counter(canonical(side[at]) for at in unequal) for side in (control, candidate))
    return ours == theirs


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


def _diff_by_key(
    control: list[Json],
    candidate: list[Json],
    ours: dict[str, int],
    theirs: dict[str, int],
    steps: Steps,
) -> Iterator[Found]:
    common = [key for key in ours if key in theirs]
    if common != [key for key in theirs if key in ours]:
        yield Found(Kind.ORDER, BODY, steps, control, candidate)
    for key, position in ours.items():
        below = (*steps, Index(position))
        if key in theirs:
            yield from diff_json(control[position], candidate[theirs[key]], below)
        else:
            yield Found(Kind.MISSING, BODY, below, control[position], ABSENT)
    for key, position in theirs.items():
        if key not in ours:
            yield Found(Kind.EXTRA, BODY, (*steps, Index(position)), ABSENT, candidate[position])
