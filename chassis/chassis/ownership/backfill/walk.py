"""The walk over a capability's tables: chunk by chunk, each one transaction that also moves the cursor."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from chassis.ownership.backfill.batch import Batch, Outcome
from chassis.ownership.backfill.decoding import read_key, read_keys, read_page
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.references import fields_referring_to
from chassis.ownership.backfill.source import Source
from chassis.ownership.backfill.statements import delete
from chassis.ownership.models import BackfillCursor
from chassis.ownership.rows import in_key_order

# Keys are small: a sweep reads this many times more of them than a copy reads rows.
KEYS_PER_ROW = 10

Phase = BackfillCursor.Phase


class WalkError(Exception):
    """The rows could not be written; the message says why and what to do."""


class Watcher(Protocol):
    """Is told how the walk goes on."""

    def reading(self, table: str, phase: str, done: int, total: int | None) -> None:
        """`done` rows of about `total` (None: unknown) have been read in this phase."""


class Walk:
    """One walk, or the rest of one that was interrupted. `tables`: None means all."""

    def __init__(
        self,
        capability: str,
        targets: Sequence[Target],
        source: Source,
        using: str,
        *,
        chunk: int,
        watcher: Watcher,
        tables: Sequence[str] | None = None,
    ) -> None:
        self._capability = capability
        self._all = targets
        self._targets = [t for t in targets if tables is None or t.table in tables]
        self._by_table = {target.table: target for target in targets}
        self._source = source
        self._using = using
        self._chunk = chunk
        self._watcher = watcher
        self._cursors: dict[str, BackfillCursor] = {}
        self.resumed = False

    def run(self, *, restart: bool = False) -> Sequence[BackfillCursor]:
        """Walk to the end; the cursors hold the counts of the whole walk.

        Raises SourceError, WalkError. Whatever stops it, the next call goes on behind the last committed chunk; with
        `restart` it begins anew.
        """
        self._begin(restart)
        for target in reversed(self._targets):
            self._sweep(target, Phase.SWEEP, following=Phase.COPY)
        for target in self._targets:
            self._copy(target)
        for target in reversed(self._targets):
            while self._sweep(target, Phase.SWEEP_KEPT, following=Phase.DONE):
                # What went may have been what held the rest: a tree's leaves go before its trunk.
                self._advance(target, phase=Phase.SWEEP_KEPT)
        return [self._cursors[target.table] for target in self._targets]

    def _begin(self, restart: bool) -> None:
        with transaction.atomic(using=self._using):
            stored = {
                cursor.table: cursor
                for cursor in BackfillCursor.objects.using(self._using).filter(
                    capability=self._capability
                )
            }
            chosen = [stored[t.table] for t in self._targets if t.table in stored]
            unfinished = [] if restart else [c for c in chosen if c.phase != Phase.DONE]
            self.resumed = bool(unfinished)
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
                    )
                    fresh.save(using=self._using)
                    cursor = fresh
                self._cursors[target.table] = cursor

    def _copy(self, target: Target) -> None:
        total: int | None = None
        asked = False
        while (cursor := self._cursors[target.table]).phase == Phase.COPY:
            page = self._source.page(target.table, cursor.after, self._chunk, count=not asked)
            asked, total = True, page.total if page.total is not None else total
            batch = Batch(self._all, self._using)
            batch.add(target, read_page(target, page))
            self._complete(batch)
            moved: dict[str, Any] = {"after": page.next}
            if page.next is None:
                last = Phase.SWEEP_KEPT if cursor.kept else Phase.DONE
                moved["phase"] = last
            self._commit(target, batch, moved)
            self._watcher.reading(
                target.table, Phase.COPY, self._cursors[target.table].rows_read, total
            )

    def _complete(self, batch: Batch) -> None:
        """Fetch what the batch needs beside it, and what that needs."""
        while needed := batch.needs():
            for table, keys in needed.items():
                target, missing = self._by_table[table], set(keys)
                for page in self._source.rows(table, list(keys)):
                    rows = read_page(target, page)
                    batch.add(target, rows)
                    missing -= rows.keys()
                batch.mark_absent(target, missing)

    def _commit(self, target: Target, batch: Batch, moved: Mapping[str, Any]) -> None:
        with self._writing(target):
            outcomes = batch.write()
            for table, outcome in outcomes.items():
                if table != target.table:
                    self._count(table, outcome)
            self._advance(target, **_added(outcomes[target.table]), **moved)

    def _sweep(self, target: Target, phase: str, *, following: str) -> bool:
        """Delete what is not in the source. True when another sweep may delete more."""
        deleted = kept = done = 0
        while (cursor := self._cursors[target.table]).phase == phase:
            rows = in_key_order(target.model, self._using)
            if cursor.after is None and not rows.exists():
                self._advance(target, phase=following, kept=0)
                break
            page = self._source.page(
                target.table, cursor.after, self._chunk * KEYS_PER_ROW, only_key=True
            )
            if cursor.after is not None:
                rows = rows.filter(chassis_key__gt=read_key(target, cursor.after))
            if page.next is not None:  # the last page speaks for everything beyond it, too
                rows = rows.filter(chassis_key__lte=read_key(target, page.next))
            vanished = set(rows.values_list("pk", flat=True)) - set(read_keys(target, page))
            gone = vanished - self._referred_to(target, vanished)
            already_kept = 0 if phase == Phase.SWEEP_KEPT and cursor.after is None else cursor.kept
            with self._writing(target):
                delete(target.model, list(gone), using=self._using)
                self._advance(
                    target,
                    after=page.next,
                    phase=phase if page.next is not None else following,
                    deleted=F("deleted") + len(gone),
                    kept=already_kept + len(vanished) - len(gone),
                )
            deleted, kept = deleted + len(gone), kept + len(vanished) - len(gone)
            done += len(page.rows)
            self._watcher.reading(target.table, phase, done, None)
        return deleted > 0 and kept > 0

    def _referred_to(self, target: Target, keys: set[object]) -> set[object]:
        """Those of `keys` that an enforced foreign key points at."""
        found: set[object] = set()
        for field in fields_referring_to(target.model) if keys else ():
            rows = field.model._base_manager.using(self._using)
            held = rows.filter(**{f"{field.attname}__in": keys})
            found.update(held.values_list(field.attname, flat=True))
        return found

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
            moved["finished_at"] = timezone.now() if moved["phase"] == Phase.DONE else None
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
    def _writing(self, target: Target) -> Iterator[None]:
        after = self._cursors[target.table].after
        try:
            with transaction.atomic(using=self._using):
                yield
        except DatabaseError as error:
            raise WalkError(
                f"{target.table}, the chunk after the key {after!r}: the database refuses it: {error}. "
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
