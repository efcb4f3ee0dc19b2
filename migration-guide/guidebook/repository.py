"""The repository that the guide belongs to: its files, and a clean copy of them."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from guidebook.problem import GuideError, Problem

GUIDE = "migration-guide"
_FIRST_COMMIT = "The guide begins here"
VIRTUAL_ENVIRONMENT = ".venv"
# Whoever runs it may have no name set, or sign what he commits.
_AUTHOR = (
    "-c",
    "user.name=guide",
    "-c",
    "user.email=guide@localhost",
    "-c",
    "commit.gpgsign=false",
)


@dataclass(frozen=True)
class Repository:
    """A working tree of git."""

    root: Path

    @property
    def guide(self) -> Path:
        return self.root / GUIDE

    @cached_property
    def files(self) -> tuple[str, ...]:
        """What a commit of everything would hold: tracked, or new and not ignored; and there."""
        listed = _git(self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = sorted({name for name in listed.split("\0") if name})
        return tuple(name for name in names if os.path.lexists(self.root / name))

    def copy_to(self, folder: Path) -> None:
        """Make ``folder`` what a clean clone would be after such a commit, a git repository too."""
        folder.mkdir(parents=True)
        for name in self.files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.root / name, target, follow_symlinks=False)
        _git(folder, "init", "-q", "-b", "main")
        _git(folder, "add", "--all", "--force")
        _git(folder, *_AUTHOR, "commit", "-q", "--no-verify", "-m", _FIRST_COMMIT)

    @staticmethod
    def is_copy(folder: Path) -> bool:
        """Was it made by `copy_to`? Nobody's own work is in such a one."""
        if not (folder / ".git").is_dir():
            return False
        try:
            subjects = _git(folder, "log", "--max-parents=0", "--format=%s", "HEAD")
        except subprocess.CalledProcessError:
            return False
        return subjects.strip() == _FIRST_COMMIT

    def copy_into(self, folder: Path) -> None:
        """Make a copy that was used before what `copy_to` would make it, but leave its virtual environment."""
        kept = folder / VIRTUAL_ENVIRONMENT
        aside = folder.with_name(f"{folder.name}.{VIRTUAL_ENVIRONMENT}")
        if kept.exists():
            kept.rename(aside)
        shutil.rmtree(folder)
        self.copy_to(folder)
        if aside.exists():
            aside.rename(kept)

    def clone_to(self, folder: Path) -> None:
        """A real clone of what is committed, objects and all."""
        _git(folder.parent, "clone", "-q", "--no-local", str(self.root), str(folder))


def find_repository(start: Path) -> Repository:
    """The one that ``start`` lies in. Raises GuideError."""
    try:
        root = Path(_git(start, "rev-parse", "--show-toplevel").strip())
    except subprocess.CalledProcessError:
        root = start
    if not (root / GUIDE).is_dir():
        raise GuideError(
            Problem(str(start), 0, "there is no guide", "run this in a clone of stranglerfig")
        )
    return Repository(root)


def _git(folder: Path, *arguments: str) -> str:
    # Whoever calls from a hook of git has variables set that would point at his repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
