"""The demo's verdict: accounts that agree hold, and any single number that is off is named."""

from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from demo.access_log import Asked
from demo.fig import Counts
from demo.pages import CATALOG, CHECKOUT
from demo.shoppers import Tally
from demo.walk import Evidence, Step, Window

COUNTS = Counts(
    monolith=90, service=12, own_writes=20, asked=102, not_teed=2, teed=100, equal=97, different=0, ignored=2,
    no_answer=0, skipped=1, lost=0, waiting=0, under_way=0,
)  # fmt: skip
AGREES = Window(
    Tally(answers=Counter({CATALOG: 100, CHECKOUT: 3})),
    COUNTS,
    monolith_log=Asked(by_shoppers=88, by_others=2, as_shadow=12, checkouts=3),
    service_log=Asked(by_shoppers=12, as_shadow=87),
)
CANARY = Step("canary", 10, "why")


def test_accounts_that_agree_hold_and_people_who_look_on_are_told_apart() -> None:
    assert AGREES.mismatches() == []
    assert AGREES.by_others == 2
    assert Evidence(CANARY, 5.0, AGREES, AGREES).problems() == []


@pytest.mark.parametrize("name", ["monolith", "service", "teed", "equal", "skipped", "lost"])
@pytest.mark.parametrize("by", [1, -1])
def test_a_count_of_the_proxy_that_is_off_by_one_is_found(name: str, by: int) -> None:
    counts = replace(COUNTS, **{name: getattr(COUNTS, name) + by})
    assert replace(AGREES, counts=counts).mismatches()


@pytest.mark.parametrize(
    ("log", "name"),
    [
        *product(("monolith_log", "service_log"), ("by_shoppers", "by_others", "as_shadow")),
        ("monolith_log", "checkouts"),
    ],
)
def test_a_line_too_many_in_a_log_is_found(log: str, name: str) -> None:
    asked: Asked = getattr(AGREES, log)
    more = replace(asked, **{name: getattr(asked, name) + 1})
    assert replace(AGREES, **{log: more}).mismatches()


def test_a_failed_request_and_a_difference_fail_the_step() -> None:
    errors = Tally(answers=AGREES.shoppers.answers, errors=Counter({"502 /api/catalog/": 1}))
    failed = replace(AGREES, shoppers=errors)
    assert Evidence(CANARY, 5.0, failed, AGREES).problems() == [
        "while it changed: 1 x 502 /api/catalog/"
    ]
    differs = replace(AGREES, counts=replace(COUNTS, equal=96, different=1))
    assert Evidence(CANARY, 5.0, AGREES, differs).problems() == ["1 answers differ"]


@pytest.mark.parametrize(
    ("stage", "strays"), [("monolith", 12), ("shadow", 12), ("service", 70), ("canary", None)]
)
def test_an_answer_by_the_wrong_side_after_the_change_fails_the_step(
    stage: str, strays: int | None
) -> None:
    problems = Evidence(Step(stage, None, "why"), 5.0, AGREES, AGREES).problems()
    assert problems == (
        [f"{strays} answers by the wrong side after the change"] if strays is not None else []
    )
