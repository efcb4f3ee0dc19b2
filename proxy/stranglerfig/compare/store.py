"""``compare.db``: what differs, kept in clusters, in bounded space. The comparer is its only writer.

The counters are the account; this is the evidence. So a full disk or a broken file must not stop the counting: ``add``
says whether it could keep what it got, and a file that is no database of ours is moved aside.
"""

import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from stranglerfig.compare.diff.difference import Difference
from stranglerfig.compare.record import Exchange
from stranglerfig.compare.schema import (
    CLUSTERS,
    MIGRATIONS,
    TABLES,
    VERSION,
    document_of,
    shapes_of,
)

log = structlog.get_logger(__name__)

STORE_NAME: Final = "compare.db"
NEWEST_EXAMPLES: Final = 5  # and the first one, and the smallest
MAX_CLUSTERS: Final = 2000  # of one capability; far more than a person reads
EXAMPLE_INTERVAL_S: Final = (
    1.0  # a cluster hit a thousand times a second needs no thousand examples
)
OTHERS: Final = "(others)"
_BUSY_S: Final = 0.25  # nobody else writes; a reader never blocks the writer (WAL)


class Store:
    """The writing end. Opening it creates the file, or moves a broken one aside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._sizes: dict[str, int] = {}
        self._next_example: dict[int, float] = {}
        self._smallest: dict[int, float] = {}
        self._open()

    def add(self, exchange: Exchange, differences: Iterable[Difference]) -> bool:
        """Keep the differences of one comparison, all or none; false when they could not be kept."""
        try:
            if self._connection is None:
                self._open()
            if self._connection is None:
                return False
            with self._connection:
                for difference in differences:
                    self._add_one(self._connection, exchange, difference)
        except sqlite3.OperationalError as error:  # disk full, locked, folder gone
            log.warning("differences_not_stored", error=str(error))
            self._sizes.clear()
            self._smallest.clear()
            return False
        except sqlite3.DatabaseError as error:
            self._replace(error)
            return False
        return True

    def close(self) -> None:
        """Write what is pending into the file itself and let go of it. Safe to call twice."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _add_one(
        self, connection: sqlite3.Connection, exchange: Exchange, difference: Difference
    ) -> None:
        route, path = exchange.route, difference.template
        kind, place = difference.kind.value, difference.where
        key = (exchange.capability, route, kind, place, path, shapes_of(difference))
        cluster_id = self._find(connection, key)
        if cluster_id is None and self._is_full(connection, exchange.capability):
            key = (exchange.capability, route, kind, place, OTHERS, "")
            cluster_id = self._find(connection, key)
        if cluster_id is None:
            cluster_id = connection.execute(
                "INSERT INTO cluster (capability, route, kind, place, path, shapes, count, first_seen, last_seen)"
                " VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
                (*key, exchange.seen_at, exchange.seen_at),
            ).lastrowid
            assert cluster_id is not None
            self._sizes.pop(exchange.capability, None)
        else:
            connection.execute(
                "UPDATE cluster SET count = count + 1, last_seen = max(last_seen, ?) WHERE id = ?",
                (exchange.seen_at, cluster_id),
            )
        is_smallest = exchange.size is not None and exchange.size < self._size_of(
            connection, cluster_id
        )
        if is_smallest or exchange.seen_at >= self._next_example.get(cluster_id, 0.0):
            if is_smallest:
                self._smallest[cluster_id] = float(exchange.size or 0)
            self._next_example[cluster_id] = exchange.seen_at + EXAMPLE_INTERVAL_S
            self._add_example(connection, cluster_id, exchange, difference)

    def _size_of(self, connection: sqlite3.Connection, cluster_id: int) -> float:
        """The size of the smallest example that is kept."""
        known = self._smallest.get(cluster_id)
        if known is None:
            (size,) = connection.execute(
                "SELECT min(json_extract(document, '$.exchange.size')) FROM example WHERE cluster_id = ?",
                (cluster_id,),
            ).fetchone()
            known = self._smallest[cluster_id] = math.inf if size is None else float(size)
        return known

    def _find(self, connection: sqlite3.Connection, key: tuple[str, ...]) -> int | None:
        row = connection.execute(
            "SELECT id FROM cluster WHERE (capability, route, kind, place, path, shapes) = (?, ?, ?, ?, ?, ?)",
            key,
        ).fetchone()
        return None if row is None else int(row[0])

    def _add_example(
        self,
        connection: sqlite3.Connection,
        cluster_id: int,
        exchange: Exchange,
        difference: Difference,
    ) -> None:
        connection.execute(
            "INSERT INTO example (cluster_id, seen_at, document) VALUES (?, ?, ?)",
            (cluster_id, exchange.seen_at, document_of(exchange, difference)),
        )
        connection.execute(
            "DELETE FROM example WHERE cluster_id = :cluster"
            " AND id != (SELECT min(id) FROM example WHERE cluster_id = :cluster)"
            " AND id IS NOT (SELECT id FROM example WHERE cluster_id = :cluster AND json_extract(document, '$.exchange.size')"
            " IS NOT NULL ORDER BY json_extract(document, '$.exchange.size'), id LIMIT 1)"
            " AND id NOT IN (SELECT id FROM example WHERE cluster_id = :cluster ORDER BY id DESC LIMIT :newest)",
            {"cluster": cluster_id, "newest": NEWEST_EXAMPLES},
        )

    def _is_full(self, connection: sqlite3.Connection, capability: str) -> bool:
        size = self._sizes.get(capability)
        if size is None:
            (size,) = connection.execute(
                "SELECT count(*) FROM cluster WHERE capability = ?", (capability,)
            ).fetchone()
            self._sizes[capability] = size
        return size >= MAX_CLUSTERS

    def _open(self) -> None:
        try:
            self._connection = _connect(self._path)
        except sqlite3.OperationalError as error:
            log.warning("store_not_opened", path=self._path.name, error=str(error))
        except sqlite3.DatabaseError as error:
            self._replace(error)

    def _replace(self, error: sqlite3.DatabaseError) -> None:
        """Start a new file, since nothing can be kept in this one; a person may still want to look into it."""
        self.close()
        self._sizes.clear()
        self._next_example.clear()
        self._smallest.clear()
        aside = self._path.with_name(f"{self._path.name}.broken-{int(time.time())}")
        log.error("store_moved_aside", error=str(error), to=aside.name)
        try:
            self._path.rename(aside)
            for suffix in (
                "-wal",
                "-shm",
            ):  # without its log a good store of a later version lacks its end
                with contextlib.suppress(FileNotFoundError):
                    self._path.with_name(self._path.name + suffix).rename(f"{aside}{suffix}")
            self._connection = _connect(self._path)
        except (OSError, sqlite3.Error) as again:
            log.warning("store_not_opened", path=self._path.name, error=str(again))


def _connect(path: Path) -> sqlite3.Connection:
    """Open, create, or bring an earlier version to this one. Raises ``sqlite3.DatabaseError`` for a file that is not ours or of a later version."""
    with contextlib.suppress(OSError):  # SQLite will say what is wrong, in its own words
        # Before SQLite makes it: the files it makes beside it get the same rights.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=_BUSY_S)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a crash of the machine may cost seconds
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version > VERSION:
            raise sqlite3.DatabaseError(f"written by a later version ({version})")
        for earlier in range(version or VERSION, VERSION):
            # One transaction for each: what is killed half-way is as it was, and is tried again.
            connection.execute(CLUSTERS[earlier])
            connection.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[earlier]} PRAGMA user_version = {earlier + 1}; COMMIT;"
            )
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection
