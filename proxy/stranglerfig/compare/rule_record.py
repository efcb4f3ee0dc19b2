"""What each rule was good for, out of the counters: and whether it may stay in fig.rules.yaml.

Counted for each rule by its name and what it covers: comparisons for which it held (its capability, its route, not
expired), those in which it covered something, and when last. A rule that is changed begins anew, one that only gets
another reason, owner or day does not. Like all counters these are in mapped files: a killed comparer takes none along.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from stranglerfig.compare.account import RULE_OF_THREE
from stranglerfig.compare.expectation import EXPECTED
from stranglerfig.compare.record import Cluster
from stranglerfig.compare.rules import COVERING, Action, Rule, Rules
from stranglerfig.counters import Key, names

ENOUGH: Final = 300
"""Comparisons without a hit after which a rule is of no use: with 95 % confidence it excuses less than 1 % of answers."""


class Standing(StrEnum):
    """What is to be said of a rule."""

    FINE = "fine"
    NOT_ENOUGH = "not enough"  # never hit, and too little was compared to blame it
    UNUSED = "unused"  # never hit, and enough was compared
    EXPIRED = "expired"
    ABSENT = "absent"  # what it expects did not occur somewhere
    STRAY = "stray"  # fig.yaml has no such capability or route


FAILING: Final = frozenset({Standing.UNUSED, Standing.EXPIRED, Standing.ABSENT, Standing.STRAY})


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule with what was counted of it. ``absent`` is the cluster of answers that lack what it expects."""

    rule: Rule
    held: int
    met: int
    met_at: float | None
    absent: Cluster | None = None
    is_stray: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether it takes differences out of `different`; what only shows values hits nothing."""
        return self.rule.action in COVERING

    @property
    def bound(self) -> float | None:
        """Without a hit in so many comparisons: the share of answers that it excuses is below this, at 95 %."""
        return RULE_OF_THREE / self.held if self.held and not self.met else None

    def standing(self, day: date, enough: int = ENOUGH) -> Standing:
        """What is to be said of it on ``day``; the first that holds."""
        if self.is_stray:
            return Standing.STRAY
        if not self.rule.holds_on(day):
            return Standing.EXPIRED
        if self.absent is not None:
            return Standing.ABSENT
        if not self.is_counted or self.met:
            return Standing.FINE
        return Standing.UNUSED if self.held >= enough else Standing.NOT_ENOUGH

    def to_dict(self, day: date, enough: int = ENOUGH) -> dict[str, Any]:
        """The record for ``--json``."""
        return {
            **self.rule.model_dump(mode="json"),
            "standing": self.standing(day, enough).value,
            "compared": self.held if self.is_counted else None,
            "hit_in": self.met if self.is_counted else None,
            "last_hit": self.met_at,
            "absent": None if self.absent is None else self.absent.id,
        }


def records_of(
    rules: Rules,
    counts: Mapping[Key, int],
    absent: Mapping[tuple[str, str, str, str], Cluster],
    is_stray: Callable[[Rule], bool],
) -> list[RuleRecord]:
    """A record of each rule, in the order of the file; ``absent`` as ``absent_by_place`` gives it."""
    return [_record(rule, counts, absent, is_stray(rule)) for rule in rules.rules]


def absent_by_place(clusters: list[Cluster]) -> dict[tuple[str, str, str, str], Cluster]:
    """Those of ``clusters`` that are expected changes which did not occur, by capability, route, place and path."""
    return {
        (each.capability, each.route, each.where, each.path): each
        for each in clusters
        if each.where.startswith(EXPECTED)
    }


def _record(
    rule: Rule,
    counts: Mapping[Key, int],
    absent: Mapping[tuple[str, str, str, str], Cluster],
    is_stray: bool,
) -> RuleRecord:
    labels = {"capability": rule.capability, "rule": rule.name, "covers": rule.covers}
    pairs = tuple(sorted(labels.items()))
    missed = None
    if rule.action is Action.EXPECT:
        place = (EXPECTED + rule.where, rule.path or "")
        missed = next(
            (
                cluster
                for (capability, route, *at), cluster in absent.items()
                if rule.holds_for(capability, route) and tuple(at) == place
            ),
            None,
        )
    return RuleRecord(
        rule,
        counts.get((names.RULE_HELD, pairs), 0),
        counts.get((names.RULE_MET, pairs), 0),
        counts.get((names.RULE_MET_AT, pairs)) or None,
        missed,
        is_stray,
    )
