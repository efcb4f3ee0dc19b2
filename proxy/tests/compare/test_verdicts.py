"""Whole answers and rules: equal, different or ignored."""

import pytest

from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import Rules
from stranglerfig.compare.verdict import MAX_DIFFERENCES, Judgement, Verdict, judge

NO_RULES = Rules()
JSON = ((b"Content-Type", b"application/json"),)


def answer(body: bytes = b'{"a": 1, "took": 5}', status: int = 200) -> RecordedResponse:
    return RecordedResponse(status, JSON, body)


def ignoring(*paths: str) -> Rules:
    return Rules.model_validate(
        {
            "rules": [
                {"name": f"r{number}", "action": "ignore", "capability": "c", "where": "body", "path": path, "reason": "r", "owner": "o", "expires": "2099-12-31"}
                for number, path in enumerate(paths)
            ]
        }
    )  # fmt: skip


def judged(
    control: RecordedResponse, candidate: RecordedResponse, rules: Rules = NO_RULES
) -> Judgement:
    return judge(
        control,
        candidate,
        context=Context(),
        rules=rules.for_route("c", "GET /x"),
        shaper=Shaper(b"k"),
    )


def test_the_same_answer_is_equal() -> None:
    assert judged(answer(), answer()) == Judgement(
        Verdict.EQUAL, (), judged(answer(), answer()).hits
    )


def test_a_difference_that_a_rule_covers_is_ignored_and_counted() -> None:
    judgement = judged(answer(), answer(b'{"a": 1, "took": 6}'), ignoring("$.took"))
    assert judgement.verdict is Verdict.IGNORED
    assert judgement.differences == ()
    assert judgement.hits == {"r0": 1}


def test_a_difference_beside_an_ignored_one_is_different() -> None:
    judgement = judged(answer(), answer(b'{"a": 2, "took": 6}'), ignoring("$.took"))
    assert judgement.verdict is Verdict.DIFFERENT
    assert [each.template for each in judgement.differences] == ["$.a"]
    assert judgement.hits == {"r0": 1}


def test_an_ignored_value_that_vanishes_is_different() -> None:
    judgement = judged(answer(), answer(b'{"a": 1}'), ignoring("$.took"))
    assert [(each.kind, each.template) for each in judgement.differences] == [("missing", "$.took")]


def test_a_status_is_kept_in_clear_and_the_body_is_compared_too() -> None:
    judgement = judged(answer(), answer(b'{"a": 2, "took": 5}', status=500))
    status, body = judgement.differences
    assert (status.where, status.control.clear, status.candidate.clear) == ("status", "200", "500")
    assert (body.template, body.control.clear) == ("$.a", None)


def test_many_differences_are_cut_and_never_ignored_by_the_cut() -> None:
    many = "[" + ",".join(["1"] * 1000) + "]"
    other = "[" + ",".join(["2"] * 1000) + "]"
    judgement = judged(answer(many.encode()), answer(other.encode()))
    assert len(judgement.differences) == MAX_DIFFERENCES
    hidden = judged(answer(many.encode()), answer(other[:-2].encode() + b"null]"), ignoring("$[]"))
    assert hidden.verdict is Verdict.DIFFERENT
    assert [each.kind for each in hidden.differences] == ["null"]
    assert hidden.hits == {"r0": 999}


@pytest.mark.parametrize("name", [b"Content-Type", b"content-type"])
def test_words_of_the_protocol_are_shown_and_other_headers_are_not(name: bytes) -> None:
    control = RecordedResponse(200, ((name, b"text/html"), (b"X-User", b"ann")), b"")
    candidate = RecordedResponse(200, ((name, b"text/plain"), (b"X-User", b"bob")), b"")
    kind, user = judged(control, candidate).differences
    assert (kind.control.clear, kind.candidate.clear) == ("text/html", "text/plain")
    assert user.control.clear is None
