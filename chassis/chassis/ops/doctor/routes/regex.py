"""Texts that a regular expression matches, made from its own tree.

The tree is that of Python's parser (`re._parser`, which is not public): the expression language has corners enough
that a second parser would get some of them wrong. Every text is tried against the expression afterwards, so what is
not understood here (lookaheads, boundaries) can lead to no text, and never to a wrong one.
"""

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from chassis.ops.doctor.routes.sample import Run, Runs

# Enough for every branch of what people write in URLs, and a bound for what nobody should.
MAX_TEXTS = 8
MAX_LENGTH = 1000
# Tried in this order where any of several characters would do.
_PREFERRED = "x1aA0-_.~/ "
_BEYOND = "".join(map(chr, range(0x21, 0x7F)))

Groups = Mapping[int, str]
_Partial = tuple[Runs, Groups]


class NoTextError(Exception):
    """No text could be made; says why."""


def texts(regex: "re.Pattern[str]") -> list[Runs]:
    """Up to MAX_TEXTS different texts that `regex` finds, each branch at least once where that is possible.

    Raises NoTextError.
    """
    try:
        tree = parser.parse(regex.pattern, regex.flags & ~re.UNICODE)
        made = [_joined(runs) for runs, _ in _sequence(tree, ((), {}))]
    except RecursionError:
        raise NoTextError("the expression is nested too deeply") from None
    found: dict[str, Runs] = {}
    for runs in made:
        text = "".join(run.text for run in runs)
        if len(text) <= MAX_LENGTH and text not in found and regex.search(text):
            found[text] = runs
    if not found:
        raise NoTextError("no text could be made that the expression matches")
    return list(found.values())


def literal_prefix(regex: "re.Pattern[str]") -> str:
    """What every match begins with at the start of the path; empty where nothing is certain."""
    if regex.flags & re.IGNORECASE:
        return ""
    prefix = ""
    try:
        tree = list(parser.parse(regex.pattern, regex.flags & ~re.UNICODE))
    except RecursionError:
        return ""
    if not tree or tree[0][0] is not sre.AT or tree[0][1] not in _BEGINNINGS:
        return ""
    for operation, argument in tree[1:]:
        if operation is not sre.LITERAL:
            break
        prefix += chr(argument)
    return prefix


_BEGINNINGS = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)


def _sequence(items: Iterable[tuple[Any, Any]], begun: _Partial) -> list[_Partial]:
    partials = [begun]
    for operation, argument in items:
        ways = [_ways(operation, argument, partial) for partial in partials]
        partials = list(islice(_in_turn(ways), MAX_TEXTS))
        if not partials:
            return []
    return partials


def _in_turn(ways: list[list[_Partial]]) -> Iterator[_Partial]:
    """One of each list, then the next of each: a bound cuts them all alike."""
    for number in range(max(map(len, ways), default=0)):
        # The lists are gone through from a different one each time, so that combinations differ in all their parts.
        for offset in range(len(ways)):
            choices = ways[offset]
            if number < len(choices):
                yield choices[(number + offset) % len(choices)]


def _ways(operation: Any, argument: Any, begun: _Partial) -> list[_Partial]:
    make = _MAKERS.get(operation)
    return make(argument, begun) if make else []


def _fixed(text: str, begun: _Partial) -> list[_Partial]:
    return [((*begun[0], Run(text, False)), begun[1])]


def _free(text: str, begun: _Partial) -> list[_Partial]:
    return [((*begun[0], Run(text, True)), begun[1])]


def _in(items: list[tuple[Any, Any]], begun: _Partial) -> list[_Partial]:
    is_negated = bool(items) and items[0][0] is sre.NEGATE
    wanted = items[1:] if is_negated else items
    if not is_negated and all(kind is sre.LITERAL for kind, _ in wanted):  # as of (a|b)
        return [way for _, code in wanted[:MAX_TEXTS] for way in _free(chr(code), begun)]
    written = [chr(value) for kind, value in wanted if kind is sre.LITERAL]
    written += [chr(value[0]) for kind, value in wanted if kind is sre.RANGE]
    for sign in [*_PREFERRED, *written, *_BEYOND]:
        if any(_holds(item, sign) for item in wanted) is not is_negated:
            return _free(sign, begun)
    return []


def _holds(item: tuple[Any, Any], sign: str) -> bool:
    kind, value = item
    if kind is sre.LITERAL:
        return bool(ord(sign) == value)
    if kind is sre.RANGE:
        return bool(value[0] <= ord(sign) <= value[1])
    test = _CATEGORIES.get(value)
    return test is not None and test(sign)


_CATEGORIES: Mapping[Any, Callable[[str], bool]] = {
    sre.CATEGORY_DIGIT: str.isdigit,
    sre.CATEGORY_NOT_DIGIT: lambda sign: not sign.isdigit(),
    sre.CATEGORY_SPACE: str.isspace,
    sre.CATEGORY_NOT_SPACE: lambda sign: not sign.isspace(),
    sre.CATEGORY_WORD: lambda sign: sign.isalnum() or sign == "_",
    sre.CATEGORY_NOT_WORD: lambda sign: not (sign.isalnum() or sign == "_"),
}


def _branch(argument: tuple[Any, list[Any]], begun: _Partial) -> list[_Partial]:
    ways = [_sequence(items, begun) for items in argument[1]]
    return [_freed(begun, way) for way in islice(_in_turn(ways), MAX_TEXTS)]


def _group(argument: tuple[Any, int, int, Any], begun: _Partial) -> list[_Partial]:
    number, _, _, items = argument
    found = _sequence(items, begun)
    if number is None:
        return found
    return [
        (runs, {**groups, number: "".join(run.text for run in runs[len(begun[0]) :])})
        for runs, groups in (_freed(begun, way) for way in found)
    ]


def _repeat(argument: tuple[int, int, Any], begun: _Partial) -> list[_Partial]:
    least, most, items = argument
    found: list[_Partial] = []
    for times in {least, min(max(least, 1), most)}:
        way = [begun]
        for _ in range(times):
            longer = [done for partial in way for done in _sequence(items, partial)]
            # Repeated repetitions would grow without end, and what is empty would never.
            longer = [partial for partial in longer if len(partial[0]) <= MAX_LENGTH][:MAX_TEXTS]
            if longer == way:
                break
            way = longer
        found += [_freed(begun, partial) for partial in way]
    return found


def _freed(begun: _Partial, partial: _Partial) -> _Partial:
    """Mark what came since `begun` as free."""
    known = len(begun[0])
    runs = partial[0]
    return (*runs[:known], *(Run(run.text, True) for run in runs[known:])), partial[1]


def _reference(number: int, begun: _Partial) -> list[_Partial]:
    return _free(begun[1][number], begun) if number in begun[1] else []


def _conditional(argument: tuple[int, Any, Any], begun: _Partial) -> list[_Partial]:
    number, if_matched, otherwise = argument
    return _sequence((if_matched if number in begun[1] else otherwise) or (), begun)


def _nothing(_: Any, begun: _Partial) -> list[_Partial]:
    return [begun]


_MAKERS: Mapping[Any, Callable[[Any, _Partial], list[_Partial]]] = {
    sre.LITERAL: lambda code, begun: _fixed(chr(code), begun),
    sre.NOT_LITERAL: lambda code, begun: _in([(sre.NEGATE, None), (sre.LITERAL, code)], begun),
    sre.ANY: lambda _, begun: _free("x", begun),
    sre.IN: _in,
    sre.BRANCH: _branch,
    sre.SUBPATTERN: _group,
    sre.ATOMIC_GROUP: _sequence,
    sre.MAX_REPEAT: _repeat,
    sre.MIN_REPEAT: _repeat,
    sre.POSSESSIVE_REPEAT: _repeat,
    sre.GROUPREF: _reference,
    sre.GROUPREF_EXISTS: _conditional,
    # What these ask for is tried on the whole text at the end.
    sre.AT: _nothing,
    sre.ASSERT: _nothing,
    sre.ASSERT_NOT: _nothing,
}


def _joined(runs: Runs) -> Runs:
    """The same with neighbours of a kind as one."""
    found: list[Run] = []
    for run in runs:
        if found and found[-1].free == run.free:
            found[-1] = Run(found[-1].text + run.text, run.free)
        else:
            found.append(run)
    return tuple(found)
