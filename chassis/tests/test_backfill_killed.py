"""kill -9 at random moments: nothing is lost, nothing doubled, and the counts still add up."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.conftest import CREDENTIAL
from tests.processes import ROOT, environment, manage, serving

BOOKS, SHELVES, KILLS = 4000, 200, 5
COLUMNS = {
    "library_shelf": "id, above_id, name, closed",
    "library_book": (
        "isbn, title, shelf_id, (SELECT name FROM library_author a WHERE a.id = author_id),"
        " price, added_at, changed_at"
    ),
    "reading_room_shelf": "id, above_id, name, closed",
    "reading_room_book": "isbn, title, shelf_id, author, price, added_at, changed_at",
}


def fill(path: Path, seed: int) -> None:
    """Rows by plain SQL; shelves stand below any other shelf, with smaller or larger keys."""
    draw = random.Random(seed)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA foreign_keys = OFF")
        for table in ("library_book", "library_shelf", "library_author"):
            database.execute(f"DELETE FROM {table}")  # noqa: S608 - names from above
        database.execute("INSERT INTO library_author VALUES (?, 'Åsa', NULL)", ["0" * 31 + "1"])
        shelves = draw.sample(range(1, SHELVES * 2), SHELVES)
        names = draw.sample(range(SHELVES * 2), SHELVES)  # change hands from seed to seed
        database.executemany(
            "INSERT INTO library_shelf (id, above_id, name, closed) VALUES (?, ?, ?, 0)",
            [
                (key, draw.choice([None, *shelves[:place]]), f"Shelf {name}")
                for place, (key, name) in enumerate(zip(shelves, names, strict=True))
            ],
        )
        database.executemany(
            "INSERT INTO library_book (isbn, title, shelf_id, author_id, price, added_at, changed_at,"
            " note) VALUES (?, ?, ?, ?, ?, ?, ?, '')",
            [
                (
                    f"{key:05}",
                    f"Book {draw.random()}",
                    draw.choice(shelves),
                    draw.choice([None, "0" * 31 + "1"]),
                    draw.randrange(10_000) / 100,
                    "2025-03-30 00:59:59.123456",
                    f"2025-03-30 00:59:59.{draw.randrange(10**6):06}",
                )
                for key in draw.sample(range(BOOKS * 2), BOOKS)
            ],
        )


def rows(path: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        select = f"SELECT {COLUMNS[table]} FROM {table} ORDER BY 1"  # noqa: S608 - names from above
        return database.execute(select).fetchall()


def start(env: dict[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "tests/manage.py", *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_chunks(process: "subprocess.Popen[bytes]", target: Path, chunks: int) -> None:
    """Until this process has committed so many, as the cursors in its database tell."""
    deadline = time.monotonic() + 60
    with closing(sqlite3.connect(target, timeout=20)) as database:
        query = "SELECT walk, sum(step) FROM chassis_ownership_backfillcursor"
        walk, before = database.execute(query).fetchone()
        while time.monotonic() < deadline and process.poll() is None:
            now_walk, now = database.execute(query).fetchone()
            if now - (before if now_walk == walk else 0) >= chunks:
                return
            time.sleep(0.002)
    out, err = process.communicate()
    raise AssertionError(f"it ended, or stood still, before {chunks} chunks: {out!r} {err!r}")


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="its databases are files; test_consume_killed has both"
)
@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_again_and_again_the_copy_still_equals_the_source(
    tmp_path: Path, ending: signal.Signals
) -> None:
    source, target = tmp_path / "source.sqlite3", tmp_path / "target.sqlite3"
    source_env = environment(f"sqlite://{source}")
    target_env = environment(f"sqlite://{target}", CHASSIS_CREDENTIAL=CREDENTIAL)
    for env in (source_env, target_env):
        manage(env, "migrate", "--verbosity", "0")
    draw = random.Random(ending)
    with serving(source_env) as url:
        arguments = ("backfill", "--source", url, "--chunk", "50", "--json")
        fill(source, seed=1)
        first = json.loads(manage(target_env, *arguments))
        assert first["tables"]["library_book"]["inserted"] == BOOKS
        before = {
            name: {row[0]: row for row in rows(target, f"reading_room_{name}")}
            for name in ("shelf", "book")
        }
        fill(source, seed=2)  # nearly every row of it has changed, vanished or is new
        kills = 0
        while True:
            process = start(target_env, *arguments)
            if kills < KILLS:
                # Anywhere between two commits: some chunks on, and a moment that no commit sets.
                wait_for_chunks(process, target, draw.randint(1, 10))
                time.sleep(draw.uniform(0, 0.01))
                process.send_signal(ending)
            out, err = process.communicate(timeout=100)
            if process.returncode == 0:
                break  # on a busy machine the signal may come too late for one of the last
            assert process.returncode == (-ending if ending == signal.SIGKILL else 130), err
            kills += 1
        assert kills >= 2
        summary = json.loads(out)
    assert summary["resumed"]
    for name in ("shelf", "book"):
        assert rows(target, f"reading_room_{name}") == rows(source, f"library_{name}")
    # Each row was inserted, changed or deleted once, however often the walk was broken off.
    for name in ("shelf", "book"):
        after = {row[0]: row for row in rows(source, f"library_{name}")}
        counted = summary["tables"][f"library_{name}"]
        assert counted["inserted"] == len(after.keys() - before[name].keys()) > 0
        assert counted["deleted"] == len(before[name].keys() - after.keys()) > 0
        common = after.keys() & before[name].keys()
        assert counted["changed"] == sum(after[key] != before[name][key] for key in common)
        # A row that another one needed early is read twice, and unchanged the second time.
        assert counted["rows_read"] >= len(after)
        written = counted["inserted"] + counted["changed"] + counted["unchanged"]
        assert (counted["rows_read"], counted["kept"]) == (written, 0)
