"""Rounds of answers into one outcome, as tables: what is excused, what never is, and what moved."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.compare.again import Cause, Outcome, Refusal, Round, cause_of, conclude
from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.pairing import NoiseCount, Pair, Place, pair_up, place_of, spot_of
from stranglerfig.compare.verdict import MAX_DIFFERENCES, Judgement, Verdict

TEXT = Shape("string", 4, "aaaa", "d1")
UUID = Shape("string", 36, "ddddaaaa-dddd-dadd-aaaa-dddddddddddd", "d2")


def differs(
    path: str = "$.token",
    kind: Kind = Kind.VALUE,
    where: str = "body",
    at: str = "",
    candidate: Shape = UUID,
) -> Difference:
    return Difference(kind, where, at or path, path, UUID, candidate)


def judged(*differences: Difference) -> Judgement:
    return Judgement(Verdict.DIFFERENT if differences else Verdict.EQUAL, differences, Counter())


def rounds(*each: tuple[Sequence[Difference], Sequence[Difference]]) -> list[Round]:
    """Each differs by one word, and the control from itself by the same one."""
    return [
        Round(
            judged(*differences),
            tuple(own),
            {spot_of(one): ("new", "other") for one in differences},
            {spot_of(one): ("old", "new") for one in own},
        )
        for differences, own in each
    ]


D = differs()
NOISY = {place_of(D): NoiseCount(b=1, c=1, both=8)}
EQUAL: tuple[list[Difference], list[Difference]] = ([], [])


def conclusion(*args: object, noise: dict[Place, NoiseCount] | None = None) -> Outcome:
    first, *rest = args
    outcome = conclude(first, rest[0] if rest else [], noise or {}, is_last=True)  # type: ignore[arg-type]
    assert outcome is not None
    return outcome


def test_without_a_difference_one_look_is_the_end() -> None:
    assert conclusion(judged()).judgement.verdict is Verdict.EQUAL
    assert conclusion(judged(), rounds(EQUAL)).judgement.verdict is Verdict.EQUAL


def test_what_heals_is_lag_or_noise_where_the_control_is_known_to_do_it_too() -> None:
    assert conclusion(judged(D), rounds(EQUAL)).judgement.verdict is Verdict.LAG
    assert conclusion(judged(D), rounds(EQUAL), noise=NOISY).judgement.verdict is Verdict.NOISE
    price = differs("$.price")
    assert conclusion(judged(D, price), rounds(EQUAL), noise=NOISY).judgement.verdict is Verdict.LAG


@pytest.mark.parametrize("statuses", [("200", "500"), ("503", "200")])
def test_who_fails_now_and_then_is_not_behind(statuses: tuple[str, str]) -> None:
    control, candidate = (Shape("number", 3, "ddd", clear=text) for text in statuses)
    failed = Difference(Kind.VALUE, "status", "", "", control, candidate)
    found = conclusion(judged(failed, D), rounds(EQUAL), noise=NOISY)
    assert found.judgement.verdict is Verdict.DIFFERENT
    assert found.judgement.differences == (failed, D)
    found = conclusion(judged(replace(failed, candidate=replace(candidate, clear="404"), control=replace(control, clear="200"))), rounds(EQUAL))  # fmt: skip
    assert found.judgement.verdict is Verdict.LAG


def test_another_round_is_asked_for_while_it_may_tell_more() -> None:
    assert conclude(judged(D), rounds(([D], [])), {}, is_last=False) is None
    assert conclude(judged(D), rounds(([D], [D])), {}, is_last=False) is None
    known = conclude(judged(D), rounds(([D], [D])), NOISY, is_last=False)
    assert known is not None
    assert known.judgement.verdict is Verdict.NOISE


@pytest.mark.parametrize(
    ("own", "verdict"),
    [
        ([[D], [D]], Verdict.NOISE),
        ([[D]], Verdict.DIFFERENT),  # once may be a change of data
        ([[D], []], Verdict.DIFFERENT),
        ([[], []], Verdict.DIFFERENT),
        ([[differs(at="$.x[2].token")], [differs(at="$.x[2].token")]], Verdict.DIFFERENT),
    ],
)
def test_unmeasured_noise_must_be_steady_and_at_the_very_place(
    own: list[list[Difference]], verdict: Verdict
) -> None:
    found = conclusion(judged(D), rounds(*(([D], each) for each in own)))
    assert found.judgement.verdict is verdict


@pytest.mark.parametrize(
    ("difference", "own", "why"),
    [
        (differs(kind=Kind.MISSING), [D], Refusal.STRUCTURE),
        (differs(kind=Kind.EXTRA), [D], Refusal.STRUCTURE),
        (differs(kind=Kind.NULL), [D], Refusal.STRUCTURE),
        (differs(kind=Kind.TYPE), [D], Refusal.STRUCTURE),
        (differs(kind=Kind.DUPLICATE), [D], Refusal.STRUCTURE),
        (differs(kind=Kind.SIZE), [D], Refusal.SIZE),
        (differs(kind=Kind.ORDER), [D], Refusal.ORDER),
        (differs(kind=Kind.FORMAT), [D], Refusal.FORMAT),
        (differs("", where="status"), [differs("", where="status")], Refusal.STATUS),
        (differs("$"), [differs("$")], Refusal.WHOLE),
        (differs("$.line[]"), [differs("$.line[]")], Refusal.WHOLE),
        (D, [differs(at="$.rows[1].token")], Refusal.NO_DRIFT),
        (differs(candidate=TEXT), [D], Refusal.OTHER_FORMAT),
    ],
)
def test_what_noise_would_cover_too_much_of_is_refused_with_the_reason(
    difference: Difference, own: list[Difference], why: Refusal
) -> None:
    noise = {place_of(difference): NoiseCount(both=500), place_of(D): NoiseCount(both=500)}
    each = ([difference], own)
    found = conclusion(judged(difference), rounds(each, each, each), noise=noise)
    assert found.judgement.verdict is Verdict.DIFFERENT
    assert found.refused == {place_of(difference): why}


def test_of_a_sentence_only_the_words_that_drift_are_excused() -> None:
    said = Difference(Kind.VALUE, "body", "$.said", "$.said", TEXT, TEXT)
    spot, noise = spot_of(said), {place_of(said): NoiseCount(both=500)}
    for candidate, verdict in (("12.00 at 9", Verdict.NOISE), ("13.00 at 9", Verdict.DIFFERENT)):
        each = Round(
            judged(said),
            (said,),
            {spot: ("12.00 at 8", candidate)},
            {spot: ("12.00 at 7", "12.00 at 8")},
        )
        assert conclusion(judged(said), [each], noise=noise).judgement.verdict is verdict


def test_a_worse_candidate_is_not_excused() -> None:
    each = ([D], [D])
    worse = {place_of(D): NoiseCount(b=40, c=10, both=100)}
    found = conclusion(judged(D), rounds(each, each, each), noise=worse)
    assert found.judgement.differences == (D,)
    assert found.refused == {place_of(D): Refusal.WORSE}


def test_a_plain_difference_refuses_nothing() -> None:
    found = conclusion(judged(D), rounds(([D], []), ([D], [])))
    assert (found.judgement.verdict, found.refused) == (Verdict.DIFFERENT, {})


def test_an_answer_whose_differences_were_cut_is_never_noise() -> None:
    many = [differs(at=f"$.x[{n}].token") for n in range(MAX_DIFFERENCES)]
    found = conclusion(judged(*many), rounds((many, many), (many, many)), noise=NOISY)
    assert found.judgement.verdict is Verdict.DIFFERENT
    assert len(found.judgement.differences) == MAX_DIFFERENCES


@pytest.mark.parametrize(
    ("own", "candidate", "cause"),
    [
        ([], [D], Cause.CANDIDATE_CAUGHT_UP),
        ([D], [], Cause.CONTROL_CHANGED),
        ([D], [D], Cause.BOTH_CHANGED),
        ([differs("$.other")], [differs("$.other")], Cause.UNCLEAR),
        ([differs("$.other")], [D], Cause.CANDIDATE_CAUGHT_UP),
    ],
)
def test_what_moved(own: list[Difference], candidate: list[Difference], cause: Cause) -> None:
    assert cause_of(judged(D), rounds(([], own)), candidate) is cause


@pytest.mark.parametrize(
    ("candidate", "control", "after", "pair"),
    [
        ([D], [], [D], Pair.CANDIDATE),
        ([], [D], [D], Pair.CONTROL),
        ([D], [D], [D], Pair.BOTH),
        ([D], [D], [], None),  # both moved to the same: the data changed
        ([], [], [], None),
    ],
)
def test_what_a_pair_says(
    candidate: list[Difference],
    control: list[Difference],
    after: list[Difference],
    pair: Pair | None,
) -> None:
    assert pair_up(candidate, control, after).get(place_of(D)) is pair


@pytest.mark.parametrize(
    ("count", "noisy", "power"),
    [
        (NoiseCount(), False, True),
        (NoiseCount(b=9), False, True),
        (NoiseCount(c=2), False, True),
        (NoiseCount(c=3), True, True),
        (NoiseCount(both=3), True, False),
        (NoiseCount(b=5, c=3), True, True),
        (NoiseCount(b=30, c=3), False, True),
    ],
)
def test_when_a_place_is_noisy_and_when_nothing_can_be_told(
    count: NoiseCount, noisy: bool, power: bool
) -> None:
    assert (count.is_noisy, count.has_power) == (noisy, power)


_DIFFERENCES = st.builds(
    differs,
    path=st.sampled_from(["$.a", "$.b[]", "$", "$.line[]"]),
    kind=st.sampled_from(Kind),
    where=st.sampled_from(["body", "header etag", "status"]),
    at=st.sampled_from(["$.a", "$.b[1]", "$.b[2]"]),
    candidate=st.sampled_from([UUID, TEXT]),
)
_COUNTS = st.builds(NoiseCount, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
_SOME = st.lists(_DIFFERENCES, max_size=4)


@given(
    _SOME,
    st.lists(st.tuples(_SOME, _SOME), max_size=3),
    st.dictionaries(_DIFFERENCES.map(place_of), _COUNTS),
)
def test_whatever_is_asked_every_comparison_ends_and_only_drifting_values_are_excused(
    first: list[Difference],
    each: list[tuple[list[Difference], list[Difference]]],
    noise: dict[Place, NoiseCount],
) -> None:
    asked = rounds(*each)
    outcome = conclude(judged(*first), asked, noise, is_last=True)
    assert outcome is not None
    verdict = outcome.judgement.verdict
    assert (verdict is Verdict.DIFFERENT) == bool(outcome.judgement.differences)
    drifted = {(own.kind, own.where, own.path) for item in asked for own in item.own}
    for excused in outcome.excused:
        assert excused.kind is Kind.VALUE
        assert (excused.kind, excused.where, excused.path) in drifted
    last = asked[-1].judgement.differences if asked else tuple(first)
    if verdict is not Verdict.EQUAL and last:
        assert len(outcome.judgement.differences) + len(outcome.excused) == len(last)
