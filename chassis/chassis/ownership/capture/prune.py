# ruff: noqa: S608  # only quoted names and placeholders are put into statements
"""Deletes old entries of the log, oldest first, in small transactions.

What goes is always the beginning of the log in the order in which it is read, and at least the last entry stays: so a
cursor whose entry is gone is told from one that was never given, and there is always a place to begin.
"""

from datetime import timedelta
from typing import Any

from django.db import connections

from chassis.ownership.capture import log
from chassis.ownership.capture.install import log_database
from chassis.ownership.capture.reading import reading
from chassis.ownership.models import Change

BATCH = 1000


def prune(keep: timedelta) -> int:
    """Delete the entries that are older than `keep`; gives how many those were.

    Readers that have not come further by then get 410, and copy again.
    """
    connection: Any = connections[log_database()]
    with reading("", ()) as now:
        end = log.first_since(now, now.at - keep // timedelta(microseconds=1))
        last = log.last_settled(now)
    if last is None:
        return 0
    if end is None or (last.xid, last.id) < (end.xid, end.id):
        end = last
    table = connection.ops.quote_name(Change._meta.db_table)
    order, until = "id", [end.id]
    if connection.vendor == "postgresql":
        order, until = "xid, id", [end.xid, end.id]
    marks = ", ".join("%s" for _ in until)
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE ({order}) < ({marks}) "
                f"ORDER BY {order} LIMIT {BATCH})",
                until,
            )
            gone = int(cursor.rowcount)
        deleted += gone
        if gone < BATCH:
            return deleted
