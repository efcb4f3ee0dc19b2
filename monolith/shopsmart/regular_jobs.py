"""Runs the shop's regular commands, each at its interval, for as long as it lives: cron for a container.

    python regular_jobs.py 1m:send_mails 2m:settle_payments "1d:prune_changes --keep 7d"

Each command is run at once and then again so long after its end, one at a time, as a process of its own: one that fails
or leaks takes nothing with it. It needs nothing but the standard library, so that waiting costs little.
"""

import argparse
import logging
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

log = logging.getLogger("regular_jobs")

MANAGE = Path(__file__).resolve().parent / "manage.py"
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
BEAT_EVERY_S = 10.0
LATE_AFTER_S = 60.0


@dataclass
class Job:
    every_s: float
    command: tuple[str, ...]
    due: float = 0.0

    def __str__(self) -> str:
        return shlex.join(self.command)


class Jobs:
    """Goes on until `end`; the command that runs is told to end, and waited for."""

    def __init__(self, jobs: list[Job], beat: Path | None) -> None:
        self._jobs = jobs
        self._beat = beat
        self._ended = threading.Event()
        self._running: subprocess.Popen[bytes] | None = None

    def end(self, *_: int | FrameType | None) -> None:
        self._ended.set()
        running = self._running
        if running is not None and running.poll() is None:
            running.terminate()

    def run(self) -> None:
        while not self._ended.is_set():
            job = min(self._jobs, key=lambda job: job.due)
            wait_s = job.due - time.monotonic()
            if wait_s > 0:
                self._show_life()
                self._ended.wait(min(wait_s, BEAT_EVERY_S))
                continue
            self._do(job)
            job.due = time.monotonic() + job.every_s

    def _do(self, job: Job) -> None:
        process = self._running = subprocess.Popen(
            [sys.executable, str(MANAGE), *job.command], stdin=subprocess.DEVNULL
        )
        if self._ended.is_set():  # told so just before there was somebody to tell it to
            process.terminate()
        while True:
            self._show_life()
            try:
                code = process.wait(BEAT_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                pass
        self._running = None
        if code and not self._ended.is_set():
            log.warning("%s ended with %d; again in %g s", job, code, job.every_s)

    def _show_life(self) -> None:
        if self._beat is not None:
            self._beat.touch()


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if options.beats is not None:
        return _is_late(options.beats)
    if not options.job:
        parser.error("name at least one job, such as 2m:settle_payments")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s pid=%(process)d %(name)s: %(message)s"
    )
    jobs = Jobs(options.job, options.beat)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, jobs.end)
    jobs.run()
    return 0


def _is_late(beat: Path) -> int:
    try:
        age_s = time.time() - beat.stat().st_mtime
    except OSError as error:
        print(f"no sign of life: {error}")  # noqa: T201
        return 1
    print(f"last sign of life {age_s:.0f} s ago")  # noqa: T201
    return int(age_s > LATE_AFTER_S)


def _job(text: str) -> Job:
    found = re.fullmatch(r"(\d{1,6})(ms|s|m|h|d):(\S.*)", text)
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no interval and command: write 2m:settle_payments"
        )
    try:
        command = tuple(shlex.split(found[3]))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    return Job(int(found[1]) * UNITS[found[2]], command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Run commands of manage.py, each at its interval, until SIGTERM or Ctrl-C."
    )
    parser.add_argument(
        "job",
        type=_job,
        nargs="*",
        metavar="INTERVAL:COMMAND",
        help="such as 2m:settle_payments; units ms, s, m, h, d",
    )
    parser.add_argument("--beat", type=Path, metavar="FILE", help="touched as a sign of life")
    parser.add_argument(
        "--beats",
        type=Path,
        metavar="FILE",
        help=f"run nothing; exit code 1 when FILE was not touched for {LATE_AFTER_S:.0f} s",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
