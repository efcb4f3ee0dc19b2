"""What can be said of the guide without running it: one file per kind of question, one list of them all."""

from collections.abc import Callable, Iterable

from guidebook.book import Book
from guidebook.checks.contents import check_contents
from guidebook.checks.drawings import check_drawings
from guidebook.checks.form import check_form, skipped_blocks
from guidebook.checks.headings import check_headings
from guidebook.checks.links import check_links
from guidebook.checks.quotes import check_all_quotes
from guidebook.checks.terminals import check_terminals
from guidebook.problem import Problem

__all__ = ["CHECKS", "find_problems", "skipped_blocks"]

CHECKS: tuple[Callable[[Book], Iterable[Problem]], ...] = (
    check_contents,
    check_form,
    check_terminals,
    check_headings,
    check_links,
    check_all_quotes,
    check_drawings,
)


def find_problems(book: Book) -> list[Problem]:
    """Every mistake, in the order of pages and lines."""
    return sorted(problem for check in CHECKS for problem in check(book))
