"""Owner and expiry: who answers for a rule, until when, and what a rule covers once nobody does."""

from datetime import date
from pathlib import Path

import pytest

from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.rules import Rules, parse_rules
from stranglerfig.config.problem import ConfigError

FILE = Path("fig.rules.yaml")
TOOK = Difference(Kind.VALUE, "body", "$.took", "$.took", Shape("number"), Shape("number"))


def rule(**changes: str) -> str:
    keys = {
        "name": "took", "action": "ignore", "capability": "c", "where": "body", "path": "$.took", "reason": "r",
        "owner": "search team", "expires": "2027-03-01", **changes,
    }  # fmt: skip
    return "rules:\n  - " + "\n    ".join(f"{key}: {value}" for key, value in keys.items() if value)


def problem(**changes: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_rules(rule(**changes), FILE)
    (only,) = caught.value.problems
    return str(only)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"owner": "", "expires": ""}, "does not say who answers for it and until when it holds. Mend: add `owner: WHO` and `expires: YYYY-MM-DD`"),
        ({"owner": ""}, "does not say who answers for it. Mend: add `owner: WHO`;"),
        ({"expires": ""}, "does not say until when it holds. Mend: add `expires: YYYY-MM-DD`;"),
        ({"owner": "' '"}, "the owner is empty"),
        ({"action": "expect", "kinds": "[extra]", "owner": ""}, "does not say who answers for it"),
        ({"expires": "2027-02-30"}, "'2027-02-30' is not a day. Mend: write it as 2027-03-01"),
        ({"expires": "next year"}, "'next year' is not a day"),
        ({"expires": "2027-03-01 10:00:00"}, "is not a day"),
        ({"expires": "1803859200"}, "is not a day"),
    ],
)  # fmt: skip
def test_an_exception_that_nobody_answers_for_is_refused_with_its_line(
    changes: dict[str, str], said: str
) -> None:
    told = problem(**changes)
    assert told.startswith("fig.rules.yaml:2:" if "does not say" in said else "fig.rules.yaml:")
    assert said in told


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"expires": '"2027-03-01"'},
        {"action": "expect", "kinds": "[extra]", "expires": ""},
        {"action": "show", "owner": "", "expires": ""},
    ],
)
def test_who_and_until_when_are_asked_where_something_is_excused(changes: dict[str, str]) -> None:
    assert parse_rules(rule(**changes), FILE).rules


@pytest.mark.parametrize(
    ("day", "covering"),
    [(date(2027, 2, 28), "took"), (date(2027, 3, 1), "took"), (date(2027, 3, 2), None)],
)
def test_an_expired_rule_covers_nothing_any_more(day: date, covering: str | None) -> None:
    rules = parse_rules(rule(), FILE).for_route("c", "GET /x", day)
    assert rules.ignoring(TOOK) == covering
    assert set(rules.covering) == ({covering} - {None})


def test_without_a_day_it_is_today_that_counts() -> None:
    assert parse_rules(rule(expires="2020-01-01"), FILE).for_route("c", "").covering == {}


def test_what_a_rule_covers_is_known_again_and_a_changed_rule_is_another() -> None:
    def covers(**changes: str) -> str:
        (only,) = parse_rules(rule(**changes), FILE).rules
        return only.covers

    same = [{}, {"reason": "x"}, {"owner": "y"}, {"expires": "2028-01-01"}, {"name": "z"}]
    assert len({covers(**changes) for changes in same}) == 1
    assert covers(kinds="[value, type]") == covers(kinds="[type, value]")
    others = [
        {"path": "$.a"},
        {"kinds": "[type]"},
        {"route": "GET /x"},
        {"action": "expect", "kinds": "[value]"},
    ]
    assert len({covers(**changes) for changes in [{}, *others]}) == 5


def test_a_day_survives_the_control_channel() -> None:
    rules = parse_rules(rule(), FILE)
    assert Rules.model_validate(rules.model_dump(mode="json")) == rules
    assert rules.rules[0].expires == date(2027, 3, 1)
