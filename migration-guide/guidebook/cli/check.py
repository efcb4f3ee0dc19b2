"""``guidebook check``: what can be said of the guide without running it."""

from pathlib import Path

import typer

from guidebook.book import Book, read_book
from guidebook.checks import find_problems, skipped_blocks
from guidebook.cli.output import ExitCode, JsonFlag, err, out, print_json, tell_problems
from guidebook.problem import GuideError
from guidebook.repository import find_repository


def check(as_json: JsonFlag = False) -> None:
    """Show every mistake in the guide's pages: format, headings, links, quoted code that is not the file's.

    Ends with 1 if there is a mistake. Changes nothing, starts nothing.
    """
    repository = find_repository(Path.cwd())
    try:
        book = read_book(repository)
    except GuideError as error:
        book = Book(repository, ())
        problems = list(error.problems)
    else:
        problems = find_problems(book)
    skipped = skipped_blocks(book)
    if as_json:
        print_json(
            {
                "ok": not problems,
                "problems": [problem.to_dict() for problem in problems],
                "skipped": [
                    {"page": page, "line": line, "reason": reason} for page, line, reason in skipped
                ],
            }
        )
    else:
        tell_problems(problems)
        for page, line, reason in skipped:
            err.print(f"not run: {page}:{line}: {reason}")
        if not problems:
            out.print(f"the guide is in order: {len(book.entries)} pages")
    if problems:
        raise typer.Exit(ExitCode.NO)
