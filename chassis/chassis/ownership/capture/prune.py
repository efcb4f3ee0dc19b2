# ruff: noqa: S608  # only quoted names and placeholders are put into statements
"""Deletes old entries of the log, oldest first, in small transactions.

What goes is always the beginning of the log in the order in which it is read. The last of the old entries stays: a
reader that has passed everything old stands on it, however long nothing has changed since. So a cursor whose entry is
gone is told from one that was never given, and there is always a place to begin.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connections

from chassis.ownership.capture import log
from chassis.ownership.capture.install import log_database
from chassis.ownership.capture.reading import reading
from chassis.ownership.models import Change

BATCH = 1000

# Brought along in a dump of another server: this one has not had that transaction yet, as the same statement sees it.
_STRAY = "xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


def prune(keep: timedelta) -> int:
    """Delete the entries that are older than `keep`; gives how many those were.

    Readers that have not come further by then get 410, and copy again.
    """
    connection: Any = connections[log_database()]
    with reading("", ()) as now:
        end = log.first_since(now, now.at - keep // timedelta(microseconds=1))
        last = log.last_settled(now)
        if last is None:
            return 0  # `capture` has to make a place to begin first
        if end is None or (last.xid, last.id) < (end.xid, end.id):
            end = last
        else:
            end = log.entry_before(now, end) or end
    if connection.vendor == "postgresql":
        deleted = _delete(connection, "(xid, id) < (%s, %s)", (end.xid, end.id))
        return deleted + _delete(connection, _STRAY, ())
    return _delete(connection, "id < %s", (end.id,))


def _delete(connection: Any, where: str, parameters: Sequence[object]) -> int:
    table = connection.ops.quote_name(Change._meta.db_table)
    order = "xid, id" if connection.vendor == "postgresql" else "id"
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {where} "
                f"ORDER BY {order} LIMIT {BATCH})",
                parameters,
            )
            gone = int(cursor.rowcount)
        deleted += gone
        if gone < BATCH:
            return deleted
