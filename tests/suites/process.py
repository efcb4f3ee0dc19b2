"""A suite at work: its output line by line, its end, and the end of everything it started."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from suites.suite import Suite

ENDS_WITHIN_S = 60.0  # tests that are interrupted still stop their servers
LAST_WORDS_WITHIN_S = 10.0  # of servers that were told to stop and are about to


@dataclass(frozen=True)
class End:
    """How a suite ended. `trouble` is what else went wrong; with it no exit code is a good one."""

    code: int
    trouble: str = ""


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

    def wait(self, within_s: float) -> End:
        """How it ended, when all was heard; then nothing that it started is left."""
        trouble = ""
        try:
            self._popen.wait(within_s)
        except subprocess.TimeoutExpired:
            trouble = f"it took longer than {within_s / 60:g} min"
            self.interrupt()
            self.end()
        left = self._left()
        if left and not trouble:
            trouble = "it left running: " + "; ".join(left)
        self._signal(signal.SIGKILL)
        code = self._popen.wait()
        self._reader.join(LAST_WORDS_WITHIN_S)
        return End(code, trouble)

    def interrupt(self) -> None:
        """As Ctrl-C in a terminal: everything in the group hears it."""
        self._signal(signal.SIGINT)

    def end(self) -> None:
        """After `interrupt`: wait for a proper end of the whole group, and make one when none comes."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(ENDS_WITHIN_S)
            self._left()  # it may be gone before those whom its tests have started, and who still clean up
        self._signal(signal.SIGKILL)

    def _left(self) -> list[str]:
        """What of its group goes on without it. Nobody tells us of the end of a stranger's child, so it is asked for."""
        until = time.monotonic() + LAST_WORDS_WITHIN_S
        while (left := self._group()) and time.monotonic() < until:
            time.sleep(0.05)
        return left

    def _group(self) -> list[str]:
        """The commands of the group's processes that have not ended."""
        listed = subprocess.run(
            ("ps", "-A", "-o", "pgid=,stat=,args="), capture_output=True, text=True, check=True
        ).stdout
        rows = (line.split(maxsplit=2) for line in listed.splitlines())
        own = (row for row in rows if row[0] == str(self._popen.pid) and row[1][0] != "Z")
        return [row[2] for row in own]

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout:
            for line in self._popen.stdout:
                self._hear(line.rstrip("\n"))

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)
