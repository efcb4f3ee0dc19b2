"""Two answers asked for on purpose and held side by side, values in clear: what ``fig same`` says of a path.

The comparer judges live traffic and keeps shapes only. Here somebody asks their own two servers on their own terminal, so
values may be shown; and bytes are compared first, since a proxy that promises to change nothing must not reorder a header.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stranglerfig.compare.diff.answer import findings
from stranglerfig.compare.diff.body import text_of
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.difference import BODY, STATUS, Found, Kind
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.path import Line, concrete
from stranglerfig.compare.diff.placeholder import with_placeholders
from stranglerfig.compare.observation import Headers, RecordedResponse

PASSED_OVER: Final = frozenset(
    {
        *("date", "age"),
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        "upgrade",
    }
)
"""Headers of the moment or of the connection, which any proxy sets for itself. ``NOT_COMPARED`` has the reasons; what else
stands there (``Server``, ``Content-Length``) makes two answers alike, not identical."""
_WORDS: Final = re.compile(r"[\w+/=-]+|\s+|.")
_EXCUSED: Final = frozenset({Kind.VALUE, Kind.FORMAT, Kind.ORDER})
_Place = tuple[str, str, str]


class Sameness(StrEnum):
    """How much two answers are one."""

    IDENTICAL = "identical"
    """Status, headers in their order, and body, byte for byte; ``PASSED_OVER`` headers aside."""
    ALIKE = "alike"
    """The bytes differ, and mean the same: another order of JSON members, a CSRF token made anew."""
    UNSTEADY = "unsteady"
    """They differ only where the control differs from itself when it is asked again."""
    DIFFERENT = "different"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one path. ``passed_over`` names the headers that were there and are not compared."""

    sameness: Sameness
    found: tuple[Found, ...] = ()
    passed_over: frozenset[str] = frozenset()


def compare_whole(
    control: RecordedResponse, candidate: RecordedResponse, context: Context
) -> Compared:
    """Hold two answers side by side."""
    passed_over = _passed_over(control.headers, candidate.headers)
    if (control.status, _kept(control.headers), control.body) == (
        candidate.status,
        _kept(candidate.headers),
        candidate.body,
    ):
        return Compared(Sameness.IDENTICAL, (), passed_over)
    try:
        found = tuple(findings(control, candidate, context))
    except NotComparableError:
        # Too large to be unpacked: only the bytes are known, and they differ.
        return Compared(Sameness.DIFFERENT, (), passed_over)
    return Compared(Sameness.DIFFERENT if found else Sameness.ALIKE, found, passed_over)


def without_noise(
    compared: Compared,
    answers: tuple[RecordedResponse, RecordedResponse, RecordedResponse],
    context: Context,
) -> Compared:
    """The same comparison, told apart from how the control differs from itself.

    ``answers`` are the control's, the control's when it was asked again, and the candidate's. A value that the control
    changes between two askings may be another one at exactly that place, and nowhere else. Of a text the words that it
    changes may vary, and every other word has to be there. Bytes have no places, so there nothing is excused.
    """
    control, again, _ = answers
    own = context._replace(candidate_authority=context.control_authority)
    noise = {_place(found): found for found in compare_whole(control, again, own).found}
    left = tuple(found for found in compared.found if not _is_noise(found, noise, answers))
    if left or not compared.found:
        return Compared(compared.sameness, left, compared.passed_over)
    return Compared(Sameness.UNSTEADY, compared.found, compared.passed_over)


def _is_noise(
    found: Found,
    noise: Mapping[_Place, Found],
    answers: tuple[RecordedResponse, RecordedResponse, RecordedResponse],
) -> bool:
    own = noise.get(_place(found))
    # What comes and goes, or has another length, hides what is inside; a header has no inside.
    if own is None or (found.kind not in _EXCUSED and not found.where.startswith("header ")):
        return False
    if _is_of_text(found):
        texts = [text_of(answer.body, answer.headers) for answer in answers]
        if not all(text for text, _ in texts):  # bytes
            return False
        first, second, other = (
            with_placeholders(text) if "html" in essence else text for text, essence in texts
        )
        return _same_words(first, second, other)
    values = (own.control, own.candidate, found.candidate)
    if all(isinstance(value, str) for value in values):
        return _same_words(*map(str, values))
    return found.where != STATUS


def _place(found: Found) -> _Place:
    # Of a text the comparison names the first line that differs, so its line says nothing about the others.
    steps = "" if _is_of_text(found) else concrete(found.steps, str)
    return found.where, steps, found.kind.value


def _is_of_text(found: Found) -> bool:
    return found.where == BODY and (
        not found.steps or any(isinstance(step, Line) for step in found.steps)
    )


def _same_words(control: str, again: str, candidate: str) -> bool:
    """Whether the candidate's text has every word of the control's but for those that the control changes itself."""
    words = [_WORDS.findall(text) for text in (control, again, candidate)]
    if len({len(each) for each in words}) > 1:
        return False
    return all(
        first == other or first != second for first, second, other in zip(*words, strict=True)
    )


def _kept(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if _name(name) not in PASSED_OVER)


def _passed_over(*answers: Headers) -> frozenset[str]:
    return frozenset(_name(name) for headers in answers for name, _ in headers) & PASSED_OVER


def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()
