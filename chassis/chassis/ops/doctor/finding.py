"""What a check says."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `where` is the setting, file or URL; `mend` says what to do, unless all is well."""

    check: str
    level: Level
    what: str
    where: str = ""
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def ok(check: str, what: str, where: str = "") -> Finding:
    return Finding(check, Level.OK, what, where)


def warning(check: str, what: str, where: str, mend: str) -> Finding:
    return Finding(check, Level.WARNING, what, where, mend)


def problem(check: str, what: str, where: str, mend: str) -> Finding:
    return Finding(check, Level.PROBLEM, what, where, mend)
