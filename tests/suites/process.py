"""A suite at work: its output line by line, its end, and the end of everything it started."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable

from suites.suite import Suite

ENDS_WITHIN_S = 60.0  # tests that are interrupted still stop their servers
LAST_WORDS_WITHIN_S = 5.0  # of what a suite has left behind with its output in hand


class SuiteProcess:
    """Runs from the start. A group of its own, so that it can be ended with all that its tests have started."""

    def __init__(self, suite: Suite, hear: Callable[[str], None]) -> None:
        """`hear` is given every line as it comes, in a thread of its own."""
        self._popen = subprocess.Popen(
            suite.command,
            cwd=suite.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._hear = hear
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """Its exit code, when all was heard."""
        code = self._popen.wait()
        self._reader.join(LAST_WORDS_WITHIN_S)
        return code

    def interrupt(self) -> None:
        """As Ctrl-C in a terminal: everything in the group hears it."""
        self._signal(signal.SIGINT)

    def end(self) -> None:
        """After `interrupt`: wait for a proper end, and make one when none comes."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(ENDS_WITHIN_S)
        self._signal(signal.SIGKILL)  # what it has left behind, or itself

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout:
            for line in self._popen.stdout:
                self._hear(line.rstrip("\n"))

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)
