"""Every planted bug is found where it must be, and without bugs the same sessions differ in nothing."""

import pytest

from planted.bug import Bug
from planted.bugs import BUGS
from planted.shops import TwoShops
from stranglerfig.compare.verdict import Verdict

pytestmark = pytest.mark.slow


def _name(value: object) -> str | None:
    return value.name if isinstance(value, Bug) else None


def test_thirty_bugs_are_planted() -> None:
    assert len(BUGS) == 30


@pytest.mark.parametrize("bug", BUGS.values(), ids=_name)
def test_a_planted_bug_is_found_in_its_place(bug: Bug, two_shops: TwoShops) -> None:
    two_shops.switch_on(bug.name)
    judgements = two_shops.judged(bug.session, bug.visitor)
    *before, last = judgements
    # A write that stores something else is answered right: only a later read shows it.
    assert [each for each in before if each.verdict is Verdict.DIFFERENT] == []
    found = last.differences
    assert any(
        difference.where == bug.found.where
        and difference.kind in bug.found.kinds
        and bug.found.path in (None, difference.template)
        for difference in found
    ), [f"{each.where} {each.template} {each.kind}" for each in found]


@pytest.mark.parametrize("bug", BUGS.values(), ids=_name)
def test_without_bugs_its_session_differs_in_nothing(bug: Bug, two_shops: TwoShops) -> None:
    two_shops.switch_on()
    judgements = two_shops.judged(bug.session, bug.visitor)
    assert [each for each in judgements if each.verdict is Verdict.DIFFERENT] == []


def test_the_switch_wakes_one_bug_alone(two_shops: TwoShops) -> None:
    """What a bug of another part of the shop does to an answer is not there."""
    two_shops.switch_on("wrong-currency")
    product = BUGS["amount-as-number"]
    assert [each.verdict for each in two_shops.judged(product.session)] == [Verdict.EQUAL]
