"""A PostgreSQL server of the test's own, which may be killed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
# What is not committed reaches the disk late: so a crash loses as much as it can.
wal_writer_delay = 10s
"""


def programs() -> Path | None:
    """Where PostgreSQL's programs are, None: nowhere."""
    found = shutil.which("initdb") or max(
        map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None
    )
    return Path(found).resolve().parent if found else None


class Cluster:
    def __init__(self, folder: Path, user: str | None) -> None:
        self._data = folder / "data"
        self._user = user
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "postgres", "-N")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"{_SETTINGS}port = {self.port}\n")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> Any:
        return psycopg.connect(self.url(database), autocommit=True)

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._data / "log"), "-w", "start")

    def crash(self) -> None:
        """No process gets to write anything more."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")

    def start_as_standby(self) -> None:
        (self._data / "standby.signal").touch()
        if self._user is not None:
            shutil.chown(self._data / "standby.signal", self._user)
        self.start()

    def promote(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "promote")

    def dumped_to(self, database: str) -> str:
        """The database, restored from a dump into another one of this server; gives its URL."""
        folder = programs()
        assert folder is not None
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {database}")
        dump = subprocess.run(
            [str(folder / "pg_dump"), self.url()], check=True, capture_output=True, timeout=60
        )
        url = self.url(database)
        subprocess.run(
            [str(folder / "psql"), "-q", "-v", "ON_ERROR_STOP=1", url],
            check=True,
            input=dump.stdout,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
        return url

    def _run(self, program: str, *arguments: str) -> None:
        folder = programs()
        assert folder is not None
        subprocess.run(
            [str(folder / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user,
            cwd=self._data.parent,
            timeout=60,
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """PostgreSQL refuses to run as root: then it runs as the user `postgres`."""
    folder = Path(tempfile.mkdtemp(prefix="chassis-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    made = Cluster(folder, user)
    made.start()
    try:
        yield made
    finally:
        made.crash()
        shutil.rmtree(folder)
