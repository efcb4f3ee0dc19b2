"""How sure the comparison is of each kind of request, what it says nothing about, and how many more it takes. Values, no I/O.

A stratum without evidence is *unknown*, never fine. ``trials`` are comparisons of which each user gives a few at most;
what is only noise is none. The bound holds however often one looks, so it may be looked at until it is low enough.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from stranglerfig.compare.evidence_rows import FieldRow, StratumRow
from stranglerfig.compare.statistics.rate_bound import trials_needed, upper_bound
from stranglerfig.config.model import Capability, Stage

_NONE_COMPARED: Final = "no answer of it was compared"


class Enough(StrEnum):
    """What is to be said of a stratum, given the rate that it must be below."""

    YES = "enough"
    NOT_YET = "not enough"
    TOO_MANY = "too many differ"  # more answers bring it below only if fewer of them differ


@dataclass(frozen=True, slots=True)
class StratumEvidence:
    """One stratum held against a rate."""

    row: StratumRow
    rate: float
    now: float

    @property
    def bound(self) -> float:
        """The rate of differences is below this, with 95 % confidence at all looks together."""
        return upper_bound(self.row.events, self.row.trials)

    @property
    def enough(self) -> Enough:
        if self.bound <= self.rate:
            return Enough.YES
        if self.row.events and self.row.events >= self.rate * self.row.trials:
            return Enough.TOO_MANY
        return Enough.NOT_YET

    @property
    def needed(self) -> int | None:
        """How many trials it takes in all if nothing more differs; ``None`` where that is not the question."""
        if self.enough is Enough.TOO_MANY:
            return None
        return max(
            trials_needed(self.rate, self.row.events),
            self.row.trials if self.enough is Enough.YES else 0,
        )

    @property
    def wait_s(self) -> float | None:
        """How long that takes if as many come as came so far."""
        needed, took_s = self.needed, self.now - self.row.first_seen
        if needed is None or not self.row.trials or took_s <= 0:
            return None
        return max(0, needed - self.row.trials) * took_s / self.row.trials

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        row = self.row
        return {
            "route": row.route,
            "method": row.method,
            "status": row.status,
            "signed_in": row.signed_in == "signed in",
            "compared": row.compared,
            "users": row.users,
            "trials": row.trials,
            "events": row.events,
            "different": row.different,
            "noise": row.noise,
            "rate_below_95": round(self.bound, 8),
            "wanted": self.rate,
            "outcome": self.enough.value,
            "needed": self.needed,
            "wait_s": None if self.wait_s is None else round(self.wait_s, 1),
        }


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something about which the comparison says nothing, and why."""

    what: str  # route, status or field
    name: str
    why: str
    route: str = ""
    is_comparable: bool = True
    """Whether there could be evidence as things are set: not of a write, nor of what is not compared at all."""

    def to_dict(self) -> dict[str, str]:
        """For ``--json``."""
        return {"what": self.what, "name": self.name, "route": self.route, "why": self.why}


def unknown_routes(capability: Capability, strata: Iterable[StratumRow]) -> list[Unknown]:
    """Routes of a capability that no comparison was of."""
    known = {row.route for row in strata}
    found = []
    for route in capability.routes:
        if route.text not in known:
            stage = capability.stage.at_most(route.stage)
            if not route.may_be_safe:
                why = "its requests change things, so nobody is asked twice"
            elif stage is Stage.MONOLITH:
                why = "it is in stage monolith"
            elif stage is not Stage.SHADOW and not capability.compare:
                why = "compare is off"
            else:
                why = _NONE_COMPARED
            is_comparable = why == _NONE_COMPARED
            found.append(Unknown("route", route.text, why, is_comparable=is_comparable))
    return found


def unknown_statuses(answered: Mapping[str, int], strata: Sequence[StratumRow]) -> list[Unknown]:
    """Status classes that users were answered and that no comparison was of; ``answered`` counts answers by class."""
    known = {row.status for row in strata}
    return [
        Unknown("status", status, f"{count:,} answers to users, none of them compared")
        for status, count in sorted(answered.items())
        if count and status not in known
    ]


def unknown_fields(rows: Iterable[FieldRow]) -> list[Unknown]:
    """Fields whose values could not be compared in any answer that was looked at."""
    rows = sorted(rows, key=lambda row: (row.route, row.path))
    paths = {(row.route, row.path) for row in rows}
    found = []
    for row in rows:
        if row.compared or _holds_others(row, paths):
            continue
        if row.excused:
            why = "a rule covers its value"
        elif row.alone == row.seen:
            why = f"only one side has it, in all of {row.seen:,} answers"
        else:
            why = f"null or empty in all of {row.seen:,} answers"
        found.append(Unknown("field", row.path, why, row.route))
    return found


def _holds_others(row: FieldRow, paths: set[tuple[str, str]]) -> bool:
    """Whether it is a list or an object that was empty now and then: what it holds is told by itself."""
    return any(
        route == row.route and path.startswith((f"{row.path}.", f"{row.path}[]"))
        for route, path in paths
    )
