"""Reads what an upstream says it was asked: the witness that does not depend on the proxy's own counting."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """How often an upstream was asked for the claimed routes: by users, and as a shadow."""

    by_users: int = 0
    as_shadow: int = 0

    def __sub__(self, earlier: "Asked") -> "Asked":
        """What came after ``earlier``."""
        return Asked(self.by_users - earlier.by_users, self.as_shadow - earlier.as_shadow)


class AccessLog:
    """An access log in the topology's format, ``METHOD PATH STATUS SHADOW-MARK``; read on from where it was left."""

    def __init__(self, file: Path, claimed_prefix: str) -> None:
        self._file = file
        self._prefix = claimed_prefix
        self._offset = 0
        self.total = Asked()

    def read_on(self) -> Asked:
        """Take in the lines written since the last call and return the totals so far."""
        for method, path, mark in self._new_lines():
            if method != "GET" or not path.startswith(self._prefix):
                continue
            user = mark == "-"
            self.total = Asked(self.total.by_users + user, self.total.as_shadow + (not user))
        return self.total

    def _new_lines(self) -> Iterator[tuple[str, str, str]]:
        if not self._file.exists():
            return
        with self._file.open("rb") as log:
            log.seek(self._offset)
            text = log.read()
        whole = text.rpartition(b"\n")[0]  # a line still being written is read next time
        self._offset += len(whole) + 1 if whole else 0
        for line in whole.decode("utf-8", "replace").splitlines():
            method, path, _status, mark = line.split(" ", 3)
            yield method, path, mark
