"""The command: which suites, how many at a time; its exit code is 0 only if every one of them passed."""

import argparse
import signal
import sys
import time

from suites import __doc__ as what
from suites.lanes import Lanes, Result, clock
from suites.suite import NoSuchSuite, Suite

INTERRUPTED = 130


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _show(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _summary(results: list[Result], took_s: float) -> str:
    width = max(len(result.name) for result in results)
    rows = [f"{r.name:<{width}}  {r}{f': {r.counted}' if r.counted else ''}" for r in results]
    failed = [result.name for result in results if result.code]
    end = f"failed: {' '.join(failed)}" if failed else "every suite passed"
    return "\n".join(("== all suites", *rows, f"{end}; {clock(took_s)} in all"))


def main() -> int:
    """Run what was named."""
    parser = argparse.ArgumentParser(
        prog="suites", description=what, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="+", metavar="SUITE", help="a folder, or FOLDER@postgresql")
    parser.add_argument("--lanes", type=int, default=2, metavar="N", help="how many at a time (2)")
    parser.add_argument("--fast", action="store_true", help="without the tests marked slow")
    wanted = parser.parse_args()
    if wanted.lanes < 1:
        parser.error("--lanes takes a number of at least 1")
    try:
        suites = [Suite.read(name, fast=wanted.fast) for name in wanted.suites]
    except NoSuchSuite as mistake:
        parser.error(str(mistake))
    lanes = Lanes(suites, lanes=wanted.lanes, show=_show)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    began = time.monotonic()
    try:
        results = lanes.run()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # what is being ended ends once
        _show("interrupted: the suites that run are being ended")
        lanes.end()
        return INTERRUPTED
    _show(_summary(results, time.monotonic() - began))
    return 1 if any(result.code for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
