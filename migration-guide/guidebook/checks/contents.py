"""Is every page in guide.yaml, and every step in its place?"""

import re
from collections.abc import Iterator

from guidebook.book import CONTENTS, STEP, STEP_CONFIG, Book
from guidebook.problem import Problem
from guidebook.repository import GUIDE

_NUMBERED = re.compile(r"(\d{2})-[a-z0-9-]+")
_NOT_PAGES = ("tests/", "guidebook/")


def check_contents(book: Book) -> Iterator[Problem]:
    """Pages that nobody would reach, and steps whose number is not their place."""
    listed = {entry.page.name for entry in book.entries}
    for name in book.repository.files:
        inside = name.removeprefix(f"{GUIDE}/")
        if name == inside or not name.endswith(".md") or inside.startswith(_NOT_PAGES):
            continue
        if name not in listed and inside != "README.md":
            yield Problem(name, 0, f"the page is not in {CONTENTS}", "add it, or take it away")
    for place, entry in enumerate(book.of_kind(STEP)):
        found = _NUMBERED.fullmatch(entry.name)
        if not found or int(found[1]) != place:
            yield Problem(
                entry.page.name,
                0,
                f"step number {place} is in {entry.name}",
                f"name it {place:02d}-…",
            )
        if place and not (entry.folder / STEP_CONFIG).exists():
            yield Problem(
                entry.page.name, 0, f"the step has no {STEP_CONFIG}", "write what it leaves"
            )
