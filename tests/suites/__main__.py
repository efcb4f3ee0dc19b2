"""The command: which suites, how many at a time; its exit code is 0 only if every one of them passed."""

import argparse
import signal
import sys
import time
from collections import Counter

from suites import __doc__ as what
from suites.lanes import WITHIN_S, Lanes, Result, clock
from suites.suite import NoSuchSuite, Suite

INTERRUPTED = 130


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _show(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _summary(results: list[Result], failed: list[str], took_s: float, within_min: float) -> str:
    width = max((len(result.name) for result in results), default=0)
    rows = [f"{r.name:<{width}}  {r}{f': {r.counted}' if r.counted else ''}" for r in results]
    end = f"failed: {' '.join(failed)}" if failed else "every suite passed"
    last = f"{end}; {clock(took_s)} in all, of at most {within_min:g} min each"
    return "\n".join(("== all suites", *rows, last))


def _failed(suites: list[Suite], results: list[Result]) -> list[str]:
    """Names; a suite without a result is one of them."""
    without = Counter(suite.name for suite in suites) - Counter(each.name for each in results)
    return [*(each.name for each in results if each.has_failed), *without.elements()]


def main() -> int:
    """Run what was named."""
    parser = argparse.ArgumentParser(
        prog="suites", description=what, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="+", metavar="SUITE", help="a folder, or FOLDER@postgresql")
    parser.add_argument("--lanes", type=int, default=2, metavar="N", help="how many at a time (2)")
    parser.add_argument("--fast", action="store_true", help="without the tests marked slow")
    parser.add_argument(
        "--within",
        type=float,
        default=WITHIN_S / 60,
        metavar="MINUTES",
        help="per suite (%(default)g)",
    )
    wanted = parser.parse_args()
    if wanted.lanes < 1:
        parser.error("--lanes takes a number of at least 1")
    if not wanted.within > 0:
        parser.error("--within takes a number of minutes above 0")
    try:
        suites = [Suite.read(name, fast=wanted.fast) for name in wanted.suites]
    except NoSuchSuite as mistake:
        parser.error(str(mistake))
    lanes = Lanes(suites, lanes=wanted.lanes, show=_show, within_s=wanted.within * 60)
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
    failed = _failed(suites, results)
    _show(_summary(results, failed, time.monotonic() - began, wanted.within))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
