"""The ledger: charges and refunds as they were decided, and an append-only list of the money that moved.

One SQLite file. Every change is one transaction that takes the write lock first, and is on disk before it is answered: two
gateways on one file agree, and one that is killed leaves whole entries only. Amounts are whole cents in here.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_TIMEOUT_S = 20.0
APPLICATION_ID = 0x43415244  # "CARD"

SCHEMA = """
CREATE TABLE charge (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    card_brand TEXT NOT NULL,
    card_last4 TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('approved', 'declined', 'needs_confirmation', 'cancelled')),
    decline_code TEXT NOT NULL,
    decline_on_yes TEXT NOT NULL,
    refusal_code TEXT NOT NULL,
    refund_answer TEXT NOT NULL,
    confirmation TEXT UNIQUE,
    return_url TEXT NOT NULL,
    created_at TEXT NOT NULL,
    settled_at TEXT,
    CHECK ((status = 'declined') = (decline_code <> '')),
    CHECK ((status = 'needs_confirmation') = (settled_at IS NULL))
) STRICT;
CREATE TABLE refund (
    id TEXT PRIMARY KEY,
    charge TEXT NOT NULL REFERENCES charge (id),
    key TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    reason TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'refused')),
    refusal_code TEXT NOT NULL,
    created_at TEXT NOT NULL,
    CHECK ((status = 'refused') = (refusal_code <> ''))
) STRICT;
CREATE TABLE cancelled_key (key TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT;
CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('charge', 'refund')),
    charge TEXT NOT NULL REFERENCES charge (id),
    refund TEXT UNIQUE REFERENCES refund (id),
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    CHECK ((kind = 'charge') = (refund IS NULL)),
    CHECK ((kind = 'charge') = (amount > 0) AND amount <> 0)
) STRICT;
CREATE UNIQUE INDEX charged_once ON entry (charge) WHERE kind = 'charge';
CREATE INDEX entry_by_reference ON entry (reference, id);
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'entries are only ever added'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'entries are only ever added'); END;
"""


class LedgerError(Exception):
    """Why a file can't be the ledger, and what to do."""


class Ledger:
    """An open ledger file, made where there is none. May be used by many threads, one at a time inside."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                file, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise LedgerError(
                f"{file} can't be opened ({error}): name a file in a folder that exists"
            ) from error
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare(file)
        except sqlite3.Error as error:
            self.close()
            raise LedgerError(
                f"{file} can't be used as a ledger ({error}): name another file"
            ) from error
        except LedgerError:
            self.close()
            raise

    def _prepare(self, file: Path) -> None:
        # Asked before anything is set: a file of somebody else's stays as it is.
        [application] = self._connection.execute("PRAGMA application_id").fetchone()
        [tables] = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != APPLICATION_ID and tables:
            raise LedgerError(
                f"{file} is a database of something else: name another file for the ledger"
            )
        self._connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was answered stays, even if the machine loses its power.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        with self.writing() as db:
            [tables] = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables:
                # Not executescript(), which would commit first.
                for statement in _statements(SCHEMA):
                    db.execute(statement)
                db.execute("INSERT INTO secret VALUES ('digest', randomblob(32))")
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that holds the write lock from its beginning; rolled back on an exception."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the ledger."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
