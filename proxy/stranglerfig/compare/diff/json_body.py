"""Two JSON trees compared, in both directions."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TypeAlias

from stranglerfig.compare.diff.difference import ABSENT, BODY, Found, Kind
from stranglerfig.compare.diff.json_list import align, positions, sorted_bags
from stranglerfig.compare.diff.json_tree import Json, Members, Number, canonical
from stranglerfig.compare.diff.meaning import is_same_number, is_same_text
from stranglerfig.compare.diff.path import (
    MAX_NAMED_MEMBERS,
    Index,
    Member,
    Steps,
    is_name,
    template,
)
from stranglerfig.compare.diff.reading import PLAIN, As, ListReading

Lists: TypeAlias = Mapping[str, ListReading]


def diff_json(
    control: Json, candidate: Json, steps: Steps = (), lists: Lists = PLAIN.lists
) -> Iterator[Found]:
    """Every difference between two trees; ``lists``: what rules say of lists, by the template of their path."""
    if control == candidate:
        return
    match control, candidate:
        case Members(), Members():
            yield from _diff_members(control, candidate, steps, lists)
        case list(), list():
            yield from _diff_lists(control, candidate, steps, lists)
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


def _diff_members(
    control: Members, candidate: Members, steps: Steps, lists: Lists
) -> Iterator[Found]:
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
            yield from diff_json(control[key], candidate[key], below, lists)


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


def _diff_lists(
    control: list[Json], candidate: list[Json], steps: Steps, lists: Lists
) -> Iterator[Found]:
    how = lists.get(template(steps)) if lists else None
    aligned = align(control, candidate, how, partial(_text, (*steps, Index(0)), lists))
    if aligned.is_other_order:
        yield Found(Kind.ORDER, BODY, steps, control, candidate)
    if aligned.is_other_size:
        yield Found(Kind.SIZE, BODY, steps, control, candidate)
    for at, there in positions(aligned):
        below = (*steps, Index(at))
        if there is None:
            yield Found(Kind.MISSING, BODY, below, control[at], ABSENT)
        else:
            yield from diff_json(control[at], candidate[there], below, lists)
    for at in aligned.extra:
        yield Found(Kind.EXTRA, BODY, (*steps, Index(at)), ABSENT, candidate[at])


def _text(steps: Steps, lists: Lists, item: Json) -> str:
    def is_bag(below: Steps) -> bool:
        how = lists.get(template(below))
        return how is not None and how.reading is As.BAG

    return canonical(sorted_bags(item, is_bag, steps))
