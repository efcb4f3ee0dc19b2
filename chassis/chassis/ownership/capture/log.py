# ruff: noqa: S608  # only quoted names and placeholders are put into statements
"""The log's entries, in the order in which none is passed over.

PostgreSQL gives ids before it commits, and transactions end in any order: whoever goes on "after the last id" passes
over what a slower transaction commits later with a lower id. So entries are handed out by (transaction, id), and only
those of transactions below which none is in progress any more. SQLite has one writer: by id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

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


def first_entry(reading: Reading) -> Entry | None:
    return next(iter(_select(reading, f"{_order(reading)} LIMIT 1", [])), None)


def first_since(reading: Reading, at: int) -> Entry | None:
    """The first one that was not written before this time."""
    found = _select(reading, f'WHERE "at" >= %s {_order(reading)} LIMIT 1', [at])
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
    after, behind = _after(reading, cursor)
    settled, below = _settled(reading)
    mine = " OR ".join('("table" = %s AND "column" = %s)' for _ in sources) or "1 = 0"
    parameters = [*behind, *below, *(name for source in sources for name in source), limit]
    return _select(
        reading, f"WHERE {after} AND {settled} AND ({mine}) {_order(reading)} LIMIT %s", parameters
    )


def seen_after(reading: Reading, place: LogCursor | Entry, limit: int) -> Sequence[Entry]:
    """The next entries of any source, whether or not they may be handed out yet."""
    after, parameters = _after(reading, place)
    return _select(reading, f"WHERE {after} {_order(reading)} LIMIT %s", [*parameters, limit])


def _select(reading: Reading, clauses: str, parameters: Sequence[object]) -> list[Entry]:
    connection: Any = connections[reading.using]
    table = connection.ops.quote_name(Change._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM {table} {clauses}", parameters)
        return [Entry(*row) for row in cursor.fetchall()]


def _order(reading: Reading, direction: str = "") -> str:
    if reading.settled_below is None:
        return f"ORDER BY id {direction}"
    return f"ORDER BY xid {direction}, id {direction}"


def _after(reading: Reading, place: LogCursor | Entry) -> tuple[str, list[object]]:
    if reading.settled_below is None:
        return "id > %s", [place.id]
    return "(xid, id) > (%s, %s)", [place.xid, place.id]


def _settled(reading: Reading) -> tuple[str, list[object]]:
    if reading.settled_below is None:
        return "1 = 1", []
    return "xid < %s", [reading.settled_below]
