"""The box: every mail that was taken, in one SQLite file.

A mail is on disk before its sender is told that it was taken, so that a sender which may forget a mail never forgets one that
is not here. The newest are kept, up to a number and a sum of bytes; the oldest go, so that a box that is never emptied stays small.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

BUSY_TIMEOUT_S = 20.0
APPLICATION_ID = 0x4D41494C  # "MAIL"
VERSION = 2  # of the schema

SCHEMA = """
CREATE TABLE mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    size INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE INDEX mail_by_offset ON mail (offset);
CREATE TABLE recipient (
    mail INTEGER NOT NULL REFERENCES mail (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (mail, place)
) STRICT;
CREATE INDEX recipient_by_address ON recipient (lower(address), mail);
"""


class BoxError(Exception):
    """The file can't be used as a box; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One mail as the envelope said it, its subject and how many bytes it has."""

    id: int
    at: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Listed):
    """The same, and its bytes as they came."""

    content: bytes


class Box:
    """Mails in ``file``, which is made where there is none; at most ``keep`` of them, of ``keep_bytes`` together.

    Safe to use from several threads.
    """

    def __init__(self, file: Path, *, keep: int, keep_bytes: int) -> None:
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(
                file, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise BoxError(f"can't open {file}: {error}") from error
        try:
            self._prepare()
        except (sqlite3.Error, BoxError) as error:
            self._db.close()
            raise BoxError(f"{file} can't be used as a box: {error}") from error

    def _prepare(self) -> None:
        # Asked before anything is set: a file of somebody else's stays as it is.
        (found,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if self._has_tables():
            if found != APPLICATION_ID:
                raise BoxError("it is the database of something else; name another file")
            if version != VERSION:
                raise BoxError("another version made it; name another file, or remove this one")
        self._db.execute("PRAGMA journal_mode = WAL")
        # FULL: what was taken stays, even if the machine loses its power.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        with self._transaction():
            if not self._has_tables():
                # Not executescript(), which would commit first.
                for statement in filter(str.strip, SCHEMA.split(";")):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _has_tables(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master").fetchone() is not None

    def take(self, sender: str, recipients: Sequence[str], subject: str, content: bytes) -> int:
        """Keep a mail; it is on disk when this returns its number. Raises ``sqlite3.Error`` where it can't be kept."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        size = len(content)
        with self._lock, self._transaction():
            # Where it begins among all bytes ever taken: what is too much is told without adding up what is there.
            last = self._db.execute("SELECT offset + size FROM mail ORDER BY id DESC LIMIT 1")
            (offset,) = last.fetchone() or (0,)
            number = self._db.execute(
                "INSERT INTO mail (at, sender, subject, size, offset, content) VALUES (?, ?, ?, ?, ?, ?)",
                (at, sender, subject, size, offset, content),
            ).lastrowid
            assert number is not None
            self._db.executemany(
                "INSERT INTO recipient (mail, place, address) VALUES (?, ?, ?)",
                [(number, place, address) for place, address in enumerate(recipients)],
            )
            self._db.execute("DELETE FROM mail WHERE id <= ?", (number - self._keep,))
            # The newest stays, whatever its size.
            self._db.execute(
                "DELETE FROM mail WHERE offset < ? AND id < ?",
                (offset + size - self._keep_bytes, number),
            )
        return number

    def get(self, number: int) -> Taken | None:
        """One mail; None when there is none of that number, or no longer."""
        with self._lock, self._transaction("DEFERRED"):
            found = self._listed("WHERE id = :id", {"id": number})
            if not found:
                return None
            (content,) = self._db.execute(
                "SELECT content FROM mail WHERE id = ?", (number,)
            ).fetchone()
        return Taken(**asdict(found[0]), content=content)

    def newest(self, *, to: str | None = None, after: int = 0, limit: int = 100) -> list[Listed]:
        """Mails with a number above ``after``, the newest first; ``to``: those for one address, whatever its case."""
        with self._lock, self._transaction("DEFERRED"):
            return self._listed(
                "WHERE id > :after AND (:to IS NULL OR id IN (SELECT mail FROM recipient WHERE lower(address) = lower(:to))) "
                "ORDER BY id DESC LIMIT :limit",
                {"to": to, "after": after, "limit": limit},
            )

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _listed(self, rest: str, values: dict[str, object]) -> list[Listed]:
        rows = self._db.execute(
            f"SELECT id, at, sender, subject, size FROM mail {rest}",  # noqa: S608 - texts of ours
            values,
        ).fetchall()
        return [
            Listed(
                id=number,
                at=at,
                sender=sender,
                recipients=self._recipients(number),
                subject=subject,
                size=size,
            )
            for number, at, sender, subject, size in rows
        ]

    def _recipients(self, number: int) -> tuple[str, ...]:
        rows = self._db.execute(
            "SELECT address FROM recipient WHERE mail = ? ORDER BY place", (number,)
        )
        return tuple(address for (address,) in rows)

    @contextmanager
    def _transaction(self, mode: str = "IMMEDIATE") -> Iterator[None]:
        self._db.execute(f"BEGIN {mode}")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
