"""Lists as a rule reads them: by position, as a bag, or by a key."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.compare.diff.json_body import diff_json
from stranglerfig.compare.diff.json_tree import parse
from stranglerfig.compare.diff.path import template
from stranglerfig.compare.diff.reading import As, ListReading

ORDERED, BAG, BY_SKU = ListReading(As.ORDERED), ListReading(As.BAG), ListReading(As.KEY, "sku")


def found(control: Any, candidate: Any, **lists: ListReading) -> list[tuple[str, str]]:
    """What differs; the lists are named by their path without ``$`` and dots: ``_`` is the body, ``a_b`` is ``$.a[].b``."""
    named = {("$" if name == "_" else "$." + name.replace("_", "[].")): how for name, how in lists.items()}  # fmt: skip
    trees = (parse(json.dumps(tree)) for tree in (control, candidate))
    return [(each.kind.value, template(each.steps)) for each in diff_json(*trees, lists=named)]


def rows(**prices: int) -> list[dict[str, Any]]:
    return [{"sku": sku, "price": price} for sku, price in prices.items()]


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        ([1, 2, 2], [2, 1, 2], []),
        ([1, 2, 2], [2, 1, 1], [("value", "$[]")]),
        ([1, 2], [2], [("missing", "$[]")]),
        ([1], [3, 1, 2], [("extra", "$[]"), ("extra", "$[]")]),
        ([1, 2, 3], [9, 3], [("value", "$[]"), ("missing", "$[]")]),
        ([], [1], [("extra", "$[]")]),
        (rows(a=1, b=2), rows(b=3, a=1), [("value", "$[].price")]),
        ([[1, 2], [3]], [[3], [2, 1]], [("order", "$[]")]),
    ],
)  # fmt: skip
def test_the_order_of_a_bag_means_nothing(
    control: Any, candidate: Any, expected: list[tuple[str, str]]
) -> None:
    assert found(control, candidate, _=BAG) == expected


def test_a_bag_of_things_that_hold_bags_is_one_bag() -> None:
    one = {"a": [{"b": [1, 2]}, {"b": [3, 4]}]}
    other = {"a": [{"b": [4, 3]}, {"b": [2, 1]}]}
    assert found(one, other, a=BAG, a_b=BAG) == []
    assert found(one, other, a_b=BAG) == [("value", "$.a[].b[]")] * 4
    assert found(one, {"a": [{"b": [4, 3]}, {"b": [2, 9]}]}, a=BAG, a_b=BAG) == [("value", "$.a[].b[]")]  # fmt: skip


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        (rows(a=1, b=2), rows(a=1, b=3), [("value", "$[].price")]),
        (rows(a=1, b=2), rows(b=2, a=1), [("order", "$")]),
        (rows(a=1, b=2), rows(b=2), [("missing", "$[]")]),
        (rows(a=1), rows(b=1, a=1), [("extra", "$[]")]),
        (rows(a=1, b=2), rows(c=1, d=2), [("missing", "$[]")] * 2 + [("extra", "$[]")] * 2),
        (rows(a=1) * 2, rows(a=1) + rows(a=2), [("value", "$[].price")]),
        (rows(a=1) * 2, rows(a=1), [("missing", "$[]")]),
        ([{"x": 1}, 2], [{"x": 1}, 3], [("value", "$[]")]),
        ([{"sku": 1}], [{"sku": "1"}], [("missing", "$[]"), ("extra", "$[]")]),
        ([{"sku": None, "x": 1}], [{"sku": None, "x": 2}], [("value", "$[].x")]),
    ],
)
def test_elements_are_known_by_the_key_that_a_rule_names(
    control: Any, candidate: Any, expected: list[tuple[str, str]]
) -> None:
    assert found(control, candidate, _=BY_SKU) == expected


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}], [("order", "$")]),
        ([{"id": 1}, {"id": 2}], [{"id": 2}], [("size", "$"), ("value", "$[].id")]),
        ([1, 2, 3], [2, 3], [("size", "$"), ("value", "$[]"), ("value", "$[]")]),
        ([1, 2], [1, 3], [("value", "$[]")]),
    ],
)
def test_in_an_ordered_list_positions_are_what_counts(
    control: Any, candidate: Any, expected: list[tuple[str, str]]
) -> None:
    assert found(control, candidate, _=ORDERED) == expected


def test_a_rule_holds_for_its_path_alone() -> None:
    one, other = {"a": [1, 2], "b": [1, 2]}, {"a": [2, 1], "b": [2, 1]}
    assert found(one, other, a=BAG) == [("order", "$.b")]
    assert found({"a b": {"17": [1, 2]}}, {"a b": {"17": [2, 1]}}, **{"*.*": BAG}) == []


ITEMS = st.lists(
    st.integers(0, 3) | st.fixed_dictionaries({"sku": st.integers(0, 4), "n": st.integers(0, 1)}),
    max_size=6,
)


@given(ITEMS, st.randoms())
def test_any_order_of_a_bag_is_equal(items: list[Any], random: Any) -> None:
    other = random.sample(items, len(items))
    assert found(items, other, _=BAG) == []
    assert {kind for kind, _ in found(items, other, _=ORDERED)} <= {"order"}


def _sorted(items: list[Any]) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True) for item in items)


@given(ITEMS, ITEMS)
def test_bags_differ_exactly_when_their_sorted_elements_do(
    one: list[Any], other: list[Any]
) -> None:
    same = _sorted(one) == _sorted(other)
    assert (found(one, other, _=BAG) == []) is same


@given(ITEMS, ITEMS, st.sampled_from([ORDERED, BAG, BY_SKU]))
def test_what_is_missing_one_way_is_extra_the_other_way(
    one: list[Any], other: list[Any], how: ListReading
) -> None:
    mirrored = {"missing": "extra", "extra": "missing"}
    there = sorted((mirrored.get(kind, kind), place) for kind, place in found(one, other, _=how))
    assert there == sorted(found(other, one, _=how))
