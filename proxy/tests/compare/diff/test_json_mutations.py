"""Every kind of bug, put into any tree at any place, is told with its kind and its place, and nothing else is."""

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stranglerfig.compare.diff.difference import Kind
from stranglerfig.compare.diff.json_body import diff_json
from stranglerfig.compare.diff.json_tree import parse
from stranglerfig.compare.diff.path import template

NAMES = st.sampled_from(["name", "price", "tags", "rows", "owner", "status"])
LEAVES = st.integers(1, 99) | st.text("abc", min_size=1, max_size=3) | st.booleans()
TREES: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=4),
    lambda inner: st.dictionaries(NAMES, inner | LEAVES | st.lists(inner, max_size=3), max_size=4),
    max_leaves=15,
)
MUTATIONS: dict[str, tuple[Kind, Callable[[dict[str, Any], str], None]]] = {
    "missing": (Kind.MISSING, lambda holder, key: holder.pop(key)),
    "extra": (Kind.EXTRA, lambda holder, key: holder.update(new=holder[key])),
    "null": (Kind.NULL, lambda holder, key: holder.update({key: None})),
    "type": (Kind.TYPE, lambda holder, key: holder.update({key: [[]] if isinstance(holder[key], dict) else {"a": 1}})),
    "value": (Kind.VALUE, lambda holder, key: holder.update({key: not holder[key] if isinstance(holder[key], bool) else holder[key] * 2})),
    "format": (Kind.FORMAT, lambda holder, key: holder.update({key: float(holder[key])})),
}  # fmt: skip


def holders(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the objects are that have a member."""
    if isinstance(tree, dict):
        below = [place for key, value in tree.items() for place in holders(value, (*at, key))]
        return [at, *below] if tree else below
    if isinstance(tree, list):
        return [place for n, value in enumerate(tree) for place in holders(value, (*at, n))]
    return []


def fits(kind: str, value: Any) -> bool:
    match kind:
        case "value":
            return not isinstance(value, dict | list)
        case "format":
            return isinstance(value, int) and not isinstance(value, bool)
    return True


@settings(max_examples=200)
@given(TREES, st.sampled_from(sorted(MUTATIONS)), st.data())
def test_a_single_bug_is_told_with_its_kind_and_place(
    tree: Any, bug: str, data: st.DataObject
) -> None:
    assume(holders(tree))
    at = data.draw(st.sampled_from(holders(tree)))
    mutant = copy.deepcopy(tree)
    holder = mutant
    for step in at:
        holder = holder[step]
    key = data.draw(st.sampled_from(sorted(holder)))
    assume(fits(bug, holder[key]))
    kind, mutate = MUTATIONS[bug]
    mutate(holder, key)
    path = "".join("[]" if isinstance(step, int) else f".{step}" for step in at)
    expected = [(kind, f"${path}.{'new' if bug == 'extra' else key}")]
    trees = parse(json.dumps(tree)), parse(json.dumps(mutant))
    found = [(each.kind, template(each.steps)) for each in diff_json(*trees)]
    if (
        found != expected
    ):  # a changed row may be what another one was: then they have changed places
        assert [each for each, _ in found] == [Kind.ORDER]
        assert any(isinstance(step, int) for step in at)
    mirrored = {Kind.MISSING: Kind.EXTRA, Kind.EXTRA: Kind.MISSING}
    back = [(each.kind, template(each.steps)) for each in diff_json(*reversed(trees))]
    assert back == [(mirrored.get(kind, kind), place) for kind, place in found]
