"""fig.rules.yaml away from live traffic: the same rules on answers that somebody asked for, values in clear.

``fig same --rules`` and ``stranglerfig.testing`` go through here. Their hits are told, not added to the counters: those
say what a rule is good for on the traffic of users, and a test that asks one page a thousand times is none.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stranglerfig.compare.diff.difference import ABSENT, BODY, Difference, Found, Shape
from stranglerfig.compare.diff.html.node import Element, markup
from stranglerfig.compare.diff.json_tree import canonical
from stranglerfig.compare.diff.path import Part, concrete, template
from stranglerfig.compare.expectation import EXPECTED, absent_changes
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import RouteRules

_NOT_KEPT: Final = Shape("not kept")


@dataclass(frozen=True, slots=True)
class Ruled:
    """What no rule covers, and what one expects in vain; and how often each rule was hit."""

    found: tuple[Found, ...]
    hits: Counter[str]


def apply_rules(
    found: Iterable[Found], rules: RouteRules, answers: tuple[RecordedResponse, RecordedResponse]
) -> Ruled:
    """Hold findings against the rules of a route; ``answers`` are the control's and the candidate's."""
    open_ones: list[Found] = []
    kept: list[Difference] = []
    hits: Counter[str] = Counter()
    for each in found:
        difference = _as_difference(each)
        if (rule := rules.ignoring(difference)) is not None:
            hits[rule] += 1
        else:
            open_ones.append(each)
            kept.append(difference)
    missed = [
        Found(each.kind, each.where, (Part(each.path),), ABSENT, ABSENT)
        for each in absent_changes(rules, hits, kept, answers)
    ]
    return Ruled((*open_ones, *missed), hits)


def _as_difference(found: Found) -> Difference:
    """As rules know it: by kind and place."""
    place = template(found.steps, root="$" if found.where == BODY else "")
    return Difference(found.kind, found.where, place, place, _NOT_KEPT, _NOT_KEPT)


def place_of(found: Found) -> str:
    """Where it is, as a person reads it; keys and values in clear."""
    place = concrete(found.steps, lambda key: key, root="$" if found.where == BODY else "")
    return f"{found.where} {place}".strip()


def value_text(value: object) -> str:
    """A value of a finding on one line."""
    match value:
        case _ if value is ABSENT:
            return "(absent)"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case bytes():
            return f"{len(value):,} bytes"
        case Element():
            return markup(value)
        case _:
            return canonical(value)


def is_missed(found: Found) -> bool:
    """Whether it is a change that a rule expects and that did not occur: there are no values to show."""
    return found.where.startswith(EXPECTED)
