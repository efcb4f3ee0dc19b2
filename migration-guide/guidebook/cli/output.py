"""How commands speak: results to stdout, everything else to stderr, exit codes as ``fig`` has them."""

import json
import sys
from collections.abc import Iterable
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


class ExitCode(IntEnum):
    """The exit codes of every command."""

    FINE = 0
    NO = 1  # the guide does not hold
    USAGE = 2  # a mistake in the call


def print_json(value: Any) -> None:
    """Print one JSON document, and nothing else, to stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def fail(message: str, *, mend: str) -> NoReturn:
    """Say what is wrong with the call and how to mend it, and end with 2."""
    err.print(f"[bold red]error:[/] {escape(message)}")
    err.print(f"[bold]mend:[/] {escape(mend)}")
    raise typer.Exit(ExitCode.USAGE)


def tell_problems(problems: Iterable[object]) -> None:
    """Print each on stderr."""
    for problem in problems:
        err.print(f"[bold red]error:[/] {escape(str(problem))}")
