"""Has every page a title, and every step its parts in their order?"""

from collections.abc import Iterator

from guidebook.book import STEP, Book, Entry
from guidebook.problem import Problem

PARTS = (
    "Goal",
    "What you have",
    "Do it",
    "What you should see",
    "The way back",
    "What can go wrong",
    "What it cost",
)
_OPTIONAL = {"What you should see"}  # most steps show it in the middle of what is done


def check_headings(book: Book) -> Iterator[Problem]:
    """One title a page; the parts of a step; no level left out."""
    for entry in book.entries:
        page = entry.page
        titles = [heading for heading in page.headings if heading.level == 1]
        if len(titles) != 1 or titles[0].line != 1:
            yield Problem(page.name, 1, "the page has not one title, on its first line", "write it")
        level = 0
        for heading in page.headings:
            if heading.level > level + 1:
                yield Problem(
                    page.name,
                    heading.line,
                    f"the heading {heading.text!r} leaves a level out",
                    f"write {'#' * (level + 1)}",
                )
            level = heading.level
        if entry.kind == STEP:
            yield from _check_step(entry)


def _check_step(entry: Entry) -> Iterator[Problem]:
    page = entry.page
    number = entry.name[:2]
    if page.headings and not page.headings[0].text.startswith(f"{number} "):
        yield Problem(page.name, 1, "the title has not the step's number", f"write `# {number} …`")
    parts = [heading for heading in page.headings if heading.level == 2]
    for part in parts:
        if part.text not in PARTS:
            yield Problem(
                page.name,
                part.line,
                f"a step has no part {part.text!r}",
                f"use {', '.join(PARTS)}, or a smaller heading",
            )
    names = [part.text for part in parts if part.text in PARTS]
    for name in PARTS:
        if name not in names and name not in _OPTIONAL:
            yield Problem(page.name, 0, f"the part `## {name}` is missing", "write it")
    if names != sorted(set(names), key=PARTS.index):
        yield Problem(
            page.name,
            0,
            "the parts are not in their order, or one comes twice",
            f"the order is {', '.join(PARTS)}",
        )
