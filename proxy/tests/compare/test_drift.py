"""Which words of a value noise excuses."""

import pytest

from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.drift import is_explained, values_of
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.pairing import Place
from stranglerfig.compare.rules import Rules

SPOT = Place("value", "body", "$.a")
RULES = Rules().for_route("c", "GET /x")


@pytest.mark.parametrize(
    ("control", "candidate", "own", "explained"),
    [
        ("at 10:02", "at 10:09", ("at 10:01", "at 10:02"), True),
        ("12.00 at 10:02", "13.00 at 10:02", ("12.00 at 10:01", "12.00 at 10:02"), False),
        ("12.00 at 10:02", "12.00 at 10:07", ("12.00 at 10:01", "12.00 at 10:02"), True),
        ("at 10:02", "at 10", ("at 10:01", "at 10:02"), False),
        ("at 10:02", "at five past ten", ("at 10:01", "at 10:02"), False),
        ("a1", "b2", ("c3", "a1"), True),
        ("a1", "b2", ("a1", "a1"), False),
    ],
)
def test_only_words_that_drift_are_explained(
    control: str, candidate: str, own: tuple[str, str], explained: bool
) -> None:
    assert is_explained(SPOT, {SPOT: (control, candidate)}, [{SPOT: own}]) is explained


def test_what_is_named_twice_or_has_no_text_explains_nothing() -> None:
    assert not is_explained(SPOT, {SPOT: None}, [{SPOT: ("a", "b")}])
    assert not is_explained(SPOT, {}, [{SPOT: ("a", "b")}])
    assert not is_explained(SPOT, {SPOT: ("a", "b")}, [])


def test_values_are_found_by_the_place_that_differences_have() -> None:
    json = ((b"Content-Type", b"application/json"),)
    first = RecordedResponse(200, json, b'{"a": [1, {"b": "x"}], "c": 5}')
    second = RecordedResponse(500, json, b'{"a": [1, {"b": "y"}], "c": null}')
    found = values_of(first, second, context=Context(), rules=RULES, shaper=Shaper(b"k"))
    assert found == {
        Place("value", "body", "$.a[1].b"): ("x", "y"),
        Place("null", "body", "$.c"): ("5", "null"),
    }
