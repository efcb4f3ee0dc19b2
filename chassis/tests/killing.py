"""Both ends of the channel as processes that can be killed and started again, each side with its own database."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from tests.conftest import CREDENTIAL
from tests.processes import ROOT, environment, manage
from tests.test_backfill_killed import COLUMNS


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

    def wait(self) -> int:
        """Until it ends by itself; gives the exit code."""
        assert self._popen is not None
        return self._popen.wait(timeout=60)

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
    """A writer process; at the end it is let finish, which it does once it has changed enough."""
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
        assert writer.wait() == 0


class System:
    """The source's server, its writers, the copy's consumer and a backfill, each a process."""

    def __init__(self, source: Database, copy: Database, folder: Path) -> None:
        self.source, self.copy = source, copy
        for database in (source, copy):
            manage(environment(database.url), "migrate", "--verbosity", "0")
        self._log, self.second_log = folder / "log", folder / "second"
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
        before, deadline = self.copy.query(query), time.monotonic() + 120
        while self.copy.query(query) == before:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def assert_equal(self) -> None:
        """What the consumer makes of everything up to now: nothing is lost, doubled, stale or left over."""
        summary = json.loads(manage(self.copy_env, "consume", "--once", "--json"))
        assert summary["copied"] == []
        for name in ("shelf", "book"):
            assert self.copy.rows(f"reading_room_{name}") == self.source.rows(f"library_{name}")
        for leftover in ("kept", "orphan"):
            assert self.copy.query(f"SELECT * FROM chassis_ownership_{leftover}") == []  # noqa: S608
        assert "Traceback" not in self.log()

    def changes(self) -> int:
        """How many the copy has got through the feed."""
        ((changes,),) = self.copy.query("SELECT changes FROM chassis_ownership_replicacursor")
        return int(changes)

    def lines(self) -> list[str]:
        """What the consumer has told."""
        return [line for line in self.log().splitlines() if line.startswith("lending: ")]

    def wait_for_line(self, words: str, times: int = 1) -> None:
        deadline = time.monotonic() + 120
        while sum(words in line for line in self.lines()) < times:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def end(self) -> None:
        for process in self.everything:
            process.end()
