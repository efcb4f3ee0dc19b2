"""A path that a pattern matches, with what of it could as well be something else."""

from typing import NamedTuple
from urllib.parse import quote

# What a browser leaves as it is in a path; all else is percent-encoded.
_PLAIN = "/~:@!$&'()*+,;=-._"


class Run(NamedTuple):
    """A piece of a path; `free`: a converter or a part of a regular expression made it."""

    text: str
    free: bool


Runs = tuple[Run, ...]


class Sample(NamedTuple):
    """A path as Django matches it (decoded, with its first slash), for one language."""

    runs: Runs
    language: str

    @property
    def path(self) -> str:
        return "".join(run.text for run in self.runs)

    def segments(self) -> list[tuple[str, bool]]:
        """The segments, and whether something in each is free."""
        found: list[tuple[str, bool]] = [("", False)]
        for text, free in self.runs:
            first, *more = text.split("/")
            found[-1] = (found[-1][0] + first, found[-1][1] or free)
            found += [(part, free) for part in more]
        return found[1:] if found[0][0] == "" else found


def encoded(path: str) -> str:
    """The path as a client sends it."""
    return quote(path, safe=_PLAIN, errors="replace")
