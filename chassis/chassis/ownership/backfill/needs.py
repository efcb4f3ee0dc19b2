"""Which other rows a batch needs before it can be written: as keys that are to be read, or read again.

- Parents: rows that its foreign keys refer to, where they are not here (a parent that lies later in the walk, or is
  newer than the copy of its table).
- Holders: rows here that hold a unique value which a row of the batch brings (two rows have swapped it). Both are read,
  in one request and so of one moment.
- Referrers: rows here that still refer to one which is gone from the source.
- Orphans that were left out earlier, when the row comes that they refer to.

Readings of different moments may contradict each other: a row refers to another that was read as gone, two rows hold
one unique value. The older of the two is then out of date and is read again, until they agree. A source may contradict
itself for good, where its database does not enforce what this one does: so a key is not asked for any more when it was
read `MOST_ALIKE` times with the same result. Then what refers to nothing is an orphan, and what is referred to is kept.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import UniqueConstraint

from chassis.ownership.backfill.decoding import Row
from chassis.ownership.backfill.here import Here, differs
from chassis.ownership.backfill.leftovers import Leftovers
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.backfill.readings import Readings

MOST_ALIKE = 4
# A batch that still needs something after so many rounds is of rows that change faster than they can be read.
MOST_ROUNDS = 40

Keys = defaultdict[str, set[object]]
"""Keys by table."""


class UnsettledError(Exception):
    """The rows change faster than they can be read: the page must be read again."""


class Needs:
    """Asks what is needed, round by round; `moving` are the tables in which unique values change hands."""

    def __init__(self, targets: Sequence[Target], readings: Readings, leftovers: Leftovers) -> None:
        self._targets = targets
        self._readings = readings
        self._leftovers = leftovers
        self._alike: dict[tuple[str, object], tuple[Row | None, int]] = {}
        """By table and key: what was read last, and how often running."""
        self._rounds = 0
        self.moving: set[str] = set()

    def keys(self, here: Here) -> Mapping[str, set[object]]:
        """What is to be read now, by table; nothing: the batch can be written. Reads this database only.

        Raises UnsettledError.
        """
        needed: Keys = defaultdict(set)
        self.moving.clear()
        for target in self._targets:
            before = here.rows[target.table]
            rows = self._readings.rows(target.table)
            new = {key: row for key, row in rows.items() if differs(row, before.get(key))}
            if new:
                self._need_parents(target, new, here, needed)
                self._need_holders(target, new, here, needed)
                self._need_orphans(target, new.keys() - before.keys(), needed)
        self._need_referrers(here, needed)
        wanted = {
            table: {key for key in keys if self._may_ask(table, key)}
            for table, keys in needed.items()
        }
        self._rounds += 1
        if any(wanted.values()) and self._rounds > MOST_ROUNDS:
            raise UnsettledError
        return {table: keys for table, keys in wanted.items() if keys}

    def _may_ask(self, table: str, key: object) -> bool:
        reading = self._readings.of(table).get(key)
        if reading is None:
            return True
        row, times = self._alike.get((table, key), (None, 0))
        times = times + 1 if times and row == reading.row else 1
        self._alike[table, key] = reading.row, times
        return times < MOST_ALIKE

    def _need_parents(
        self, target: Target, new: Mapping[object, Row], here: Here, needed: Keys
    ) -> None:
        children = self._readings.of(target.table)
        for field, parent in here.parents(target):
            known, unknown = self._readings.of(parent.table), set()
            for key, row in new.items():
                value = row[field.attname]
                if value is None:
                    continue
                reading = known.get(value)
                if reading is None:
                    unknown.add(value)
                elif reading.row is None and reading.position < children[key].position:
                    needed[parent.table].add(value)
                elif reading.row is None and reading.position > children[key].position:
                    needed[target.table].add(key)
            needed[parent.table] |= unknown - here.keys(parent, unknown)

    def _need_holders(
        self, target: Target, new: Mapping[object, Row], here: Here, needed: Keys
    ) -> None:
        readings = self._readings.of(target.table)
        for names in _unique_sets(target):
            wanted: dict[tuple[object, ...], object] = {}
            for key, row in new.items():
                values = tuple(row[name] for name in names)
                if None in values:
                    continue
                other = wanted.setdefault(values, key)
                if readings[other].position != readings[key].position:
                    needed[target.table] |= {other, key}
            for holder, values in here.holders(target, names, wanted):
                key = wanted[values]
                if key == holder:
                    continue
                reading = readings.get(holder)
                if reading is None:
                    needed[target.table] |= {holder, key}
                elif reading.row is not None:  # else it goes first
                    self.moving.add(target.table)
                    still = tuple(reading.row[name] for name in names) == values
                    if still and reading.position != readings[key].position:
                        needed[target.table] |= {holder, key}

    def _need_orphans(self, target: Target, keys: set[object], needed: Keys) -> None:
        for table, orphans in self._leftovers.waiting_for(target, keys).items():
            needed[table] |= orphans - self._readings.of(table).keys()

    def _need_referrers(self, here: Here, needed: Keys) -> None:
        for ref in here.references:
            if ref.child is None:
                continue
            reading = self._readings.of(ref.child.table).get(ref.child_key)
            gone_at = self._readings.of(ref.table)[ref.key].position
            if reading is None:
                needed[ref.child.table].add(ref.child_key)
            elif reading.row is not None and reading.row[ref.attname] == ref.key:
                if reading.position > gone_at:
                    needed[ref.table].add(ref.key)
                elif reading.position < gone_at:
                    needed[ref.child.table].add(ref.child_key)


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
