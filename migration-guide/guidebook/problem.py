"""A mistake in the guide: where it is, what is wrong, and how to mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. ``line`` counts from 1; 0 where the mistake has no place in the file."""

    file: str
    line: int
    message: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}. Mend: {self.mend}."

    def to_dict(self) -> dict[str, object]:
        """The problem for ``--json``."""
        return {
            "file": self.file,
            "line": self.line,
            "message": self.message,
            "mend": self.mend,
        }


class GuideError(Exception):
    """The guide cannot be read or run: all of its mistakes, in the order of the pages."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))
