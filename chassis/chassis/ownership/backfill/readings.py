"""What was read of the source for one batch: under each key a row or nothing, and at which position.

The readings of a batch are of different moments - a page, then the rows that it needs beside it - so each keeps its own
position. Position 0 is that of a source that tells none: all its readings count as of one moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chassis.ownership.backfill.decoding import Row


@dataclass(frozen=True, slots=True)
class Reading:
    """What the source held under one key."""

    row: Row | None
    """None: nothing."""
    position: int
    in_span: bool = False
    """Whether the batch remembers it with its span."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a table's keys that one page shows whole: behind `after`, up to `through`, as written in JSON."""

    table: str
    after: int | str | None
    through: int | str | None
    position: int


class Readings:
    """The newest reading of each key, by table."""

    def __init__(self, tables: Iterable[str]) -> None:
        self._by_table: dict[str, dict[object, Reading]] = {table: {} for table in tables}

    def add(self, table: str, key: object, reading: Reading) -> None:
        known = self._by_table[table].get(key)
        if known is None or reading.position >= known.position:
            self._by_table[table][key] = reading

    def drop(self, table: str, keys: Iterable[object]) -> None:
        for key in keys:
            self._by_table[table].pop(key, None)

    def of(self, table: str) -> Mapping[object, Reading]:
        return self._by_table[table]

    def rows(self, table: str) -> dict[object, Row]:
        """Those that the source has."""
        return {k: r.row for k, r in self._by_table[table].items() if r.row is not None}

    def absent(self, table: str) -> set[object]:
        """Those that the source does not have."""
        return {k for k, r in self._by_table[table].items() if r.row is None}
