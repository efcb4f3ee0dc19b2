"""``guidebook run``: every command of the guide, in a clean clone, against the output that the pages show."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from guidebook.book import CHAPTER, STEP, Book, Entry, read_book, read_loose
from guidebook.cli.output import ExitCode, JsonFlag, err, fail, print_json
from guidebook.cli.progress import Progress
from guidebook.repository import find_repository
from guidebook.run import Failure, Report, Runner, Workshop
from guidebook.run.lifeline import outlived


def run_pages(
    pages: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PAGE]...", help="Folders such as 03-shadow, or Markdown files."),
    ] = None,
    only: Annotated[
        bool, typer.Option("--only", help="Run the pages named alone, without the steps before.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the clone where it is, and say where.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run the guide's commands in a clean clone, and compare their output with what the pages show.

    Without a name: all steps in one clone, then each chapter in a clone of its own. A step brings
    the steps before it. Ends with 1 at the first command that does something else, with page and line.
    Processes that were started are ended, also after Ctrl-C or when this command is killed.

    [bold]Examples[/]

      guidebook run

      guidebook run 03-shadow --keep
    """
    repository = find_repository(Path.cwd())
    book = read_book(repository)
    runs = _choose(book, pages or [], only=only)
    raise typer.Exit(outlived(lambda: _run(book, runs, keep=keep, as_json=as_json)))


def _run(book: Book, runs: list[list[Entry]], *, keep: bool, as_json: bool) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    reports: list[Report] = []
    with Progress() as progress:
        for entries in runs:
            with Workshop.opened(book.repository, keep=keep) as workshop:
                report = Runner(workshop, progress).run(entries)
                reports.append(report)
                if keep:
                    err.print(f"kept: {workshop.clone}")
            if report.failure:
                break
    failure = reports[-1].failure if reports else None
    if as_json:
        print_json({"ok": failure is None, "runs": [report.to_dict() for report in reports]})
    if failure:
        _tell(failure)
        return ExitCode.NO
    return ExitCode.FINE


def _tell(failure: Failure) -> None:
    err.print(f"\n[bold red]{escape(failure.page)}:{failure.line}:[/] {escape(failure.why)}")
    for line in failure.command.splitlines():
        err.print(f"  [bold]{escape(line)}[/]")
    if failure.diff:
        err.print("  [red]-[/] the page shows, [green]+[/] came:")
    for line in failure.diff:
        colour = {"-": "red", "+": "green"}.get(line[:1], "dim")
        err.print(f"  [{colour}]{escape(line)}[/]")


def _choose(book: Book, names: list[str], *, only: bool) -> list[list[Entry]]:
    """What is run in which clone."""
    steps = list(book.of_kind(STEP))
    chapters = list(book.of_kind(CHAPTER))
    if not names:
        return [*([steps] if steps else []), *([chapter] for chapter in chapters)]
    chosen: list[Entry] = []
    loose: list[Entry] = []
    for name in names:
        entry = _find(book, name)
        (chosen if entry.kind == STEP else loose).append(entry)
    if chosen and not only:
        last = max(steps.index(entry) for entry in chosen)
        chosen = steps[: last + 1]
    return [*([chosen] if chosen else []), *([entry] for entry in loose)]


def _find(book: Book, name: str) -> Entry:
    path = Path(name).resolve()
    wanted = path / "README.md" if path.is_dir() else path
    for entry in book.entries:
        if entry.name == name.rstrip(os.sep) or entry.page.path.resolve() == wanted:
            return entry
    if not wanted.is_file():
        known = ", ".join(entry.name for entry in book.entries)
        fail(f"there is no page {name!r}", mend=f"name one of {known}, or a Markdown file")
    return read_loose(book.repository, wanted)
