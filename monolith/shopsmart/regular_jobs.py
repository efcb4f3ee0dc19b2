"""Runs the shop's regular commands, each at its interval, for as long as it lives: cron for a container.

    python regular_jobs.py 1m:send_mails 2m:settle_payments "1d:prune_changes --keep 7d"

Each command is run at once and then again so long after its end, one at a time, as a process of its own: one that fails
or leaks takes nothing with it, and one that hangs is ended, since the others wait for it. It needs nothing but the
standard library, so that waiting costs little.
"""

import argparse
import logging
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("regular_jobs")

MANAGE = Path(__file__).resolve().parent / "manage.py"
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
INTERVAL = r"([1-9]\d{0,5})(ms|s|m|h|d)"
LIMIT_S = 300.0
KILL_AFTER_S = 30.0
BEAT_EVERY_S = 10.0
LATE_AFTER_S = 60.0
FAILURES_TOLD = 3

ENDING = {signal.SIGTERM, signal.SIGINT}
WAKING = {*ENDING, signal.SIGCHLD}


@dataclass
class Job:
    every_s: float
    command: tuple[str, ...]
    due: float = 0.0
    failures: int = 0  # in a row

    def __str__(self) -> str:
        return shlex.join(self.command)


class Jobs:
    """Goes on until SIGTERM or SIGINT; the command that runs is told to end then, and waited for."""

    def __init__(self, jobs: list[Job], limit_s: float, beat: Path | None) -> None:
        self._jobs = jobs
        self._limit_s = limit_s
        self._beat = beat
        self._ended = False
        self._running: Job | None = None

    def run(self) -> None:
        # Blocked, they wait until they are asked for: none comes at a wrong moment, none is lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, WAKING)
        for job in self._jobs:
            job.due = time.monotonic()
        while not self._ended:
            job = min(self._jobs, key=lambda job: job.due)
            wait_s = job.due - time.monotonic()
            if wait_s > 0:
                self._wait(wait_s)
            else:
                self._running = job
                self._do(job)
                self._running = None
                job.due = time.monotonic() + job.every_s

    def _do(self, job: Job) -> None:
        process = subprocess.Popen(
            [sys.executable, str(MANAGE), *job.command],
            stdin=subprocess.DEVNULL,
            preexec_fn=_listen_to_signals,
        )
        deadline = time.monotonic() + self._limit_s
        while process.poll() is None and not self._ended and time.monotonic() < deadline:
            self._wait(deadline - time.monotonic())
        hangs = process.poll() is None
        code = _end(process)
        if self._ended:
            return
        if not (code or hangs):
            job.failures = 0
            return
        job.failures += 1
        how = f"was ended after {self._limit_s:g} s" if hangs else f"ended with {code}"
        log.warning("%s %s; again in %g s", job, how, job.every_s)

    def _wait(self, seconds: float) -> None:
        """Until a signal comes or it is time for a sign of life, at most so long."""
        if self._beat is not None:
            # Whole at every moment: it may be read now.
            new = self._beat.with_name(f"{self._beat.name}.new")
            new.write_text("".join(f"{line}\n" for line in self._wrong()))
            new.replace(self._beat)
        came = signal.sigtimedwait(WAKING, max(0, min(seconds, BEAT_EVERY_S)))
        if came is not None and came.si_signo in ENDING:
            self._ended = True

    def _wrong(self) -> Iterator[str]:
        for job in self._jobs:
            late_s = time.monotonic() - job.due
            if job is not self._running and late_s > LATE_AFTER_S:
                yield f"{job} is {late_s:.0f} s late: {self._running} runs"
            if job.failures >= FAILURES_TOLD:
                yield f"{job} failed {job.failures} times in a row"


def _listen_to_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WAKING)


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Its exit code; one that still runs is told to end, and killed if it doesn't."""
    process.terminate()
    try:
        return process.wait(KILL_AFTER_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    if options.beats is not None:
        return _is_ill(options.beats)
    if not options.job:
        parser.error("name at least one job, such as 2m:settle_payments")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s pid=%(process)d %(name)s: %(message)s"
    )
    Jobs(options.job, options.limit, options.beat).run()
    return 0


def _is_ill(beat: Path) -> int:
    try:
        age_s = time.time() - beat.stat().st_mtime
        wrong = beat.read_text()
    except OSError as error:
        print(f"no sign of life: {error}")  # noqa: T201
        return 1
    print(f"{wrong}last sign of life {age_s:.0f} s ago")  # noqa: T201
    return int(age_s > LATE_AFTER_S or wrong != "")


def _job(text: str) -> Job:
    found = re.fullmatch(rf"{INTERVAL}:(\S.*)", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no interval and command: write 2m:settle_payments"
        )
    try:
        words = tuple(shlex.split(found[3]))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    return Job(int(found[1]) * UNITS[found[2]], words)


def _seconds(text: str) -> float:
    found = re.fullmatch(INTERVAL, text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 30s or 5m")
    return int(found[1]) * UNITS[found[2]]


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
    parser.add_argument(
        "--limit",
        type=_seconds,
        default=LIMIT_S,
        metavar="TIME",
        help=f"how long one command may take, such as 10m; default: {LIMIT_S:.0f}s",
    )
    parser.add_argument(
        "--beat", type=Path, metavar="FILE", help="written as a sign of life, with what is wrong"
    )
    parser.add_argument(
        "--beats",
        type=Path,
        metavar="FILE",
        help=f"run nothing; exit code 1 when FILE was not written for {LATE_AFTER_S:.0f} s, or says that a command "
        f"is so late or failed {FAILURES_TOLD} times in a row",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
