"""A PostgreSQL server for the tests alone: a cluster in a temporary folder, on a free port of the loopback.

    with PostgreSQL.started() as server:
        server.create_database("shop")         # its URL: postgresql://…/shop

    python tests/servers/postgresql.py -- COMMAND …    # runs it with DATABASE_URL, as Django's tests want it

Between the tests and the server stands a *keeper*: a process that ends the server and removes the folder as soon as
a pipe closes whose other end the tests hold. So the server is gone when the tests are, also after `kill -9`; and if
the keeper itself is killed, the kernel ends the server (Linux).
"""

import argparse
import ctypes
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers.programs import NotInstalled, find_programs, major_version

START_WITHIN_S = 30.0
STOP_WITHIN_S = 15.0
ATTEMPTS = 3  # somebody may take the port between our looking and the server's binding
DATABASE = "test"  # exists from the start; Django makes test_test beside it
# What nobody misses in a database that lives for a few minutes.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgreSQL:
    """A running server, as those who use it see it."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.port: int = facts["port"]
        self.pid: int = facts["pid"]
        self.folder = Path(facts["folder"])
        self._password: str = facts["password"]

    @classmethod
    @contextmanager
    def started(cls, *, durable: bool = False) -> "Iterator[PostgreSQL]":
        """A server until the block ends. `durable`: commits reach the disk, as in production; for measuring.

        Raises NotInstalled where there is no PostgreSQL.
        """
        keeper, server = _start_keeper(durable)
        with keeper:  # closes its stdin, and waits for its end
            yield server

    def url(self, database: str = DATABASE) -> str:
        """What DATABASE_URL wants."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, like: str | None = None) -> str:
        """A new database, empty or a copy of another one that nobody uses meanwhile; gives its URL."""
        template = f' TEMPLATE "{like}"' if like else ""
        self.execute(f'CREATE DATABASE "{name}"{template}')
        return self.url(name)

    def execute(self, statement: str) -> None:
        """Run a statement outside any transaction, as the one who may do anything."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def _start_keeper(durable: bool) -> "tuple[subprocess.Popen[str], PostgreSQL]":
    """Start a keeper, which lives until its stdin closes, and wait for what it says."""
    find_programs()
    words = ["--keep", *(["--durable"] if durable else [])]
    keeper = subprocess.Popen(
        [sys.executable, __file__, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the tests, which then let go of the server
    )
    assert keeper.stdout is not None
    said = keeper.stdout.readline()
    if not said:
        with keeper:
            pass
        raise RuntimeError("PostgreSQL did not start; what its keeper said is above")
    return keeper, PostgreSQL(json.loads(said))


def _keep(*, durable: bool) -> None:
    """Start the server, say where it is, and end it when stdin closes or a signal comes."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    owner = _who_runs_it()
    folder = Path(tempfile.mkdtemp(prefix="fig-pg-"))
    server: subprocess.Popen[bytes] | None = None
    try:
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        password = secrets.token_urlsafe(24)
        _make_cluster(folder, password, owner)
        server, port = _start_server(folder, owner, durable)
        facts = {"port": port, "pid": server.pid, "folder": str(folder), "password": password}
        PostgreSQL(facts).create_database(DATABASE)
        print(json.dumps(facts), flush=True)  # noqa: T201
        sys.stdin.read()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if server is not None:
            _end(server)
        shutil.rmtree(folder)


def _who_runs_it() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to be run by root; then somebody with fewer rights does. None: whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _make_cluster(folder: Path, password: str, owner: pwd.struct_passwd | None) -> None:
    programs = find_programs()
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if owner is not None:
        os.chown(secret, owner.pw_uid, owner.pw_gid)
    # Words sorted as readers expect, unlike bytes: what leans on an order that the database happens to have, fails.
    locale = ["--locale-provider=icu", "--icu-locale=en"] if major_version(programs) >= 15 else []
    made = subprocess.run(
        [
            *(programs / "initdb", "--pgdata", folder / "data", "--username=postgres", "--no-sync"),
            *("--auth=scram-sha-256", "--pwfile", secret, "--encoding=UTF8", "--locale=C", *locale),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        **_as(owner),
    )
    if made.returncode:
        raise RuntimeError(f"initdb gave {made.returncode}:\n{made.stdout}{made.stderr}")


def _start_server(
    folder: Path, owner: pwd.struct_passwd | None, durable: bool
) -> "tuple[subprocess.Popen[bytes], int]":
    settings = ["max_connections=200", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}"]  # fmt: skip
    settings += [] if durable else QUICK
    log = folder / "log"
    for _ in range(ATTEMPTS):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        with log.open("ab") as output:
            server = subprocess.Popen(
                [
                    *(find_programs() / "postgres", "-D", folder / "data", "-p", str(port)),
                    *(word for setting in settings for word in ("-c", setting)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                preexec_fn=_end_with_the_keeper if sys.platform == "linux" else None,
                **_as(owner),
            )
        if _is_ready(server, folder / "data" / "postmaster.pid"):
            return server, port
        _end(server)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _is_ready(server: "subprocess.Popen[bytes]", pid_file: Path) -> bool:
    """Wait until the server says in its file that it takes connections; False when it ends before."""
    deadline = time.monotonic() + START_WITHIN_S
    while server.poll() is None and time.monotonic() < deadline:
        if pid_file.exists() and pid_file.read_text().splitlines()[7:8] == ["ready   "]:
            return True
        time.sleep(0.02)
    return False


def _as(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _end_with_the_keeper() -> None:
    """After the change of user, which would forget it: prctl(2), PR_SET_PDEATHSIG; SIGQUIT: at once, no checkpoint."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _end(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
    try:
        server.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main() -> int:
    """Run a command with DATABASE_URL in its environment; what it gives is what this gives."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--durable", action="store_true", help="let commits reach the disk")
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("command", nargs="*", help="after --")
    wanted = parser.parse_args()
    if wanted.keep:
        _keep(durable=wanted.durable)
        return 0
    if not wanted.command:
        parser.error("which command? Write it after --")
    try:
        with PostgreSQL.started(durable=wanted.durable) as server:
            environment = os.environ | {"DATABASE_URL": server.url()}
            # Ctrl-C reaches the command too, which ends in its own way; a handler is not inherited, as ignoring it would be.
            signal.signal(signal.SIGINT, lambda *_: None)
            return subprocess.run(wanted.command, check=False, env=environment).returncode
    except NotInstalled as missing:
        print(missing, file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main())
