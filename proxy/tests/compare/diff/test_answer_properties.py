"""Invariants of whole answers: equal is silent, no single change escapes, and no value is kept."""

from collections import Counter

from hypothesis import assume, given
from hypothesis import strategies as st

from stranglerfig.compare.diff.answer import differences
from stranglerfig.compare.diff.difference import Difference, Kind
from stranglerfig.compare.diff.headers import CLEAR, NOT_COMPARED, Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.observation import Headers, RecordedResponse

TOKENS = st.text("abcdefghij-", min_size=1, max_size=8).map(lambda name: f"x-{name}".encode())
KNOWN = st.sampled_from(
    [b"Content-Type", b"Location", b"Cache-Control", b"Vary", b"Set-Cookie", b"ETag", b"Allow", b"Expires",
     b"Last-Modified", b"Content-Language", b"X-Frame-Options", b"Date", b"Content-Disposition"]
)  # fmt: skip
VALUES = st.text(
    st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"),
    min_size=1,
    max_size=12,
).map(lambda value: value.encode("latin-1"))
HEADERS = st.lists(st.tuples(TOKENS | KNOWN, VALUES), max_size=6).map(tuple)
ANSWERS = st.builds(
    RecordedResponse, st.sampled_from([200, 204, 301, 404, 500]), HEADERS, st.binary(max_size=30)
)
MIRROR = {Kind.MISSING: Kind.EXTRA, Kind.EXTRA: Kind.MISSING}


def found(control: RecordedResponse, candidate: RecordedResponse) -> list[Difference]:
    shaper = Shaper(b"k")
    return list(
        differences(control, candidate, context=Context(), shaper=shaper, shows=lambda *_: False)
    )


@given(ANSWERS)
def test_an_answer_never_differs_from_itself(answer: RecordedResponse) -> None:
    assert found(answer, answer) == []


@given(ANSWERS, ANSWERS)
def test_both_directions_find_the_same_mirrored(
    one: RecordedResponse, other: RecordedResponse
) -> None:
    there = Counter(
        (MIRROR.get(each.kind, each.kind), each.where, each.template) for each in found(one, other)
    )
    assert there == Counter((each.kind, each.where, each.template) for each in found(other, one))


@given(HEADERS, TOKENS, VALUES, VALUES)
def test_a_header_of_an_application_that_changes_or_vanishes_is_found(
    headers: Headers, name: bytes, value: bytes, other: bytes
) -> None:
    assume(value != other and name not in dict(headers))
    plain = RecordedResponse(200, headers, b"")
    one = RecordedResponse(200, (*headers, (name, value)), b"")
    two = RecordedResponse(200, ((name, other), *headers), b"")
    where = f"header {name.decode()}"
    assert [(each.kind, each.where) for each in found(one, two)] == [(Kind.VALUE, where)]
    assert [(each.kind, each.where) for each in found(one, plain)] == [(Kind.MISSING, where)]
    assert [(each.kind, each.where) for each in found(plain, two)] == [(Kind.EXTRA, where)]


@given(st.integers(100, 599), st.integers(100, 599))
def test_another_status_is_found(one: int, other: int) -> None:
    assume(one != other)
    (difference,) = found(RecordedResponse(one, (), b""), RecordedResponse(other, (), b""))
    assert (difference.control.clear, difference.candidate.clear) == (str(one), str(other))


@given(ANSWERS, ANSWERS)
def test_only_words_of_the_protocol_are_kept_in_clear(
    one: RecordedResponse, other: RecordedResponse
) -> None:
    for each in found(one, other):
        if each.where != "status" and each.where.removeprefix("header ") not in CLEAR:
            assert each.control.clear is None
            assert each.candidate.clear is None


def test_no_header_is_in_both_tables() -> None:
    assert not CLEAR.keys() & NOT_COMPARED.keys()
    assert all(reason for reason in (*CLEAR.values(), *NOT_COMPARED.values()))
