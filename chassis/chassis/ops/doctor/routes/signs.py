"""Which single characters a class of a regular expression takes."""

import re._constants as sre  # type: ignore[import-not-found]
from collections.abc import Callable, Mapping
from typing import Any

# Tried in this order where any of several characters would do.
_PREFERRED = "x1aA0-_.~/ "
_BEYOND = "".join(map(chr, range(0x21, 0x7F)))


def signs_of(items: list[tuple[Any, Any]]) -> list[str]:
    """All of a written list of characters, as of (a|b); else one that stands for the rest, and "/" if it may be there."""
    is_negated = bool(items) and items[0][0] is sre.NEGATE
    wanted = items[1:] if is_negated else items
    if not is_negated and all(kind is sre.LITERAL for kind, _ in wanted):
        return [chr(code) for _, code in wanted]
    written = [chr(value) for kind, value in wanted if kind is sre.LITERAL]
    written += [chr(value[0]) for kind, value in wanted if kind is sre.RANGE]

    def is_taken(sign: str) -> bool:
        return any(_holds(item, sign) for item in wanted) is not is_negated

    one = next(filter(is_taken, [*_PREFERRED, *written, *_BEYOND]), None)
    if one is None:
        return []
    return [one, "/"] if one != "/" and is_taken("/") else [one]


def any_of(operation: Any, argument: Any) -> list[str] | None:
    """The same for an element that takes any of a class of characters; None for one that names its characters."""
    if operation is sre.ANY:
        return ["x", "/"]
    if operation is sre.NOT_LITERAL:
        return signs_of([(sre.NEGATE, None), (sre.LITERAL, argument)])
    if operation is sre.IN and any(kind is not sre.LITERAL for kind, _ in argument):
        return signs_of(argument)
    return None


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
