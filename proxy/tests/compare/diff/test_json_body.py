"""JSON bodies: each kind of difference, at the right place, and nothing else."""

import json

import pytest

from stranglerfig.compare.diff.difference import Kind
from stranglerfig.compare.diff.json_body import diff_json
from stranglerfig.compare.diff.json_tree import NotJsonError, parse
from stranglerfig.compare.diff.path import concrete, template


def found(control: str, candidate: str) -> list[tuple[str, str]]:
    return [
        (each.kind.value, template(each.steps))
        for each in diff_json(parse(control), parse(candidate))
    ]


@pytest.mark.parametrize(
    ("control", "candidate", "expected"),
    [
        ('{"a": 1}', '{"a": 1}', []),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', []),
        ('"é"', '"\\u00e9"', []),
        ("1", "2", [("value", "$")]),
        ('{"price": "1.10"}', '{"price": "1.20"}', [("value", "$.price")]),
        ('{"a": true}', '{"a": false}', [("value", "$.a")]),
        ('{"a": 1}', '{"a": "1"}', [("type", "$.a")]),
        ('{"a": 1}', '{"a": true}', [("type", "$.a")]),
        ('{"a": {}}', '{"a": []}', [("type", "$.a")]),
        ('{"a": null}', '{"a": ""}', [("null", "$.a")]),
        ('{"a": 0}', '{"a": null}', [("null", "$.a")]),
        ('{"a": 1, "b": null}', '{"a": 1}', [("missing", "$.b")]),
        ('{"a": 1}', '{"a": 1, "b": null}', [("extra", "$.b")]),
        ("[1, 2, 3]", "[3, 1, 2]", [("order", "$")]),
        ("[1, 2, 2]", "[2, 1, 1]", [("value", "$[]"), ("value", "$[]"), ("value", "$[]")]),
        ("[1, 2, 3]", "[1, 3]", [("size", "$")]),
        ("[1, 2]", "[9, 2, 3]", [("size", "$"), ("value", "$[]")]),
        ("[]", "[1]", [("size", "$")]),
        ('{"a": [{"b": 1}]}', '{"a": [{"b": 2}]}', [("value", "$.a[].b")]),
        ('{"a": 1, "a": 2}', '{"a": 2}', [("duplicate", "$.a")]),
        ('{"a": 1, "a": 2}', '{"a": 3, "a": 2}', [("duplicate", "$.a")]),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}', []),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 3}', [("value", "$.a")]),
        ('[{"a": 1, "a": 2}]', '[{"a": 2}]', [("duplicate", "$[].a")]),
        ('[{"a": 2}]', '[{"a": 1, "a": 2}]', [("duplicate", "$[].a")]),
        ('{"x": {"a": 1, "a": 2}}', '{"x": {"a": 0, "a": 2}}', [("duplicate", "$.x.a")]),
    ],
)
def test_each_kind_is_found_at_its_place(
    control: str, candidate: str, expected: list[tuple[str, str]]
) -> None:
    assert found(control, candidate) == expected


@pytest.mark.parametrize(
    ("control", "candidate", "kind"),
    [
        ("1.10", "1.1", "format"),
        ("1", "1.0", "format"),
        ("1e2", "100", "format"),
        ("-0", "0", "format"),
        ("1.10", "1.11", "value"),
        ("0.1000000000000000055", "0.1", "value"),  # the same double
        ("9007199254740993", "9007199254740992", "value"),  # the same double
        ("1e999999999999999999999", "2e999999999999999999999", "value"),
        ('"2026-01-02T03:04:05Z"', '"2026-01-02T03:04:05+00:00"', "format"),
        ('"2026-01-02T03:04:05Z"', '"2026-01-02T04:04:05+01:00"', "format"),
        ('"2026-01-02T03:04:05Z"', '"2026-01-02T03:04:05.000000Z"', "format"),
        ('"2026-01-02T03:04:05Z"', '"2026-01-02T03:04:06Z"', "value"),
        ('"2026-02-31T03:04:05Z"', '"2026-02-31T03:04:05+00:00"', "value"),
        ('"caf\\u00e9"', '"cafe\\u0301"', "format"),
        ('"a"', '"A"', "value"),
    ],
)
def test_the_same_meaning_written_otherwise_is_a_format_difference(
    control: str, candidate: str, kind: str
) -> None:
    assert found(control, candidate) == [(kind, "$")]


def rows(*ids: int, **more: object) -> str:
    return json.dumps([{"id": number, "name": f"n{number}", **more} for number in ids])


def test_a_row_inserted_on_top_is_one_difference() -> None:
    assert found(rows(1, 2, 3, 4), rows(9, 1, 2, 3, 4)) == [("extra", "$[]")]


def test_a_page_shifted_by_one_is_one_missing_and_one_extra() -> None:
    assert found(rows(1, 2, 3, 4), rows(2, 3, 4, 5)) == [("missing", "$[]"), ("extra", "$[]")]


def test_rows_in_another_order_and_changed_are_both_told() -> None:
    changed = json.dumps([{"id": 2, "name": "n2"}, {"id": 1, "name": "other"}])
    assert found(rows(1, 2), changed) == [("order", "$"), ("value", "$[].name")]


def test_ids_that_all_differ_are_differences_of_the_ids() -> None:
    assert found(rows(1, 2), rows(11, 12)) == [
        ("value", "$[].id"),
        ("value", "$[].name"),
        ("value", "$[].id"),
        ("value", "$[].name"),
    ]


def test_keys_that_are_data_are_generalised_and_not_kept() -> None:
    (difference,) = diff_json(
        parse('{"by_user": {"ann@x.org": 1}}'), parse('{"by_user": {"ann@x.org": 2}}')
    )
    assert template(difference.steps) == "$.by_user.*"
    assert concrete(difference.steps, lambda key: "#hash") == "$.by_user.#hash"


def test_an_object_with_very_many_members_is_a_dictionary() -> None:
    many = {f"name{chr(97 + n % 26)}{chr(97 + n // 26)}": n for n in range(60)}
    other = {**many, "nameaa": -1}
    assert found(json.dumps(many), json.dumps(other)) == [("value", "$.*")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "[Infinity]",
        "{'a': 1}",
        "[" * 100_000,
        "[" * 101 + "]" * 101,
        "\ufeff{}",
        "01",
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(NotJsonError):
        parse(text)


def test_every_kind_but_those_of_whole_answers_is_reachable() -> None:
    reached = {
        kind
        for kind, _ in found(
            '{"a":1,"b":1,"c":1,"d":[1],"e":[1,2],"f":1.0,"g":1,"g":2,"i":null}',
            '{"a":2,"b":"1","d":[],"e":[2,1],"f":1,"g":2,"h":1,"i":0}',
        )
    }
    assert reached == {kind.value for kind in Kind}
