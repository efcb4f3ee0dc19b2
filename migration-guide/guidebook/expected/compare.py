"""Does the output fit the lines shown? A line is a pattern; blanks at its end count for nothing.

A gap of two spaces or more is one between columns, and may be wider or narrower (but no single space); on a line with a
placeholder any space may be a wider one. What a named placeholder has stood for it stands for again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from guidebook.expected.placeholder import FOLDER, PLACEHOLDERS, Placeholder, find_placeholders

_SPACES = re.compile(r" +")
_GAPS = re.compile(r" {2,}")


@cache
def _pattern(line: str, folder: str) -> tuple[re.Pattern[str], tuple[Placeholder, ...]]:
    """What the line takes, with a group for each of its placeholders."""
    placeholders = tuple(find_placeholders(line))
    varies = bool(placeholders)
    begins = len(line) - len(line.lstrip(" "))
    # A number that is set to the right has more spaces before it, or fewer.
    padded = varies and (begins > 0 or placeholders[0].begin == 0)
    parts = [" *" if padded else " " * begins]
    place = begins
    for found in placeholders:
        parts.append(_between(line[place : found.begin], varies=varies))
        parts.append(f"({re.escape(folder) if found.kind == FOLDER else PLACEHOLDERS[found.kind]})")
        place = found.end
    parts.append(_between(line[place:], varies=varies))
    return re.compile("".join(parts)), placeholders


def _between(text: str, *, varies: bool) -> str:
    """Literal text. How wide a gap between columns is hangs on what stands in them, on this line or another."""
    gaps = _SPACES if varies else _GAPS
    return (" +" if varies else " {2,}").join(re.escape(part) for part in gaps.split(text))


@dataclass(frozen=True, slots=True)
class Shown:
    """The lines a page shows, read for a clone in ``folder``; ``known`` is what names have stood for before."""

    lines: tuple[str, ...]
    folder: str
    known: Mapping[str, str] = field(default_factory=dict)

    def read_line(self, place: int, got: str) -> Mapping[str, str] | None:
        """What names stand for if ``got`` is what the line at ``place`` (from 0) shows; None if it is not."""
        line, got = self.lines[place].rstrip(), got.rstrip()
        if line == got:
            return {}
        pattern, placeholders = _pattern(line, self.folder)
        if not (found := pattern.fullmatch(got)):
            return None
        names: dict[str, str] = {}
        for placeholder, text in zip(placeholders, found.groups(), strict=True):
            if not placeholder.takes(text):
                return None
            if name := placeholder.name:
                said = text.replace(",", "")
                if said != names.setdefault(name, self.known.get(name, said)):
                    return None
        return names

    def knowing(self, names: Mapping[str, str]) -> "Shown":
        """The same lines; names that are not known yet stand for ``names``."""
        return replace(self, known={**names, **self.known}) if names else self


def read(shown: Shown, got: Sequence[str]) -> Mapping[str, str] | None:
    """What names stand for if the whole output is what is shown; None if it is not."""
    return read_beginning(shown, got) if len(shown.lines) == len(got) else None


def read_beginning(shown: Shown, got: Sequence[str]) -> Mapping[str, str] | None:
    """What names stand for if the output begins with what is shown; None if it does not."""
    if len(got) < len(shown.lines):
        return None
    for place in range(len(shown.lines)):
        names = shown.read_line(place, got[place])
        if names is None:
            return None
        shown = shown.knowing(names)
    return shown.known
