"""Everything is killed at random moments while somebody writes: in the end nothing is lost, doubled or stale."""

import json
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.conftest import CREDENTIAL
from tests.processes import ROOT, environment, manage
from tests.test_backfill_killed import COLUMNS

SECONDS = 10.0


class Database:
    """One side's database of its own: a file, or one that is made on the server under test."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.url.startswith("sqlite"):
            other: Any = sqlite3.connect(self.url.removeprefix("sqlite://"), timeout=20)
        else:
            import psycopg

            other = psycopg.connect(self.url, autocommit=True)
        try:
            return list(other.execute(sql).fetchall())
        finally:
            other.close()

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        # SQLite computes prices in binary: 64.04 + 1 - 1 is another number, which Django reads as 64.04.
        columns = COLUMNS[table].replace("price", "round(price, 2)")
        return sorted(self.query(f"SELECT {columns} FROM {table}"))  # noqa: S608 - known names


@pytest.fixture
def databases(
    tmp_path: Path, django_db_setup: None, django_db_blocker: Any
) -> Iterator[list[Database]]:
    """The source's and the copy's, empty and migrated."""
    with ExitStack() as stack:
        urls = [stack.enter_context(database_url(tmp_path, name)) for name in ("source", "copy")]
        for url in urls:
            manage(environment(url), "migrate", "--verbosity", "0")
        yield [Database(url) for url in urls]


@contextmanager
def database_url(folder: Path, name: str) -> Iterator[str]:
    if connection.vendor == "sqlite":
        yield f"sqlite://{folder / name}.sqlite3"
        return
    import psycopg

    settings = connection.settings_dict
    who = f"{settings['USER']}:{settings['PASSWORD']}"
    server = f"postgresql://{who}@{settings['HOST']}:{settings['PORT'] or 5432}"
    name = f"{settings['NAME']}_{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as other:
        other.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        other.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            other.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Process:
    """A process that is started, killed and started again."""

    def __init__(self, env: dict[str, str], *arguments: str, log: Path) -> None:
        self._env = env
        self._arguments = arguments
        self._log = log
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self, fds: tuple[int, ...] = ()) -> None:
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, *self._arguments, *map(str, fds)],
                cwd=ROOT,
                env=self._env,
                pass_fds=fds,
                stdout=log,
                stderr=log,
            )

    def runs(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def end(self, number: int = signal.SIGKILL) -> int | None:
        """Sends the signal; gives the exit code, None when it was not running."""
        if self._popen is None:
            return None
        self._popen.send_signal(number)
        code = self._popen.wait(timeout=30)
        self._popen = None
        return code


class Server(Process):
    """On one port through all its lives; while it is dead, connections to it are refused."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        super().__init__(env, "-m", "tests.serve", log=log)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self, fds: tuple[int, ...] = ()) -> None:
        with socket.create_server(("127.0.0.1", self._port)) as listener:
            super().start((listener.fileno(),))


@contextmanager
def writing(env: dict[str, str], seed: int) -> Iterator[None]:
    """A writer process; at the end it is let finish."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.writing", str(seed)],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        assert writer.stdout.readline() == "filled\n"
        try:
            yield
        finally:
            writer.stdin.close()
            done = int(writer.stdout.read().split()[0])
        assert writer.wait() == 0
        assert done > 50


class System:
    """The source's server, its writers, the copy's consumer and a backfill, each a process."""

    def __init__(self, databases: list[Database], folder: Path) -> None:
        self.source, self.copy = databases
        self._log = folder / "log"
        self.source_env = environment(self.source.url)
        self.server = Server(self.source_env, self._log)
        self.copy_env = environment(
            self.copy.url, CHASSIS_CREDENTIAL=CREDENTIAL, CHASSIS_SOURCE_URL=self.server.url
        )
        consume = ("tests/manage.py", "consume", "--interval", "20ms", "--limit", "50")
        backfill = ("tests/manage.py", "backfill", "--chunk", "20")
        self.consumer = Process(self.copy_env, *consume, log=self._log)
        self.backfill = Process(self.copy_env, *backfill, log=self._log)
        self.everything = (self.server, self.consumer, self.backfill)

    def wait_for_a_page(self) -> None:
        """Until the consumer has applied another one."""
        query = "SELECT epoch, step FROM chassis_ownership_replicacursor"
        before, deadline = self.copy.query(query), time.monotonic() + 40
        while self.copy.query(query) == before:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def log(self) -> str:
        return self._log.read_text()

    def end(self) -> None:
        for process in self.everything:
            process.end()


@pytest.fixture
def system(databases: list[Database], tmp_path: Path) -> Iterator[System]:
    system = System(databases, tmp_path)
    try:
        yield system
    finally:
        system.end()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_under_writes_nothing_is_lost_doubled_or_stale(
    system: System, seed: int
) -> None:
    draw = random.Random(seed)
    with ExitStack() as writers:
        writers.enter_context(writing(system.source_env, seed))
        if connection.vendor == "postgresql":  # commits in between the other one's transactions
            writers.enter_context(writing(system.source_env, seed + 100))
        kills, ends = 0, time.monotonic() + SECONDS
        while kills < 4 or time.monotonic() < ends:
            for process in system.everything:
                if not process.runs():
                    process.start()
            system.wait_for_a_page()
            time.sleep(draw.uniform(0, 0.4))  # a moment that no commit sets
            assert system.consumer.runs(), system.log()
            for victim in draw.sample(system.everything, draw.choice([1, 1, 2, 3])):
                victim.end(draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
                kills += 1
    system.end()
    system.server.start()
    summary = json.loads(manage(system.copy_env, "consume", "--once", "--json"))
    assert summary["copied"] == []
    for name in ("shelf", "book"):
        assert system.copy.rows(f"reading_room_{name}") == system.source.rows(f"library_{name}")
    ((changes,),) = system.copy.query("SELECT changes FROM chassis_ownership_replicacursor")
    assert changes > 50
    for leftover in ("kept", "orphan"):
        assert system.copy.query(f"SELECT * FROM chassis_ownership_{leftover}") == []  # noqa: S608
    assert "Traceback" not in system.log()
