"""``python -m guidebook``: puts the commands together and turns what they raise into messages and exit codes."""

import sys
from typing import NoReturn

import typer

from guidebook.cli.check import check
from guidebook.cli.command import Command
from guidebook.cli.output import ExitCode, tell_problems
from guidebook.cli.pictures import pictures
from guidebook.cli.run import run_pages
from guidebook.cli.site import site
from guidebook.cli.sync import sync
from guidebook.problem import GuideError

app = typer.Typer(
    name="guidebook",
    help="Check, draw, run and publish the migration guide.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(cls=Command)(check)
app.command(cls=Command)(sync)
app.command(cls=Command)(pictures)
app.command(cls=Command)(site)
app.command("run", cls=Command)(run_pages)


def run() -> NoReturn:
    """Run the command of this process's arguments and exit: 0 fine, 1 the guide does not hold, 2 mistake in the call, 130 Ctrl-C."""
    try:
        app(prog_name="guidebook")
    except KeyboardInterrupt:
        sys.exit(130)
    except GuideError as error:
        tell_problems(error.problems)
        sys.exit(ExitCode.NO)
    sys.exit(ExitCode.FINE)
