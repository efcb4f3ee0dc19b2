"""Values into shapes: what may be kept of them at rest.

The hash is keyed, so that equal values can be found again without the value, and a short or guessable one cannot be
found by trying. Text in clear is kept only where a rule says ``show``, and then cut.
"""

import hashlib
import hmac
from collections.abc import Callable

from stranglerfig.compare.diff.difference import ABSENT, Difference, Found, Shape
from stranglerfig.compare.diff.html.node import Element, markup
from stranglerfig.compare.diff.json_tree import Number, canonical
from stranglerfig.compare.diff.path import concrete, template

DIGEST_HEX = 12
MAX_PATTERN = 40
MAX_CLEAR = 200

Shows = Callable[[str, str], bool]  # (where, path template) -> may its values be kept in clear?


class Shaper:
    """Turns findings into differences that may be stored, with one key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("the key of the hashes is empty")
        self._key = key

    def pseudonym(self, text: str) -> str:
        """A stable stand-in for a text: ``#`` and its keyed hash."""
        return "#" + self.digest(text)

    def difference(self, found: Found, shows: Shows) -> Difference:
        """The finding without its values, or with them where ``shows`` allows it."""
        root = "$" if found.where == "body" else ""
        place = template(found.steps, root=root)
        may_show = shows(found.where, place)
        return Difference(
            kind=found.kind,
            where=found.where,
            path=concrete(found.steps, self.pseudonym, root=root),
            template=place,
            control=self.shape(found.control, may_show=may_show),
            candidate=self.shape(found.candidate, may_show=may_show),
        )

    def shape(self, value: object, *, may_show: bool = False) -> Shape:
        """The shape of one value of an answer."""
        if value is ABSENT:
            return Shape("absent")
        if value is None:
            return Shape("null")
        kind, length, text, has_pattern = _describe(value)
        return Shape(
            type=kind,
            length=length,
            pattern=pattern(text) if has_pattern else None,
            digest=self.digest(text),
            clear=_cut(text, MAX_CLEAR) if may_show else None,
        )

    def digest(self, text: str) -> str:
        """The keyed hash of a text."""
        data = text.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()[:DIGEST_HEX]


def pattern(text: str) -> str:
    """The text with digits as ``d`` and letters as ``a``/``A``; what is no ASCII sign becomes ``?``."""
    return _cut("".join(map(_sign, text[: MAX_PATTERN + 1])), MAX_PATTERN)


def _sign(char: str) -> str:
    if char.isdigit():
        return "d"
    if char.isalpha():
        return "A" if char.isupper() else "a"
    return char if char.isascii() and char.isprintable() else "?"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"


def _describe(value: object) -> tuple[str, int | None, str, bool]:
    """Type, length, text to hash, and whether a pattern says more than the type."""
    match value:
        case bool():
            return "boolean", None, str(value).lower(), False
        case int():
            return "number", len(str(value)), str(value), True
        case Number(text):
            return "number", len(text), text, True
        case str():
            return "string", len(value), value, True
        case bytes():
            return "bytes", len(value), value.decode("latin-1"), False
        case Element(_, _, children):
            return "element", len(children), markup(value), False
        case list():
            return "array", len(value), canonical(value), False
        case dict():
            return "object", len(value), canonical(value), False
        case _:
            raise TypeError(f"no shape for a {type(value).__name__}")
