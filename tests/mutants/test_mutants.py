"""The differs find nearly all faults that are put into real answers, and none where there is none."""

from functools import partial
from pathlib import Path

import pytest
from planted.shops import TwoShops, all_rules

from mutants.answer import EMPTY, HTML, JSON, Recorded
from mutants.operator import OPERATORS
from mutants.pool import Pool
from mutants.recording import record
from mutants.score import NO_RULE, Row, mutants_of, score, total
from mutants.soak import soak
from stranglerfig.compare.verdict import Verdict

pytestmark = pytest.mark.slow

EACH, SEED = 20, 1
LEAST = 0.98
SOAK = 150

# What hides mutants of an operator, and is known to.
KNOWN = {
    "head change a header": {"packed-answers-have-weak-etags"},  # strong for weak, or weak for strong
    "html reorder fields": {NO_RULE},  # forms are data: a field may stand before or behind a button
    "html reorder links": {NO_RULE},  # links are a set
}  # fmt: skip


TOO_BROAD = """
rules:
  - name: names-may-differ
    action: ignore
    capability: catalog
    where: body
    path: $[].name
    reason: a test
    owner: a test
    expires: 2099-12-31
"""


@pytest.fixture(scope="module")
def answers(two_shops: TwoShops) -> list[Recorded]:
    """What the control said, in sessions in which the candidate without bugs said the same."""
    two_shops.switch_on()
    asked = list(record(two_shops))
    called = [
        each.asked for each in asked if two_shops.judge(each.pair).verdict is Verdict.DIFFERENT
    ]
    assert called == []
    return [each.recorded for each in asked]


@pytest.fixture(scope="module")
def rows(two_shops: TwoShops, answers: list[Recorded]) -> list[Row]:
    return score(answers, two_shops.judge, each=EACH, seed=SEED)


def test_at_least_98_of_100_mutants_are_found(rows: list[Row]) -> None:
    whole = total(rows)
    assert whole.share >= LEAST, {str(row.operator): row.hidden for row in rows if row.hidden}


def test_every_operator_finds_places_in_real_answers(rows: list[Row]) -> None:
    assert [str(row.operator) for row in rows if row.mutants < EACH] == []


def test_what_hides_mutants_is_known(rows: list[Row]) -> None:
    hiding = {str(row.operator): set(row.hidden) for row in rows if row.hidden}
    assert {name: why for name, why in hiding.items() if not why <= KNOWN.get(name, set())} == {}
    assert KNOWN.keys() - hiding.keys() <= {"head change a header"}, "mended: strike it"


def test_a_rule_that_hides_mutants_is_named(
    two_shops: TwoShops, answers: list[Recorded], tmp_path: Path
) -> None:
    file = tmp_path / "fig.rules.yaml"
    file.write_text(TOO_BROAD, encoding="utf-8")
    judge = partial(two_shops.judge, rules=all_rules(file))
    rows = score(answers, judge, each=EACH, seed=SEED)
    hidden = {str(row.operator): row.hidden["names-may-differ"] for row in rows}
    assert hidden["json truncated text"] > 0
    assert hidden["json drop a member"] == 0


def test_every_mutant_says_something_else(answers: list[Recorded]) -> None:
    pool = Pool(answers)
    for operator in OPERATORS:
        for mutant in mutants_of(operator, answers, pool, each=EACH, seed=SEED):
            mutated = Recorded("", mutant.mutated)
            same_head = (mutated.response.status, mutated.response.headers) == (
                mutant.original.response.status,
                mutant.original.response.headers,
            )
            assert not same_head or mutated.text != mutant.original.text, str(operator)


def test_an_answer_packed_again_is_the_same(two_shops: TwoShops, answers: list[Recorded]) -> None:
    """So what a mutant is found by is its fault, and not the way in which it was made."""
    for answer in answers:
        if answer.kind != EMPTY:
            again = (
                answer.with_tree(answer.tree)
                if answer.kind == JSON
                else answer.with_text(answer.text)
            )
            assert two_shops.judge((answer.response, again)).verdict is Verdict.EQUAL, answer.asked


def test_places_in_a_page_are_where_they_are_said_to_be(answers: list[Recorded]) -> None:
    pages = [answer.page for answer in answers if answer.kind == HTML]
    for page in pages:
        assert all(page.source[text.begin : text.end] == text.words for text in page.texts)
        for element in page.elements:
            written = page.source_of(element)
            assert written.startswith(f"<{element.tag}")
            assert written.endswith(">")


def test_operators_know_nothing_of_what_they_test() -> None:
    for file in Path(__file__).parent.glob("operators/*.py"):
        source = file.read_text(encoding="utf-8")
        for room in ("diff", "rules", "verdict", "whole", "noise"):
            assert f"compare.{room}" not in source, file.name


def test_the_shop_does_not_differ_from_itself(two_shops: TwoShops) -> None:
    found = soak(two_shops, answers=SOAK, seed=SEED)
    assert found.verdicts.total() == SOAK
    assert found.different == 0, found.examples
