"""The walk over a capability's tables: chunk by chunk, each one transaction that also moves the cursor."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import DataError, IntegrityError
from django.db.models import F
from django.utils import timezone

from chassis.ownership.backfill.batch import ANY_TIME, Outcome
from chassis.ownership.backfill.decoding import read_key, read_keys, read_page
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.needs import UnsettledError
from chassis.ownership.backfill.readings import Span
from chassis.ownership.backfill.references import held_by_others
from chassis.ownership.backfill.statements import delete
from chassis.ownership.backfill.writer import Writer
from chassis.ownership.models import BackfillCursor
from chassis.ownership.replica import Replica
from chassis.ownership.rows import in_key_order
from chassis.ownership.source.rows import Source

# Keys are small: a sweep reads this many times more of them than a copy reads rows.
KEYS_PER_ROW = 10

# So often a page is read whose rows exchange unique values faster than that.
MOST_ATTEMPTS = 20

Phase = BackfillCursor.Phase


class WalkError(Exception):
    """The rows could not be written; the message says why and what to do."""


class Watcher(Protocol):
    """Is told how the walk goes on."""

    def reading(self, table: str, phase: str, done: int, total: int | None) -> None:
        """`done` rows of about `total` (None: unknown) have been read in this phase."""


@dataclass(frozen=True)
class Walked:
    """A walk that came to its end."""

    cursors: Sequence[BackfillCursor]
    """With the counts of the whole walk."""
    resumed: bool
    """Whether it was the rest of one that was interrupted."""


class Walk:
    """One walk, or the rest of one that was interrupted. `tables`: None means all."""

    def __init__(
        self,
        targets: Sequence[Target],
        source: Source,
        replica: Replica,
        *,
        chunk: int,
        watcher: Watcher,
        tables: Collection[str] | None = None,
    ) -> None:
        self._capability = replica.capability
        self._targets = [t for t in targets if tables is None or t.table in tables]
        self._source = source
        self._using = replica.using
        self._writer = Writer(replica, replica.cursor(), targets, source)
        self._chunk = chunk
        self._watcher = watcher
        self._cursors: dict[str, BackfillCursor] = {}
        self.epoch = self._writer.epoch

    def run(self, *, restart: bool = False) -> Walked:
        """Walk to the end.

        Raises SourceError, WalkError; BegunAnewError and AnotherSourceError, after which a new walk must begin.
        Whatever stops it, the next one goes on behind the last committed chunk; with `restart` it begins anew.
        """
        resumed = self._begin(restart)
        for target in reversed(self._targets):
            self._sweep(target, Phase.SWEEP, following=Phase.COPY)
        for target in self._targets:
            self._copy(target)
        for target in reversed(self._targets):
            while self._sweep(target, Phase.SWEEP_KEPT, following=Phase.DONE):
                # What went may have been what held the rest: a tree's leaves go before its trunk.
                with self._writer.held(ANY_TIME):
                    self._advance(target, phase=Phase.SWEEP_KEPT)
        return Walked([self._cursors[target.table] for target in self._targets], resumed)

    def _begin(self, restart: bool) -> bool:
        with self._writer.held(ANY_TIME):
            stored = {
                cursor.table: cursor
                for cursor in BackfillCursor.objects.using(self._using).filter(
                    capability=self._capability
                )
            }
            chosen = [stored[t.table] for t in self._targets if t.table in stored]
            unfinished = [] if restart else [c for c in chosen if c.phase != Phase.DONE]
            walk = unfinished[0].walk if unfinished else uuid.uuid4()
            for target in self._targets:
                cursor = stored.get(target.table)
                if cursor is None or cursor.walk != walk:
                    fresh = BackfillCursor(
                        pk=cursor.pk if cursor else None,
                        capability=self._capability,
                        table=target.table,
                        walk=walk,
                        started_at=timezone.now(),
                        copied=cursor is not None and cursor.copied,
                    )
                    fresh.save(using=self._using)
                    cursor = fresh
                self._cursors[target.table] = cursor
        return bool(unfinished)

    def _copy(self, target: Target) -> None:
        total: int | None = None
        asked, attempts = False, 0
        while (cursor := self._cursors[target.table]).phase == Phase.COPY:
            page = self._source.page(target.table, cursor.after, self._chunk, count=not asked)
            asked, total = True, page.total if page.total is not None else total
            batch, position = self._writer.batch(), self._writer.position_of(page)
            span = Span(target.table, cursor.after, page.next, position)
            batch.add(target, read_page(target, page), position, span)
            moved: dict[str, Any] = {"after": page.next}
            if page.next is None:
                moved["phase"] = Phase.SWEEP_KEPT if cursor.kept else Phase.DONE
            try:
                with self._told(target), self._writer.written(batch) as outcomes:
                    for table, outcome in outcomes.items():
                        if table != target.table:
                            self._count(table, outcome)
                    self._advance(target, **_added(outcomes[target.table]), **moved)
                attempts = 0
            except UnsettledError:
                attempts += 1
                if attempts == MOST_ATTEMPTS:
                    raise WalkError(
                        f"{target.table}, the chunk after the key {cursor.after!r}: its rows changed in each of "
                        f"{attempts} attempts to read them. Running backfill again goes on here."
                    ) from None
            self._watcher.reading(
                target.table, Phase.COPY, self._cursors[target.table].rows_read, total
            )

    def _sweep(self, target: Target, phase: str, *, following: str) -> bool:
        """Delete what is not in the source. True when another sweep may delete more."""
        deleted = kept = done = 0
        while (cursor := self._cursors[target.table]).phase == phase:
            if cursor.after is None and not in_key_order(target.model, self._using).exists():
                with self._writer.held(ANY_TIME):
                    self._advance(target, phase=following, kept=0)
                break
            page = self._source.page(
                target.table, cursor.after, self._chunk * KEYS_PER_ROW, only_key=True
            )
            position, in_source = self._writer.position_of(page), set(read_keys(target, page))
            with self._told(target), self._writer.held(position):
                vanished = self._here(target, cursor.after, page.next) - in_source
                vanished -= self._writer.known.newer(target, dict.fromkeys(vanished, position))
                gone = vanished - held_by_others(target.model, vanished, self._using)
                delete(target.model, list(gone), using=self._using)
                self._writer.known.remember(target, dict.fromkeys(gone, position), gone)
                self._writer.leftovers.settle(target, gone)
                if phase == Phase.SWEEP_KEPT:
                    self._writer.leftovers.keep(target, vanished - gone)
                first = phase == Phase.SWEEP_KEPT and cursor.after is None
                self._advance(
                    target,
                    after=page.next,
                    phase=phase if page.next is not None else following,
                    deleted=F("deleted") + len(gone),
                    kept=(0 if first else cursor.kept) + len(vanished) - len(gone),
                )
                deleted, kept = deleted + len(gone), kept + len(vanished) - len(gone)
                done += len(page.rows)
            self._watcher.reading(target.table, phase, done, None)
        return deleted > 0 and kept > 0

    def _here(self, target: Target, after: object, through: object) -> set[object]:
        """The keys here behind `after`, up to `through`, both as a page writes them."""
        rows = in_key_order(target.model, self._using)
        if after is not None:
            rows = rows.filter(chassis_key__gt=read_key(target, after))
        if through is not None:  # the last page speaks for everything beyond it, too
            rows = rows.filter(chassis_key__lte=read_key(target, through))
        return set(rows.values_list("pk", flat=True))

    def _count(self, table: str, outcome: Outcome) -> None:
        """Add what was written to another table on the way to its own account, where it is part of this walk."""
        cursor = self._cursors.get(table)
        added = _added(outcome)
        if cursor is not None and added:
            BackfillCursor.objects.using(self._using).filter(pk=cursor.pk).update(**added)
            cursor.refresh_from_db(using=self._using)

    def _advance(self, target: Target, **moved: Any) -> None:
        cursor = self._cursors[target.table]
        if "phase" in moved:
            done = moved["phase"] == Phase.DONE
            moved["finished_at"] = timezone.now() if done else None
            if done:
                moved["copied"] = True
        rows = BackfillCursor.objects.using(self._using).filter(
            pk=cursor.pk, walk=cursor.walk, step=cursor.step
        )
        if not rows.update(step=F("step") + 1, **moved):
            raise WalkError(
                f"{target.table}: another backfill has moved the cursor. Nothing of this chunk was written; "
                "let the other one end, then run backfill again."
            )
        cursor.refresh_from_db(using=self._using)

    @contextmanager
    def _told(self, target: Target) -> Iterator[None]:
        after = self._cursors[target.table].after
        chunk = "the first chunk" if after is None else f"the chunk after the key {after!r}"
        try:
            yield
        except (DataError, IntegrityError) as error:
            raise WalkError(
                f"{target.table}, {chunk}: the database refuses it: {error}. "
                "If the source changed in this moment, running backfill again mends it."
            ) from error


def _added(outcome: Outcome) -> dict[str, Any]:
    """What to add to a cursor's counts."""
    added = {
        "rows_read": outcome.read,
        "inserted": outcome.inserted,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "orphaned": outcome.orphaned,
        "deleted": outcome.deleted,
    }
    return {name: F(name) + count for name, count in added.items() if count}
