"""The files a user writes, as the supervisor sees them: their bytes, what they mean, and when they were saved."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from stranglerfig.compare.rules import Rules, parse_rules
from stranglerfig.config.load import digest_of, parse, read_text
from stranglerfig.config.model import Config
from stranglerfig.config.problem import ConfigError, Problem
from stranglerfig.config.references import Finding

#: What a running proxy can't change: sockets and processes are made from these.
FIXED = ("listen", "admin", "workers", "state_dir")
RULES_NAME = "fig.rules.yaml"


class RefusedError(Exception):
    """The files can't be used; ``problems`` say why, each with file, line and mend."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class NamedFilesError(RefusedError):
    """Files that fig.yaml names can't be used: those may be mended, or arrive, while fig.yaml stays as it is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The files at one moment. ``text`` is None when fig.yaml can't be read, and ``unreadable`` says why."""

    text: str | None
    rules_text: str | None
    unreadable: tuple[Problem, ...]
    digest: str
    """Of fig.yaml, as ``fig check`` gives it."""
    rules_digest: str
    saved_at: float
    """Epoch seconds at which the newer of the two files was saved."""

    @property
    def key(self) -> tuple[str, str]:
        """Two readings with the same key hold the same bytes."""
        return self.digest, self.rules_digest

    def with_text(self, text: str) -> "Reading":
        """The same, with another text of fig.yaml."""
        return replace(self, text=text, digest=digest_of(text), unreadable=())


@dataclass(frozen=True, slots=True)
class Written:
    """What a reading means."""

    config: Config
    rules: Rules
    key: tuple[str, str]
    state_dir: Path
    warnings: tuple[str, ...]
    place: Callable[[Iterable[Finding]], tuple[Problem, ...]]
    """Gives what was found beside the files' own text its lines in fig.yaml."""


class Source:
    """``fig.yaml`` and ``fig.rules.yaml`` beside it."""

    def __init__(self, config_path: Path) -> None:
        self.path = config_path
        self.rules_path = config_path.with_name(RULES_NAME)

    def read(self) -> Reading:
        """Look at the files now; never raises for what is wrong with them."""
        text, digest, problems = _read(self.path)
        rules_text, rules_digest = None, ""
        if self.rules_path.exists():
            rules_text, rules_digest, more = _read(self.rules_path)
            problems += more
        return Reading(
            text=text,
            rules_text=rules_text,
            unreadable=problems,
            digest=digest,
            rules_digest=rules_digest,
            saved_at=max(_saved_at(self.path), _saved_at(self.rules_path)) or time.time(),
        )

    def parse(self, reading: Reading) -> Written:
        """Give what the reading means. Raises ``RefusedError`` with every problem of both files."""
        problems = list(reading.unreadable)
        loaded, rules = None, Rules()
        if reading.text is not None:
            try:
                loaded = parse(reading.text, self.path)
            except ConfigError as error:
                problems.extend(error.problems)
        if reading.rules_text is not None:
            try:
                rules = parse_rules(reading.rules_text, self.rules_path)
            except ConfigError as error:
                problems.extend(error.problems)
        if problems or loaded is None:
            raise RefusedError(tuple(map(str, problems)))
        return Written(
            config=loaded.config,
            rules=rules,
            key=reading.key,
            state_dir=loaded.state_dir,
            warnings=tuple(map(str, loaded.warnings)),
            place=loaded.place,
        )


def _read(path: Path) -> tuple[str | None, str, tuple[Problem, ...]]:
    """Text, digest, and why there is no text; what can't be read has a digest of its own too."""
    try:
        text = read_text(path)
    except ConfigError as error:
        return None, digest_of(str(error)), error.problems
    return text, digest_of(text), ()


def _saved_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def changes_that_need_a_restart(old: Config, new: Config, path: Path) -> tuple[str, ...]:
    """Say which keys differ that a running proxy can't change."""
    return tuple(
        f"{path}: {key} can't change while the proxy runs ({_shown(old, key)} -> {_shown(new, key)}); "
        "restart `fig serve`, or take the change back"
        for key in FIXED
        if getattr(old, key) != getattr(new, key)
    )


def _shown(config: Config, key: str) -> str:
    value = getattr(config, key)
    return "default" if value is None else str(value)
