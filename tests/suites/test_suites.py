"""Suites run side by side, all of them whatever the others say, and none outlives an interruption."""

import os
import signal
import subprocess
import sys
import threading
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
    assert [line.removeprefix(f"{many}  ").strip() for line in shown[:5]] == [
        "begins",
        f"{'.' * 72} [ 72%]",
        f"{'.' * 27}F",
        "FAILED test_it.py::test[99]",
        "[100%]",
    ]
    (piece,) = shown[5:]
    assert "assert 99 != 99" in piece


def test_a_failure_is_named_at_once(tmp_path: Path) -> None:
    """The second test goes on only when the first was told."""
    told = tmp_path / "told"
    waits = suite(
        tmp_path,
        "waits",
        "import pathlib, time\ndef test_red(): assert 0\ndef test_waits():\n"
        f"    until = time.monotonic() + 30\n    while not pathlib.Path('{told}').exists():\n"
        "        assert time.monotonic() < until\n        time.sleep(0.01)\n",
    )

    def show(text: str) -> None:
        if text == f"{waits}  FAILED test_it.py::test_red":
            told.touch()

    (result,) = Lanes([Suite.read(waits)], lanes=1, show=show).run()
    assert result.counted == "1 failed, 1 passed"


def test_a_file_that_cannot_be_read_is_named_at_once(tmp_path: Path) -> None:
    shown: list[str] = []
    Lanes(
        [Suite.read(suite(tmp_path, "broken", "import nowhere_at_all"))],
        lanes=1,
        show=shown.append,
    ).run()
    assert shown[1].endswith("  ERROR test_it.py")


def test_a_suite_that_cannot_be_begun_has_failed_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Its folder is gone when its turn comes; the second one of that folder gets its turn too."""
    gone = tmp_path / "gone"
    takes = suite(tmp_path, "takes", f"import shutil\ndef test(): shutil.rmtree('{gone}')\n")
    lost = suite(tmp_path, "gone", "def test(): pass\n")
    last = suite(tmp_path, "last", "def test(): pass\n")
    done = run("--lanes", "1", takes, lost, lost, last)
    assert done.returncode == 1
    rows = done.stdout.splitlines()
    assert rows[-1].startswith(f"failed: {lost} {lost}; ")
    assert sum("failed, it could not be run: " in row and row.startswith(lost) for row in rows) == 2
    assert f"{last} " in rows[-2]
    assert rows[-2].endswith(": 1 passed")


def test_what_a_suite_leaves_running_is_its_failure_and_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    leaves = suite(
        tmp_path,
        "leaves",
        "import pathlib, subprocess\ndef test():\n    left = subprocess.Popen(['sleep', '97'])\n"
        f"    pathlib.Path('{pid}').write_text(str(left.pid))\n",
    )
    done = run(leaves)
    wait_until(
        lambda: has_ended(int(pid.read_text()))
    )  # the signal is sent; that it is obeyed may take a moment
    assert done.returncode == 1
    assert "failed, it left running: sleep 97, in" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"failed: {leaves}; ")


def test_a_suite_that_takes_too_long_is_ended_and_says_where_it_was(tmp_path: Path) -> None:
    hangs = suite(
        tmp_path, "hangs", "import threading\ndef test_hang(): threading.Event().wait()\n"
    )
    done = run("--within", "0.05", hangs)
    assert done.returncode == 1
    assert "failed, it took longer than 0.05 min, in" in done.stdout
    assert "threading.py" in done.stdout  # where pytest was interrupted
    assert done.stdout.splitlines()[-1].endswith(" of at most 0.05 min each")


def test_who_still_cleans_up_after_an_interruption_is_let_to(tmp_path: Path) -> None:
    """The suite itself is gone at once; the one that its test has started is not."""
    ready, cleaned = tmp_path / "ready", tmp_path / "cleaned"
    program = (
        f"import os, pathlib, signal, time\nparent = os.getppid()\npathlib.Path('{ready}').touch()\n"
        "try:\n    signal.pause()\nexcept KeyboardInterrupt:\n"
        "    while os.getppid() == parent:\n        time.sleep(0.02)\n    time.sleep(0.5)\n"
        f"    pathlib.Path('{cleaned}').touch()\n"
    )
    leaves = suite(
        tmp_path,
        "leaves",
        f"import subprocess, sys, threading\ndef test():\n"
        f"    subprocess.Popen([sys.executable, '-c', {program!r}])\n    threading.Event().wait()\n",
    )
    with subprocess.Popen([*COMMAND, leaves], cwd=TESTS, stdout=subprocess.PIPE) as running:
        wait_until(ready.exists, within_s=60)
        os.kill(running.pid, signal.SIGINT)
        running.communicate(timeout=90)
    assert cleaned.exists()


def test_what_hears_no_interruption_is_killed_and_what_it_said_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for the lanes was cut short by Ctrl-C, as `main` would have it."""
    monkeypatch.setattr("suites.process.ENDS_WITHIN_S", 0.5)
    ready = tmp_path / "ready"
    deaf = suite(
        tmp_path,
        "deaf",
        "import pathlib, signal, threading\ndef test_first(): assert 1 == 2\ndef test_hang():\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"    pathlib.Path('{ready}').touch()\n    threading.Event().wait()\n",
    )
    shown: list[str] = []
    lanes = Lanes([Suite.read(deaf)], lanes=1, show=shown.append)

    def interrupt() -> None:
        wait_until(ready.exists, within_s=60)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    # As `main` does it: what a shell has started in the background would hear none.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        watcher.start()
        with pytest.raises(KeyboardInterrupt):
            lanes.run()
        watcher.join()
    finally:
        signal.signal(signal.SIGINT, before)
    lanes.end()
    assert f"{deaf}  FAILED test_it.py::test_first" in shown
    assert shown[-1].startswith(f"\n== {deaf} failed with exit code -9 in")
    assert [result.name for result in lanes.results] == [deaf]


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
        (["tests", "--within", "0"], "above 0"),
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
    assert str(Result("a", 0, 5.0, "", "it is late")) == "failed, it is late, in 0:05"


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
