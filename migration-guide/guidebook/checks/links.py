"""Does every link within the repository lead somewhere, to the heading it names?"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from guidebook.book import Book
from guidebook.pages import Page, read_page
from guidebook.problem import Problem
from guidebook.repository import GUIDE

_OUTSIDE = re.compile(r"(?i)[a-z][a-z0-9+.-]*:")


def check_links(book: Book) -> Iterator[Problem]:
    """Files and headings; what is outside the repository is not looked at."""
    pages = {entry.page.path.resolve(): entry.page for entry in book.entries}
    road_map = book.repository.guide / "README.md"
    if road_map.exists() and road_map.resolve() not in pages:
        pages[road_map.resolve()] = read_page(road_map, f"{GUIDE}/README.md")
    anchors: dict[Path, set[str]] = {}
    for page in list(pages.values()):
        for link in page.links:
            if _OUTSIDE.match(link.target):
                continue
            path, _, anchor = unquote(link.target).partition("#")
            target = (page.path.parent / path).resolve() if path else page.path.resolve()
            if not target.is_relative_to(book.repository.root.resolve()) or not target.exists():
                yield Problem(
                    page.name,
                    link.line,
                    f"the link to {link.target} leads nowhere",
                    _better(page, path, book.repository.files),
                )
            elif anchor and target.suffix == ".md":
                if target not in anchors:
                    other = pages.get(target) or read_page(target, target.name)
                    anchors[target] = set(slugs(other))
                if anchor not in anchors[target]:
                    yield Problem(
                        page.name,
                        link.line,
                        f"the link to {link.target} names no heading there",
                        f"use one of {', '.join(sorted(anchors[target]))}",
                    )


def _better(page: Page, path: str, files: tuple[str, ...]) -> str:
    """What to write instead: the file of that name nearby, if there is one."""
    folder = PurePosixPath(page.name).parent
    wanted = PurePosixPath(path).name
    named = [name for name in files if PurePosixPath(name).name == wanted]
    if named and wanted != "README.md":
        nearest = min(named, key=lambda name: len(os.path.relpath(name, folder)))
        return f"write {os.path.relpath(nearest, folder)}"
    return f"write the path of a file or a folder of the repository, from {folder}"


def slugs(page: Page) -> Iterator[str]:
    """The anchors of a page's headings, as hosts of Markdown make them."""
    seen: dict[str, int] = {}
    for heading in page.headings:
        slug = re.sub(r"[^\w\- ]", "", heading.text.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        yield f"{slug}-{count}" if count else slug
