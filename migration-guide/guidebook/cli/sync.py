"""``guidebook sync``: writes quoted code into the pages."""

from pathlib import Path

import typer

from guidebook.book import read_book
from guidebook.cli.output import ExitCode, out, tell_problems
from guidebook.regions import synced
from guidebook.repository import find_repository


def sync() -> None:
    """Write the code that pages quote (`from:`) as it stands in the files now.

    Ends with 1 if something that is quoted can't be found; the rest is written.
    """
    repository = find_repository(Path.cwd())
    book = read_book(repository)
    problems = []
    for entry in book.entries:
        text, found = synced(entry.page, repository)
        problems += found
        if text != entry.page.text:
            entry.page.path.write_text(text, encoding="utf-8")
            out.print(f"written: {entry.page.name}")
    if problems:
        tell_problems(problems)
        raise typer.Exit(ExitCode.NO)
