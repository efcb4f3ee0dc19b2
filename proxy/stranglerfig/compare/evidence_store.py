"""``evidence.db``: the comparer's measures across restarts and kills. The comparer is its only writer.

A file of its own beside ``compare.db``: a store of differences that is moved aside must not take along what is known of noise.
A disk that is full stops nothing: the measures go on in memory, and are written when there is room.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog

from stranglerfig.compare.evidence_rows import TABLES, VERSION, R, Row, schema
from stranglerfig.compare.reading import StoreError

log = structlog.get_logger(__name__)

EVIDENCE_NAME: Final = "evidence.db"
_BUSY_S: Final = 0.25


class EvidenceStore:
    """The writing end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self.times_replaced = 0
        """How often the file was moved aside: what was written is then in no file."""
        self._open()

    def read(self, kind: type[R]) -> list[R]:
        """All rows of a kind. Raises ``StoreError`` if they cannot be read now: that is not the same as none."""
        if self._connection is None:
            self._open()
        if self._connection is None:
            raise StoreError(f"{self._path} cannot be opened")
        try:
            return _rows(self._connection, kind)
        except sqlite3.Error as error:
            log.warning("evidence_not_read", error=str(error))
            raise StoreError(f"{self._path} cannot be read: {error}") from error

    def write(self, rows: Iterable[Row], forgotten: Iterable[str] = ()) -> bool:
        """Forget capabilities, then write rows, all or nothing; false when that could not be done."""
        if self._connection is None:
            self._open()
        if self._connection is None:
            return False
        try:
            with self._connection as connection:
                for capability in forgotten:
                    for name in TABLES.values():
                        sql = f"DELETE FROM {name} WHERE capability = ?"  # noqa: S608 - a name of ours
                        connection.execute(sql, (capability,))
                for row in rows:
                    columns = [field.name for field in fields(row)]
                    marks = ", ".join("?" * len(columns))
                    connection.execute(
                        f"INSERT OR REPLACE INTO {TABLES[type(row)]} VALUES ({marks})",  # noqa: S608
                        [getattr(row, name) for name in columns],
                    )
        except sqlite3.Error as error:
            log.warning("evidence_not_written", error=str(error))
            if not isinstance(error, sqlite3.OperationalError):
                self._replace(error)
            return False
        return True

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _open(self) -> None:
        try:
            self._connection = _connect(self._path)
        except sqlite3.OperationalError as error:
            log.warning("evidence_not_opened", error=str(error))
        except sqlite3.DatabaseError as error:
            self._replace(error)

    def _replace(self, error: sqlite3.Error) -> None:
        self.close()
        self.times_replaced += 1
        aside = self._path.with_name(f"{self._path.name}.broken-{int(time.time())}")
        log.error("evidence_moved_aside", error=str(error), to=aside.name)
        try:
            self._path.rename(aside)
            for suffix in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    self._path.with_name(self._path.name + suffix).rename(f"{aside}{suffix}")
            self._connection = _connect(self._path)
        except (OSError, sqlite3.Error) as again:
            log.warning("evidence_not_opened", error=str(again))


def read_rows(state_dir: Path, kind: type[R]) -> list[R]:
    """All rows of a kind, read only, whether or not a comparer runs; none without a file. Raises ``StoreError``."""
    path = state_dir / EVIDENCE_NAME
    if not path.exists():
        return []
    try:
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=2.0)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:  # being created
                return []
            if version != VERSION:
                raise StoreError(
                    f"{path} was written by another version of fig ({version}, this one reads {VERSION});"
                    " use the fig that the proxy runs, or restart the proxy with this one"
                )
            return _rows(connection, kind)
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be read: {error}; the proxy moves a broken one aside when it starts"
        ) from error


def _rows(connection: sqlite3.Connection, kind: type[R]) -> list[R]:
    names = ", ".join(field.name for field in fields(kind))
    cursor = connection.execute(f"SELECT {names} FROM {TABLES[kind]}")  # noqa: S608
    return [kind(*row) for row in cursor]


def _connect(path: Path) -> sqlite3.Connection:
    with contextlib.suppress(OSError):  # SQLite will say what is wrong, in its own words
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=_BUSY_S)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN; {schema()} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            raise sqlite3.DatabaseError(f"written by another version ({version})")
    except BaseException:
        connection.close()
        raise
    return connection
