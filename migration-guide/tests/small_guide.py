"""A repository with a guide of two pages, for tests of what is made of a guide."""

import subprocess
from pathlib import Path

from guidebook.book import Book, read_book
from guidebook.repository import Repository

CONTENTS = """\
- {page: README.md, title: Road map, kind: reading}
- {page: 01-first/README.md, title: 01 First, kind: step}
"""
ROAD_MAP = """\
# Road map

Begin with [the first step](01-first/), or [its end](01-first/README.md#the-end).
"""
STEP = """\
# 01 First

The word quokka stands here.

## The end

Back to the [road map](../README.md).
"""


class SmallGuide:
    """Its files, as a test wants them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        self.write("migration-guide/guide.yaml", CONTENTS)
        self.write("migration-guide/README.md", ROAD_MAP)
        self.write("migration-guide/01-first/README.md", STEP)

    def write(self, name: str, text: str) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def book(self) -> Book:
        return read_book(Repository(self.root))
