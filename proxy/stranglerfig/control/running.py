"""What the workers run, as values: the files, the aborts, the generation; and how two of them differ."""

from dataclasses import dataclass, field, replace
from typing import Any

from stranglerfig.channel.messages import SnapshotMessage
from stranglerfig.compare.rules import Rules
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


def later(known: LastChange | None, change: LastChange) -> LastChange:
    """The change with the higher generation: an abort may have come in while another one was on its way."""
    return change if known is None or known.generation < change.generation else known


def differences(old: Running, new: Running) -> dict[str, Any]:
    """Say what changed, per capability: ``{"catalog": {"stage": ["shadow", "canary"]}}``; other keys under ``-``."""
    changed: dict[str, Any] = {}
    for name in sorted(old.config.capabilities.keys() | new.config.capabilities.keys()):
        before, after = (_facts(running, name) for running in (old, new))
        keys = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
        if keys:
            changed[name] = {key: [before.get(key), after.get(key)] for key in keys}
    before, after = (
        running.config.model_dump(mode="json", exclude={"capabilities"}) for running in (old, new)
    )
    if keys := sorted(key for key in before if before[key] != after[key]):
        changed["-"] = {key: [before[key], after[key]] for key in keys}
    if old.key[1] != new.key[1]:
        changed.setdefault("-", {})["rules"] = [old.key[1][:12], new.key[1][:12]]
    return changed


def _facts(running: Running, name: str) -> dict[str, Any]:
    capability = running.config.capabilities.get(name)
    written = {} if capability is None else capability.model_dump(mode="json")
    return {**written, "aborted": name in running.overrides}
