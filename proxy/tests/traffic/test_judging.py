"""A case about one difference: what is at its place, what bars the view of it, and when it would show nothing."""

import json
from typing import Any

import pytest

from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import Rules
from stranglerfig.traffic.parity.case import Case, CaseError
from stranglerfig.traffic.parity.judging import general_place, judge

ROWS = {"rows": [{"id": 1, "price": "10.00"}], "took": 3}
PRICE = Case(place="body $.rows[].price", kind="value", status=200)
PAGE = b'<body><div><main id="shop"><p>%b</p></main></div></body>'


def answer(said: Any, status: int = 200) -> RecordedResponse:
    is_page = isinstance(said, bytes)
    kind = b"text/html" if is_page else b"application/json"
    body = said if is_page else json.dumps(said).encode()
    return RecordedResponse(status, ((b"Content-Type", kind),), body)


def judged(control: Any, candidate: Any, case: Case = PRICE) -> tuple[list[str], bool]:
    answers = [each if isinstance(each, RecordedResponse) else answer(each) for each in (control, candidate)]  # fmt: skip
    found = judge((answers[0], answers[1]), case, Rules().for_route("", ""), Context())
    return [f"{each.kind} {general_place(each)}" for each in found.found], found.is_in_the_way


@pytest.mark.parametrize(
    ("candidate", "found", "is_in_the_way"),
    [
        (ROWS, [], False),
        ({**ROWS, "took": 4, "more": 1}, [], False),
        ({"rows": [{"id": 1, "price": "9.00"}]}, ["value body $.rows[].price"], False),
        ({"rows": [{"id": 1, "price": 10}], "took": 3}, ["type body $.rows[].price"], True),
        ({"rows": [{"id": 1}]}, ["missing body $.rows[].price"], True),
        ({"took": 3}, ["missing body $.rows"], True),
        ([], ["type body $"], True),
        (answer(ROWS, 500), ["value status"], True),
    ],
)
def test_a_limited_case(candidate: Any, found: list[str], is_in_the_way: bool) -> None:
    assert judged(ROWS, candidate) == (found, is_in_the_way)


def test_an_element_that_went_with_the_one_around_it_bars_the_view() -> None:
    case = Case(place="body $.main#shop.p.#text", kind="value")
    assert judged(PAGE % b"a", PAGE % b"a", case) == ([], False)
    assert judged(PAGE % b"a", PAGE % b"b", case) == (["value body $.main#shop.p.#text"], False)
    assert judged(PAGE % b"a", b"<body><p>else</p></body>", case)[1]


@pytest.mark.parametrize(
    ("control", "case", "said"),
    [
        ({"rows": []}, PRICE, r"the control has nothing at body \$\.rows\[\]\.price"),
        (answer(ROWS, 404), PRICE, "the control answers 404, and the case is about its 200"),
        ({}, Case(place="body $.a.b", kind="extra"), r"has nothing at body \$\.a,"),
        ({}, Case(place="expected body $.a", kind="missing"), "no rule expects a change at body"),
    ],
)
def test_a_case_that_would_show_nothing_fails(control: Any, case: Case, said: str) -> None:
    with pytest.raises(CaseError, match=said):
        judged(control, control, case)


def test_what_is_added_may_be_added_no_more() -> None:
    assert judged({"a": {}}, {"a": {}}, Case(place="body $.a.b", kind="extra")) == ([], False)
    assert judged({}, {}, Case(place="body $.b", kind="extra")) == ([], False)


def test_a_candidate_without_rows_shows_nothing_of_their_prices() -> None:
    with pytest.raises(CaseError, match=r"the candidate has nothing at body \$\.rows\[\]\.price"):
        judged(ROWS, {"rows": []})
