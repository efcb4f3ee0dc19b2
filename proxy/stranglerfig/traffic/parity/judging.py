"""What the answers of both sides show for a case: what differs, rules aside, at the place that the case is about."""

import re
from dataclasses import dataclass
from typing import Final

from stranglerfig.compare.diff.answer import findings
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.difference import BODY, STATUS, Found, Kind
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.html.node import Element, markup
from stranglerfig.compare.diff.path import template
from stranglerfig.compare.expectation import EXPECTED, has_place
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.offline import apply_rules
from stranglerfig.compare.rules import RouteRules
from stranglerfig.traffic.parity.case import Case, CaseError

Answers = tuple[RecordedResponse, RecordedResponse]
_LEAVE_IT_THERE: Final = (Kind.ORDER, Kind.SIZE, Kind.FORMAT, Kind.VALUE)
_IDENT: Final = re.compile(r"#([^.\[]+)")


@dataclass(frozen=True, slots=True)
class Judged:
    """What differs, and whether it keeps the case's own place from being compared."""

    found: tuple[Found, ...]
    is_in_the_way: bool = False


def judge(answers: Answers, case: Case, rules: RouteRules, context: Context) -> Judged:
    """Compare two answers for a case. Raises ``CaseError`` where they can show nothing for it."""
    if case.status is not None and answers[0].status != case.status:
        raise CaseError(
            f"the control answers {answers[0].status}, and the case is about its {case.status}: "
            "what it asks for may be gone, or need a login or another Host"
        )
    if case.place.startswith(EXPECTED) and not any(
        f"{EXPECTED}{rule.where} {rule.path or ''}".rstrip() == case.place
        for rule in rules.expected
    ):
        raise CaseError(
            f"no rule expects a change at {case.place.removeprefix(EXPECTED)}: give the rules by --fig-rules, "
            "or remove the case with its rule"
        )
    try:
        found = apply_rules(tuple(findings(*answers, context, rules.reading)), rules, answers).found
        return _at_place(case, answers, found)
    except NotComparableError as error:
        raise CaseError(f"the answers cannot be compared: {error}") from error


def _at_place(case: Case, answers: Answers, found: tuple[Found, ...]) -> Judged:
    """What of ``found`` the case is about."""
    if not case.place:
        return Judged(found)
    at_place = tuple(each for each in found if _is_meant(each, case))
    if at_place:
        return Judged(at_place)
    barring = tuple(each for each in found if _bars(each, case.place))
    if not barring:
        _check_place(answers, case)
    return Judged(barring, is_in_the_way=bool(barring))


def _check_place(answers: Answers, case: Case) -> None:
    """That there is something to compare: a list that is empty today shows nothing of its rows."""
    where, _, path = case.place.partition(" ")
    if case.kind == Kind.EXTRA:  # what the candidate adds is not there; what it is added to is
        path = re.sub(r"(\.[^.\[]*|\[\])$", "", path)
    if where != BODY or not path.startswith("$"):
        return
    for side, answer in zip(("control", "candidate"), answers, strict=True):
        if not has_place(answer, path):
            raise CaseError(
                f"the {side} has nothing at {where} {path}, so the case shows nothing: ask for what has it, or remove the case"
            )


def general_place(found: Found) -> str:
    """Where it is, as a rule and a cluster name it."""
    return f"{found.where} {path_of(found)}".rstrip()


def path_of(found: Found) -> str:
    """Its path, generalised."""
    return template(found.steps, root="$" if found.where == BODY else "")


def _is_meant(found: Found, case: Case) -> bool:
    return general_place(found) == case.place and case.kind in ("", found.kind)


def _bars(found: Found, place: str) -> bool:
    """Whether nobody can say that the place is alike: another status, or what it stands in is not there on both sides."""
    if found.where == STATUS:
        return True
    there = general_place(found)
    if there == place:  # another kind there: that one cannot be seen beside it
        return True
    if found.kind is Kind.MISSING and isinstance(found.control, Element):
        return any(f'id="{each}"' in markup(found.control) for each in _IDENT.findall(place))
    return place.startswith((f"{there}.", f"{there}[")) and found.kind not in _LEAVE_IT_THERE
