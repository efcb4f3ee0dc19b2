"""What may vary in shown output, by type. Anything else in angle brackets is what it says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WHOLE = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_NUMBER = rf"{_WHOLE}(?:\.\d+)?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_DATE = r"\d{4}-\d{2}-\d{2}"
_ZONE = r"(?:Z|\s?[+-]\d{2}:?\d{2}|\s(?:UTC|GMT))?"
_DAY = r"(?:[A-Z][a-z]{2},? )?\d{1,2}[ /][A-Z][a-z]{2}[ /]\d{4}"  # of logs and of HTTP's dates

PLACEHOLDERS: dict[str, str] = {
    "n": _WHOLE,
    "n0": _WHOLE,
    "ms": _NUMBER,
    "s": _NUMBER,
    "percent": _NUMBER,
    "port": r"\d{1,5}",
    "pid": r"\d+",
    "time": rf"(?:(?:{_DATE}|{_DAY})(?:[T: ]{_CLOCK}{_ZONE})?|{_CLOCK}{_ZONE})",
    # With a digit, or hex and long: "None" and "Traceback" are no ids.
    "id": r"(?:(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{4,}={0,2}|[a-f]{8,})",
    "who": r"[^\s@]+@[^\s:]+",
    "version": r"\d+(?:\.\d+)+(?:[-.+]?[A-Za-z0-9]+)*",
}
"""The pattern of each. ``<folder>`` is the clone's own path, so its pattern is made for each run."""
FOLDER = "folder"
_MEASURES = ("n", "n0", "ms", "s", "percent")
_FOUND = re.compile(
    rf"<(?:(?P<folder>{FOLDER})"
    rf"|(?P<measure>{'|'.join(_MEASURES)}):(?P<least>{_NUMBER})\.\.(?P<most>{_NUMBER})"
    rf"|(?P<kind>{'|'.join(PLACEHOLDERS)})(?::(?P<name>[a-z][a-z-]*))?)>"
)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One of a line: its place there, its type, and its name or its bounds where it has some."""

    begin: int
    end: int
    kind: str
    name: str | None = None
    bounds: tuple[float, float] | None = None

    def takes(self, text: str) -> bool:
        """Is what has the right form also large enough, and small enough?"""
        if self.kind not in _MEASURES:
            return True
        number = _number(text)
        if self.kind == "n" and number == 0:
            return False
        return self.bounds is None or self.bounds[0] <= number <= self.bounds[1]


def find_placeholders(line: str) -> Iterator[Placeholder]:
    """Those of a line, from left to right."""
    for found in _FOUND.finditer(line):
        begin, end = found.span()
        kind = found["folder"] or found["measure"] or found["kind"]
        bounds = None
        if found["measure"]:
            bounds = (_number(found["least"]), _number(found["most"]))
        yield Placeholder(begin, end, kind, found["name"], bounds)


def _number(text: str) -> float:
    return float(text.replace(",", ""))
