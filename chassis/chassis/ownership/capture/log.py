# ruff: noqa: S608  # only quoted names and placeholders are put into statements
"""The log's entries, in the order in which none is passed over.

PostgreSQL gives ids before it commits, and transactions end in any order: whoever goes on "after the last id" passes
over what a slower transaction commits later with a lower id. So entries are handed out by (transaction, id), and only
those of transactions below which none is in progress any more. SQLite has one writer: by id.

A dump that is restored into another PostgreSQL server brings entries along whose transactions that server has not had
yet. Nobody stands on them, and whoever copies from there has what they speak of: they don't count until it has.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections

from chassis.ownership.capture.cursor import LogCursor
from chassis.ownership.capture.reading import Reading
from chassis.ownership.models import Change

Source = tuple[str, str]
"""A table and a column, as the entries have them."""

_COLUMNS = 'COALESCE(xid, 0), id, "table", "column", "key", "at"'


@dataclass(frozen=True)
class Entry:
    xid: int
    id: int
    table: str
    column: str
    key: str
    at: int


def entry_at(reading: Reading, cursor: LogCursor) -> Entry | None:
    """The entry that the cursor stands on; None: it is not in the log."""
    found = _select(reading, "WHERE id = %s", [cursor.id])
    return next((e for e in found if (e.xid, e.at) == (cursor.xid, cursor.at)), None)


def first_entries(reading: Reading, limit: int) -> Sequence[Entry]:
    seen, parameters = _seen(reading)
    return _select(reading, f"WHERE {seen} {_order(reading)} LIMIT %s", [*parameters, limit])


def first_since(reading: Reading, at: int) -> Entry | None:
    """The first one that was not written before this time."""
    seen, parameters = _seen(reading)
    found = _select(
        reading, f'WHERE "at" >= %s AND {seen} {_order(reading)} LIMIT 1', [at, *parameters]
    )
    return next(iter(found), None)


def entry_before(reading: Reading, entry: Entry) -> Entry | None:
    before, parameters = _beside(reading, "<", entry)
    found = _select(reading, f"WHERE {before} {_order(reading, 'DESC')} LIMIT 1", parameters)
    return next(iter(found), None)


def last_settled(reading: Reading) -> Entry | None:
    """The last one that may be handed out."""
    where, parameters = _settled(reading)
    return next(
        iter(_select(reading, f"WHERE {where} {_order(reading, 'DESC')} LIMIT 1", parameters)), None
    )


def settled_after(
    reading: Reading, cursor: LogCursor, sources: Collection[Source], limit: int
) -> Sequence[Entry]:
    """The next entries of these sources that may be handed out."""
    after, behind = _beside(reading, ">", cursor)
    settled, below = _settled(reading)
    mine, names = _of(sources)
    return _select(
        reading,
        f"WHERE {after} AND {settled} AND {mine} {_order(reading)} LIMIT %s",
        [*behind, *below, *names, limit],
    )


@dataclass(frozen=True)
class Unread:
    """What follows a place, whether or not it may be handed out yet, as far as it was counted."""

    count: int
    oldest: int | None
    mine: int
    """Of the sources asked for."""
    my_oldest: int | None


def unread_after(
    reading: Reading, place: LogCursor | Entry, sources: Collection[Source], limit: int
) -> Unread:
    after, behind = _beside(reading, ">", place)
    seen, below = _seen(reading)
    mine, names = _of(sources)
    connection: Any = connections[reading.using]
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT count(*), min("at"), count(mine), min(mine) FROM ('
            f'SELECT "at", CASE WHEN {mine} THEN "at" END AS mine FROM {_table(connection)} '
            f"WHERE {after} AND {seen} {_order(reading)} LIMIT %s) AS unread",
            [*names, *behind, *below, limit],
        )
        return Unread(*cursor.fetchone())


def _select(reading: Reading, clauses: str, parameters: Sequence[object]) -> list[Entry]:
    connection: Any = connections[reading.using]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM {_table(connection)} {clauses}", parameters)
        return [Entry(*row) for row in cursor.fetchall()]


def _table(connection: Any) -> str:
    name: str = connection.ops.quote_name(Change._meta.db_table)
    return name


def _of(sources: Collection[Source]) -> tuple[str, list[object]]:
    mine = " OR ".join('("table" = %s AND "column" = %s)' for _ in sources) or "1 = 0"
    return f"({mine})", [name for source in sources for name in source]


def _order(reading: Reading, direction: str = "") -> str:
    if reading.settled_below is None:
        return f"ORDER BY id {direction}"
    return f"ORDER BY xid {direction}, id {direction}"


def _beside(
    reading: Reading, side: Literal["<", ">"], place: LogCursor | Entry
) -> tuple[str, list[object]]:
    if reading.settled_below is None:
        return f"id {side} %s", [place.id]
    return f"(xid, id) {side} (%s, %s)", [place.xid, place.id]


def _settled(reading: Reading) -> tuple[str, list[object]]:
    if reading.settled_below is None:
        return "1 = 1", []
    return "xid < %s", [reading.settled_below]


def _seen(reading: Reading) -> tuple[str, list[object]]:
    """Without what another server wrote, and a restored dump brought along."""
    if reading.seen_below is None:
        return "1 = 1", []
    return "xid < %s", [reading.seen_below]
