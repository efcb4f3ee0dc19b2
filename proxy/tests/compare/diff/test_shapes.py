"""What is kept of a value: never the value itself, unless a rule shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.compare.diff.difference import ABSENT, Found, Kind, Shape
from stranglerfig.compare.diff.json_tree import Json, Number, parse
from stranglerfig.compare.diff.path import Index, Member
from stranglerfig.compare.diff.shape import Shaper, pattern

SHAPER = Shaper(b"k" * 32)


def never(where: str, template: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("value", "kind", "length", "digits"),
    [
        ("Ann 12", "string", 6, "Aaa dd"),
        ("ann@example.org", "string", 15, "aaa@aaaaaaa.aaa"),
        ("", "string", 0, ""),
        ("日本", "string", 2, "aa"),
        ("a\nb\x00", "string", 4, "a?a?"),
        (Number("19.90"), "number", 5, "dd.dd"),
        (True, "boolean", None, None),
        (200, "number", 3, "ddd"),
        (b"\x00\x01", "bytes", 2, None),
        (parse("[1,2]"), "array", 2, None),
        (parse('{"a":1}'), "object", 1, None),
    ],
)
def test_a_shape_tells_type_length_and_digits(
    value: object, kind: str, length: int | None, digits: str | None
) -> None:
    shape = SHAPER.shape(value)
    assert (shape.type, shape.length, shape.pattern, shape.clear) == (kind, length, digits, None)
    assert shape.digest is not None
    assert len(shape.digest) == 12


def test_nothing_and_null_have_no_hash() -> None:
    assert SHAPER.shape(ABSENT) == Shape("absent")
    assert SHAPER.shape(None) == Shape("null")


def test_the_hash_depends_on_the_key_and_the_value_alone() -> None:
    assert SHAPER.shape("a") == SHAPER.shape("a")
    assert SHAPER.shape("a").digest != SHAPER.shape("b").digest
    assert SHAPER.shape("a").digest != Shaper(b"other").shape("a").digest
    with pytest.raises(ValueError, match="empty"):
        Shaper(b"")


def test_a_long_value_has_a_short_pattern_and_a_cut_clear_text() -> None:
    shape = SHAPER.shape("x" * 10_000, may_show=True)
    assert shape.pattern == "a" * 40 + "…"
    assert shape.clear == "x" * 200 + "…"


@given(st.text(min_size=5))
def test_no_letter_or_digit_of_a_value_is_in_its_pattern(text: str) -> None:
    assert not {char for char in pattern(text) if char.isalnum()} - set("daA")


@given(
    st.recursive(
        st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
    )
)
def test_every_tree_has_a_shape(tree: object) -> None:
    import json

    parsed: Json = parse(json.dumps(tree))
    assert SHAPER.shape(parsed).digest


def test_a_difference_keeps_no_value_unless_shown() -> None:
    steps = (Member("rows", False), Index(3), Member("email", False))
    found = Found(Kind.VALUE, "body", steps, "ann@example.org", "bob@example.org")
    hidden = SHAPER.difference(found, never)
    assert (hidden.path, hidden.template) == ("$.rows[3].email", "$.rows[].email")
    assert "ann" not in repr(hidden)
    asked = []

    def shows(where: str, template: str) -> bool:
        asked.append((where, template))
        return True

    shown = SHAPER.difference(found, shows)
    assert (shown.control.clear, shown.candidate.clear) == ("ann@example.org", "bob@example.org")
    assert asked == [("body", "$.rows[].email")]
