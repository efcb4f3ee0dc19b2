"""What `manage.py capture --status` tells."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connections

from chassis.ownership.capture import log
from chassis.ownership.capture.install import declared_watches, faults, log_database
from chassis.ownership.capture.log import Entry
from chassis.ownership.capture.readers import MOST_BEHIND
from chassis.ownership.capture.reading import Reading, reading
from chassis.ownership.capture.status import status_of
from chassis.ownership.capture.watches import ROW
from chassis.ownership.models import Change
from chassis.ownership.rows import row_count
from chassis.ownership.tables import declared_capabilities

UNPRUNED_S = 8 * 86400.0


@dataclass(frozen=True)
class Watched:
    table: str
    column: str
    """By whose value a changed row is logged."""
    capabilities: Sequence[str]
    fault: str | None


@dataclass(frozen=True)
class Report:
    tables: Sequence[Watched]
    capabilities: Sequence[Mapping[str, Any]]
    entries: int
    """In the log, about."""
    oldest_s: float | None
    """The age of the first of them."""
    unpruned: bool
    """There are older ones than a daily `prune_changes` leaves."""
    waiting: int
    """PostgreSQL: those that can't be handed out as long as an older transaction is open."""
    waits_for: str | None

    @property
    def whole(self) -> bool:
        return all(capability["captured"] for capability in self.capabilities)

    @property
    def readers(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        return [(c["capability"], reader) for c in self.capabilities for reader in c["readers"]]

    @property
    def remarks(self) -> Sequence[str]:
        lines = [f"{self.entries:,} entries in the log."]
        if self.oldest_s is not None:
            lines[0] = f"{lines[0][:-1]}, the oldest {self.oldest_s / 86400:.1f} days old."
        if self.unpruned:
            lines.append("Nobody deletes old ones: run manage.py prune_changes, daily.")
        if self.waits_for is not None:
            lines.append(f"{self.waiting:,} of them wait for {self.waits_for} to end.")
        if not self.tables:
            lines.append("CHASSIS OWNERSHIP declares nothing.")
        elif not self.whole:
            lines.append("Changes may go unseen: run manage.py capture.")
        return lines

    def as_json(self) -> Mapping[str, Any]:
        return {"captured": self.whole, **asdict(self)}


def report() -> Report:
    declared = declared_watches()
    wrong = faults(declared)
    with reading("", ()) as now:
        first = log.first_entries(now, 2)
        waiting, waits_for = _waiting(now)
    return Report(
        tables=[
            Watched(
                watch.table,
                "the row's key" if watch.column == ROW else watch.column,
                sorted(watch.capabilities),
                wrong.get(watch),
            )
            for watch in declared
        ],
        capabilities=[status_of(capability) for capability in declared_capabilities().values()],
        entries=row_count(Change, log_database()),
        oldest_s=_age_s(now, first[0]) if first else None,
        # Pruning leaves the last of the old ones.
        unpruned=len(first) > 1 and _age_s(now, first[1]) > UNPRUNED_S,
        waiting=waiting,
        waits_for=waits_for,
    )


def _age_s(now: Reading, entry: Entry) -> float:
    return round((now.at - entry.at) / 1_000_000, 1)


def _waiting(now: Reading) -> tuple[int, str | None]:
    """How many entries are committed and can't be handed out, and the transaction they wait for."""
    last = log.last_settled(now)
    if now.settled_below is None or last is None:
        return 0, None
    waiting = log.unread_after(now, last, (), MOST_BEHIND).count
    if not waiting:
        return 0, None
    with connections[now.using].cursor() as cursor:
        cursor.execute(
            "SELECT format('process %%s (database %%s), whose transaction is open since %%s s', pid, datname, "
            "extract(epoch FROM clock_timestamp() - xact_start)::int) FROM pg_stat_activity "
            "WHERE backend_xid = mod(%s, 4294967296)::text::xid "
            "UNION ALL SELECT format('the prepared transaction %%s (database %%s)', gid, database) "
            "FROM pg_prepared_xacts WHERE transaction = mod(%s, 4294967296)::text::xid",
            [now.settled_below, now.settled_below],
        )
        found = cursor.fetchone()
    return waiting, found[0] if found else "another transaction"
