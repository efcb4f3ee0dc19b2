"""What runs, as one JSON document: for ``fig status``, ``GET /api/status`` and the metrics."""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from stranglerfig import __version__
from stranglerfig.compare.account import Account, accounts_of, lag_quantiles
from stranglerfig.compare.marks import Mark, read_marks, write_marks
from stranglerfig.config.model import Capability
from stranglerfig.control.certificates import Certificates
from stranglerfig.control.changes import Changes
from stranglerfig.control.fleet import Fleet, Seat
from stranglerfig.control.lately import Lately
from stranglerfig.control.ownership import OwnershipWatch
from stranglerfig.control.running import LastChange, Running
from stranglerfig.control.upstream_view import upstreams_of
from stranglerfig.counters import Key, read_all
from stranglerfig.counters.histogram import quantile_s, read_buckets
from stranglerfig.counters.names import DURATION, FALLBACKS, FORCED, REQUESTS, WROTE

log = structlog.get_logger(__name__)

_SIDES = ("monolith", "service")


class View:
    """Reads everything, changes nothing, apart from remembering what was counted at the last change."""

    def __init__(
        self,
        *,
        changes: Changes,
        fleet: Fleet,
        ownership: OwnershipWatch,
        certificates: Certificates,
        counters_dir: Path,
        state_dir: Path,
        listen: str,
        admin: str,
        config_path: Path,
        is_ready: Callable[[], bool],
    ) -> None:
        self.changes = changes
        self.fleet = fleet
        self.ownership = ownership
        self.certificates = certificates
        self.state_dir = state_dir
        self.listen = listen
        self.admin = admin
        self.config_path = config_path
        self.started_at = _iso(time.time())
        self.is_ready = is_ready
        self._counters_dir = counters_dir
        self.lately = Lately(self.counts)
        self._counted_before: dict[str, dict[str, int]] = {}
        self._marks = read_marks(state_dir)

    def counts(self) -> dict[Key, int]:
        """Every count of every process, now."""
        return read_all(self._counters_dir)

    def remember(self, old: Running, new: Running) -> None:
        """Note what was counted before a change: the observed share starts there, and so does the evidence.

        The share begins anew with a capability's stage or percent, the evidence with a change of the rules too.
        """
        moved = {name for name in new.config.capabilities if _share(old, name) != _share(new, name)}
        fresh = moved if old.rules == new.rules else set(new.config.capabilities)
        if not fresh:
            return
        counts, now = self.counts(), time.time()
        accounts = accounts_of(counts)
        for name in moved:
            self._counted_before[name] = _evidence(counts, name)
        self._marks |= {name: Mark(now, accounts.get(name, Account())) for name in fresh}
        try:
            write_marks(self.state_dir, self._marks)
        except OSError as error:  # the evidence then reaches further back, which is the safe side
            log.warning("marks_not_written", error=str(error))

    def status(self) -> dict[str, Any]:
        """Give the whole status; see docs for its keys."""
        running, refused = self.changes.running, self.changes.refused
        counts = self.counts()
        accounts, counts_of = accounts_of(counts), _by_capability(counts)
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started": self.started_at,
            "listen": self.listen,
            "admin": self.admin,
            "config": str(self.config_path),
            "ready": self.is_ready(),
            "generation": running.generation,
            "digest": running.digest,
            "config_bad": refused
            and {
                "digest": refused.key[0],
                "since": _iso(refused.since),
                "problems": list(refused.problems),
            },
            "certificates": self.certificates.status(),
            "unverified_upstreams": [
                name
                for name, upstream in running.config.upstreams.items()
                if upstream.tls is not None and upstream.tls.insecure_accept_any_certificate
            ],
            "last_change": _change(self.changes.last),
            "workers": [self._process(seat) for seat in self.fleet.workers],
            "leaving_workers": len(self.fleet.leaving),
            "comparer": self._process(self.fleet.comparer) if self.fleet.comparer else None,
            "upstreams": self.upstreams(),
            "unclaimed": _requests(counts_of.get("-", {}), "-"),
            "capabilities": [
                self._capability(capability, counts_of.get(name, {}), accounts.get(name, Account()))
                for name, capability in running.config.capabilities.items()
            ],
        }

    def config(self) -> dict[str, Any]:
        """Give the running config as it may be written, with its generation and digest."""
        running = self.changes.running
        return {
            "generation": running.generation,
            "digest": running.digest,
            "config": running.config.model_dump(mode="json"),
            "overrides": {name: item.to_dict() for name, item in running.overrides.items()},
        }

    def upstreams(self) -> list[dict[str, Any]]:
        """What the workers say of the upstreams' addresses."""
        states = [seat.state for seat in self.fleet.workers]
        return upstreams_of(self.changes.running.config, states)

    def _process(self, seat: Seat) -> dict[str, Any]:
        return {
            "slot": seat.slot,
            "pid": seat.process.pid,
            "up": seat.generation > 0,
            "generation": seat.generation,
            "restarts": max(seat.process.starts - 1, 0),
            "since": _iso(seat.process.started_at) if seat.process.starts else None,
            "state": seat.state,
        }

    def _capability(
        self, capability: Capability, counts: dict[Key, int], account: Account
    ) -> dict[str, Any]:
        name = capability.name
        before = self._counted_before.get(name, {})
        since_change = {
            side: count - before.get(side, 0) for side, count in _evidence(counts, name).items()
        }
        compared = sum(since_change.values())
        override = self.changes.running.overrides.get(name)
        return {
            "name": name,
            "stage": capability.stage.value,
            "percent": capability.percent,
            "writes": capability.writes.value,
            "upstream": capability.upstream,
            "control": self.changes.running.config.control_of(capability),
            "aborted": override and {**override.to_dict(), "since": _iso(override.since)},
            "requests": _requests(counts, name),
            "wrote": _requests(counts, name, WROTE),
            "requests_since_change": since_change,
            "observed_percent": round(100 * since_change["service"] / compared, 2)
            if compared
            else None,
            "forced": _sum(counts, FORCED, capability=name),
            "fallbacks": _fallbacks(counts, name),
            "lag": self.ownership.status(name),
            "errors": {side: _errors(counts, name, side) for side in _SIDES},
            "latency_ms": {side: _latency_ms(counts, name, side) for side in _SIDES},
            "comparison": account.sums(),
            "comparison_lag_s": lag_quantiles(counts, name),
            "comparison_since_change": (
                account.since(mark.account).sums() if (mark := self._marks.get(name)) else None
            ),
            "last_change": _change(self.changes.last_of.get(name)),
        }


def _share(running: Running, name: str) -> tuple[object, ...]:
    capability = running.config.capabilities.get(name)
    if capability is None:
        return ()
    return capability.stage, capability.percent, name in running.overrides


def _by_capability(counts: dict[Key, int]) -> dict[str, dict[Key, int]]:
    """Sorted out once: looking through everything for every capability would hold up the supervisor."""
    found: dict[str, dict[Key, int]] = {}
    for key, count in counts.items():
        if capability := dict(key[1]).get("capability"):
            found.setdefault(capability, {})[key] = count
    return found


def _sum(counts: dict[Key, int], metric: str, **wanted: str) -> int:
    items = wanted.items()
    return sum(
        count
        for (name, labels), count in counts.items()
        if name == metric and items <= dict(labels).items()
    )


def _requests(counts: dict[Key, int], capability: str, metric: str = REQUESTS) -> dict[str, int]:
    return {side: _sum(counts, metric, capability=capability, side=side) for side in _SIDES}


def _fallbacks(counts: dict[Key, int], capability: str) -> dict[str, int]:
    """Failures of the service with a fallback, by what became of asking the other side."""
    found = Counter[str]()
    for (name, labels), count in counts.items():
        values = dict(labels)
        if name == FALLBACKS and values["capability"] == capability:
            found[values["result"]] += count
    return dict(sorted(found.items()))


def _evidence(counts: dict[Key, int], capability: str) -> dict[str, int]:
    """The requests that tell of the share: without reads that stayed where their user wrote."""
    wrote = _requests(counts, capability, WROTE)
    # Read while workers count: of two cells that rise together one may be seen risen and the other not yet.
    return {side: max(n - wrote[side], 0) for side, n in _requests(counts, capability).items()}


def _errors(counts: dict[Key, int], capability: str, side: str) -> int:
    return _sum(counts, REQUESTS, capability=capability, side=side, status="5xx")


def _latency_ms(counts: dict[Key, int], capability: str, side: str) -> dict[str, float | None]:
    buckets = read_buckets(counts, DURATION, capability=capability, side=side)
    return {name: _ms(quantile_s(buckets, q)) for name, q in (("p50", 0.5), ("p99", 0.99))}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _change(change: LastChange | None) -> dict[str, Any] | None:
    return None if change is None else {**asdict(change), "at": _iso(change.at)}


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")
