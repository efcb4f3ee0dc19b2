"""The shop's regular commands are run again and again, whatever one of them does."""

import os
import re
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
        self.script = folder / "regular_jobs.py"
        self.script.write_text((PROJECT / "regular_jobs.py").read_text())
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
            "if sys.argv[1] == 'hang':\n"
            "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "    open('hangs', 'w').close()\n"
            "    signal.pause()\n"
            "if sys.argv[1] == 'fail':\n"
            "    sys.exit(3)\n"
        )
        self.process: subprocess.Popen[str] | None = None

    def hurry(self, **seconds: float) -> None:
        """Wait less long than in earnest, by the names of its constants."""
        text = self.script.read_text()
        for name, value in seconds.items():
            text, count = re.subn(rf"^{name} = .*", f"{name} = {value}", text, flags=re.MULTILINE)
            assert count == 1, name
        self.script.write_text(text)

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

    def is_well(self) -> tuple[bool, str]:
        """What a health check is told by the beat of this name."""
        told = subprocess.run(
            [*COMMAND, "--beats", str(self.folder / "beat")],
            check=False,
            capture_output=True,
            text=True,
        )
        return told.returncode == 0, told.stdout

    def wait_until(self, file: str, lines: int = 0) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            path = self.folder / file
            if path.exists() and len(path.read_text().splitlines()) >= lines:
                return
            time.sleep(0.02)
        raise AssertionError(f"{file} did not come: {self.ran()}")

    def wait_while(self, file: str, word: str) -> None:
        deadline = time.monotonic() + 60
        while word in (self.folder / file).read_text():
            assert time.monotonic() < deadline, f"{file} still says {word}"
            time.sleep(0.02)

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
        made.stop()  # it ends what it started


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


def test_one_that_hangs_is_ended_and_keeps_nobody_from_running_for_ever(jobs: Jobs) -> None:
    jobs.hurry(KILL_AFTER_S=0.1)
    jobs.start("1h:hang", "1h:other", "--limit", "2s")
    jobs.wait_until("hangs")
    jobs.wait_until("ran", lines=2)
    _, logged = jobs.stop()
    assert jobs.ran() == ["hang", "other"]
    assert "hang was ended after 2 s; again in 3600 s" in logged


def test_one_that_hangs_does_not_outlive_the_stop(jobs: Jobs) -> None:
    jobs.hurry(KILL_AFTER_S=0.1)
    jobs.start("1h:hang")
    jobs.wait_until("hangs")
    assert jobs.stop()[0] == 0


def test_a_sign_of_life_is_given_and_its_lack_is_told(jobs: Jobs) -> None:
    beat = jobs.folder / "beat"
    well, said = jobs.is_well()
    assert not well
    assert "no sign of life" in said
    jobs.start("1h:seldom", "--beat", "beat")
    jobs.wait_until("beat")
    assert jobs.is_well()[0]
    jobs.stop()
    os.utime(beat, (time.time() - 61, time.time() - 61))
    assert jobs.is_well() == (False, "last sign of life 61 s ago\n")


def test_one_that_waits_for_another_too_long_is_told(jobs: Jobs) -> None:
    jobs.hurry(LATE_AFTER_S=0.1, BEAT_EVERY_S=0.1, KILL_AFTER_S=0.1)
    jobs.start("1h:hang", "1h:other", "--beat", "beat")
    jobs.wait_until("beat", lines=1)
    well, said = jobs.is_well()
    assert not well
    assert re.match(r"other is \d+ s late: hang runs\n", said)


def test_one_that_fails_again_and_again_is_told_until_it_does_not(jobs: Jobs) -> None:
    jobs.start("50ms:fail", "--beat", "beat")
    jobs.wait_until("beat", lines=1)
    well, said = jobs.is_well()
    assert not well
    assert re.match(r"fail failed \d+ times in a row\n", said)
    (jobs.folder / "manage.py").write_text("open('mended', 'w').close()\n")
    jobs.wait_until("mended")
    jobs.wait_while("beat", "failed")
    assert jobs.is_well()[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name at least one job"),
        (["often"], "is no interval and command"),
        (["0s:often"], "is no interval and command"),
        (["2 m:often"], "is no interval and command"),
        (['1m:often "x'], "No closing quotation"),
        (["1m:often", "--limit", "long"], "'long' is no time"),
    ],
)
def test_what_is_no_job_is_refused(words: list[str], said: str) -> None:
    refused = subprocess.run([*COMMAND, *words], check=False, capture_output=True, text=True)
    assert refused.returncode == 2
    assert said in refused.stderr
