"""Where a run happens: a folder of its own with the clone, and the reader's environment rather than ours."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from guidebook.repository import Repository
from guidebook.terminal import Terminal, end_all
from guidebook.terminal.shell import COLUMNS, ROWS

# What a shell has that was just opened, and what leads to packages on this machine. Nothing of a virtual environment,
# a test run, a make or a hook of git that we may have been started from.
_KEPT = {
    "HOME", "USER", "LOGNAME", "SHELL", "PATH", "TMPDIR", "TZ",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
}  # fmt: skip
_KEPT_BEGINNINGS = ("PIP_", "XDG_")
_SET = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PAGER": "cat",  # a pager would wait for a key
    "COLUMNS": str(COLUMNS),
    "LINES": str(ROWS),
    # Where pip looks differs from machine to machine, and it warns of every place that is not there.
    "PIP_QUIET": "1",
}


class Workshop:
    """A clean clone, and the terminals in it."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.environment = reader_environment()
        self.terminals: dict[str, Terminal] = {}

    @classmethod
    @contextlib.contextmanager
    def opened(cls, repository: Repository, *, keep: bool = False) -> "Iterator[Workshop]":
        """Copy the repository; at the end nothing that was started is left, and no file unless ``keep``."""
        outer = Path(tempfile.mkdtemp(prefix="guide-")).resolve()
        workshop = cls(outer / "stranglerfig")
        try:
            repository.copy_to(workshop.clone)
            yield workshop
        finally:
            workshop.close()
            if not keep:
                shutil.rmtree(outer, ignore_errors=True)

    def terminal(self, name: str) -> Terminal:
        """The terminal of that name, opened in the clone's root when it is first asked for."""
        if name not in self.terminals:
            self.terminals[name] = Terminal(name, self.clone, self.environment)
        return self.terminals[name]

    def close(self) -> None:
        """End every terminal, the last opened first: who was started later leans on who was before."""
        for terminal in reversed(self.terminals.values()):
            terminal.close()
        end_all()
        for terminal in self.terminals.values():
            terminal.release()


def reader_environment() -> dict[str, str]:
    """The variables that a command of the guide sees."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _KEPT or name.startswith(_KEPT_BEGINNINGS)
    }
    if (
        sys.prefix != sys.base_prefix
    ):  # the programs of our own virtual environment are not the reader's
        ours = Path(sys.prefix).resolve() / "bin"
        places = kept.get("PATH", os.defpath).split(os.pathsep)
        kept["PATH"] = os.pathsep.join(place for place in places if Path(place).resolve() != ours)
    return kept | _SET
