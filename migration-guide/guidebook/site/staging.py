"""Every page as Sphinx shall see it, in memory: links led on, comments turned into titles of blocks.

The tree is the guide's own (README.md becomes index.md); what pages link to elsewhere in the repository comes along
under ``repository/``, so that the site is whole without a host that has the files.
"""

from dataclasses import dataclass, field
from pathlib import Path

from guidebook.book import CONTENTS, Book, Entry
from guidebook.pages import read_page
from guidebook.problem import GuideError, Problem
from guidebook.repository import GUIDE
from guidebook.site.blocks import title_blocks
from guidebook.site.links import lead_links
from guidebook.site.names import PICTURES, staged_name
from guidebook.site.source import show_file, show_folder

_FIRST = "index.md"
_PAGE_OF_FILES = "repository.md"


@dataclass
class Staging:
    """What Sphinx gets: a text for each page, and files that are copied as they are."""

    pages: dict[str, str] = field(default_factory=dict)
    copied: dict[str, Path] = field(default_factory=dict)


def stage(book: Book) -> Staging:
    """Stage every page of the book and what they link to. Raises GuideError with every link that leads nowhere."""
    staging = Staging()
    problems: list[Problem] = []
    brought: dict[str, None] = {}  # a set that keeps its order
    own = {entry.page.name for entry in book.entries}
    for entry in book.entries:
        led = lead_links(book.repository, entry.page)
        problems += led.problems
        brought |= dict.fromkeys(name for name in led.needed if name not in own)
        staging.pages[staged_name(entry.page.name)] = title_blocks(entry.page, led.text)
    known = own | set(brought)
    for name in brought:
        try:
            _bring(book, name, known, staging)
        except UnicodeDecodeError:
            problems.append(Problem(name, 0, "it is no text", "link to what can be read"))
    if _FIRST not in staging.pages:
        mend = f"list README.md in {CONTENTS}: the site begins with it"
        problems.append(Problem(f"{GUIDE}/{CONTENTS}", 0, "the road map is missing", mend))
    if problems:
        raise GuideError(*problems)
    _add_contents(book, list(brought), staging)
    return staging


def _bring(book: Book, name: str, known: set[str], staging: Staging) -> None:
    """A file of the repository as a page of the site; a picture as it is."""
    path = book.repository.root / name
    if path.is_dir():
        staging.pages[staged_name(name)] = show_folder(name, book.repository.files)
    elif path.suffix == ".md":
        led = lead_links(book.repository, read_page(path, name), known)
        staging.pages[staged_name(name)] = led.text
        for picture in led.needed:
            if picture.endswith(PICTURES):
                staging.copied[staged_name(picture)] = book.repository.root / picture
    elif name.endswith(PICTURES):
        staging.copied[staged_name(name)] = path
    else:
        staging.pages[staged_name(name)] = show_file(name, path.read_text(encoding="utf-8"))


def _add_contents(book: Book, brought: list[str], staging: Staging) -> None:
    """The navigation: the pages in the order of guide.yaml, then what came along."""
    listed = "\n".join(map(_line, book.entries))
    files = sorted(staged_name(name) for name in brought if staged_name(name) in staging.pages)
    if files:
        listed += f"\nFiles of the repository <{_document(_PAGE_OF_FILES)}>"
        inside = "\n".join(map(_document, files))
        staging.pages[_PAGE_OF_FILES] = (
            f"# Files of the repository\n\nWhat the guide links to, as it stands in the repository.\n\n{_toctree(inside)}"
        )
    staging.pages[_FIRST] += "\n\n" + _toctree(listed, hidden=True)


def _line(entry: Entry) -> str:
    name = staged_name(entry.page.name)
    return f"{entry.title} <{'self' if name == _FIRST else _document(name)}>"


def _document(name: str) -> str:
    return name.removesuffix(".md")


def _toctree(lines: str, *, hidden: bool = False) -> str:
    options = ":hidden:\n" if hidden else ":maxdepth: 1\n"
    return f"```{{toctree}}\n{options}\n{lines}\n```\n"
