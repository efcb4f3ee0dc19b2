"""What the workers run, as values: the files, the aborts, the generation; and how two of them differ."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from stranglerfig.channel.messages import SnapshotMessage
from stranglerfig.compare.rules import Rules
from stranglerfig.config.changed import ChangedKey, changed_keys
from stranglerfig.config.model import Config
from stranglerfig.control.source import Written
from stranglerfig.routing.override import Override


@dataclass(frozen=True, slots=True)
class Running:
    """What the workers run."""

    config: Config
    rules: Rules
    overrides: dict[str, Override]
    generation: int
    key: tuple[str, str]
    secret: str | None = field(repr=False)
    cookie_key: str = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the fig.yaml that runs."""
        return self.key[0]

    def holding(self, written: Written) -> "Running":
        """The same with other files."""
        return replace(self, config=written.config, rules=written.rules, key=written.key)

    def message(self) -> SnapshotMessage:
        """The same as the children are told it."""
        return SnapshotMessage(
            generation=self.generation,
            config=self.config.model_dump(mode="json"),
            overrides={name: item.to_dict() for name, item in self.overrides.items()},
            rules=self.rules.model_dump(mode="json"),
            secret=self.secret,
            cookie_key=self.cookie_key,
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """Files that were not taken."""

    key: tuple[str, str]
    problems: tuple[str, ...]
    since: float
    awaits_files: bool
    """Whether files that fig.yaml names were what is wrong."""


@dataclass(slots=True)
class LastChange:
    """What is known of the last change of one capability, or of everything."""

    what: str
    who: str
    why: str
    at: float
    generation: int
    effective_ms: float
    changed: tuple[str, ...]
    """What changed, a short line for each key."""


def later(known: LastChange | None, change: LastChange) -> LastChange:
    """The change with the higher generation: an abort may have come in while another one was on its way."""
    return change if known is None or known.generation < change.generation else known


def differences(old: Running, new: Running) -> list[ChangedKey]:
    """Every key that changed, every abort and its end; the rules as a whole."""
    changes = changed_keys(old.config, new.config)
    changes += [
        ChangedKey(("capabilities", name, "aborted"), name in old.overrides, name in new.overrides)
        for name in sorted(
            new.config.capabilities.keys() & (old.overrides.keys() ^ new.overrides.keys())
        )
    ]
    if old.key[1] != new.key[1]:
        changes.append(ChangedKey(("rules",), old.key[1][:12] or None, new.key[1][:12] or None))
    return changes


def by_capability(changes: Iterable[ChangedKey]) -> dict[str, dict[str, list[Any]]]:
    """The same for the audit log: ``{"catalog": {"stage": ["shadow", "canary"]}}``; what is of no capability under ``-``.

    A capability that came or went has one key, ``-``.
    """
    found: dict[str, dict[str, list[Any]]] = {}
    for change in changes:
        match change.path:
            case ("capabilities", name, *below):
                key = ".".join(below) or "-"
            case _:
                name, key = "-", change.key
        found.setdefault(name, {})[key] = [change.before, change.after]
    return found
