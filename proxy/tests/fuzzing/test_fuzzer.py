"""The fuzzer itself: it finds a bug that was put in, keeps it as a case, and can be stopped. Needs atheris, as ``make fuzz`` installs it."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fuzzing import findings

TESTS = Path(__file__).parent.parent
PATIENCE_S = 500
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(PATIENCE_S + 60),
    pytest.mark.skipif(
        importlib.util.find_spec("atheris") is None, reason="atheris comes with make fuzz"
    ),
]


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "fuzzing", "--folder", str(folder), *arguments]
    return subprocess.Popen(
        command,
        cwd=TESTS,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores it, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_a_request_with_a_length_and_a_coding_is_found(tmp_path: Path) -> None:
    run = start(tmp_path, "--plant", "length_beside_coding", "--runs", "1000000", "requests")
    said, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 1, said
    [(target, data)] = findings.read_all(tmp_path / "planted").values()
    assert target == "requests"
    assert b"content-length" in data.lower()
    assert b"transfer-encoding" in data.lower()
    assert "findings: 1" in said


def test_nothing_found_is_said_with_figures_and_the_corpus_stays(tmp_path: Path) -> None:
    run = start(tmp_path, "--runs", "500", "--seed", "1", "cookies")
    said, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, said
    assert "findings: 0" in said
    assert any((tmp_path / "corpus" / "cookies").iterdir())


def test_ctrl_c_ends_it_with_a_summary(tmp_path: Path) -> None:
    run = start(tmp_path, "--seconds", "600", "cookies", "target")
    assert run.stdout is not None
    assert run.stdout.readline().startswith("cookies: ")
    log = tmp_path / "logs" / "cookies.log"
    while not (log.exists() and "INITED" in log.read_text()):
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, said
    assert "stopped" in said
    assert "target:" not in said, "the next one is not begun"
    assert "findings: 0" in said
