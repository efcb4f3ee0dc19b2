"""``guidebook run``: every command of the guide, in a clean clone, against the output that the pages show."""

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from guidebook.book import CHAPTER, STEP, Book, Entry, read_book, read_loose
from guidebook.checks.form import check_form
from guidebook.cli.output import ExitCode, JsonFlag, err, fail, print_json
from guidebook.cli.progress import Progress
from guidebook.problem import GuideError
from guidebook.repository import Repository, find_repository
from guidebook.run import Failure, Report, Runner, Workshop, marks
from guidebook.run.lifeline import outlived

CLONE = "stranglerfig"


def run_pages(
    pages: Annotated[
        list[str] | None,
        typer.Argument(metavar="PAGE", help="Folders such as 03-shadow, or Markdown files."),
    ] = None,
    only: Annotated[
        bool, typer.Option("--only", help="Run the pages named alone, without the steps before.")
    ] = False,
    until: Annotated[
        str | None, typer.Option("--until", metavar="MARK", help="End where a page has this mark.")
    ] = None,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="MARK", help="Leave out what comes before this mark."),
    ] = None,
    inside: Annotated[
        Path | None,
        typer.Option(
            "--in",
            metavar="CLONE",
            exists=True,
            file_okay=False,
            help="Use a clone that was kept: all in it is made anew but its .venv.",
        ),
    ] = None,
    committed: Annotated[
        bool, typer.Option("--committed", help="Clone what is committed, as `git clone` would.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the clone where it is, and say where.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run the guide's commands in a clean clone, and compare their output with what the pages show.

    Without a name: all steps in one clone, then each chapter in a clone of its own.

    A step brings the steps before it.

    Ends with 1 at the first command that does something else, and tells its page and line.
    What was started is ended, also after Ctrl-C or when this command is killed.

    [bold]Examples[/]

      guidebook run

      guidebook run 03-shadow --keep

      guidebook run 03-shadow --in /tmp/guide-x1/0/stranglerfig --after set-up

      guidebook run --committed --until first-comparison --json
    """
    repository = find_repository(Path.cwd())
    runs = _choose(read_book(repository), pages or [], only=only)
    entries = tuple(entry for run in runs for entry in run)
    if problems := list(check_form(Book(repository, entries))):
        raise GuideError(*problems)
    known = {mark for entry in entries for mark in marks(entry.page)}
    for mark in {until, after} - {None}:
        if mark not in known:
            fail(f"no page that would run has the mark {mark!r}", mend="name one that a page has")
    if inside is not None and (committed or len(runs) != 1 or not repository.is_copy(inside)):
        fail(
            "--in is for one run, in the clone of an earlier one that was kept",
            mend="name that clone, and steps or one chapter, without --committed",
        )
    folder = Path(tempfile.mkdtemp(prefix="guide-")).resolve()
    wanted = _Wanted(repository, runs, folder, inside, after, until, committed, keep, as_json)
    try:
        code = outlived(lambda: _run(wanted))
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class _Wanted:
    repository: Repository
    runs: list[list[Entry]]
    folder: Path
    inside: Path | None
    after: str | None
    until: str | None
    committed: bool
    keep: bool
    as_json: bool


def _run(wanted: _Wanted) -> int:
    """Each run in a clone of its own, until one fails; gives the exit code."""
    reports: list[Report] = []
    with Progress() as progress:
        for number, entries in enumerate(wanted.runs):
            begun = time.monotonic()
            clone = _make_clone(wanted, number)
            with Workshop.opened(clone) as workshop:
                report = Runner(workshop, progress, begun).run(
                    entries, after=wanted.after, until=wanted.until
                )
            reports.append(report)
            if wanted.keep or wanted.inside:
                err.print(f"kept: {clone}")
            else:
                shutil.rmtree(clone.parent, ignore_errors=True)
            if report.failure:
                break
    failure = next((report.failure for report in reports if report.failure), None)
    if wanted.as_json:
        print_json({"ok": failure is None, "runs": [report.to_dict() for report in reports]})
    if failure is None:
        return ExitCode.FINE
    _tell(failure)
    return ExitCode.NO


def _make_clone(wanted: _Wanted, number: int) -> Path:
    if wanted.inside is not None:
        clone = wanted.inside.resolve()
        wanted.repository.copy_into(clone)
        return clone
    clone = wanted.folder / str(number) / CLONE
    clone.parent.mkdir()
    if wanted.committed:
        wanted.repository.clone_to(clone)
    else:
        wanted.repository.copy_to(clone)
    return clone


def _tell(failure: Failure) -> None:
    err.print(f"\n[bold red]{escape(failure.page)}:{failure.line}:[/] {escape(failure.why)}")
    for line in failure.command.splitlines():
        err.print(f"  [bold]{escape(line)}[/]")
    if any(line[:1] in "-+" for line in failure.diff):
        err.print("  [red]-[/] the page shows, [green]+[/] came:")
    for line in failure.diff:
        colour = {"-": "red", "+": "green"}.get(line[:1], "dim")
        err.print(f"  [{colour}]{escape(line)}[/]")


def _choose(book: Book, names: list[str], *, only: bool) -> list[list[Entry]]:
    """What is run in which clone."""
    steps = list(book.of_kind(STEP))
    if not names:
        return [*([steps] if steps else []), *([one] for one in book.of_kind(CHAPTER))]
    found = [_find(book, name) for name in names]
    chosen = [entry for entry in found if entry.kind == STEP]
    if chosen and not only:
        last = max(steps.index(entry) for entry in chosen)
        chosen = steps[: last + 1]
    alone = [[entry] for entry in found if entry.kind != STEP]
    return [chosen, *alone] if chosen else alone


def _find(book: Book, name: str) -> Entry:
    path = Path(name).resolve()
    wanted = path / "README.md" if path.is_dir() else path
    for entry in book.entries:
        if entry.name == name.rstrip(os.sep) or entry.page.path.resolve() == wanted:
            return entry
    if not wanted.is_file():
        known = ", ".join(entry.name for entry in book.entries) or "none: guide.yaml is empty"
        fail(f"there is no page {name!r}", mend=f"name a Markdown file, or one of {known}")
    return read_loose(book.repository, wanted)
