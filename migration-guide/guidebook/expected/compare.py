"""Does the output fit the lines shown? A line is a pattern; blanks at its end count for nothing.

A gap of two spaces or more is one between columns, and may be wider or narrower (but no single space); on a line with a
placeholder any space may be a wider one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from guidebook.expected.placeholder import FOLDER, PLACEHOLDERS

_PLACEHOLDER = re.compile(rf"<({'|'.join([*PLACEHOLDERS, FOLDER])})>")
_SPACES = re.compile(r" +")
_GAPS = re.compile(r" {2,}")


@cache
def _pattern(line: str, folder: str) -> re.Pattern[str]:
    varies = bool(_PLACEHOLDER.search(line))
    begins = len(line) - len(line.lstrip(" "))
    # A number that is set to the right has more spaces before it, or fewer.
    padded = varies and (begins > 0 or _PLACEHOLDER.match(line) is not None)
    parts = [" *" if padded else " " * begins]
    place = begins
    for found in _PLACEHOLDER.finditer(line):
        parts.append(_between(line[place : found.start()], varies=varies))
        name = found[1]
        parts.append(re.escape(folder) if name == FOLDER else f"(?:{PLACEHOLDERS[name]})")
        place = found.end()
    parts.append(_between(line[place:], varies=varies))
    return re.compile("".join(parts))


def _between(text: str, *, varies: bool) -> str:
    """Literal text. How wide a gap between columns is hangs on what stands in them, on this line or another."""
    gaps = _SPACES if varies else _GAPS
    return (" +" if varies else " {2,}").join(re.escape(part) for part in gaps.split(text))


@dataclass(frozen=True, slots=True)
class Shown:
    """The lines a page shows, read for a clone in ``folder``."""

    lines: tuple[str, ...]
    folder: str

    def line_fits(self, place: int, got: str) -> bool:
        """Is ``got`` what the line at ``place`` (from 0) shows?"""
        line, got = self.lines[place].rstrip(), got.rstrip()
        return line == got or bool(_pattern(line, self.folder).fullmatch(got))


def fits(shown: Shown, got: Sequence[str]) -> bool:
    """Is the whole output what is shown?"""
    return len(shown.lines) == len(got) and fits_beginning(shown, got)


def fits_beginning(shown: Shown, got: Sequence[str]) -> bool:
    """Does the output begin with what is shown?"""
    return len(got) >= len(shown.lines) and all(
        shown.line_fits(place, got[place]) for place in range(len(shown.lines))
    )
