"""However the demo ends, nothing it started lives on, and the last thing printed says why."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo import report
from demo.failure import DemoError

# A demo with one process: it tells the id of that on stdout, then waits; the child needs a moment to end.
DEMO = """
import signal, sys, time
from pathlib import Path
from demo import __main__ as demo
from demo.processes import Processes

CHILD = "import signal, sys, time; signal.signal(15, lambda *_: (time.sleep(0.5), sys.exit())); print(1); time.sleep(60)"

def run(topology, processes, once):
    child = processes.start("child", [sys.executable, "-u", "-c", CHILD], Path("."), {})
    while not child.log.read_text():
        time.sleep(0.01)
    print(child.process.pid, flush=True)
    time.sleep(60)

state = Path(sys.argv.pop())
demo.load_topology = lambda: type("Topology", (), {"state_dir": state})
demo._run = run
sys.exit(demo.main())
"""


@contextmanager
def started(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A demo whose child is up, and the child's id."""
    demo = subprocess.Popen(
        [sys.executable, "-c", DEMO, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        yield demo, int(demo.stdout.readline())
    finally:
        demo.kill()
        demo.communicate()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_demo_and_its_processes(number: signal.Signals, tmp_path: Path) -> None:
    with started(tmp_path) as (demo, child):
        demo.send_signal(number)
        out, err = demo.communicate(timeout=20)
        assert (demo.returncode, err) == (130, "")
        assert "ending every process" in out
        assert not is_alive(child)


def test_a_second_ctrl_c_leaves_nothing_behind_either(tmp_path: Path) -> None:
    with started(tmp_path) as (demo, child):
        assert demo.stdout is not None
        demo.send_signal(signal.SIGINT)
        assert "ending" in demo.stdout.readline()
        demo.send_signal(signal.SIGINT)
        _out, err = demo.communicate(timeout=20)
        assert (demo.returncode, err) == (130, "")
        assert not is_alive(child)


def test_a_reader_that_went_away_leaves_nothing_behind(tmp_path: Path) -> None:
    with started(tmp_path) as (demo, child):
        assert demo.stdout is not None
        demo.stdout.close()
        demo.send_signal(signal.SIGTERM)
        demo.wait(20)
        assert not is_alive(child)


def test_the_end_of_a_log_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    log = "[/not a tag] [error] [2026-01-01 00:00:00] worker [17] failed"
    report.fail(DemoError(log))
    assert log in capsys.readouterr().out
