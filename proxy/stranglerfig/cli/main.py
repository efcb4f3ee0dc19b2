"""The command ``fig``: puts the commands together and turns what they raise into messages and exit codes."""

import os
import sys
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from stranglerfig import __version__
from stranglerfig.cli import diffs, sign
from stranglerfig.cli.abort import abort
from stranglerfig.cli.check import check
from stranglerfig.cli.command import Command, Group
from stranglerfig.cli.explain import explain
from stranglerfig.cli.init import init
from stranglerfig.cli.output import ExitCode, err, out
from stranglerfig.cli.same import same
from stranglerfig.cli.serve import serve
from stranglerfig.cli.set import set_
from stranglerfig.cli.status import status
from stranglerfig.control.lock import StateDirError

app = typer.Typer(
    name="fig",
    cls=Group,
    help="Move a Django monolith to services, one route at a time, with proof at each step.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(cls=Command)(init)
app.command(cls=Command)(serve)
app.command(cls=Command)(check)
app.command(cls=Command)(explain)
app.command(cls=Command)(status)
app.command("set", cls=Command)(set_)
app.command(cls=Command)(abort)
app.command(cls=Command)(same)
app.add_typer(diffs.app, name="diffs")
app.add_typer(sign.app, name="sign")


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"fig {__version__}")
        raise typer.Exit


@app.callback()
def fig(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an unexpected error came from.")
    ] = False,
) -> None:
    """Move a Django monolith to services, one route at a time, with proof at each step."""
    if debug:
        os.environ["FIG_DEBUG"] = "1"


def run() -> NoReturn:
    """Run the command of this process's arguments and exit: 0 fine, 1 no, 2 mistake in the call, 130 Ctrl-C."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except StateDirError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}")
        err.print(
            "[bold]mend:[/] name a directory that this user may write, as state_dir in fig.yaml"
        )
        sys.exit(ExitCode.USAGE)
    except Exception as error:
        sys.exit(_unexpected(error))
    sys.exit(ExitCode.FINE)


def _unexpected(error: Exception) -> int:
    if "FIG_DEBUG" in os.environ:
        err.print_exception()
    err.print(f"[bold red]error:[/] {escape(f'{type(error).__name__}: {error}')}")
    if "FIG_DEBUG" not in os.environ:
        err.print(
            "[bold]mend:[/] nobody expected this; run it again with [b]fig --debug …[/] to see where"
        )
    return int(ExitCode.USAGE)
