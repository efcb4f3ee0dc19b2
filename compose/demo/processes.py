"""Starts, watches and ends the processes of the system. Every one is ended by its id, in reverse order."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests

from demo.failure import DemoError

STOP_AFTER_S = 15.0
READY_WITHIN_S = 60.0


@dataclass
class Running:
    """One started process and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check_alive(self) -> None:
        """Raise DemoError with the end of the log when the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise DemoError(f"{self.name} ended with {code}. {_log_end(self.log)}")


@dataclass
class Processes:
    """What the demo has started so far."""

    log_dir: Path
    running: list[Running] = field(default_factory=list)

    def run(self, name: str, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        """Run a preparing command to its end; its progress is shown. Raises DemoError when it fails.

        On Ctrl-C it is killed, and says nothing: every one of them can be killed anywhere and run again.
        """
        code = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | environment,
            check=False,
            start_new_session=True,
            preexec_fn=_end_with_the_demo if sys.platform == "linux" else None,
        ).returncode
        if code != 0:
            raise DemoError(f"preparing {name} failed ({code}): {' '.join(command)}")

    def start(
        self, name: str, command: list[str], folder: Path, environment: dict[str, str]
    ) -> Running:
        """Start a process in a session of its own, so that Ctrl-C reaches the demo alone."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_dir / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_the_demo if sys.platform == "linux" else None,
            )
        started = Running(name, process, log)
        self.running.append(started)
        return started

    def wait_ready(self, started: Running, url: str) -> None:
        """Ask ``url`` until it answers 200. Raises DemoError when the process ends or time runs out."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            started.check_alive()
            try:
                if requests.get(url, timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise DemoError(
            f"{started.name} was not ready within {READY_WITHIN_S:.0f} s: {url}. {_log_end(started.log)}"
        )

    def stop(self) -> None:
        """End every process: politely first, then for certain."""
        for started in reversed(self.running):
            if started.process.poll() is None:
                started.process.send_signal(signal.SIGTERM)
            try:
                started.process.wait(STOP_AFTER_S)
            except subprocess.TimeoutExpired:
                started.process.kill()
                started.process.wait()
        self.running.clear()


def _end_with_the_demo() -> None:
    """Ask the kernel to end the child when the demo itself is killed (Linux, prctl(2): PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _log_end(log: Path, lines: int = 12) -> str:
    end = log.read_text(errors="replace").splitlines()[-lines:]
    return f"The end of its log, {log}:\n  " + "\n  ".join(end or ["(empty)"])
