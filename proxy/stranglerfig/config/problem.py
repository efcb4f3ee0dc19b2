"""A mistake in a file the user wrote: where it is, what is wrong, and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. ``line`` and ``column`` count from 1; 0 where the mistake has no place in the file."""

    file: str
    line: int
    column: int
    where: str
    """The dotted path of the key, such as ``capabilities.payments.stage``; empty for the file itself."""
    message: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        subject = f"{self.where}: " if self.where else ""
        stop = "" if self.mend.endswith("?") else "."
        return f"{place}: {subject}{self.message}. Mend: {self.mend}{stop}"

    def to_dict(self) -> dict[str, Any]:
        """The problem for ``--json``."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "where": self.where,
            "message": self.message,
            "mend": self.mend,
        }


class ConfigError(Exception):
    """A file that cannot be used: all of its mistakes, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__("\n".join(map(str, self.problems)))


class EditError(Exception):
    """The file was not changed: ``message`` says why, ``mend`` what to do."""

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(f"{message}. Mend: {mend}.")
        self.message = message
        self.mend = mend
