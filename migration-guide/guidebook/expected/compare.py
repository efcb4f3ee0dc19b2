"""Does the output fit the lines shown? A line is a pattern; blanks at its end count for nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from guidebook.expected.placeholder import FOLDER, PLACEHOLDERS

_PLACEHOLDER = re.compile(rf"<({'|'.join([*PLACEHOLDERS, FOLDER])})>")
_SPACES = re.compile(r" +")


@cache
def _pattern(line: str, folder: str) -> re.Pattern[str]:
    parts: list[str] = []
    place = 0
    for found in _PLACEHOLDER.finditer(line):
        parts.append(_between(line[place : found.start()]))
        name = found[1]
        parts.append(re.escape(folder) if name == FOLDER else f"(?:{PLACEHOLDERS[name]})")
        place = found.end()
    parts.append(_between(line[place:]))
    begins_with_spaces = line.startswith(" ")
    pattern = "".join(parts)
    if begins_with_spaces:  # a number that is set to the right may fill them
        pattern = pattern.replace(" +", " *", 1)
    return re.compile(pattern)


def _between(text: str) -> str:
    """Literal text; how many spaces stand between columns hangs on what is in them."""
    return " +".join(re.escape(part) for part in _SPACES.split(text))


@dataclass(frozen=True, slots=True)
class Shown:
    """The lines a page shows, read for a clone in ``folder``."""

    lines: tuple[str, ...]
    folder: str

    def line_fits(self, place: int, got: str) -> bool:
        """Is ``got`` what the line at ``place`` (from 0) shows?"""
        line = self.lines[place].rstrip()
        if not _PLACEHOLDER.search(line):
            return line == got.rstrip()
        return bool(_pattern(line, self.folder).fullmatch(got.rstrip()))


def fits(shown: Shown, got: Sequence[str]) -> bool:
    """Is the whole output what is shown?"""
    return len(shown.lines) == len(got) and fits_beginning(shown, got)


def fits_beginning(shown: Shown, got: Sequence[str]) -> bool:
    """Does the output begin with what is shown?"""
    return len(got) >= len(shown.lines) and all(
        shown.line_fits(place, got[place]) for place in range(len(shown.lines))
    )
