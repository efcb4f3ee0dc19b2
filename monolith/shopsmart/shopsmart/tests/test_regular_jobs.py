"""The shop's regular commands are run again and again, whatever one of them does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(PROJECT / "regular_jobs.py")]


class Jobs:
    """A running scheduler whose manage.py is one of the test's: it writes what it was told, and obeys it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # A copy, so that the manage.py beside it is the test's.
        (folder / "regular_jobs.py").write_text((PROJECT / "regular_jobs.py").read_text())
        (folder / "manage.py").write_text(
            "import os, signal, sys, time\n"
            "with open('ran', 'a') as ran:\n"
            "    ran.write(' '.join(sys.argv[1:]) + '\\n')\n"
            "if sys.argv[1] == 'linger':\n"
            "    def end(*_):\n"
            "        open('ended well', 'w').close()\n"
            "        sys.exit(0)\n"
            "    signal.signal(signal.SIGTERM, end)\n"
            "    open('lingers', 'w').close()\n"
            "    signal.pause()\n"
            "if sys.argv[1] == 'fail':\n"
            "    sys.exit(3)\n"
        )
        self.process: subprocess.Popen[str] | None = None

    def start(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "regular_jobs.py", *words],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ran(self) -> list[str]:
        file = self.folder / "ran"
        return file.read_text().splitlines() if file.exists() else []

    def wait_until(self, file: str, lines: int = 0) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            path = self.folder / file
            if path.exists() and len(path.read_text().splitlines()) >= lines:
                return
            time.sleep(0.02)
        raise AssertionError(f"{file} did not come: {self.ran()}")

    def stop(self) -> tuple[int, str]:
        """Its exit code and what it logged."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        _, logged = self.process.communicate(timeout=60)
        return self.process.returncode, logged


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


def test_each_is_run_at_once_and_again_at_its_interval_with_its_options(jobs: Jobs) -> None:
    jobs.start("100ms:often --json", "1h:seldom")
    jobs.wait_until("ran", lines=4)
    assert jobs.stop()[0] == 0
    ran = jobs.ran()
    assert ran.count("seldom") == 1
    assert set(ran) == {"often --json", "seldom"}
    assert ran[:2] == ["often --json", "seldom"]


def test_one_that_fails_is_told_and_run_again_and_keeps_nobody_from_running(jobs: Jobs) -> None:
    jobs.start("50ms:fail", "50ms:other")
    jobs.wait_until("ran", lines=6)
    code, logged = jobs.stop()
    assert code == 0
    assert jobs.ran().count("fail") >= 2
    assert jobs.ran().count("other") >= 2
    assert "fail ended with 3; again in 0.05 s" in logged


def test_the_one_that_runs_is_told_to_end_and_waited_for(jobs: Jobs) -> None:
    jobs.start("1h:linger")
    jobs.wait_until("lingers")
    code, logged = jobs.stop()
    assert code == 0
    assert (jobs.folder / "ended well").exists()
    assert "ended with" not in logged


def test_a_sign_of_life_is_given_and_its_lack_is_told(jobs: Jobs, tmp_path: Path) -> None:
    beat = tmp_path / "beat"

    def ask() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, "--beats", str(beat)], check=False, capture_output=True, text=True
        )

    missing = ask()
    assert (missing.returncode, "no sign of life" in missing.stdout) == (1, True)
    jobs.start("1h:seldom", "--beat", str(beat))
    jobs.wait_until("beat")
    assert ask().returncode == 0
    jobs.stop()
    os.utime(beat, (time.time() - 61, time.time() - 61))
    late = ask()
    assert (late.returncode, late.stdout) == (1, "last sign of life 61 s ago\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name at least one job"),
        (["often"], "is no interval and command"),
        (["0s:often"], "is no interval and command"),
        (["2 m:often"], "is no interval and command"),
        (['1m:often "x'], "No closing quotation"),
    ],
)
def test_what_is_no_job_is_refused(words: list[str], said: str) -> None:
    refused = subprocess.run([*COMMAND, *words], check=False, capture_output=True, text=True)
    assert refused.returncode == 2
    assert said in refused.stderr
