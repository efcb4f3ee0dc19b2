"""``action: expect``: a change that must occur is no difference, and is one where it does not occur."""

import json
from pathlib import Path
from typing import Any

import pytest

from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import Rules, parse_rules
from stranglerfig.compare.verdict import Judgement, judge
from stranglerfig.config.problem import ConfigError

JSON = (b"Content-Type", b"application/json")


def expecting(**changes: Any) -> Rules:
    rule = {"name": "stock-added", "action": "expect", "capability": "c", "where": "body", "path": "$.rows[].stock",
            "kinds": ["extra"], "reason": "r", "owner": "o"} | changes  # fmt: skip
    return Rules.model_validate({"rules": [{k: v for k, v in rule.items() if v is not None}]})


def answer(body: object, status: int = 200, *headers: tuple[bytes, bytes]) -> RecordedResponse:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RecordedResponse(status, (JSON, *headers), text)


def judged(control: RecordedResponse, candidate: RecordedResponse, rules: Rules) -> Judgement:
    return judge(
        control, candidate, context=Context(), rules=rules.for_route("c", ""), shaper=Shaper(b"k")
    )


def rows(*extra: object, **more: Any) -> dict[str, Any]:
    """Rows with a stock each, but for those that are None."""
    return {
        "rows": [
            {"id": n, **({} if stock is None else {"stock": stock})}
            for n, stock in enumerate(extra)
        ],
        **more,
    }


OLD, NEW = rows(None, None), rows(1, 2)
ABSENT = ["missing expected body $.rows[].stock"]


@pytest.mark.parametrize(
    ("control", "candidate", "verdict", "found"),
    [
        (OLD, NEW, "ignored", []),
        (OLD, OLD, "different", ABSENT),
        (OLD, rows(1, None), "different", ABSENT),  # in one row of two
        (NEW, NEW, "different", ABSENT),  # no change, since the monolith has it now
        (rows(), rows(), "equal", []),  # an empty list says nothing
        ({"error": 1}, {"error": 1}, "equal", []),
        ({"rows": None}, {"rows": None}, "equal", []),
        (OLD, rows(1, 2, a=1), "different", ["extra body $.a"]),
        (OLD, rows(None, None, None), "different", ["extra body $.rows[]"]),
        (OLD, {"rows": None}, "different", ["null body $.rows"]),  # what stands around it comes first
        (b"<p>", b"<p>", "equal", []),
        (b"", b"", "equal", []),
    ],
)  # fmt: skip
def test_its_absence_is_a_difference_where_it_could_be_seen(
    control: object, candidate: object, verdict: str, found: list[str]
) -> None:
    judgement = judged(answer(control), answer(candidate), expecting())
    assert judgement.verdict == verdict
    assert [f"{each.kind} {each.where} {each.template}" for each in judgement.differences] == found


@pytest.mark.parametrize("status", [301, 404, 500])
def test_an_answer_that_is_no_success_says_nothing(status: int) -> None:
    assert judged(answer(OLD, status), answer(OLD, status), expecting()).verdict == "equal"


@pytest.mark.parametrize(
    ("kinds", "control", "candidate", "verdict"),
    [
        (["missing"], {"a": 1}, {}, "ignored"),
        (["missing"], {"a": 1}, {"a": 1}, "different"),
        (["missing"], {}, {}, "equal"),  # a field that need not be there
        (["type"], {"a": 1}, {"a": "1"}, "ignored"),
        (["type"], {"a": 1}, {"a": 1}, "different"),
        (["value"], {"a": 1}, {"a": 2}, "ignored"),
        (["value"], {}, {}, "equal"),
        (["value", "extra"], {}, {}, "different"),
    ],
)
def test_each_kind_can_be_expected(
    kinds: list[str], control: object, candidate: object, verdict: str
) -> None:
    rules = expecting(path="$.a", kinds=kinds)
    assert judged(answer(control), answer(candidate), rules).verdict == verdict


VERSION = (b"X-Api-Version", b"2")


@pytest.mark.parametrize(
    ("kinds", "control", "candidate", "verdict"),
    [
        (["extra"], [], [VERSION], "ignored"),
        (["extra"], [], [], "different"),
        (["missing"], [VERSION], [], "ignored"),
        (["missing"], [], [], "equal"),
        (["value"], [VERSION], [(b"X-Api-Version", b"3")], "ignored"),
        (["value"], [VERSION], [VERSION], "different"),
    ],
)
def test_headers_too(kinds: list[str], control: Any, candidate: Any, verdict: str) -> None:
    rules = expecting(where="header X-Api-Version", path=None, kinds=kinds)
    assert judged(answer({}, 200, *control), answer({}, 200, *candidate), rules).verdict == verdict


def test_an_expected_change_hits_its_rule_and_not_one_that_ignores_the_same() -> None:
    ignoring = {"name": "any", "action": "ignore", "capability": "c", "where": "body", "path": "$.rows[].stock",
                "kinds": ["extra"], "reason": "r", "owner": "o", "expires": "2099-12-31"}  # fmt: skip
    rules = Rules.model_validate({"rules": [ignoring, *expecting().model_dump()["rules"]]})
    assert judged(answer(OLD), answer(NEW), rules).hits == {"stock-added": 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("where: status\n    route: GET /x", "a status does not change in every answer"),
        ('where: header set-cookie\n    path: "[a].path"', "a header is expected to change as a whole"),
        ("where: body\n    path: $.a", "does not say what is expected to change"),
        ("where: body\n    path: $.line[]\n    route: GET /x", "a line of a text does not change"),
    ],
)  # fmt: skip
def test_what_cannot_be_missed_cannot_be_expected(changes: str, said: str) -> None:
    text = f"rules:\n  - name: n\n    action: expect\n    capability: c\n    reason: r\n    owner: o\n    {changes}"
    with pytest.raises(ConfigError, match=said):
        parse_rules(text, Path("fig.rules.yaml"))
