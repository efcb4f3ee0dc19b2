"""One process of the system: started with its output in a file, ended by its id."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_TIMEOUT_S = 20.0


class Process:
    """A process that is started at once. `log` holds what it writes to stdout and stderr."""

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        folder: Path,
        log: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.log = log
        self._arguments = list(arguments)
        self._folder = folder
        self._environment = dict(environment)
        self._popen = self._start(self._arguments)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def child_pids(self) -> list[int]:
        """The processes it has started, such as gunicorn's workers, by the kernel's word."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in children.split()]

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Signal this process alone, not its children."""
        self._popen.send_signal(number)

    def wait(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Its exit code (negative: the signal that ended it)."""
        return self._popen.wait(timeout_s)

    def stop(self) -> None:
        """End it and what it started; may be called twice."""
        if self.is_running():
            self.send(self.stop_signal)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self.wait()
        # What a killed one has left behind is still in its group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def start_again(self) -> None:
        """After it has ended, by `stop` or by a signal."""
        self.stop()
        self._popen = self._start(self._arguments)

    def start_successor(self) -> None:
        """After it was killed alone: start another beside what it has left behind."""
        self._popen = self._start(self._arguments)

    def failure(self, what: str) -> AssertionError:
        """An error that shows the end of its log."""
        return AssertionError(f"{self.name} {what}\n{self.output()[-3000:]}")

    def _start(
        self, arguments: Sequence[str], pass_fds: Sequence[int] = ()
    ) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as output:
            return subprocess.Popen(
                arguments,
                cwd=self._folder,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
                # A group of its own: Ctrl-C in a terminal reaches the tests, which then stop it in order.
                start_new_session=True,
            )


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout_s: float = 120,
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end; raises AssertionError with its output when it fails."""
    done = subprocess.run(
        arguments,
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    if done.returncode != 0:
        command = " ".join(arguments)
        raise AssertionError(f"{command} gave {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def manage(folder: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """Run a Django project's command; gives what it printed."""
    return run(
        [sys.executable, "manage.py", *arguments], folder=folder, environment=environment
    ).stdout
