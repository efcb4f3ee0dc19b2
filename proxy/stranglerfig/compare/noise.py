"""What differs only as the control differs from itself, told from what differs besides.

A place is excused, never what stands around it: of a JSON answer the exact place, of a page or a text the words in which the
control's two answers differ; an element that comes and goes, if it is the very same. Where the two do not even have the same
shape (other lines, a list of another length, bytes) nothing is excused, for nobody can say what of it is chance.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

from stranglerfig.compare.diff.body import text_of
from stranglerfig.compare.diff.difference import BODY, STATUS, Found, Kind
from stranglerfig.compare.diff.path import Attribute, Field, Line, Tag, Text
from stranglerfig.compare.diff.placeholder import with_placeholders
from stranglerfig.compare.diff.text_body import lines_of
from stranglerfig.compare.observation import RecordedResponse

_WORDS: Final = re.compile(r"[\w+/=.~-]+|[^\w+/=.~-]")  # a token in base64 is one word
_NEVER: Final = frozenset({Kind.SIZE, Kind.TYPE})


def beyond_noise(
    found: tuple[Found, ...],
    own: tuple[Found, ...],
    answers: tuple[RecordedResponse, RecordedResponse, RecordedResponse],
) -> tuple[Found, ...]:
    """What of ``found`` the control's difference from itself, ``own``, does not explain.

    ``answers``: the control's first and second, and the candidate's.
    """
    noise = {(each.where, each.steps, each.kind): each for each in own}
    left: list[Found] = []
    for each in found:
        twin = noise.get((each.where, each.steps, each.kind))
        if _is_of_a_text(each):
            left += _lines_beyond(each, *map(_text, answers))
        elif twin is None or not _excuses(twin, each):
            left.append(each)
    return tuple(left)


def _is_of_a_text(found: Found) -> bool:
    return found.where == BODY and bool(found.steps) and isinstance(found.steps[-1], Line)


def _excuses(own: Found, found: Found) -> bool:
    """Both are at the same place and of one kind; ``own.candidate`` is the control's second value."""
    if found.where == STATUS:
        return own.candidate == found.candidate
    if found.where == BODY and _is_of_a_page(found):
        return _excuses_in_a_page(own, found)
    if found.where == BODY:
        return found.kind is Kind.ORDER or (bool(found.steps) and found.kind not in _NEVER)
    values = (found.control, own.candidate, found.candidate)
    return not all(isinstance(value, str) for value in values) or is_chance(
        str(values[0]), [str(values[1])], str(values[2])
    )


def _is_of_a_page(found: Found) -> bool:
    return bool(found.steps) and isinstance(found.steps[-1], Tag | Text | Attribute | Field)


def _excuses_in_a_page(own: Found, found: Found) -> bool:
    match found.control, own.candidate, found.candidate:
        case str(ours), str(anew), str(theirs):
            return is_chance(ours, [anew], theirs)
    return found.kind is Kind.ORDER or own.candidate == found.candidate


def _text(answer: RecordedResponse) -> str:
    text, essence = text_of(answer.body, answer.headers)
    return with_placeholders(text) if "html" in essence else text


def _lines_beyond(first: Found, control: str, again: str, candidate: str) -> Iterator[Found]:
    """The first line that differs otherwise than by chance; what follows it often differs only because of it."""
    texts = lines_of(control), lines_of(again), lines_of(candidate)
    if len({len(lines) for lines in texts}) > 1:
        yield first
        return
    for number, (ours, anew, theirs) in enumerate(zip(*texts, strict=True), start=1):
        if ours != theirs and not is_chance(ours, [anew], theirs):
            yield Found(Kind.VALUE, BODY, (Line(number),), ours, theirs)
            return


def is_chance(ours: str, anew: Collection[str], theirs: str) -> bool:
    """Whether ``theirs`` differs from ``ours`` in words alone in which one of ``anew`` does."""
    words = [_WORDS.findall(text) for text in (ours, theirs, *anew)]
    return len({len(each) for each in words}) == 1 and all(
        one == other or any(one != new for new in news)
        for one, other, *news in zip(*words, strict=True)
    )
