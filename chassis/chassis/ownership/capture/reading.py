"""A reading: one snapshot of the database, and its *position*, which says how new what was read in it is.

Of two readings of one incarnation the one with the higher position saw everything that the other saw, for every row;
equal positions saw the same. Why, and why no version of a row could say that, is decision record 0005.

- PostgreSQL: a snapshot sees the transactions below its `xmax`, except those in progress. `xmax` never falls, and as
  long as it stays the same, transactions in progress can only end. So (xmax, minus how many are in progress) rises
  with what is seen.
- SQLite has one writer: the counter that numbers the log's entries is the order of commits.

A PostgreSQL server that crashes may give transaction ids again, if the log it writes ahead had not reached the disk. So
a reading that saw such transactions makes sure that it has, before it is handed out.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.db import DatabaseError, OperationalError, connections, transaction

from chassis.ownership.capture.install import log_database
from chassis.ownership.models import CaptureState, Change
from chassis.problem import ProblemError

LOCK_TIMEOUT_MS = 2000

# Up to 2^20 transactions at once, four times what PostgreSQL allows connections.
_IN_PROGRESS_BITS = 20
_MOST_IN_PROGRESS = (1 << _IN_PROGRESS_BITS) - 1

_SNAPSHOT = """
SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint, (SELECT count(*) FROM pg_snapshot_xip(s)),
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_insert_lsn()::text END,
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE concat_ws('/',
        (SELECT system_identifier FROM pg_control_system()),
        left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
        (SELECT oid FROM pg_database WHERE datname = current_database())) END
FROM pg_current_snapshot() AS s
"""


@dataclass(frozen=True)
class Reading:
    """What is read with `using` while it lasts is of one snapshot."""

    using: str
    position: int | None
    incarnation: uuid.UUID | None
    """None, and so is the position: the capability is not captured."""
    began: uuid.UUID | None
    """The incarnation as it is stored, without what tells this copy of the database from another."""
    settled_below: int | None
    """PostgreSQL: every transaction with a lower id has ended. None: every entry that is seen counts."""
    seen_below: int | None
    """PostgreSQL: it sees no transaction of this server with this id or a higher one."""
    at: int
    """Microseconds since 1970, by the clock of the log."""


@contextmanager
def reading(capability: str, tables: Sequence[str]) -> Iterator[Reading]:
    """Read these tables in one snapshot, which takes no lock that a writer would wait for.

    Raises ProblemError 503 when a table is altered at the moment, or this is no primary.
    """
    connection: Any = connections[log_database()]
    try:
        if connection.vendor == "postgresql":
            with _postgresql(connection, capability, tables) as found:
                yield found
        elif connection.vendor == "sqlite":
            with _sqlite(connection, capability) as found:
                yield found
        else:
            yield Reading(connection.alias, None, None, None, None, None, time.time_ns() // 1000)
    except OperationalError as error:
        state = getattr(error.__cause__, "sqlstate", None)
        if state == "55P03" or "locked" in str(error):
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "busy",
                "A table is locked at the moment, to be altered or emptied. Ask again.",
            ) from error
        raise


@contextmanager
def _postgresql(connection: Any, capability: str, tables: Sequence[str]) -> Iterator[Reading]:
    outermost = not connection.in_atomic_block
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            if outermost:
                # Locks first, then the snapshot: to one that is older than a TRUNCATE or a rewriting ALTER TABLE, the
                # table is empty, and every row of it would be told as deleted.
                names = ", ".join(map(connection.ops.quote_name, sorted(set(tables))))
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                    f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"
                    + (f"; LOCK TABLE {names} IN ACCESS SHARE MODE" if names else "")
                )
            else:
                _refuse_many_snapshots(connection)
            cursor.execute(_SNAPSHOT)
            xmin, xmax, in_progress, at, written, copy = cursor.fetchone()
        if written is None:
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "not_primary",
                f"The database {connection.alias} is a standby, whose snapshots have no position.",
            )
        began = _incarnation(connection, capability)
        position = xmax << _IN_PROGRESS_BITS | max(_MOST_IN_PROGRESS - in_progress, 0)
        yield Reading(
            using=connection.alias,
            position=None if began is None else position,
            # Server, timeline (another one after a failover or a restored backup) and database.
            incarnation=None if began is None else uuid.uuid5(began, copy),
            began=began,
            settled_below=xmin,
            seen_below=xmax,
            at=at,
        )
    if outermost:
        _wait_for_disk(connection, written)


def _refuse_many_snapshots(connection: Any) -> None:
    """Raises ProblemError 500 in a transaction that was begun outside and takes a snapshot for each statement."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        (level,) = cursor.fetchone()
    if level not in ("repeatable read", "serializable"):
        raise ProblemError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "not_one_snapshot",
            f"A transaction that is {level} was begun on the database {connection.alias} before the reading (by a "
            "middleware?): what is read in it is not of one snapshot, and has no position.",
        )


def _wait_for_disk(connection: Any, written: str) -> None:
    """Returns when what had been written ahead up to this place can't be lost by a crash any more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", [written])
        if cursor.fetchone() == (True,):
            return
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # A commit takes with it all that was written before it.
        cursor.execute("SET LOCAL synchronous_commit = local")
        cursor.execute("SELECT pg_logical_emit_message(true, 'chassis', '')")


@contextmanager
def _sqlite(connection: Any, capability: str) -> Iterator[Reading]:
    outermost = not connection.in_atomic_block
    with connection.cursor() as cursor:
        if outermost:
            # Whatever kind of transaction the project has Django begin: IMMEDIATE would wait for a writer.
            cursor.execute("BEGIN DEFERRED")
        try:
            cursor.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = %s", [Change._meta.db_table]
            )
            found = cursor.fetchone()
            began = _incarnation(connection, capability)
            yield Reading(
                using=connection.alias,
                position=None if began is None else (found[0] if found else 0),
                incarnation=began,
                began=began,
                settled_below=None,
                seen_below=None,
                at=time.time_ns() // 1000,
            )
        finally:
            if outermost:
                try:
                    cursor.execute("ROLLBACK")
                except DatabaseError:
                    connection.close()


def _incarnation(connection: Any, capability: str) -> uuid.UUID | None:
    states = CaptureState.objects.using(connection.alias).filter(capability=capability)
    return states.values_list("incarnation", flat=True).first()
