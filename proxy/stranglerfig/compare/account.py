"""The account of a capability, read from the counters of all processes: every request, and what became of it.

asked = not_teed(reason) + teed + under way
teed  = equal + different + ignored + lag + noise + no_answer + skipped(reason) + lost(process) + waiting
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stranglerfig.compare.statistics.rate_bound import upper_bound
from stranglerfig.counters import COUNTERS_NAME, Key, names, read_all
from stranglerfig.counters.histogram import quantile_s, read_buckets

_Q: Final = {"p50": 0.5, "p99": 0.99}
RULE_OF_THREE: Final = (
    3.0  # -ln(0.05): no event in n tries bounds its rate at 3/n with 95 % confidence
)


@dataclass(slots=True)
class Account:
    """What was asked of one capability since its counters began, and how each ended."""

    asked: int = 0
    teed: int = 0
    results: dict[str, int] = field(default_factory=dict)
    not_teed: dict[str, int] = field(default_factory=dict)
    """Skipped in a worker, by reason."""
    not_judged: dict[str, int] = field(default_factory=dict)
    """Skipped in the comparer, by reason."""
    lost: dict[str, int] = field(default_factory=dict)
    no_answer_by: dict[str, int] = field(default_factory=dict)
    rule_hits: dict[str, int] = field(default_factory=dict)
    lag_by: dict[str, int] = field(default_factory=dict)
    """What moved, of differences that healed."""
    unsettled: dict[str, int] = field(default_factory=dict)
    """Of the differences, those that were not asked again to the end, by reason."""
    asked_again: dict[str, int] = field(default_factory=dict)
    """Questions on top of the comparisons, by side."""

    @property
    def equal(self) -> int:
        return self.results.get("equal", 0)

    @property
    def different(self) -> int:
        return self.results.get("different", 0)

    @property
    def ignored(self) -> int:
        return self.results.get("ignored", 0)

    @property
    def lag(self) -> int:
        return self.results.get("lag", 0)

    @property
    def noise(self) -> int:
        return self.results.get("noise", 0)

    @property
    def no_answer(self) -> int:
        return self.results.get("no_answer", 0)

    @property
    def skipped(self) -> dict[str, int]:
        """By reason, in the worker and in the comparer: their reasons have no name in common."""
        return {**self.not_teed, **self.not_judged}

    @property
    def compared(self) -> int:
        """Comparisons with a verdict: the n of every rate."""
        return self.equal + self.different + self.ignored + self.lag + self.noise

    @property
    def told(self) -> int:
        """Those that would have shown a difference: noise is a value of which nobody can say."""
        return self.compared - self.noise

    @property
    def under_way(self) -> int:
        """Asked, and the client's answer is not over yet."""
        return self.asked - self.teed - sum(self.not_teed.values())

    @property
    def waiting(self) -> int:
        """Asked, and without an outcome yet: in an exchange, in the pipe, or in the comparer's hands."""
        ended = sum(self.results.values()) + sum(self.skipped.values()) + sum(self.lost.values())
        return self.asked - ended

    @property
    def bound(self) -> float | None:
        """With no difference in n comparisons: the rate that the true one is below, at 95 % however often one looks."""
        if self.different or not self.told:
            return None
        return upper_bound(0, self.told)

    def since(self, earlier: "Account") -> "Account":
        """What came after ``earlier``; a count that went back, since its file is gone, begins anew."""

        def less(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
            left = {name: count - before.get(name, 0) for name, count in now.items()}
            return {name: count for name, count in left.items() if count}

        if self.asked < earlier.asked:
            return self
        return Account(
            self.asked - earlier.asked,
            self.teed - earlier.teed,
            *(less(getattr(self, name), getattr(earlier, name)) for name in _BY_REASON),
        )

    def sums(self) -> dict[str, Any]:
        """The two sums of the top of this file, each with its rest: ``under_way`` and ``waiting``."""
        return {
            "asked": self.asked,
            "teed": self.teed,
            "not_teed": dict(sorted(self.not_teed.items())),
            "under_way": self.under_way,
            "equal": self.equal,
            "different": self.different,
            "ignored": self.ignored,
            "lag": self.lag,
            "noise": self.noise,
            "no_answer": self.no_answer,
            "skipped": dict(sorted(self.not_judged.items())),
            "lost": dict(sorted(self.lost.items())),
            "waiting": self.waiting - self.under_way,
            "asked_again": dict(sorted(self.asked_again.items())),
        }

    def to_dict(self) -> dict[str, Any]:
        """The account for ``fig diffs --json``: one sum, and how sure it is."""
        return {
            "asked": self.asked,
            "equal": self.equal,
            "different": self.different,
            "ignored": self.ignored,
            "lag": self.lag,
            "noise": self.noise,
            "no_answer": self.no_answer,
            "skipped": dict(sorted(self.skipped.items())),
            "lost": dict(sorted(self.lost.items())),
            "waiting": self.waiting,
            "no_answer_by": dict(sorted(self.no_answer_by.items())),
            "rule_hits": dict(sorted(self.rule_hits.items())),
            "lag_by": dict(sorted(self.lag_by.items())),
            "unsettled": dict(sorted(self.unsettled.items())),
            "asked_again": dict(sorted(self.asked_again.items())),
            "compared": self.compared,
            "rate_below_95": self.bound,
        }


def read_accounts(state_dir: Path) -> dict[str, Account]:
    """Account by capability, of all processes that ever counted in ``state_dir``; empty if none did."""
    return accounts_of(read_all(state_dir / COUNTERS_NAME))


def lag_of(state_dir: Path) -> dict[str, dict[str, float]]:
    """By capability: by when half of what healed, and 99 % of it, was seen to have, in seconds."""
    counts = read_all(state_dir / COUNTERS_NAME)
    capabilities = {
        dict(labels)["capability"]
        for name, labels in counts
        if name == names.LAG + names.SUM_SUFFIX
    }
    return {name: lag_quantiles(counts, name) for name in sorted(capabilities)}


def lag_quantiles(counts: dict[Key, int], capability: str) -> dict[str, float]:
    """The same of one capability; empty where nothing healed."""
    buckets = read_buckets(counts, names.LAG, capability=capability)
    found = {name: quantile_s(buckets, q) for name, q in _Q.items()}
    return {name: round(value, 3) for name, value in found.items() if value is not None}


def accounts_of(counts: Mapping[Key, int]) -> dict[str, Account]:
    """Accounts out of summed counters."""
    accounts: dict[str, Account] = {}
    for (name, labels), count in counts.items():
        label = dict(labels)
        capability = label.get("capability")
        if capability is None or name not in _READERS:
            continue
        account = accounts.setdefault(capability, Account())
        attribute, by = _READERS[name]
        if by is None:
            setattr(account, attribute, getattr(account, attribute) + count)
        elif count:
            counted: dict[str, int] = getattr(account, attribute)
            counted[label[by]] = counted.get(label[by], 0) + count
    return {name: accounts[name] for name in sorted(accounts) if accounts[name].asked}


_BY_REASON: Final = (
    *("results", "not_teed", "not_judged", "lost", "no_answer_by", "rule_hits"),
    *("lag_by", "unsettled", "asked_again"),
)
_READERS: Final[Mapping[str, tuple[str, str | None]]] = {
    names.ASKED: ("asked", None),
    names.TEED: ("teed", None),
    names.TEE_SKIPPED: ("not_teed", "reason"),
    names.SKIPPED: ("not_judged", "reason"),
    names.RESULTS: ("results", "result"),
    names.LOST: ("lost", "process"),
    names.NO_ANSWER: ("no_answer_by", "reason"),
    names.RULE_HITS: ("rule_hits", "rule"),
    names.LAG_CAUSES: ("lag_by", "cause"),
    names.UNSETTLED: ("unsettled", "reason"),
    names.ASKED_AGAIN: ("asked_again", "side"),
}
