"""The pages in their order: ``migration-guide/guide.yaml``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from guidebook.pages import Page, read_page
from guidebook.problem import GuideError, Problem
from guidebook.repository import GUIDE, Repository

CONTENTS = "guide.yaml"
STEP, CHAPTER, READING = "step", "chapter", "reading"
STEP_CONFIG = "fig.yaml"
"""Beside a step's page: the fig.yaml that the step leaves its reader with."""
KINDS = (STEP, CHAPTER, READING)
"""Steps follow each other in one clone, a chapter has a clone of its own, a reading has no commands."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of guide.yaml, and the page it names."""

    page: Page
    title: str
    kind: str

    @property
    def name(self) -> str:
        """How commands call it: the folder of a README.md, else the file without its ending."""
        path = self.page.path
        return path.parent.name if path.name == "README.md" else path.stem

    @property
    def folder(self) -> Path:
        return self.page.path.parent


@dataclass(frozen=True, slots=True)
class Book:
    """The whole guide."""

    repository: Repository
    entries: tuple[Entry, ...]

    def of_kind(self, kind: str) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.kind == kind)


def read_book(repository: Repository) -> Book:
    """Read guide.yaml and its pages. Raises GuideError with everything that is wrong in it."""
    name = f"{GUIDE}/{CONTENTS}"
    try:
        listed = YAML(typ="safe").load(repository.guide / CONTENTS)
    except (OSError, YAMLError, UnicodeDecodeError) as error:
        raise GuideError(Problem(name, 0, f"it can't be read: {error}", "mend it")) from error
    problems: list[Problem] = []
    entries: list[Entry] = []
    seen: set[str] = set()
    for item in listed if isinstance(listed, list) else [None]:
        try:
            entry = _read_entry(repository, item)
            if entry.page.name in seen:
                raise ValueError(f"{entry.page.name} is listed twice")
            seen.add(entry.page.name)
            entries.append(entry)
        except (ValueError, OSError) as error:
            problems.append(Problem(name, 0, str(error), "mend the list of pages"))
    if problems:
        raise GuideError(*problems)
    return Book(repository, tuple(entries))


def read_loose(repository: Repository, path: Path) -> Entry:
    """A page that is in no list (yet), run alone like a chapter. Raises GuideError."""
    try:
        return Entry(_page(repository, path.resolve()), path.name, CHAPTER)
    except (OSError, ValueError) as error:
        raise GuideError(
            Problem(str(path), 0, f"it can't be read: {error}", "name a page")
        ) from error


def _read_entry(repository: Repository, item: Any) -> Entry:
    if not isinstance(item, dict) or set(item) != {"page", "title", "kind"}:
        raise ValueError(f"an entry is {{page, title, kind}}, and not {item}")
    if not isinstance(item["page"], str):
        raise ValueError(f"a page is a path from {GUIDE}, not {item['page']!r}")
    if item["kind"] not in KINDS:
        raise ValueError(f"{item['page']}: the kind is {', '.join(KINDS)}, not {item['kind']}")
    return Entry(
        _page(repository, repository.guide / item["page"]), str(item["title"]), item["kind"]
    )


def _page(repository: Repository, path: Path) -> Page:
    inside = path.is_relative_to(repository.root)
    return read_page(path, str(path.relative_to(repository.root)) if inside else str(path))
