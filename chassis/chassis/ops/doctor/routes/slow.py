"""Patterns that take too long for a path: a danger to the application, whatever the proxy does."""

from collections.abc import Iterable
from dataclasses import dataclass

from chassis.ops.doctor.routes.trials import LIMIT_S, Trials
from chassis.ops.doctor.routes.walking import Entry


@dataclass(frozen=True)
class Slow:
    """A pattern, or the beginning of several, and what of a path it took too long for."""

    pattern: str
    text: str

    @property
    def says(self) -> str:
        """It in one line."""
        return f"{self.pattern} takes more than {LIMIT_S:g} s to match {self.text!r}"


def slow_of(entries: Iterable[Entry], trials: Trials) -> list[Slow]:
    """Those that were too slow, as they are written in the URLconf."""
    found: dict[int, Slow] = {}
    for entry in entries:
        for number, one in enumerate(entry.chain, 1):
            key = id(getattr(one, "pattern", None))
            if key in trials.slow and key not in found:
                found[key] = Slow("/" + "".join(entry.parts[:number]), trials.slow[key])
    return list(found.values())
