"""Reads what an upstream says it was asked: the witness that does not depend on the proxy's own counting."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from demo.pages import ORDERS

ABSENT = "-"  # how gunicorn writes a header that was not sent


@dataclass(frozen=True)
class Asked:
    """How often an upstream was asked, through the proxy, for the claimed routes."""

    by_shoppers: int = 0
    by_others: int = 0
    """By people who look at the shop while the demo runs."""
    as_shadow: int = 0
    checkouts: int = 0
    """By shoppers; to no claimed route, and in no other number here."""

    @property
    def by_users(self) -> int:
        """By everybody who got the answer."""
        return self.by_shoppers + self.by_others

    def __sub__(self, earlier: "Asked") -> "Asked":
        """What came after ``earlier``."""
        return Asked(
            self.by_shoppers - earlier.by_shoppers,
            self.by_others - earlier.by_others,
            self.as_shadow - earlier.as_shadow,
            self.checkouts - earlier.checkouts,
        )


class AccessLog:
    """An access log in the topology's format; read on from where it was left."""

    def __init__(self, file: Path, claimed_prefix: str) -> None:
        self._file = file
        self._prefix = claimed_prefix
        self._offset = 0
        self.total = Asked()

    def read_on(self) -> Asked:
        """Take in the lines written since the last call and return the totals so far."""
        for line in self._new_lines():
            method, request_id, mark, shopper, path = line.split("|", 4)
            if (method, path) == ("POST", ORDERS) and shopper != ABSENT:
                self.total = replace(self.total, checkouts=self.total.checkouts + 1)
            if method not in ("GET", "HEAD") or not path.startswith(self._prefix):
                continue
            if request_id == ABSENT:  # asked directly, past the proxy
                continue
            total = self.total
            if mark != ABSENT:
                self.total = replace(total, as_shadow=total.as_shadow + 1)
            elif shopper != ABSENT:
                self.total = replace(total, by_shoppers=total.by_shoppers + 1)
            else:
                self.total = replace(total, by_others=total.by_others + 1)
        return self.total

    def _new_lines(self) -> Iterator[str]:
        if not self._file.exists():
            return
        with self._file.open("rb") as log:
            log.seek(self._offset)
            text = log.read()
        whole = text.rpartition(b"\n")[0]  # a line still being written is read next time
        self._offset += len(whole) + 1 if whole else 0
        yield from whole.decode("utf-8", "replace").splitlines()
