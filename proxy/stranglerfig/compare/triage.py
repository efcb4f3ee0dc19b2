"""What people decided about clusters of differences: open, expected, fixed; and what became of it.

A decision changes what people are told, never what is counted: a difference that is marked stays `different` in the
account until a rule covers it. It belongs to the signature of a cluster, not to its number, which begins anew with a
new store. Nothing here reads a file or a clock.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from stranglerfig.compare.record import Cluster

_USUAL_GAPS: Final = 10
"""A change that occurs in one answer of k and then not in 10 k has stopped: by chance that comes once in 20,000."""
_LEAST: Final = 30
_MOST: Final = 100_000


class State(StrEnum):
    """How a cluster stands."""

    OPEN = "open"  # nobody has decided anything, or somebody took a decision back
    EXPECTED = "expected"  # it is meant to differ, and must go on occurring
    FIXED = "fixed"  # it must not be seen again
    REOPENED = "reopened"  # it was marked as fixed, and was seen again


class Signature(NamedTuple):
    """What makes differences one cluster, in every store."""

    capability: str
    route: str
    kind: str
    where: str
    path: str
    shapes: str

    @property
    def place(self) -> str:
        """Where it is, as a rule would name it."""
        return f"{self.where} {self.path}".rstrip()


def signature_of(cluster: Cluster) -> Signature:
    """The signature of a cluster."""
    return Signature(*(getattr(cluster, name) for name in Signature._fields))


@dataclass(frozen=True, slots=True)
class Mark:
    """One decision: who, when (epoch seconds), why; and what was known of the cluster then."""

    state: State
    at: float
    who: str
    why: str
    count: int
    """How often it had been seen."""
    compared: int
    """Comparisons of its capability until then."""

    @property
    def patience(self) -> int:
        """After so many comparisons without it, an expected change has stopped: longer for one that is rare."""
        usual_gap = max(self.compared, 1) / max(min(self.count, self.compared), 1)
        return max(_LEAST, min(_MOST, math.ceil(_USUAL_GAPS * usual_gap)))


@dataclass(frozen=True, slots=True)
class Reopening:
    """The first time that a fixed difference was seen again; no generation where nobody wrote it down."""

    at: float
    generation: int | None
    request_id: str | None


@dataclass(slots=True)
class History:
    """Every decision about one cluster, oldest first, and when it was seen again after the last."""

    marks: list[Mark] = field(default_factory=list)
    reopened: Reopening | None = None
    """After the last mark, which was `fixed`."""
    past: list[Mark | Reopening] = field(default_factory=list)

    def add(self, event: Mark | Reopening) -> None:
        """Take in what came next. What was seen before the last mark was made reopens nothing."""
        if isinstance(event, Mark):
            self.marks.append(event)
            self.reopened = None
        elif not self.awaits(event.at):
            return
        else:
            self.reopened = event
        self.past.append(event)

    @property
    def mark(self) -> Mark | None:
        """The decision that holds."""
        return self.marks[-1] if self.marks else None

    def awaits(self, seen_at: float) -> bool:
        """Whether a difference that was seen then is the first since it was marked as fixed."""
        mark = self.mark
        return (
            mark is not None
            and mark.state is State.FIXED
            and self.reopened is None
            and seen_at > mark.at
        )


@dataclass(frozen=True, slots=True)
class Triaged:
    """A cluster and how it stands. One that is not in the store (any more) has the number 0 and was seen 0 times."""

    cluster: Cluster
    history: History
    unseen: int = 0
    """Comparisons of its route since an expected change was seen last."""

    @property
    def state(self) -> State:
        """How it stands."""
        mark = self.history.mark
        if mark is None:
            return State.OPEN
        return State.REOPENED if self.reopened is not None else mark.state

    @property
    def reopened(self) -> Reopening | None:
        """When a fixed difference was seen again: as the comparer wrote it down, else as the store knows it."""
        if self.history.reopened is None and self.history.awaits(self.cluster.last_seen):
            return Reopening(self.cluster.last_seen, None, None)
        return self.history.reopened

    @property
    def has_stopped(self) -> bool:
        """Whether it is expected, and has not occurred for longer than by chance."""
        mark = self.history.mark
        return mark is not None and self.state is State.EXPECTED and self.unseen >= mark.patience

    @property
    def is_settled(self) -> bool:
        """Whether nobody has to look at it: it is fixed, or expected and occurs."""
        return self.state is State.FIXED or (self.state is State.EXPECTED and not self.has_stopped)

    def to_dict(self) -> dict[str, Any]:
        """How it stands, for ``--json``."""
        mark, reopened = self.history.mark, self.reopened
        return {
            "state": self.state.value,
            "is_settled": self.is_settled,
            "mark": None
            if mark is None
            else {"state": mark.state.value, "at": mark.at, "who": mark.who, "why": mark.why},
            "reopened": None
            if reopened is None
            else {
                "at": reopened.at,
                "generation": reopened.generation,
                "request_id": reopened.request_id,
            },
            "unseen": self.unseen if self.state is State.EXPECTED else None,
        }


def watch_name(signature: Signature, mark: Mark) -> str:
    """What the comparisons without an expected change are counted by; each decision begins anew."""
    said = json.dumps([*signature, mark.at])
    return hashlib.sha256(said.encode()).hexdigest()[:12]
