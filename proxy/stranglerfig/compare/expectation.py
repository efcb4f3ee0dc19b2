"""Changes that a rule expects, and that an answer lacks: `action: expect` says that they must occur.

An answer says something about an expected change only where it can: both sides succeeded, what the changed thing stands
in is there on both, and nothing around it differs, or else the other difference is what has to be understood first.
An empty list says nothing about the fields of its rows.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from stranglerfig.compare.diff.body import text_of
from stranglerfig.compare.diff.difference import BODY, Difference, Kind, Shape
from stranglerfig.compare.diff.json_tree import Json, Members, NotJsonError, parse
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import RouteRules, Rule

EXPECTED: Final = "expected "
"""Stands before the place of a change that did not occur."""
UNCHANGED: Final = Shape("unchanged")
_STEP: Final = re.compile(r"\.(\*|[^.\[]+)|\[\]")


def absent_changes(
    rules: RouteRules,
    hits: Counter[str],
    open_ones: Sequence[Difference],
    answers: tuple[RecordedResponse, RecordedResponse],
) -> Iterator[Difference]:
    """A difference for each rule whose change did not occur, or not everywhere; ``answers`` are the control's and the candidate's."""
    if not rules.expected or not all(200 <= answer.status < 300 for answer in answers):
        return
    trees = _Trees(answers)
    for rule in rules.expected:
        if any(_surrounds(difference, rule) for difference in open_ones):
            continue
        if hits[rule.name] < (
            trees.places(rule) if rule.where == BODY else _headers(rule, answers)
        ):
            place, path = EXPECTED + rule.where, rule.path or ""
            yield Difference(Kind.MISSING, place, path, path, UNCHANGED, UNCHANGED)


def _surrounds(difference: Difference, rule: Rule) -> bool:
    """Whether a difference is at the place of the change, or at one that it stands in."""
    path = rule.path or ""
    return difference.where == rule.where and (
        path == difference.template
        or path.startswith((f"{difference.template}.", f"{difference.template}[]"))
    )


def _headers(rule: Rule, answers: tuple[RecordedResponse, RecordedResponse]) -> int:
    """How often the change of a header must occur: once, unless another kind of change needs a header that is not there."""
    name = rule.where.removeprefix("header ").encode()
    control, candidate = (
        any(key.lower() == name for key, _ in answer.headers) for answer in answers
    )
    if Kind.EXTRA in rule.kinds:
        return 1
    return int(control if Kind.MISSING in rule.kinds else control and candidate)


class _Trees:
    """Both bodies as JSON, read when they are first asked for."""

    def __init__(self, answers: tuple[RecordedResponse, RecordedResponse]) -> None:
        self._answers = answers
        self._trees: list[Json] | None = None

    def places(self, rule: Rule) -> int:
        """How often the change must occur; rows that one side alone has are no places."""
        assert rule.path is not None
        *above, last = _STEP.finditer(rule.path[1:])
        steps = [step.group() for step in above]
        counts = []
        for side, tree in enumerate(self._read()):
            nodes = _walk([tree], steps)
            # What is added is missing on one side, and what is removed on the other: there its surroundings count.
            is_added, is_removed = Kind.EXTRA in rule.kinds, Kind.MISSING in rule.kinds
            if not (is_added or (is_removed and side == 1)):
                counts.append(len(_walk(nodes, [last.group()])))
            else:
                wanted = list if last.group() == "[]" else Members
                counts.append(sum(isinstance(node, wanted) for node in nodes))
        return min(counts, default=0)

    def _read(self) -> list[Json]:
        if self._trees is None:
            self._trees = []
            with contextlib.suppress(NotJsonError):
                self._trees = [parse(text_of(each.body, each.headers)[0]) for each in self._answers]
        return self._trees


def _walk(nodes: list[Json], steps: Sequence[str]) -> list[Json]:
    for step in steps:
        below: list[Json] = []
        for node in nodes:
            if step == "[]":
                below += node if isinstance(node, list) else ()
            elif isinstance(node, Members):
                key = step[1:]
                below += node.values() if key == "*" else [node[key]] if key in node else []
        nodes = below
    return nodes


def has_place(answer: RecordedResponse, path: str) -> bool:
    """Whether a body has something at a path such as ``$.rows[].price``; of what is no JSON nobody can say, so it has."""
    try:
        tree = parse(text_of(answer.body, answer.headers)[0])
    except NotJsonError:
        return True
    return bool(_walk([tree], [step.group() for step in _STEP.finditer(path[1:])]))
