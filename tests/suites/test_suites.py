"""Suites run side by side, all of them whatever the others say, and none outlives an interruption."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.processes import has_ended
from crowd.accounts import wait_until

from suites.lanes import Lanes, Result
from suites.suite import ROOT, Suite

TESTS = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "suites"]

# Passes only while the other one runs.
MEETS = """
import pathlib, time
def test_meet():
    here, other = pathlib.Path("{here}"), pathlib.Path("{other}")
    here.touch()
    until = time.monotonic() + 60
    while not other.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
"""
# A test with a server that it stops when it is interrupted, and one that hears no Ctrl-C.
HANGS = """
import pathlib, subprocess, sys, time
def test_hang():
    server = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    deaf = subprocess.Popen([sys.executable, "-c",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"],
        stdout=subprocess.PIPE)
    deaf.stdout.readline()
    try:
        pathlib.Path("{pids}.new").write_text(f"{{server.pid}} {{deaf.pid}}")
        pathlib.Path("{pids}.new").rename("{pids}")
        time.sleep(120)
    finally:
        pathlib.Path("{torn_down}").touch()
"""


def suite(folder: Path, name: str, tests: str) -> str:
    """A folder with tests that knows nothing of the house's; gives its path as a suite's name."""
    made = folder / name
    made.mkdir()
    (made / "pytest.ini").write_text("[pytest]\n")
    (made / "test_it.py").write_text(tests)
    return str(made)


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *words], cwd=TESTS, check=False, capture_output=True, text=True, timeout=100
    )


def test_two_lanes_run_two_suites_at_the_same_time(tmp_path: Path) -> None:
    one, two = tmp_path / "one.came", tmp_path / "two.came"
    first = suite(tmp_path, "first", MEETS.format(here=one, other=two))
    second = suite(tmp_path, "second", MEETS.format(here=two, other=one))
    done = run("--lanes", "2", first, second)
    assert done.returncode == 0, done.stdout
    assert "every suite passed" in done.stdout


def test_what_failed_is_named_and_keeps_nobody_from_running(tmp_path: Path) -> None:
    red = suite(tmp_path, "red", "def test_red():\n    assert 1 == 2, 'as it must be'\n")
    green = suite(tmp_path, "green", "def test_one(): pass\ndef test_two(): pass\n")
    empty = suite(tmp_path, "empty", "")
    done = run("--lanes", "1", red, empty, green)
    assert done.returncode == 1
    assert "as it must be" in done.stdout
    last = done.stdout.splitlines()
    assert last[-1].startswith(f"failed: {red} {empty}; ")
    rows = {row.split()[0]: row for row in last[-4:-1]}
    assert "failed with exit code 1 in" in rows[red]
    assert rows[red].endswith(": 1 failed")
    assert "failed with exit code 5 in" in rows[empty]
    assert rows[green].endswith(": 2 passed")


def test_progress_is_shown_at_once_and_all_else_in_one_piece(tmp_path: Path) -> None:
    shown: list[str] = []
    many = suite(
        tmp_path,
        "many",
        "import pytest\n@pytest.mark.parametrize('n', range(100))\ndef test(n): assert n != 99\n",
    )
    Lanes([Suite.read(many)], lanes=1, show=shown.append).run()
    assert shown[:3] == [
        f"{many}  begins",
        f"{many}  {'.' * 72} [ 72%]",
        f"{many}  {'.' * 27}F{' ' * 44} [100%]",
    ]
    (piece,) = shown[3:]
    assert "assert 99 != 99" in piece


def test_the_fast_ones_alone(tmp_path: Path) -> None:
    marked = suite(
        tmp_path,
        "marked",
        "import pytest\n@pytest.mark.slow\ndef test_slow(): assert 0\ndef test_fast(): pass\n",
    )
    (Path(marked) / "pytest.ini").write_text("[pytest]\nmarkers = slow: x\n")
    assert run("--fast", marked).returncode == 0
    assert run(marked).returncode == 1


def test_two_suites_of_one_folder_never_run_at_the_same_time(tmp_path: Path) -> None:
    """The second would find the mark of the first."""
    alone = suite(
        tmp_path,
        "alone",
        f"import pathlib, time\nmark = pathlib.Path('{tmp_path}/mark')\n"
        "def test():\n    mark.touch(exist_ok=False)\n    time.sleep(0.2)\n    mark.unlink()\n",
    )
    other = suite(tmp_path, "other", "def test(): pass\n")
    done = run("--lanes", "3", alone, alone, alone, other)
    assert done.returncode == 0, done.stdout
    assert done.stdout.index(f"{other}  begins") < done.stdout.index(f"== {alone} ")


@pytest.mark.slow
def test_on_postgresql_a_suite_has_a_server_of_its_own(tmp_path: Path) -> None:
    asks = "import os, psycopg\ndef test(): psycopg.connect(os.environ['DATABASE_URL']).close()\n"
    done = run(f"{suite(tmp_path, 'asks', asks)}@postgresql")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    suites, places = [], []
    for name in ("one", "two"):
        pids, torn_down = tmp_path / f"{name}.pids", tmp_path / f"{name}.down"
        places.append((pids, torn_down))
        suites.append(suite(tmp_path, name, HANGS.format(pids=pids, torn_down=torn_down)))
    never = suite(
        tmp_path, "never", f"import pathlib\ndef test(): pathlib.Path('{tmp_path}/ran').touch()\n"
    )
    running = subprocess.Popen(
        [*COMMAND, "--lanes", "2", *suites, never], cwd=TESTS, stdout=subprocess.PIPE, text=True
    )
    wait_until(lambda: all(pids.exists() for pids, _ in places), within_s=60)
    os.kill(running.pid, number)
    said, _ = running.communicate(timeout=90)
    assert running.returncode == 130
    assert "interrupted" in said
    for pids, torn_down in places:
        assert torn_down.exists()  # the tests' own way to end was gone
        for pid in pids.read_text().split():
            wait_until(lambda pid=pid: has_ended(int(pid)))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "there is no folder nowhere"),
        (["nowhere@postgresql"], "there is no folder nowhere"),
        (["tests", "--lanes", "0"], "at least 1"),
        ([], "SUITE"),
    ],
)
def test_a_mistake_in_the_call_is_told(words: list[str], says: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_result_tells_its_end_and_its_time() -> None:
    assert str(Result("a", 0, 245.4, "")) == "passed in 4:05"
    assert str(Result("a", 1, 3599.6, "")) == "failed with exit code 1 in 60:00"


def test_make_runs_every_part() -> None:
    """The list in the Makefile is the one that counts."""
    said = subprocess.run(
        ["make", "--dry-run", "test-all"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    (asked,) = [line for line in said.splitlines() if "-m suites" in line]
    parts = {str(file.parent.relative_to(ROOT)) for file in ROOT.glob("**/pyproject.toml")}
    parts = {part for part in parts if not part.startswith(".")} - {"."}
    named = set(asked.split())
    assert parts | {"tests"} <= named
    django = {part for part in parts if "django" in (ROOT / part / "pyproject.toml").read_text()}
    assert {f"{part}@postgresql" for part in django} >= {
        word for word in named if "@postgresql" in word
    }
