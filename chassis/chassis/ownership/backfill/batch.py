"""One chunk of rows on its way into the database: what it needs beside it, then one write.

A batch begins with a page's rows. Before it is written, it is asked which other rows it needs:
- those that its foreign keys refer to, where they are not here yet (a parent that lies later in the walk, or is newer
  than the copy of its table);
- those here that hold a unique value which a row of the batch brings (two rows have swapped it);
- where such a holder is no longer in the source and must go, those here that still refer to it.
They are fetched and become part of the batch; what the source does not have either is *absent*.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import ForeignKey, UniqueConstraint

from chassis.ownership.backfill.decoding import Row
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.references import fields_referring_to, is_enforced
from chassis.ownership.backfill.statements import delete, upsert
from chassis.ownership.values import AnyField

Keys = defaultdict[str, set[object]]
"""Keys by table."""


@dataclass
class Outcome:
    """What became of the rows of one table. `read` is the sum of the next four."""

    read: int = 0
    inserted: int = 0
    changed: int = 0
    unchanged: int = 0
    orphaned: int = 0
    deleted: int = 0


class Batch:
    """Rows that are written together. `targets`: all of the capability's, parents first."""

    def __init__(self, targets: Sequence[Target], using: str) -> None:
        self._targets = targets
        self._by_model = {target.model: target for target in targets}
        self._using = using
        self._rows: dict[str, dict[object, Row]] = {target.table: {} for target in targets}
        self._absent: Keys = defaultdict(set)
        self._moving: set[str] = set()

    def add(self, target: Target, rows: Mapping[object, Row]) -> None:
        self._rows[target.table].update(rows)

    def mark_absent(self, target: Target, keys: Iterable[object]) -> None:
        """These were asked for, and the source does not have them."""
        self._absent[target.table].update(keys)

    def needs(self) -> Mapping[str, set[object]]:
        """Keys by table that must be added or marked absent before `write`. Reads only."""
        needed: Keys = defaultdict(set)
        for target in self._targets:
            existing = self._existing(target)
            new = {
                k: row
                for k, row in self._rows[target.table].items()
                if _differs(row, existing.get(k))
            }
            if new:
                self._need_parents(target, new, needed)
                self._need_holders(target, new, needed)
            self._need_referrers(target, needed)
        return {table: keys for table, keys in needed.items() if keys}

    def write(self) -> Mapping[str, Outcome]:
        """Write all rows; to be called in a transaction, when `needs` asks nothing more. Outcomes by table."""
        outcomes = {target.table: Outcome() for target in self._targets}
        for target in reversed(self._targets):
            # Absent, but here: it holds a unique value that another row has by now.
            gone = self._keys_here(target, self._absent[target.table])
            delete(target.model, gone, using=self._using)
            outcomes[target.table].deleted = len(gone)
        orphans = self._orphans()
        for target in self._targets:
            if self._rows[target.table]:
                self._write_table(target, orphans[target.table], outcomes[target.table])
        return outcomes

    def _write_table(self, target: Target, orphans: set[object], outcome: Outcome) -> None:
        existing = self._existing(target)
        written, overwritten = [], []
        for key, row in self._rows[target.table].items():
            here = existing.get(key)
            if key in orphans:
                outcome.orphaned += 1
            elif not _differs(row, here):
                outcome.unchanged += 1
            else:
                written.append(
                    [*(row[f.attname] for f in target.copied.values()), *_own(target, here)]
                )
                if here is None:
                    outcome.inserted += 1
                else:
                    outcome.changed += 1
                    overwritten.append(key)
        outcome.read = outcome.inserted + outcome.changed + outcome.unchanged + outcome.orphaned
        if target.table in self._moving:
            # Updated one by one, the first of two rows that swap a unique value would collide with the second. Foreign
            # keys on these rows are checked at commit, when they are back.
            delete(target.model, overwritten, using=self._using)
        update = [field for field in target.copied.values() if field is not target.key]
        upsert(target.model, target.fields, written, update=update, using=self._using)

    def _need_parents(self, target: Target, new: Mapping[object, Row], needed: Keys) -> None:
        for field, parent in self._parents(target):
            wanted = {row[field.attname] for row in new.values()} - {None}
            wanted -= self._rows[parent.table].keys() | self._absent[parent.table]
            needed[parent.table] |= wanted - set(self._keys_here(parent, wanted))

    def _need_holders(self, target: Target, new: Mapping[object, Row], needed: Keys) -> None:
        for names in _unique_sets(target):
            wanted = {tuple(row[name] for name in names): key for key, row in new.items()}
            wanted = {values: key for values, key in wanted.items() if None not in values}
            same = {f"{name}__in": {values[i] for values in wanted} for i, name in enumerate(names)}
            rows = target.model._base_manager.using(self._using).filter(**same)
            for holder, *values in rows.values_list("pk", *names):
                if wanted.get(tuple(values), holder) == holder:
                    continue
                if holder in self._rows[target.table]:
                    self._moving.add(target.table)
                elif holder not in self._absent[target.table]:
                    needed[target.table].add(holder)

    def _need_referrers(self, target: Target, needed: Keys) -> None:
        gone = self._keys_here(target, self._absent[target.table])
        for field in fields_referring_to(target.model) if gone else ():
            child = self._by_model.get(field.model)
            if child is not None:
                rows = child.model._base_manager.using(self._using)
                referring = rows.filter(**{f"{field.attname}__in": gone}).values_list(
                    "pk", flat=True
                )
                known = self._rows[child.table].keys() | self._absent[child.table]
                needed[child.table] |= set(referring) - known

    def _orphans(self) -> Keys:
        """Rows whose parent is absent, and theirs in turn: not written, since the database would refuse them."""
        orphans: Keys = defaultdict(set)
        found = True
        while found:
            found = False
            for target in self._targets:
                for field, parent in self._parents(target):
                    missing = self._absent[parent.table] | orphans[parent.table]
                    for key, row in self._rows[target.table].items() if missing else ():
                        if key not in orphans[target.table] and row[field.attname] in missing:
                            orphans[target.table].add(key)
                            found = True
        return orphans

    def _parents(self, target: Target) -> Iterator[tuple[AnyField, Target]]:
        """The foreign keys that the database enforces, with the tables they refer to."""
        for field in target.copied.values():
            if isinstance(field, ForeignKey) and is_enforced(field):
                parent = self._by_model.get(field.related_model)
                if parent is not None:
                    yield field, parent

    def _existing(self, target: Target) -> dict[object, Row]:
        keys = list(self._rows[target.table])
        if not keys:
            return {}
        names = [field.attname for field in target.fields]
        rows = target.model._base_manager.using(self._using).filter(pk__in=keys)
        return {
            key: {
                name: bytes(value) if isinstance(value, memoryview) else value
                for name, value in zip(names, values, strict=True)
            }
            for key, *values in rows.values_list("pk", *names)
        }

    def _keys_here(self, target: Target, keys: Iterable[object]) -> list[object]:
        keys = list(keys)
        rows = target.model._base_manager.using(self._using).filter(pk__in=keys)
        return list(rows.values_list("pk", flat=True)) if keys else []


def _differs(row: Row, here: Row | None) -> bool:
    return here is None or any(here[name] != value for name, value in row.items())


def _own(target: Target, here: Row | None) -> list[object]:
    """The values of the service's own fields: as they are, or as a new row gets them."""
    if here is not None:
        return [here[field.attname] for field in target.own]
    blank = target.model()
    return [field.pre_save(blank, add=True) for field in target.own]


def _unique_sets(target: Target) -> Iterator[tuple[str, ...]]:
    """The attnames that are unique together, as far as they are copied. A condition is left out: it would only make
    the set of rows that are looked at smaller."""
    meta = target.model._meta
    attnames = {f.name: f.attname for f in target.copied.values() if f is not target.key}
    sets: list[Sequence[str]] = [(field.name,) for field in target.copied.values() if field.unique]
    sets += meta.unique_together
    sets += [c.fields for c in meta.constraints if isinstance(c, UniqueConstraint) and c.fields]
    for names in sets:
        if all(name in attnames for name in names):
            yield tuple(attnames[name] for name in names)
