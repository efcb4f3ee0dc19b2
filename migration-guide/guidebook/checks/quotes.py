"""Is quoted code the file's?"""

from collections.abc import Iterator

from guidebook.book import Book
from guidebook.problem import Problem
from guidebook.regions import check_quotes


def check_all_quotes(book: Book) -> Iterator[Problem]:
    """Every ``from:`` of every page."""
    for entry in book.entries:
        yield from check_quotes(entry.page, book.repository)
