"""What a value looks like, from its shape alone."""

import pytest

from stranglerfig.compare.diff.json_tree import Number
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.value_format import format_of


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("3f2b8c1e-0a4d-4e5f-9b6a-7c8d9e0f1a2b", "uuid"),
        ("2026-11-26T10:02:03Z", "time"),
        ("2026-11-26T10:02:03.123456+00:00", "time"),
        ("2026-11-26 10:02:03", "time"),
        ("Thu, 26 Nov 2026 10:02:03 GMT", "time"),
        ("2026-11-26", "date"),
        ("12.50", "decimal"),
        ("17", "integer"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "token"),
        ('"5d41402abc4b2a76b9719d911017c592"', "token"),
        ("a pan", "text"),
        ("none", "text"),
        ("", "text"),
        (Number("17"), "number: integer"),
        (Number("1.5"), "number: decimal"),
        (True, "boolean"),
        ([], "array"),
        (None, "null"),
    ],
)
def test_formats(value: object, name: str) -> None:
    assert format_of(Shaper(b"k").shape(value)) == name
