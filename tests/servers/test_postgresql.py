"""The server of the tests is gone when the tests are, however they end; where there is none, it is said what to install."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from chaos.processes import has_ended
from crowd.accounts import wait_until

from servers import programs
from servers.postgresql import PostgreSQL

COMMAND = [sys.executable, str(Path(__file__).with_name("postgresql.py"))]
# What a test run does: it starts a server, and tells where; then it hangs.
HOLD = """
import signal, sys
from servers.postgresql import PostgreSQL
with PostgreSQL.started() as server:
    print(server.pid, server.folder, flush=True)
    signal.pause()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_and_leaves_nothing_when_the_tests_are_killed(number: signal.Signals) -> None:
    tests = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert tests.stdout is not None
    pid, folder = tests.stdout.readline().split()
    assert Path(folder).is_dir()
    tests.send_signal(number)
    tests.communicate(timeout=60)
    wait_until(lambda: has_ended(int(pid)) and not Path(folder).exists())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_it_ends_when_its_keeper_is_killed() -> None:
    with PostgreSQL.started() as server:
        stat = Path(f"/proc/{server.pid}/stat").read_text()
        keeper = int(stat.rpartition(")")[2].split()[1])
        os.kill(keeper, signal.SIGKILL)
        wait_until(lambda: has_ended(server.pid))
    subprocess.run(["rm", "-r", str(server.folder)], check=True)  # what nobody is left to remove


@pytest.mark.slow
def test_a_database_is_copied_and_nobody_without_the_password_gets_in() -> None:
    with PostgreSQL.started() as server:
        with psycopg.connect(server.create_database("first")) as connection:
            connection.execute("CREATE TABLE a AS SELECT 1 AS one")
        with psycopg.connect(server.create_database("second", like="first")) as connection:
            assert connection.execute("SELECT one FROM a").fetchall() == [(1,)]
        address = f"host=127.0.0.1 port={server.port} user=postgres"
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(address, passfile=os.devnull)


@pytest.mark.slow
def test_a_command_runs_with_the_database_and_its_exit_code_is_given() -> None:
    script = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']); raise SystemExit(7)"
    done = subprocess.run([*COMMAND, "--", sys.executable, "-c", script], check=False)
    assert done.returncode == 7


def test_no_command_is_a_mistake_in_the_call() -> None:
    done = subprocess.run(COMMAND, check=False, capture_output=True, text=True)
    assert (done.returncode, "Write it after --" in done.stderr) == (2, True)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without PostgreSQL; its one folder of programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "DEBIAN", tmp_path / "none")
    return tmp_path


def program(path: Path, script: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_where_it_cannot_be_installed_that_is_said_and_nothing_is_skipped(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert programs.main() == 1
    said = capsys.readouterr().err
    assert "PostgreSQL is not installed" in said
    assert "apt-get install postgresql" in said


def test_where_it_can_be_installed_it_is(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "DEBIAN", bare / "debian")
    newest = bare / "debian" / "17" / "bin"
    script = f'echo "$@" >> {bare}/asked; [ "$1" = update ] || /bin/mkdir -p {newest}; ' + " ".join(
        f"/bin/cp {bare}/apt-get {newest}/{name} 2>/dev/null;" for name in ("initdb", "postgres")
    )
    program(bare / "apt-get", f"{script} true")
    program(bare / "sudo", '[ "$1" = --non-interactive ] && shift; exec "$@"')
    assert programs.main() == 0
    asked = (bare / "asked").read_text()
    assert asked == "update -qq\ninstall -y -qq --no-install-recommends postgresql\n"


def test_an_installation_that_fails_is_told(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(bare / "apt-get", "exit 100")
    program(bare / "sudo", '[ "$1" = --non-interactive ] && shift; exec "$@"')
    assert programs.main() == 1
    assert "apt-get update -qq failed" in capsys.readouterr().err


def test_the_path_goes_before_debian_and_debian_gives_its_newest(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "DEBIAN", bare / "debian")
    for version in ("9.6", "15", "17"):
        for name in ("initdb", "postgres"):
            program(bare / "debian" / version / "bin" / name)
    assert programs.find_programs() == bare / "debian" / "17" / "bin"
    (bare / "initdb").symlink_to(bare / "debian" / "15" / "bin" / "initdb")
    assert programs.find_programs() == bare / "debian" / "15" / "bin"
