"""Several suites at a time, in lanes that take the next one when they have done one."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from suites.process import SuiteProcess
from suites.suite import Suite

# A row of dots, as pytest prints it while it runs.
_PROGRESS = re.compile(r"[.FEsxX,]+ *(\[ *\d+%\])?")
_CLOSING = re.compile(r"=* ?((?:\d+ \w+(?:, )?)+|no tests ran) in [\d.]+s.*")

Show = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What became of a suite."""

    name: str
    code: int
    took_s: float
    counted: str
    """`12 passed, 1 skipped`, in pytest's own words; empty when it did not get that far."""

    def __str__(self) -> str:
        ended = "passed" if self.code == 0 else f"failed with exit code {self.code}"
        return f"{ended} in {clock(self.took_s)}"


def clock(seconds: float) -> str:
    """`4:05`."""
    return "{}:{:02}".format(*divmod(round(seconds), 60))


class Lanes:
    """Runs suites and shows what they say. `end` may be called from another thread at any time."""

    def __init__(self, suites: Sequence[Suite], *, lanes: int, show: Show) -> None:
        self.results: list[Result] = []
        self._waiting = deque(suites)
        self._width = max(len(suite.name) for suite in suites)
        self._show = show
        self._changed = threading.Condition()
        self._running: dict[Path, SuiteProcess | None] = {}
        """By folder; None: it is about to be started."""
        self._is_ending = False
        self._lanes = [threading.Thread(target=self._lane, name=f"lane {n}") for n in range(lanes)]

    def run(self) -> list[Result]:
        """Every suite, however the others end; gives their results in the order of their ends."""
        for lane in self._lanes:
            lane.start()
        for lane in self._lanes:
            lane.join()
        return self.results

    def end(self) -> None:
        """Interrupt what runs, begin nothing more, and return when nothing is left."""
        with self._changed:
            self._is_ending = True
            self._waiting.clear()
            self._changed.notify_all()
            running = [process for process in self._running.values() if process is not None]
        for process in running:
            process.interrupt()
        for process in running:
            process.end()
        for lane in self._lanes:
            lane.join()

    def _lane(self) -> None:
        while (suite := self._next()) is not None:
            self._run(suite)

    def _next(self) -> Suite | None:
        """The first one in whose folder nobody is at work: two would share its caches and what tests leave there."""
        with self._changed:
            while self._waiting:
                for suite in self._waiting:
                    if suite.folder not in self._running:
                        self._waiting.remove(suite)
                        self._running[suite.folder] = None
                        return suite
                self._changed.wait()
            return None

    def _run(self, suite: Suite) -> None:
        """Show its progress as it comes, and all else when it has ended."""
        said: list[str] = []

        def hear(line: str) -> None:
            if _PROGRESS.fullmatch(line):
                self._tell(suite, line)
            elif line or said:
                said.append(line)

        self._tell(suite, "begins")
        began = time.monotonic()
        with self._changed:  # so that `end` misses none
            if self._is_ending:
                return
            process = self._running[suite.folder] = SuiteProcess(suite, hear)
        code = process.wait()
        counted = [found[1] for line in said if (found := _CLOSING.fullmatch(line))]
        result = Result(suite.name, code, time.monotonic() - began, "".join(counted[-1:]))
        with self._changed:
            del self._running[suite.folder]
            self._changed.notify_all()
            self.results.append(result)
            self._show("\n".join((f"\n== {suite.name} {result}", *said, "")))

    def _tell(self, suite: Suite, line: str) -> None:
        with self._changed:
            self._show(f"{suite.name:<{self._width}}  {line}")
