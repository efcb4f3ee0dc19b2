"""Two answers and the rules into a verdict: equal, different, or ignored, which is never folded into equal.

``lag`` and ``noise`` are no verdicts on two answers alone: both sides have to be asked again (``again.py``).
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stranglerfig.compare.diff.answer import differences
from stranglerfig.compare.diff.difference import Difference
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.expectation import absent_changes
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import RouteRules

MAX_DIFFERENCES: Final = (
    200  # of one answer; one with so many has one cause, and the first ones show it
)


class Verdict(StrEnum):
    """How a comparison ended."""

    EQUAL = "equal"
    DIFFERENT = "different"
    IGNORED = "ignored"  # it differs, and rules cover all of it
    LAG = "lag"  # it differed, and no longer when both sides were asked again
    NOISE = "noise"  # it differs only in values in which the control was seen to differ from itself


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, what no rule covers (and what one expects in vain), and how often each rule was hit."""

    verdict: Verdict
    differences: tuple[Difference, ...]
    hits: Counter[str]


def judge(
    control: RecordedResponse,
    candidate: RecordedResponse,
    *,
    context: Context,
    rules: RouteRules,
    shaper: Shaper,
) -> Judgement:
    """Compare two answers. Raises ``NotComparableError`` when a body cannot be read here."""
    open_ones: list[Difference] = []
    hits: Counter[str] = Counter()
    for difference in differences(
        control,
        candidate,
        context=context,
        shaper=shaper,
        shows=rules.shows,
        reading=rules.reading,
    ):
        rule = rules.ignoring(difference)
        if rule is not None:
            hits[rule] += 1
            continue
        open_ones.append(difference)
        if len(open_ones) == MAX_DIFFERENCES:
            break
    else:  # of an answer whose differences were cut nobody knows what else occurred
        open_ones += absent_changes(rules, hits, open_ones, (control, candidate))
    return Judgement(_verdict(open_ones, hits), tuple(open_ones), hits)


def _verdict(open_ones: list[Difference], hits: Counter[str]) -> Verdict:
    if open_ones:
        return Verdict.DIFFERENT
    return Verdict.IGNORED if hits else Verdict.EQUAL
