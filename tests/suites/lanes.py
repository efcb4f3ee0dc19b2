"""Several suites at a time, in lanes that take the next one when they have done one."""

import contextlib
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from suites.process import End, SuiteProcess
from suites.suite import Suite

# What is shown at once: a row of dots, as pytest prints it while it runs, and the name of what has failed.
_PROGRESS = re.compile(r"[.FEsxX,]+ *(\[ *\d+%\])?| *\[ *\d+%\]")
_FAILURE = re.compile(r"(FAILED|ERROR) \S+\.py\S*( .*\])?")
_CLOSING = re.compile(r"=* ?((?:\d+ \w+(?:, )?)+|no tests ran) in [\d.]+s.*")

WITHIN_S = 45 * 60.0  # twice what the longest takes on a machine that has little else to do
COULD_NOT_RUN = 70  # the system's number for a mistake of the program itself

Show = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What became of a suite."""

    name: str
    code: int
    took_s: float
    counted: str
    """`12 passed, 1 skipped`, in pytest's own words; empty when it did not get that far."""
    trouble: str = ""

    @property
    def has_failed(self) -> bool:
        """By its exit code, or by what else went wrong."""
        return bool(self.code or self.trouble)

    def __str__(self) -> str:
        why = self.trouble or f"with exit code {self.code}"
        ended = f"failed, {why}," if self.trouble else f"failed {why}"
        return f"{ended if self.has_failed else 'passed'} in {clock(self.took_s)}"


def clock(seconds: float) -> str:
    """`4:05`."""
    return "{}:{:02}".format(*divmod(round(seconds), 60))


class Lanes:
    """Runs suites, each for at most `within_s`, and shows what they say. `end` may be called from another thread at any time."""

    def __init__(
        self, suites: Sequence[Suite], *, lanes: int, show: Show, within_s: float = WITHIN_S
    ) -> None:
        self.results: list[Result] = []
        self._waiting = deque(suites)
        self._width = max(len(suite.name) for suite in suites)
        self._show = show
        self._within_s = within_s
        self._changed = threading.Condition()
        self._running: dict[Path, SuiteProcess | None] = {}
        """By folder; None: it is about to be started."""
        self._is_ending = False
        self._lanes = [threading.Thread(target=self._lane, name=f"lane {n}") for n in range(lanes)]

    def run(self) -> list[Result]:
        """Every suite, however the others end; gives their results in the order of their ends."""
        for lane in self._lanes:
            lane.start()
        self._wait()
        return self.results

    def end(self) -> None:
        """Interrupt what runs, begin nothing more, and return when nothing is left and all that was heard is shown."""
        with self._changed:
            self._is_ending = True
            self._waiting.clear()
            self._changed.notify_all()
            running = [process for process in self._running.values() if process is not None]
        for process in running:
            process.interrupt()
        for process in running:
            process.end()
        self._wait()

    def _wait(self) -> None:
        """Not by `join`: when an exception cuts one short, the next returns at once (Python 3.11 and 3.12)."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._running)

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
        """A result comes of it in every case, and its folder is free again."""
        said: list[str] = []
        began = time.monotonic()
        try:
            end = self._end_of(suite, said)
        except Exception as problem:  # what nobody has run must not look like a pass
            end = End(COULD_NOT_RUN, f"it could not be run: {problem}")
        counted = [found[1] for line in said if (found := _CLOSING.fullmatch(line))]
        took_s = time.monotonic() - began
        result = Result(suite.name, end.code, took_s, "".join(counted[-1:]), end.trouble)
        with self._changed:
            self.results.append(result)
            self._say("\n".join((f"\n== {suite.name} {result}", *said, "")))
            del self._running[suite.folder]
            self._changed.notify_all()

    def _end_of(self, suite: Suite, said: list[str]) -> End:
        """Show its progress as it comes, and keep in `said` all else."""

        def hear(line: str) -> None:
            if _PROGRESS.fullmatch(line) or _FAILURE.fullmatch(line):
                self._tell(suite, line)
            elif line or said:
                said.append(line)

        self._tell(suite, "begins")
        with self._changed:  # so that `end` misses none
            if self._is_ending:
                return End(COULD_NOT_RUN, "it was not begun")
            process = self._running[suite.folder] = SuiteProcess(suite, hear)
        return process.wait(self._within_s)

    def _tell(self, suite: Suite, line: str) -> None:
        with self._changed:
            self._say(f"{suite.name:<{self._width}}  {line}")

    def _say(self, text: str) -> None:
        with contextlib.suppress(
            BrokenPipeError
        ):  # nobody reads any more: the exit code still counts
            self._show(text)
