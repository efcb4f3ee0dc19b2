"""A repository with a guide of its own, as small as a test wants it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from guidebook.book import Book, read_book
from guidebook.problem import Problem
from guidebook.repository import Repository


@dataclass(frozen=True)
class TinyGuide:
    """A working tree of git with `migration-guide/guide.yaml`."""

    root: Path

    @property
    def repository(self) -> Repository:
        return Repository(self.root)

    def write(self, name: str, text: str) -> Path:
        """A file of the repository."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def list_pages(self, **kinds: str) -> None:
        """Write guide.yaml: page (`_` for `-`, without `.md`) to kind. Titles are of no interest here."""
        listed = [
            {"page": f"{name.replace('_', '-')}.md", "title": name, "kind": kind}
            for name, kind in kinds.items()
        ]
        self.write("migration-guide/guide.yaml", json.dumps(listed))

    def add(self, text: str, kind: str = "chapter") -> Path:
        """The guide's one page."""
        self.list_pages(page=kind)
        return self.write("migration-guide/page.md", text)

    def book(self) -> Book:
        return read_book(self.repository)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`python -m guidebook` in the repository."""
        return subprocess.run(
            [sys.executable, "-m", "guidebook", *arguments],
            cwd=self.root,
            env={**os.environ, "NO_COLOR": "1"},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def guide(tmp_path: Path) -> TinyGuide:
    root = tmp_path / "repository"
    (root / "migration-guide").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    made = TinyGuide(root)
    made.list_pages()
    return made


def told(problems: list[Problem]) -> list[str]:
    """Line and message of each."""
    return [f"{problem.line}: {problem.message}" for problem in problems]
