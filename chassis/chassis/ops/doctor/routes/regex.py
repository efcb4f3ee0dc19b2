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
from typing import Any, NamedTuple

from chassis.ops.doctor.routes.sample import Run, Runs
from chassis.ops.doctor.routes.signs import any_of, signs_of

# Enough for every branch of what people write in URLs, and a bound for what nobody should.
MAX_TEXTS = 24
MAX_LENGTH = 1000

Groups = Mapping[int, str]


class _Partial(NamedTuple):
    """A text on its way. `is_cut`: the bound left out others beside it."""

    runs: Runs
    groups: Groups
    is_cut: bool


class Texts(NamedTuple):
    """Different texts that an expression matches. `is_cut`: it has more alternatives than were made."""

    all: list[Runs]
    is_cut: bool


class NoTextError(Exception):
    """No text could be made; says why."""


Finds = Callable[["re.Pattern[str]", str], bool]


def is_found(regex: "re.Pattern[str]", text: str) -> bool:
    """Whether `regex` finds `text`, however long that takes."""
    return regex.search(text) is not None


def texts(regex: "re.Pattern[str]", finds: Finds = is_found) -> Texts:
    """Up to MAX_TEXTS different texts that `regex` finds, each branch at least once where that is possible.

    `finds` tries a text on the expression. Raises NoTextError.
    """
    try:
        tree = parser.parse(regex.pattern, regex.flags & ~re.UNICODE)
        made = _sequence(tree, _Partial((), {}, False))
    except RecursionError:
        raise NoTextError("the expression is nested too deeply") from None
    found: dict[str, Runs] = {}
    for partial in made:
        text = "".join(run.text for run in partial.runs)
        if len(text) <= MAX_LENGTH and text not in found and finds(regex, text):
            found[text] = _joined(partial.runs)
    if not found:
        raise NoTextError("no text could be made that the expression matches")
    return Texts(list(found.values()), any(partial.is_cut for partial in made))


def continued(regex: "re.Pattern[str]", made: Texts, finds: Finds = is_found) -> Texts:
    """With texts that go on where `regex` has no end: in the same segment, and in one more."""
    if regex.pattern.endswith(("$", r"\Z")):  # Django asks for a full match then
        return made
    more = [
        (*runs, Run(rest, True))
        for number, runs in enumerate(made.all)
        for rest in (("x", "x/x") if number == 0 else ("x/x",))
        if finds(regex, "".join(run.text for run in runs) + rest)
    ]
    known = {"".join(run.text for run in runs) for runs in made.all}
    new = [_joined(runs) for runs in more if "".join(run.text for run in runs) not in known]
    return Texts([*made.all, *new], made.is_cut)


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
        partials = _bounded(_in_turn(ways))
        if not partials:
            return []
    return partials


def _bounded(ways: Iterable[_Partial]) -> list[_Partial]:
    """The first of them; those that are left out are remembered by the others."""
    found = list(islice(ways, MAX_TEXTS + 1))
    if len(found) <= MAX_TEXTS:
        return found
    return [partial._replace(is_cut=True) for partial in found[:MAX_TEXTS]]


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
    return [begun._replace(runs=(*begun.runs, Run(text, False)))]


def _free(text: str, begun: _Partial) -> list[_Partial]:
    return [begun._replace(runs=(*begun.runs, Run(text, True)))]


def _in(items: list[tuple[Any, Any]], begun: _Partial) -> list[_Partial]:
    return [way for sign in signs_of(items) for way in _free(sign, begun)]


def _branch(argument: tuple[Any, list[Any]], begun: _Partial) -> list[_Partial]:
    ways = [_sequence(items, begun) for items in argument[1]]
    return [_freed(begun, way) for way in _bounded(_in_turn(ways))]


def _group(argument: tuple[Any, int, int, Any], begun: _Partial) -> list[_Partial]:
    number, _, _, items = argument
    found = _sequence(items, begun)
    if number is None:
        return found
    return [
        way._replace(groups={**way.groups, number: _since(begun, way)})
        for way in (_freed(begun, way) for way in found)
    ]


def _repeat(argument: tuple[int, int, Any], begun: _Partial) -> list[_Partial]:
    least, most, items = argument
    if len(items) == 1 and (signs := any_of(*items[0])):
        return [way for text in _runs_of(signs, least, most) for way in _free(text, begun)]
    found: list[_Partial] = []
    for times in {least, min(max(least, 1), most)}:
        found += _repeated(items, begun, times)
    made = [_since(begun, way) for way in found]
    if any("/" in text for text in made) and not any(map(_is_deep, made)):
        deep = _deep(items, begun, range(max(least, 1) + 1, min(most, least + 3) + 1))
        if deep is not None:  # which "/" alone is not: it would make an empty segment
            found = [way for way in found if _since(begun, way) != "/"] + [deep]
    return [_freed(begun, way) for way in found]


def _runs_of(signs: list[str], least: int, most: int) -> list[str]:
    """Of a class repeated: one sign alone, and once with "/" among the others where the class has it."""
    plain, *slash = signs
    counts = {least, min(max(least, 1), most)}
    found = [plain * count for count in counts]
    if slash:
        count = min(max(least, 3), most)
        found.append(f"{plain * min(1, count - 1)}/{plain * (count - 2)}")
    return [text for text in found if len(text) <= MAX_LENGTH]


def _repeated(items: Any, begun: _Partial, times: int) -> list[_Partial]:
    ways = [begun]
    for _ in range(times):
        longer = _bounded(done for way in ways for done in _sequence(items, way))
        # Repeated repetitions would grow without end, and what is empty would never.
        longer = [way for way in longer if len(way.runs) <= MAX_LENGTH]
        if longer == ways:
            break
        ways = longer
    return ways


def _deep(items: Any, begun: _Partial, counts: range) -> _Partial | None:
    """The shortest repetition that goes over more than one segment."""
    for times in counts:
        for way in _repeated(items, begun, times):
            if _is_deep(_since(begun, way)):
                # What else such a number of repetitions could be is beside the point.
                return way._replace(is_cut=begun.is_cut)
    return None


def _is_deep(text: str) -> bool:
    inner = text.strip("/")
    return "/" in inner and "//" not in inner


def _since(begun: _Partial, way: _Partial) -> str:
    """The text that came since `begun`."""
    return "".join(run.text for run in way.runs[len(begun.runs) :])


def _freed(begun: _Partial, way: _Partial) -> _Partial:
    """Mark what came since `begun` as free."""
    known = len(begun.runs)
    freed = (Run(run.text, True) for run in way.runs[known:])
    return way._replace(runs=(*way.runs[:known], *freed))


def _reference(number: int, begun: _Partial) -> list[_Partial]:
    return _free(begun.groups[number], begun) if number in begun.groups else []


def _conditional(argument: tuple[int, Any, Any], begun: _Partial) -> list[_Partial]:
    number, if_matched, otherwise = argument
    return _sequence((if_matched if number in begun.groups else otherwise) or (), begun)


def _nothing(_: Any, begun: _Partial) -> list[_Partial]:
    return [begun]


_MAKERS: Mapping[Any, Callable[[Any, _Partial], list[_Partial]]] = {
    sre.LITERAL: lambda code, begun: _fixed(chr(code), begun),
    sre.NOT_LITERAL: lambda code, begun: _in([(sre.NEGATE, None), (sre.LITERAL, code)], begun),
    sre.ANY: lambda _, begun: [*_free("x", begun), *_free("/", begun)],
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
