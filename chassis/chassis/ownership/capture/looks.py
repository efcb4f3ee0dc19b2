"""From log entries to the rows to look at: those that changed themselves, and those that show something of another.

One entry may stand for any number of rows (all reviews of an author who was renamed). A page takes as many entries as
fit; of one that does not fit alone it takes a part, and its cursor says up to which row.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chassis.ownership.capture.log import Entry, Source
from chassis.ownership.capture.watches import ROW, Reach, reaches
from chassis.ownership.rows import in_key_order, parse_key
from chassis.ownership.tables import Capability, Table
from chassis.ownership.values import AnyField, Kind, encode, kind_of

# SQLite's oldest limit on parameters of one statement is 999.
MAX_VALUES = 500

Place = tuple[str, str]
"""In the rows of one entry: the name of a reach, and a key."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """Look at this row, because of this entry."""

    table: Table
    key: object
    """As written in JSON."""
    entry: Entry
    reached: bool
    """The entry names another row, of which this one shows something."""


Looks = dict[tuple[str, object], Look]


class Looker:
    """Finds what to look at for one capability, `limit` rows at most at a time."""

    def __init__(self, capability: Capability, using: str, limit: int) -> None:
        self._tables = capability.tables
        self._using = using
        self._limit = limit
        self._reaches: dict[Source, list[Reach]] = defaultdict(list)
        for reach in reaches(capability):
            self._reaches[reach.related, reach.column].append(reach)

    @property
    def sources(self) -> set[Source]:
        """Whose entries say something about this capability's rows."""
        return {(table, ROW) for table in self._tables} | set(self._reaches)

    def first_of(self, entries: Sequence[Entry]) -> tuple[Sequence[Look], int]:
        """What to look at for the first of these entries, and how many of them that are; 0: not even one fits."""
        count = len(entries)
        while count:
            looks = self._all_of(entries[:count])
            if len(looks) <= self._limit:
                order = {entry: i for i, entry in enumerate(entries)}
                return sorted(looks.values(), key=lambda look: order[look.entry]), count
            count //= 2
        return [], 0

    def part_of(self, entry: Entry, after: Place | None) -> tuple[Sequence[Look], Place | None]:
        """What to look at for an entry that does not fit, from the place where the last part ended; and where this
        part ends, None: there is no more. Raises ValueError when there can be no such place."""
        looks: Looks = {}
        for reach in self._reaches[entry.table, entry.column]:
            if after is not None and reach.name < after[0]:
                continue
            rows = in_key_order(reach.table.model, self._using)
            rows = rows.filter(**{f"{reach.lookup}__in": [_named(reach.target, entry)]})
            if after is not None and reach.name == after[0]:
                rows = rows.filter(chassis_key__gt=value_of(reach.table.key.kind, after[1]))
            room = self._limit - len(looks)
            keys = list(rows.values_list("pk", flat=True)[: room + 1])
            for key in keys[:room]:
                look = _add(looks, reach.table, key, entry, reached=True)
                after = reach.name, str(look.key)
            if len(keys) > room:
                return list(looks.values()), after
        return list(looks.values()), None

    def _all_of(self, entries: Sequence[Entry]) -> Looks:
        """By table and key; more than the limit only tells that they are too many."""
        looks: Looks = {}
        for source, those in _by_source(entries).items():
            if source[1] == ROW:
                table = self._tables[source[0]]
                for entry in those:
                    if (key := _named(table.model._meta.pk, entry)) is not None:
                        _add(looks, table, key, entry, reached=False)
            for reach in self._reaches[source]:
                self._add_reached(looks, reach, those)
                if len(looks) > self._limit:
                    return looks
        return looks

    def _add_reached(self, looks: Looks, reach: Reach, entries: Sequence[Entry]) -> None:
        named = {_named(reach.target, entry): entry for entry in entries}
        named.pop(None, None)
        values = list(named)
        for i in range(0, len(values), MAX_VALUES):
            rows = reach.table.model._base_manager.using(self._using)
            rows = rows.filter(**{f"{reach.lookup}__in": values[i : i + MAX_VALUES]}).order_by()
            found = rows.values_list("pk", reach.lookup)[: self._limit + 1]
            for key, value in found:
                # A database may take for equal what Python does not (citext): then the last entry will do.
                _add(looks, reach.table, key, named.get(value, entries[-1]), reached=True)


def value_of(kind: Kind | None, text: str) -> object:
    """The value that a trigger wrote as text. Raises ValueError."""
    return text if kind is None or kind is Kind.TEXT else parse_key(kind, text)


def _named(field: AnyField, entry: Entry) -> object | None:
    """The value of `field` by which the entry names a row; None: it can't be one."""
    try:
        return value_of(kind_of(field), entry.key)
    except ValueError:  # SQLite lets anything be written into any column
        logger.warning(
            "Entry %s of the change log names no row of %s: %r.", entry.id, entry.table, entry.key
        )
        return None


def _add(looks: Looks, table: Table, key: object, entry: Entry, *, reached: bool) -> Look:
    look = Look(table, encode(table.key.kind, key), entry, reached)
    known = looks.get((table.name, look.key))
    if known is None or (known.entry.xid, known.entry.id) < (entry.xid, entry.id):
        looks[table.name, look.key] = look
    return look


def _by_source(entries: Sequence[Entry]) -> Mapping[Source, list[Entry]]:
    found: dict[Source, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.table, entry.column].append(entry)
    return found
