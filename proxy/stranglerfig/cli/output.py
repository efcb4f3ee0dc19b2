"""How commands speak: tables for people, JSON for programs, errors with the mend, exit codes.

Every command prints its result to stdout and everything else to stderr, so that ``--json`` can be piped.
Colours follow the terminal and ``NO_COLOR``.
"""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _not_empty(path: str) -> str:
    if not path:
        raise typer.BadParameter("it is empty; name a file, such as fig.yaml")
    return path


ConfigOption = Annotated[
    str,
    typer.Option(
        "--config", "-c", envvar="FIG_CONFIG", callback=_not_empty, help="The fig.yaml to use."
    ),
]


class ExitCode(IntEnum):
    """The exit codes of every command."""

    FINE = 0
    NO = 1  # the answer is no: differs, refused, not possible now
    USAGE = 2  # a mistake in the call or in the config


def print_json(value: Any) -> None:
    """Print one JSON document, and nothing else, to stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_json_line(value: Any) -> None:
    """Print one JSON document on a line of its own, at once: one of a stream (JSON lines)."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def fail(message: str, *, mend: str | None = None, code: ExitCode = ExitCode.USAGE) -> NoReturn:
    """Say what is wrong and how to mend it on stderr, and end with ``code``."""
    err.print(f"[bold red]error:[/] {escape(message)}")
    if mend:
        err.print(f"[bold]mend:[/] {escape(mend)}")
    raise typer.Exit(code)


def fail_with_problems(problems: Iterable[object], *, code: ExitCode = ExitCode.USAGE) -> NoReturn:
    """Print every problem (each prints as ``file:line: message``) on stderr, and end with ``code``."""
    for problem in problems:
        err.print(f"[bold red]error:[/] {escape(str(problem))}")
    raise typer.Exit(code)


def span(seconds: float) -> str:
    """A duration as people say it: ``0.2 s``, ``45 s``, ``3 min``, ``2 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 120 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def local_time(seconds: float) -> str:
    """An instant (epoch seconds) by this machine's clock."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def iso_time(seconds: float) -> str:
    """An instant (epoch seconds) for programs."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
