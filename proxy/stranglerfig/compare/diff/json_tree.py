"""JSON as a tree that loses nothing a comparison needs: numbers as their text, repeated keys remembered.

Trees are compared with ``==``, which for dicts, lists and tuples runs in C: most of two answers is alike.
``json`` alone would make 1.10 and 1.1 the same double, cut big decimals and keep the last of two equal keys silently.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, NoReturn, TypeAlias, cast

MAX_DEPTH = 100  # an API's answer is a tenth of this; deeper text is compared as text

Json: TypeAlias = "bool | str | Number | list[Json] | Members | None"


class NotJsonError(ValueError):
    """The text is no JSON, or so deep that it is not treated as such."""


class Number(NamedTuple):
    """A number as it was written."""

    text: str


class Members(dict[str, "Json"]):
    """An object. Two are equal whatever the order of their members."""

    __slots__ = ()
    duplicates: Mapping[str, "list[Json]"] = MappingProxyType({})
    """Every value, in order, of each key that is there more than once."""


class RepeatingMembers(Members):
    """An object with a key that is there more than once. As a dict it has the last value, which parsers keep."""

    def __init__(self, pairs: list[tuple[str, "Json"]]) -> None:
        super().__init__(pairs)
        every: dict[str, list[Json]] = {}
        for key, value in pairs:
            every.setdefault(key, []).append(value)
        self.duplicates = {key: values for key, values in every.items() if len(values) > 1}

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Members)
            and dict.__eq__(self, other)
            and self.duplicates == other.duplicates
        )

    def __ne__(self, other: object) -> bool:
        return not self == other  # a dict brings its own, which would not ask ours

    __hash__ = None  # type: ignore[assignment]


def parse(text: str) -> Json:
    """The tree of a JSON text. Raises ``NotJsonError``; NaN and Infinity are not JSON (RFC 8259, section 6)."""
    try:
        tree = json.loads(
            text,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_members,
        )
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from error
    if _is_too_deep(tree):
        raise NotJsonError(f"nested more than {MAX_DEPTH} deep")
    return cast("Json", tree)


def canonical(value: object) -> str:
    """One text per value: the same for equal trees, whatever the order of members."""
    match value:
        case Number(text):
            return text
        case Members():
            members = (
                f"{json.dumps(key)}:{canonical(value.duplicates.get(key, item))}"
                for key, item in sorted(value.items())
            )
            # A repeated key must not look like a key whose value is a list.
            repeated = "!" + json.dumps(sorted(value.duplicates)) if value.duplicates else ""
            return "{" + ",".join(members) + "}" + repeated
        case list():
            return "[" + ",".join(map(canonical, value)) + "]"
        case _:
            return json.dumps(value)


def _members(pairs: list[tuple[str, Json]]) -> Members:
    members = Members(pairs)
    return members if len(members) == len(pairs) else RepeatingMembers(pairs)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _is_too_deep(tree: object) -> bool:
    level: list[object] = [tree]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for value in level:
            if isinstance(value, Members):
                below += value.values()
                for values in value.duplicates.values():
                    below += values
            elif isinstance(value, list):
                below += value
        if not below:
            return False
        level = below
    return True
