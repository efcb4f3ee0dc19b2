"""Faults in one value of a JSON body."""

import copy
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from mutants.answer import JSON, Recorded
from mutants.operator import Mutate, one_of, operator
from mutants.operators import wording
from mutants.pool import Pool
from stranglerfig.compare.observation import RecordedResponse

NOT_HERE = object()
"""Stands for a value that this fault can't happen to; None is a value."""

_OWNED = re.compile(r"id|.*_id|slug|number|username|sku|author|key")
_MEMBER = re.compile(r'"(\w+)":')
Place = tuple[str | int, ...]
Fault = Callable[[Any, Place, Random, Pool], Any]


def places(tree: Any, above: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value below the root with the way to it."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for step, value in pairs:
        yield (*above, step), value
        if isinstance(value, dict | list):
            yield from places(value, (*above, step))


def changed_copy(tree: Any, place: Place, change: Callable[[Any, str | int], None]) -> Any:
    """A copy in which something was done at a place: to the container, at the last step."""
    made = copy.deepcopy(tree)
    container = made
    for step in place[:-1]:
        container = container[step]
    change(container, place[-1])
    return made


def name_of(place: Place) -> str:
    """The name of the member at or above a place."""
    return next((step for step in reversed(place) if isinstance(step, str)), "")


def _of_value(name: str) -> Callable[[Fault], Fault]:
    def register(fault: Fault) -> Fault:
        operator(JSON, name)(_mutate_by(fault))
        return fault

    return register


def _mutate_by(fault: Fault) -> Mutate:
    def mutate(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
        found = list(places(answer.tree))
        chance.shuffle(found)
        for place, value in found:
            wrong = fault(value, place, chance, pool)
            if wrong is not NOT_HERE and not _is_same(wrong, value):
                tree = changed_copy(
                    answer.tree, place, lambda c, step, w=wrong: c.__setitem__(step, w)
                )
                return answer.with_tree(tree)
        return None

    return mutate


def _is_same(one: Any, other: Any) -> bool:
    """Equal and of one type: 1, True and 1.0 are equal to Python alone."""
    return type(one) is type(other) and one == other


def _of_text(name: str, wrong: Callable[[str, Random], str | None]) -> None:
    """A fault in a text, as one in a JSON string."""

    @_of_value(name)
    def fault(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
        if not isinstance(value, str):
            return NOT_HERE
        text = wrong(value, chance)
        return NOT_HERE if text is None else text


_of_text("truncated text", wording.truncated)
_of_text("case", wording.case)
_of_text("decomposed letters", wording.decomposed)
_of_text("rounding", wording.rounding)
_of_text("wrong currency", wording.wrong_currency)


@_of_value("change")
def _change(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + chance.randrange(2, 1000)
        case str():
            return wording.change(value, chance) or NOT_HERE
    return NOT_HERE


@_of_value("off by one")
def _off_by_one(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value + chance.choice((-1, 1))
    return (wording.off_by_one(value, chance) or NOT_HERE) if isinstance(value, str) else NOT_HERE


@_of_value("sign")
def _sign(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return -value or NOT_HERE
    return (wording.sign(value, chance) or NOT_HERE) if isinstance(value, str) else NOT_HERE


@_of_value("retype")
def _retype(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    match value:
        case bool():
            return chance.choice((int(value), str(value).lower()))
        case int():
            return chance.choice((str(value), float(value)))
        case str() if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value)
        case str():
            return [value]
        case list():
            return {str(position): item for position, item in enumerate(value)}
        case dict():
            return [value]
    return NOT_HERE


@_of_value("null for a value")
def _null(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    return None


@_of_value("value for null")
def _for_null(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    return chance.choice(("", 0, False, {}, [])) if value is None else NOT_HERE


@_of_value("wrong owner")
def _wrong_owner(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    if not _OWNED.fullmatch(name_of(place)) or not isinstance(value, str | int):
        return NOT_HERE
    other = pool.value(chance, name_of(place), value)
    return NOT_HERE if other is None else other


@_of_value("stale value")
def _stale(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    if not isinstance(value, str | int | float):
        return NOT_HERE
    other = pool.value(chance, name_of(place), value)
    return NOT_HERE if other is None else other


@_of_value("white space")
def _space(value: Any, place: Place, chance: Random, pool: Pool) -> Any:
    if not isinstance(value, str) or not value:
        return NOT_HERE
    kinds = (f"{value} ", f" {value}", f"{value}\n", value.replace(" ", "\N{NO-BREAK SPACE}", 1))
    return chance.choice(kinds)


@operator(JSON, "drop a member")
def _drop_member(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    place = one_of(chance, [p for p, _ in places(answer.tree) if isinstance(p[-1], str)])
    if place is None:
        return None
    return answer.with_tree(changed_copy(answer.tree, place, lambda c, step: c.__delitem__(step)))


@operator(JSON, "add a member")
def _add(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    place = one_of(chance, [p for p, _ in places(answer.tree) if isinstance(p[-1], str)])
    if place is None:
        return None
    name = chance.choice(("internal_note", "cost", "isDeleted"))
    tree = changed_copy(answer.tree, place, lambda c, _: c.__setitem__(name, c[place[-1]]))
    return answer.with_tree(tree)


@operator(JSON, "rename a member")
def _rename(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    place = one_of(chance, [p for p, _ in places(answer.tree) if isinstance(p[-1], str)])
    if place is None:
        return None
    tree = changed_copy(answer.tree, place, lambda c, step: c.__setitem__(f"{step}s", c.pop(step)))
    return answer.with_tree(tree)


@operator(JSON, "repeat a member")
def _repeat(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    """With another value before the one that most parsers keep, and others don't (RFC 8259, section 4)."""
    found = one_of(chance, list(_MEMBER.finditer(answer.text)))
    if found is None:
        return None
    begin = found.start()
    return answer.with_text(f'{answer.text[:begin]}"{found[1]}":"lorem",{answer.text[begin:]}')
