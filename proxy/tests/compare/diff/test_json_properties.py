"""Invariants of the JSON differ: equal is silent, both directions agree, and no single change escapes."""

import copy
import json
from collections import Counter
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from stranglerfig.compare.diff.difference import Kind
from stranglerfig.compare.diff.json_body import diff_json
from stranglerfig.compare.diff.json_tree import parse
from stranglerfig.compare.diff.path import template

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1000, 1000),
    st.decimals(-9, 9, places=2).map(float),
    st.text(max_size=5),
)
KEYS = st.sampled_from(["id", "name", "price", "17", "a b", "", "tags"]) | st.text(max_size=3)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
MIRROR = {Kind.MISSING: Kind.EXTRA, Kind.EXTRA: Kind.MISSING}


def found(control: Any, candidate: Any) -> list[tuple[Kind, str]]:
    trees = parse(json.dumps(control)), parse(json.dumps(candidate))
    return [(each.kind, template(each.steps)) for each in diff_json(*trees)]


@given(TREES)
def test_a_tree_never_differs_from_itself(tree: Any) -> None:
    assert found(tree, tree) == []


@given(TREES, TREES)
def test_trees_differ_exactly_when_they_are_not_equal(one: Any, other: Any) -> None:
    is_same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (found(one, other) == []) is is_same


@given(TREES, TREES)
def test_both_directions_find_the_same_mirrored(one: Any, other: Any) -> None:
    there = Counter((MIRROR.get(kind, kind), path) for kind, path in found(one, other))
    assert there == Counter(found(other, one))


def places(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below: list[tuple[Any, ...]] = [at]
    if isinstance(tree, dict):
        for key, value in tree.items():
            below += places(value, (*at, key))
    elif isinstance(tree, list):
        for position, value in enumerate(tree):
            below += places(value, (*at, position))
    return below


def changed(tree: Any, at: tuple[Any, ...], value: Any, *, remove: bool) -> Any:
    if not at:
        return value
    result = copy.deepcopy(tree)
    holder = result
    for step in at[:-1]:
        holder = holder[step]
    if remove:
        del holder[at[-1]]
    else:
        holder[at[-1]] = value
    return result


@given(TREES, SCALARS, st.booleans(), st.data())
def test_any_single_change_is_found(
    tree: Any, value: Any, remove: bool, data: st.DataObject
) -> None:
    at = data.draw(st.sampled_from(places(tree)))
    mutant = changed(tree, at, value, remove=remove)
    assume(json.dumps(mutant, sort_keys=True) != json.dumps(tree, sort_keys=True))
    assert found(tree, mutant)
    assert found(mutant, tree)
