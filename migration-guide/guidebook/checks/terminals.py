"""Is a terminal free when a page types into it? What stays is in its way until ``^C``."""

from collections.abc import Iterator

from guidebook.book import CHAPTER, STEP, Book, Entry
from guidebook.pages import Interrupt
from guidebook.problem import GuideError, Problem
from guidebook.run.script import script


def check_terminals(book: Book) -> Iterator[Problem]:
    """The steps one after the other, each chapter by itself: as they run."""
    yield from _check(book.of_kind(STEP))
    for chapter in book.of_kind(CHAPTER):
        yield from _check((chapter,))


def _check(entries: tuple[Entry, ...]) -> Iterator[Problem]:
    stays: dict[str, str] = {}
    for entry in entries:
        page = entry.page.name
        try:
            items = list(script(entry.page))
        except GuideError:
            continue  # the check of the form tells it
        for item in items:
            if isinstance(item, str) or item.directive.skip is not None:
                continue
            name = item.directive.terminal
            for action in item.actions:
                if isinstance(action, Interrupt):
                    if name not in stays:
                        yield Problem(
                            page, action.line, f"nothing stays in terminal {name}", "take `^C` away"
                        )
                    stays.pop(name, None)
                elif name in stays:
                    yield Problem(
                        page,
                        action.line,
                        f"terminal {name} is busy with what {stays[name]} started",
                        "begin the block with `^C`, or use another terminal",
                    )
            if item.directive.stays:
                stays[name] = f"{page}:{item.line}"
