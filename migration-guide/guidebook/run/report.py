"""What a run found out: times, marks, and the first command that did not do what its page shows."""

from dataclasses import dataclass, field
from typing import Protocol

from guidebook.pages import Command, Interrupt


@dataclass(frozen=True, slots=True)
class Failure:
    """Where the page and the world differ."""

    page: str
    line: int
    command: str
    why: str
    diff: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The failure for ``--json``."""
        return {
            "page": self.page,
            "line": self.line,
            "command": self.command,
            "why": self.why,
            "diff": list(self.diff),
        }


class FailedError(Exception):
    """Ends a run at the first failure: what follows stands on what was before."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.why)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a page that figures are told of, and when it was reached: from before the clone was made."""

    name: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Done:
    """A command that did what its page shows."""

    line: int
    terminal: str
    command: str
    seconds: float

    def to_dict(self) -> dict[str, object]:
        """The command for ``--json``."""
        return {
            "line": self.line,
            "terminal": self.terminal,
            "command": self.command,
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class PageReport:
    """One page's run."""

    page: str
    done: list[Done] = field(default_factory=list)
    skipped: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, object]:
        """The page for ``--json``."""
        return {
            "page": self.page,
            "seconds": round(self.seconds, 2),
            "skipped": self.skipped,
            "commands": [done.to_dict() for done in self.done],
        }


@dataclass(slots=True)
class Report:
    """All that was run in one clone."""

    pages: list[PageReport] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    seconds: float = 0.0
    failure: Failure | None = None

    def to_dict(self) -> dict[str, object]:
        """The report for ``--json``."""
        return {
            "ok": self.failure is None,
            "seconds": round(self.seconds, 2),
            "pages": [page.to_dict() for page in self.pages],
            "marks": {mark.name: round(mark.after_s, 2) for mark in self.marks},
            "failure": self.failure.to_dict() if self.failure else None,
        }


class Watcher(Protocol):
    """Is told what happens, as it happens."""

    def page_begins(self, page: str) -> None: ...

    def page_ended(self, page: PageReport) -> None: ...

    def command_begins(self, terminal: str, action: Command | Interrupt) -> None: ...

    def command_ended(self, seconds: float, *, fine: bool) -> None: ...

    def mark_reached(self, mark: Mark) -> None: ...
