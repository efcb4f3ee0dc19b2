"""The values in which answers of one request differ, in clear, for as long as it settles: noise excuses words, not sentences.

A text that says the time and a price is noisy, and a wrong price in it is not. So of a value that drifts, only those words
are excused in which the control's own answers were seen to differ.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from stranglerfig.compare.diff.answer import findings
from stranglerfig.compare.diff.difference import STATUS
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.json_tree import canonical
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.noise import is_chance
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.pairing import Place, spot_of
from stranglerfig.compare.rules import RouteRules

Values: TypeAlias = Mapping[Place, tuple[str, str] | None]
"""Both values at each spot; ``None`` where a spot is named twice, or where there is no text."""


def values_of(
    control: RecordedResponse,
    candidate: RecordedResponse,
    *,
    context: Context,
    rules: RouteRules,
    shaper: Shaper,
) -> Values:
    """What differs, by the very place. Raises ``NotComparableError``."""
    found: dict[Place, tuple[str, str] | None] = {}
    for each in findings(control, candidate, context, rules.reading):
        if each.where == STATUS:
            continue
        spot = spot_of(shaper.difference(each, lambda *_: False))
        found[spot] = None if spot in found else _texts(each.control, each.candidate)
    return found


def is_explained(spot: Place, last: Values, own: Iterable[Values]) -> bool:
    """Whether the last two values differ in words alone in which the control's answers, ``own``, differ among themselves."""
    pair = last.get(spot)
    if pair is None:
        return False
    drifted = [value for each in own for value in each.get(spot) or ()]
    return bool(drifted) and is_chance(pair[0], drifted, pair[1])


def _texts(control: object, candidate: object) -> tuple[str, str] | None:
    try:
        return _text(control), _text(candidate)
    except TypeError:  # absent, or bytes
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else canonical(value)
