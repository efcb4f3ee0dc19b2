"""Both sides asked again until it settles: what came of it is lag, noise, or a difference. Values, no I/O.

A round is one more answer of each side. What differed and no longer does is *lag*, unless the control is known to differ from
itself there, or one side had answered that it failed: that is a difference, however well it is by now. What still differs in the last round is a *difference*, but for values in which the control was seen to
differ from itself at the very same place of this very request, and in the very words: no volume of traffic excuses what it did not do here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from stranglerfig.compare.diff.difference import BODY, STATUS, Difference, Kind
from stranglerfig.compare.drift import Values, is_explained
from stranglerfig.compare.expectation import EXPECTED
from stranglerfig.compare.pairing import Noise, NoiseCount, Pair, Place, place_of, spot_of
from stranglerfig.compare.value_format import TEXT, format_of
from stranglerfig.compare.verdict import MAX_DIFFERENCES, Judgement, Verdict

_UNKNOWN: Final = NoiseCount()
_STEADY: Final = 2
"""Rounds in which the control must have differed from the round before, each time, to be noisy without a measure."""


class Cause(StrEnum):
    """What moved, of a difference that healed."""

    CANDIDATE_CAUGHT_UP = "candidate_caught_up"
    CONTROL_CHANGED = "control_changed"  # between the two questions; the candidate was not behind
    BOTH_CHANGED = "both_changed"
    UNCLEAR = "unclear"  # neither did at the place that differed


class Refusal(StrEnum):
    """Why noise of the control excuses nothing of the candidate: it would cover more than was measured."""

    STRUCTURE = "the structure changed"
    SIZE = "the size changed"
    ORDER = "the order changed"
    FORMAT = "the way of writing changed"
    STATUS = "the status changed"
    WHOLE = "it would cover a whole text"
    NO_DRIFT = "it would cover what did not drift"
    OTHER_FORMAT = "the values have another format"
    WORSE = "the candidate differs more often"


_BY_KIND: Final = {
    Kind.SIZE: Refusal.SIZE,
    Kind.ORDER: Refusal.ORDER,
    Kind.FORMAT: Refusal.FORMAT,
}


@dataclass(frozen=True, slots=True)
class Round:
    """One more answer of each side, and how the control's differs from its answer in the round before.

    ``values`` and ``own_values`` hold the values that differ in the one and in the other.
    """

    judgement: Judgement
    own: tuple[Difference, ...]
    values: Values
    own_values: Values


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a comparison ended: the last judgement, without what is excused.

    ``cause`` and ``healed`` of lag. ``pairs`` is what the first round says of each place, ``None`` where there was no whole one.
    """

    judgement: Judgement
    rounds: int = 0
    cause: Cause | None = None
    delay_s: float = 0.0
    healed: tuple[Difference, ...] = ()
    excused: tuple[Difference, ...] = ()
    refused: dict[Place, Refusal] = field(default_factory=dict)
    pairs: dict[Place, Pair] | None = None


def conclude(
    first: Judgement, rounds: Sequence[Round], noise: Noise, *, is_last: bool
) -> Outcome | None:
    """What came of all rounds so far; ``None`` while another one may tell more."""
    last = rounds[-1].judgement if rounds else first
    differed = next((each for each in _judgements(first, rounds) if each.differences), None)
    if differed is None:
        return Outcome(first, len(rounds))
    if not last.differences and _has_failed(differed):
        return Outcome(differed, len(rounds))
    if not last.differences:
        known = all(_may_be_noise(each, noise) for each in differed.differences)
        verdict = Verdict.NOISE if known else Verdict.LAG
        healed = () if known else differed.differences
        return Outcome(Judgement(verdict, (), last.hits), len(rounds), healed=healed)
    excused, left, refused = [], [], {}
    for each in last.differences:
        why = _refusal(each, rounds, noise, is_last=is_last)
        if why is None:
            excused.append(each)
        else:
            left.append(each)
            if _is_known(each, rounds, noise):
                refused[place_of(each)] = why
    if len(last.differences) >= MAX_DIFFERENCES:  # cut: nobody knows what else differed
        excused, left = [], list(last.differences)
    if left and not is_last:
        return None
    verdict = Verdict.DIFFERENT if left else Verdict.NOISE
    judgement = Judgement(verdict, tuple(left), last.hits)
    return Outcome(judgement, len(rounds), excused=tuple(excused), refused=refused)


def cause_of(first: Judgement, rounds: Sequence[Round], candidate: Sequence[Difference]) -> Cause:
    """What moved; ``candidate`` is how the candidate's last answer differs from its first."""
    judged = next((each for each in _judgements(first, rounds) if each.differences), first)
    places = {(each.where, each.template) for each in judged.differences}

    def moved(differences: Sequence[Difference]) -> bool:
        return any((each.where, each.template) in places for each in differences)

    control = any(moved(each.own) for each in rounds)
    match control, moved(candidate):
        case True, True:
            return Cause.BOTH_CHANGED
        case True, False:
            return Cause.CONTROL_CHANGED
        case False, True:
            return Cause.CANDIDATE_CAUGHT_UP
    return Cause.UNCLEAR


def _judgements(first: Judgement, rounds: Sequence[Round]) -> list[Judgement]:
    return [first, *(each.judgement for each in rounds)]


def _has_failed(judgement: Judgement) -> bool:
    """Whether one side answered that it failed: whoever fails now and then is not behind, and users meet it."""
    return any(
        (shape.clear or "").startswith("5")
        for each in judgement.differences
        if each.where == STATUS
        for shape in (each.control, each.candidate)
    )


def _may_be_noise(difference: Difference, noise: Noise) -> bool:
    return _too_broad(difference) is None and noise.get(place_of(difference), _UNKNOWN).is_noisy


def _too_broad(difference: Difference) -> Refusal | None:
    """Why a place of this kind is never noise."""
    if difference.where == STATUS:
        return Refusal.STATUS
    if difference.kind is not Kind.VALUE or difference.where.startswith(EXPECTED):
        return _BY_KIND.get(difference.kind, Refusal.STRUCTURE)
    if difference.where == BODY and (
        difference.template == "$" or difference.template.endswith(".line[]")
    ):
        return Refusal.WHOLE  # of a text only the first line that differs is known
    return None


def _refusal(
    difference: Difference, rounds: Sequence[Round], noise: Noise, *, is_last: bool
) -> Refusal | None:
    """Why the control's noise does not excuse a difference; ``None`` if it does."""
    if (why := _too_broad(difference)) is not None:
        return why
    count, spot = noise.get(place_of(difference), _UNKNOWN), spot_of(difference)
    if count.is_worse:
        return Refusal.WORSE
    drifts = [any(spot_of(own) == spot for own in each.own) for each in rounds]
    is_steady = is_last and len(drifts) >= _STEADY and all(drifts)
    if not any(drifts) or not (count.is_noisy or is_steady):
        return Refusal.NO_DRIFT
    form = format_of(difference.control)
    if form != format_of(difference.candidate):
        return Refusal.OTHER_FORMAT
    # A time or a token is one word; of a sentence only the words that drift are excused.
    if form == TEXT and not is_explained(
        spot, rounds[-1].values, (each.own_values for each in rounds)
    ):
        return Refusal.NO_DRIFT
    return None


def _is_known(difference: Difference, rounds: Sequence[Round], noise: Noise) -> bool:
    """Whether the control differs from itself there in some way: only then is there noise to be refused."""
    place = place_of(difference)
    return noise.get(place, _UNKNOWN).own > 0 or any(
        (own.where, own.template) == (place.where, place.path)
        for each in rounds
        for own in each.own
    )
