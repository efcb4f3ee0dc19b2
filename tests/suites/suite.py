"""One suite: whose tests, on which database, and the command that runs them."""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ON_POSTGRESQL = "@postgresql"
PYTEST = (sys.executable, str(ROOT / "tests" / "suites" / "aloud.py"))
QUIET = ("-q", "-rs")  # and the reason of all that was skipped


class NoSuchSuite(Exception):  # noqa: N818
    """There is no folder of that name; the text says so."""


@dataclass(frozen=True)
class Suite:
    """What runs in one lane."""

    name: str
    folder: Path
    command: tuple[str, ...]

    @classmethod
    def read(cls, name: str, *, root: Path = ROOT, fast: bool = False) -> "Suite":
        """`chassis`, or `chassis@postgresql` with a server of its own. Raises NoSuchSuite."""
        part = name.removesuffix(ON_POSTGRESQL)
        folder = root / part
        if not folder.is_dir():
            raise NoSuchSuite(f"{name}: there is no folder {part} in {root}.")
        pytest = (*PYTEST, *QUIET, *(("-m", "not slow") if fast else ()))
        if part == name:
            return cls(name, folder, pytest)
        with_server = (sys.executable, str(ROOT / "tests" / "servers" / "postgresql.py"), "--")
        return cls(name, folder, (*with_server, *pytest))
