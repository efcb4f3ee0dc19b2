"""One batch of rows on its way into the database: what it needs beside it, then one write.

A batch begins with what a page shows. Before it is written it is asked, under the replica's lock, what it needs; that
is fetched without the lock and becomes part of the batch, and it is asked again, until it needs nothing more. A reading
that is out of date by then - the other command has written a newer one - is dropped.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from chassis.ownership.backfill.decoding import Row
from chassis.ownership.backfill.here import Here, Reference, differs
from chassis.ownership.backfill.known import Known
from chassis.ownership.backfill.leftovers import Leftovers
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.needs import Keys, Needs
from chassis.ownership.backfill.readings import Reading, Readings, Span
from chassis.ownership.backfill.statements import delete, upsert

ANY_TIME = 2**63

Parent = tuple[str, object]
"""A table and a key."""

LeftOut = defaultdict[str, defaultdict[object, set[Parent]]]
"""By table and key: the parents that the row waits for."""


@dataclass
class Outcome:
    """What became of the rows of one table. `read` is the sum of the next four."""

    read: int = 0
    inserted: int = 0
    changed: int = 0
    unchanged: int = 0
    """Also those that are newer here already."""
    orphaned: int = 0
    deleted: int = 0
    kept: int = 0
    """Gone from the source, but still referred to here."""

    def add(self, other: "Outcome") -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


class Batch:
    """Readings that are written together. `targets`: all of the capability's, parents first."""

    def __init__(self, targets: Sequence[Target], leftovers: Leftovers, using: str) -> None:
        self._targets = targets
        self._leftovers = leftovers
        self._using = using
        self._readings = Readings(target.table for target in targets)
        self._spans: list[Span] = []
        self._needs = Needs(targets, self._readings, leftovers)
        self._outdated: Keys = defaultdict(set)
        self._here: Here | None = None

    def add(
        self,
        target: Target,
        rows: Mapping[object, Row],
        position: int,
        span: Span | None = None,
    ) -> None:
        """These rows were read at this position; with `span`, they are all that it holds."""
        for key, row in rows.items():
            self._readings.add(target.table, key, Reading(row, position, span is not None))
        if span is not None:
            self._spans.append(span)

    def mark_absent(self, target: Target, keys: Iterable[object], position: int) -> None:
        """These were asked for, and the source does not have them."""
        for key in keys:
            self._readings.add(target.table, key, Reading(None, position))

    def drop(self, target: Target, keys: Iterable[object]) -> None:
        """Take these out of the batch."""
        self._readings.drop(target.table, keys)

    def oldest(self) -> int:
        """The lowest position of what is in the batch; nothing in it is of any time."""
        positions = [r.position for t in self._targets for r in self._readings.of(t.table).values()]
        return min([*positions, *(span.position for span in self._spans)], default=ANY_TIME)

    def drop_outdated(self, known: Known) -> None:
        """Take out what is known here at a higher position."""
        for target in self._targets:
            readings = self._readings.of(target.table)
            newer = known.newer(target, {key: r.position for key, r in readings.items()})
            self._outdated[target.table] |= newer & self._readings.rows(target.table).keys()
            self._readings.drop(target.table, newer)

    def needs(self) -> Mapping[str, set[object]]:
        """Keys by table that must be read and added, or marked absent, before `write`. Reads this database only."""
        self._here = Here(self._targets, self._readings, self._using)
        return self._needs.keys(self._here)

    def write(self, known: Known) -> Mapping[str, Outcome]:
        """Write everything, in the transaction in which `needs` was asked last; outcomes by table."""
        assert self._here is not None
        here, outcomes = self._here, {target.table: Outcome() for target in self._targets}
        kept, left_out = self._unwritable(here)
        for target in reversed(self._targets):
            gone = here.gone[target.table] - kept[target.table]
            delete(target.model, list(gone), using=self._using)
            outcomes[target.table].deleted = len(gone)
            outcomes[target.table].kept = len(kept[target.table])
        for target in self._targets:
            self._write_table(target, here, left_out[target.table], outcomes[target.table])
            self._leftovers.keep(target, kept[target.table])
            self._remember(target, left_out[target.table], known)
        for span in self._spans:
            known.remember_span(span)
        return outcomes

    def _write_table(
        self, target: Target, here: Here, left_out: Collection[object], outcome: Outcome
    ) -> None:
        existing, rows = here.rows[target.table], self._readings.rows(target.table)
        written, overwritten, settled = [], [], self._readings.absent(target.table)
        readings = self._readings.of(target.table)
        for key, row in rows.items():
            before = existing.get(key)
            if key in left_out:
                outcome.orphaned += 1
            elif not differs(row, before):
                outcome.unchanged += 1
                if not readings[key].in_span:
                    settled.add(key)
            else:
                settled.add(key)
                written.append(
                    [*(row[f.attname] for f in target.copied.values()), *_own(target, before)]
                )
                if before is None:
                    outcome.inserted += 1
                else:
                    outcome.changed += 1
                    overwritten.append(key)
        outcome.unchanged += len(self._outdated[target.table] - rows.keys())
        outcome.read = outcome.inserted + outcome.changed + outcome.unchanged + outcome.orphaned
        if target.table in self._needs.moving:
            # Updated one by one, the first of two rows that swap a unique value would collide with the second. Foreign
            # keys on these rows are checked at commit, when they are back.
            delete(target.model, overwritten, using=self._using)
        update = [field for field in target.copied.values() if field is not target.key]
        upsert(target.model, target.fields, written, update=update, using=self._using)
        self._leftovers.settle(target, settled)

    def _remember(
        self, target: Target, left_out: Mapping[object, set[Parent]], known: Known
    ) -> None:
        read_at = {
            key: reading.position
            for key, reading in self._readings.of(target.table).items()
            if not reading.in_span and key not in left_out
        }
        gone = self._readings.absent(target.table)
        known.remember(target, read_at, deleted=gone & read_at.keys())
        self._leftovers.leave_out(target, left_out)

    def _unwritable(self, here: Here) -> tuple[Keys, LeftOut]:
        """The keys that are gone and must stay, since something here refers to them; the rows that can't come, since
        what they refer to is not in the source. The database would refuse both."""
        kept: Keys = defaultdict(set)
        while True:
            left_out = self._left_out(here, kept)
            held = [
                ref
                for ref in here.references
                if ref.key not in kept[ref.table] and self._stays(ref, kept, left_out)
            ]
            if not held:
                return kept, left_out
            for ref in held:
                kept[ref.table].add(ref.key)

    def _stays(self, ref: Reference, kept: Keys, left_out: LeftOut) -> bool:
        """Whether the reference is still there after the write."""
        if ref.child is None:
            return True
        reading = self._readings.of(ref.child.table).get(ref.child_key)
        if reading is None or ref.child_key in left_out[ref.child.table]:
            return True
        if reading.row is None:
            return ref.child_key in kept[ref.child.table]
        return reading.row[ref.attname] == ref.key

    def _left_out(self, here: Here, kept: Keys) -> LeftOut:
        left_out: LeftOut = defaultdict(lambda: defaultdict(set))
        found = True
        while found:
            found = False
            for target in self._targets:
                rows = self._readings.rows(target.table)
                for field, parent in here.parents(target):
                    missing = self._readings.absent(parent.table) - kept[parent.table]
                    missing |= left_out[parent.table].keys() - here.rows[parent.table].keys()
                    for key, row in rows.items() if missing else ():
                        wanted = (parent.table, row[field.attname])
                        if wanted[1] in missing and wanted not in left_out[target.table][key]:
                            left_out[target.table][key].add(wanted)
                            found = True
        return left_out


def _own(target: Target, here: Row | None) -> list[object]:
    """The values of the service's own fields: as they are, or as a new row gets them."""
    if here is not None:
        return [here[field.attname] for field in target.own]
    blank = target.model()
    return [field.pre_save(blank, add=True) for field in target.own]
