"""Where a run happens: a folder of its own with the clone, and the reader's environment rather than ours."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

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
    "COLUMNS": str(COLUMNS),
    "LINES": str(ROWS),
    "VIRTUAL_ENV_DISABLE_PROMPT": "1",  # the prompts are ours: see `terminal.stream`
    "PAGER": "cat",  # a pager would wait for a key
    # What git and pip say hangs on settings of this machine, not of the guide.
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "PIP_QUIET": "1",
}


class Workshop:
    """A clean clone, and the terminals in it."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self._environment = reader_environment()
        self._terminals: dict[str, Terminal] = {}

    @classmethod
    @contextlib.contextmanager
    def opened(cls, clone: Path) -> "Iterator[Workshop]":
        """At the end nothing that was started in the terminals is left."""
        workshop = cls(clone)
        try:
            yield workshop
        finally:
            workshop.close()

    def terminal(self, name: str) -> Terminal:
        """The terminal of that name, opened in the clone's root when it is first asked for."""
        if name not in self._terminals:
            self._terminals[name] = Terminal(name, self.clone, self._environment)
        return self._terminals[name]

    def shells(self) -> list[int]:
        """The process ids of the terminals' shells."""
        return [terminal.pid for terminal in self._terminals.values()]

    def close(self) -> None:
        """End everything, the last terminal first: what was started later leans on what was before."""
        for terminal in reversed(self._terminals.values()):
            terminal.stop()
        # While the shells live, what they have left in the background is still below them.
        end_all(spare=self.shells())
        for terminal in self._terminals.values():
            terminal.close()
        end_all()


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
