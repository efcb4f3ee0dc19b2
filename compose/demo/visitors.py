"""Send a shop visitors who look around, and buyers; say what they saw. Ends with 1 if an answer was not as it should be.

    python -m demo.visitors --at http://127.0.0.1:8000 --requests 300 --buyers 2

The same seed makes the same requests. With `--header "$(fig sign debug)"` the proxy tells each visitor who answered, and the
summary says it.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from demo.failure import DemoError
from demo.pages import API, CATALOG, CHECKOUT, PAGE, SHOPPING, read_shelf
from demo.visiting import REQUESTS_A_VISIT, Seen, Visitors, let_in

ERRORS_SHOWN = 5
MOST_REQUESTS, MOST_AT_ONCE, MOST_BUYERS = 100_000, 64, 20
USAGE, INTERRUPTED = 2, 130
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> int:
    """Let them in; return the exit code."""
    given = _parser().parse_args()
    try:
        shelf = read_shelf(given.shelf or given.at, with_goods=given.buyers > 0)
    except DemoError as failed:
        err.print(f"[bold red]error:[/] {escape(str(failed))}")
        return USAGE
    visitors = Visitors(
        given.at,
        shelf,
        given.requests,
        given.buyers,
        given.seed,
        given.at_once,
        dict(given.header),
        given.known,
    )
    seen, begun, stopped = Seen(), time.monotonic(), False
    try:
        with _progress(visitors, seen):
            let_in(visitors, seen)
    except KeyboardInterrupt:
        stopped = True
    took_s = time.monotonic() - begun
    if given.json:
        sys.stdout.write(json.dumps(_as_dict(visitors, seen, took_s), indent=2) + "\n")
    else:
        _tell(visitors, seen, took_s)
    if stopped:
        err.print("stopped; these are the answers until then")
        return INTERRUPTED
    return 1 if seen.errors else 0


@contextmanager
def _progress(visitors: Visitors, seen: Seen) -> Iterator[None]:
    """A bar on a terminal, gone when they have gone."""
    if not err.is_terminal or err.is_dumb_terminal:
        yield
        return
    columns = (TextColumn("visitors look around"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=visitors.requests)
        seen.watch = lambda looked_at: bar.update(task, completed=looked_at)
        yield


def _tell(visitors: Visitors, seen: Seen, took_s: float) -> None:
    answers = seen.answers
    bought = answers[SHOPPING] + answers[CHECKOUT]
    also = f", {bought} around the checkout" if visitors.buyers else ""
    out.print(
        f"{len(visitors.visits())} visitors, {seen.total} answers in {took_s:.1f} s: "
        f"{answers[CATALOG]} of the catalogue's API, {answers[PAGE]} pages{also}"
    )
    middle, slow = seen.slowest(0.5), seen.slowest(0.05)
    if middle is not None and slow is not None:
        out.print(
            f"half of them within {middle * 1000:.0f} ms, 19 of 20 within {slow * 1000:.0f} ms"
        )
    if visitors.buyers:
        said = seen.books.outcomes
        out.print(
            f"{answers[CHECKOUT]} checkouts: {said['paid']} paid, {said['declined']} declined; "
            f"{said['cancelled']} cancelled and {said['returned']} sent back afterwards"
        )
    if seen.sides:
        by_side = sum(seen.sides, start=Counter[str]())
        only = {
            side: sum(each.keys() == {side} for each in seen.sides)
            for side in ("monolith", "service")
        }
        both = len(seen.sides) - sum(only.values())
        out.print(
            f"the API was answered {by_side['monolith']} times by the monolith, {by_side['service']} times by the service"
        )
        out.print(
            f"{only['monolith']} visitors had the monolith throughout, {only['service']} the service, {both} both"
        )
    if not seen.errors:
        out.print("every answer was as it should be")
        return
    wrong = seen.errors.total()
    out.print(
        "1 answer was not as it should be:"
        if wrong == 1
        else f"{wrong} answers were not as they should be:"
    )
    by_kind: Counter[str] = Counter()
    for error, count in seen.errors.items():
        by_kind[_kind_of(error)] += count
    for kind, count in by_kind.most_common(ERRORS_SHOWN):
        out.print(f"  {count} x {escape(kind)}")
    if len(by_kind) > ERRORS_SHOWN:
        out.print(f"  … and {len(by_kind) - ERRORS_SHOWN} more kinds: --json has every path")


def _kind_of(error: str) -> str:
    """What happened, with the catalogue's API as one place: its paths fail together or not at all."""
    what, _, path = error.partition(" ")
    return f"{what} {API}…" if path.startswith(API) else error


def _as_dict(visitors: Visitors, seen: Seen, took_s: float) -> dict[str, Any]:
    return {
        "visitors": len(visitors.visits()),
        "seconds": round(took_s, 3),
        "answers": dict(seen.answers),
        "errors": dict(seen.errors),
        "median_ms": _ms(seen.slowest(0.5)),
        "p95_ms": _ms(seen.slowest(0.05)),
        "outcomes": dict(seen.books.outcomes),
        "sides": [dict(each) for each in seen.sides],
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo.visitors",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--at",
        type=_url,
        required=True,
        metavar="URL",
        help="where the shop, or the proxy, answers",
    )
    parser.add_argument(
        "--requests",
        type=_count(0, MOST_REQUESTS),
        default=300,
        metavar="N",
        help=f"how many pages and API answers are looked at, {REQUESTS_A_VISIT} by each visitor (300)",
    )
    parser.add_argument(
        "--buyers",
        type=_count(0, MOST_BUYERS),
        default=0,
        metavar="N",
        help="how many log in and buy, too, three times each (0); the card gateway has to run",
    )
    parser.add_argument(
        "--at-once",
        type=_count(1, MOST_AT_ONCE),
        default=8,
        metavar="N",
        help="how many visitors there are at one time (8)",
    )
    parser.add_argument(
        "--shelf",
        type=_url,
        metavar="URL",
        help="where it is read what there is to look at (--at); for a time when that is not well",
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="what they choose by (7)")
    parser.add_argument(
        "--header",
        "-H",
        type=_header,
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="a header that every visitor sends; may be given again",
    )
    parser.add_argument(
        "--known",
        action="store_true",
        help="each has the proxy's cookie from an earlier visit: the same seed makes the same users",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    return parser


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise argparse.ArgumentTypeError(f"{text!r} is no URL such as http://127.0.0.1:8000")
    return text.rstrip("/")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is no header: write NAME:VALUE")
    return name.strip(), value.strip()


def _count(least: int, most: int) -> Any:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return read


if __name__ == "__main__":
    sys.exit(main())
