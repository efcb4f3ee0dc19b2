"""compare.db of earlier and later versions: read, brought to this version with all it holds, or left as it is."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stranglerfig.compare import store as store_module
from stranglerfig.compare.diff.difference import Difference, Kind, Shape
from stranglerfig.compare.reading import read_clusters, read_example
from stranglerfig.compare.record import Exchange
from stranglerfig.compare.redact import RedactedRequest
from stranglerfig.compare.schema import CLUSTERS, MIGRATIONS, TABLES, VERSION, document_of
from stranglerfig.compare.store import Store

VERSION_1 = """
CREATE TABLE cluster (
    id INTEGER PRIMARY KEY, capability TEXT NOT NULL, route TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL,
    path TEXT NOT NULL, count INTEGER NOT NULL, first_seen REAL NOT NULL, last_seen REAL NOT NULL,
    UNIQUE (capability, route, kind, place, path)
);
CREATE TABLE example (
    id INTEGER PRIMARY KEY, cluster_id INTEGER NOT NULL REFERENCES cluster (id) ON DELETE CASCADE,
    seen_at REAL NOT NULL, document TEXT NOT NULL
);
CREATE INDEX example_of_cluster ON example (cluster_id, id);
PRAGMA user_version = 1;
"""
EXCHANGE = Exchange(
    "r1", 1000.0, "catalog", "GET /x", "shadow", "monolith", 7, "monolith", "catalog", 200, 200,
    RedactedRequest("GET", "/x", (), None, 0),
)  # fmt: skip
TYPE = Difference(Kind.TYPE, "body", "$.a", "$.a", Shape("number", 1), Shape("string", 3))
STATUS = Difference(Kind.VALUE, "status", "", "", Shape("number", clear="200"), Shape("number", clear="404"))  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of version 1 with two clusters, and one of places that had no room."""
    path = tmp_path / "compare.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(VERSION_1)
        for number, each in enumerate((TYPE, STATUS, replace(TYPE, template="(others)")), start=5):
            connection.execute(
                "INSERT INTO cluster VALUES (?, 'catalog', 'GET /x', ?, ?, ?, ?, 900, 1000)",
                (number, each.kind, each.where, each.template, number * 10),
            )
            for _ in range(2):
                connection.execute(
                    "INSERT INTO example (cluster_id, seen_at, document) VALUES (?, 1000, ?)",
                    (number, document_of(EXCHANGE, each)),
                )
    return path


def told(path: Path) -> list[tuple[int, str, str, int, float, float]]:
    return [
        (each.id, each.place, each.shapes, each.count, each.first_seen, each.last_seen)
        for each in read_clusters(path)
    ]


EXPECTED = [
    (7, "body (others)", "", 70, 900.0, 1000.0),
    (6, "status", "200 → 404", 60, 900.0, 1000.0),
    (5, "body $.a", "number → string", 50, 900.0, 1000.0),
]


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def test_an_earlier_store_is_read_without_being_changed(path: Path) -> None:
    assert told(path) == EXPECTED
    detail = read_example(path, 5)
    assert detail is not None
    assert (len(detail.examples), detail.smallest) == (2, None)
    assert version_of(path) == 1


def test_the_writer_brings_it_to_this_version_and_goes_on_in_its_clusters(path: Path) -> None:
    store = Store(path)
    assert (version_of(path), told(path)) == (VERSION, EXPECTED)
    assert store.add(replace(EXCHANGE, size=10), [TYPE, STATUS])
    store.close()
    assert [(number, count) for number, _, _, count, _, _ in told(path)] == [(7, 70), (6, 61), (5, 51)]  # fmt: skip
    detail = read_example(path, 5)
    assert detail is not None
    assert len(detail.examples) == 3
    assert detail.smallest is not None
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert not list(path.parent.glob("*broken*"))


def test_what_is_stopped_half_way_is_as_it_was_and_is_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = {1: MIGRATIONS[1] + "SELECT no_such_function();"}
    monkeypatch.setattr(store_module, "MIGRATIONS", killed)
    store = Store(path)
    assert not store.add(EXCHANGE, [TYPE])
    assert (version_of(path), told(path)) == (1, EXPECTED)
    monkeypatch.undo()
    assert store.add(EXCHANGE, [TYPE])
    store.close()
    assert version_of(path) == VERSION


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from stranglerfig.compare import schema, store

class Connection(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.create_function("kill", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))

connect = sqlite3.connect
sqlite3.connect = lambda path, **kwargs: connect(path, factory=Connection, **kwargs)
store.MIGRATIONS = {1: schema.MIGRATIONS[1] + "SELECT kill();"}
store.Store(Path(sys.argv[1]))
"""


def test_a_writer_that_is_killed_half_way_loses_nothing(path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert (version_of(path), told(path)) == (1, EXPECTED)
    Store(path).close()
    assert (version_of(path), told(path)) == (VERSION, EXPECTED)


def test_a_comparer_of_the_version_before_can_still_write(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO cluster (capability, route, kind, place, path, count, first_seen, last_seen)"
            " VALUES ('c', 'r', 'value', 'body', '$.x', 1, 1, 1)"
        )
    assert len(read_clusters(path)) == 4


def test_every_earlier_version_can_be_read_and_brought_to_this_one() -> None:
    assert set(CLUSTERS) == set(range(1, VERSION + 1))
    assert set(MIGRATIONS) == set(range(1, VERSION))


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return sorted((name, " ".join(sql.replace('"', "").split())) for name, sql in rows)


def test_a_store_that_was_brought_here_has_the_tables_of_a_new_one(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(":memory:")) as new:
        new.executescript(TABLES)
        assert schema(old) == schema(new)


@pytest.fixture
def reader(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who looks into a store, so that its log cannot be folded in."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA user_version = 99")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM cluster").fetchone()
        yield connection


def test_a_later_store_is_moved_aside_with_its_log(path: Path, reader: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE cluster SET count = 1000 WHERE id = 5")
    store = Store(path)
    assert store.add(EXCHANGE, [TYPE])
    store.close()
    reader.rollback()
    (aside,) = path.parent.glob("compare.db.broken-*[0-9]")
    with closing(sqlite3.connect(aside)) as connection:
        (count,) = connection.execute("SELECT count FROM cluster WHERE id = 5").fetchone()
    assert count == 1000
    assert [each.count for each in read_clusters(path)] == [1]
