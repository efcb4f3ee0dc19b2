"""The triggers of each kind of database: their SQL, and whether they are in place.

Their names end with the digest of the watch that they belong to, so that those nobody needs any more can be told.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from chassis.ownership.capture.triggers import postgresql, sqlite
from chassis.ownership.capture.watches import Watch

Placed = Mapping[tuple[str, str], Collection[str]]
"""Names of triggers, by relation and digest."""


class Engine(Protocol):
    """What capture needs of a database."""

    def relation(self, connection: Any, table: str) -> str | None:
        """The table as SQL names it; None: there is none."""

    def hindrance(self, connection: Any, watch: Watch) -> str | None:
        """Why `put` can't be called, in a few words: no such table, no such column, not a table at all."""

    def faults(self, connection: Any, watches: Sequence[Watch]) -> Mapping[Watch, str]:
        """What is wrong with those through which changes may go unseen, in a few words each."""

    def outdated(self, connection: Any, watches: Sequence[Watch]) -> Collection[Watch]:
        """Those that are not exactly as `put` would leave them."""

    def placed(self, connection: Any) -> Placed:
        """Every trigger of ours."""

    def mentions(self, connection: Any, column: str) -> Collection[tuple[str, str]]:
        """Relation and digest of those that need a column of this name."""

    def changing(self, connection: Any, relation: str | None) -> AbstractContextManager[None]:
        """A transaction for `put` and `drop`: no other such one, and no writer to the relation, is under way.

        Raises BusyError when that can't be had within a moment.
        """

    def put(self, connection: Any, relation: str, watch: Watch) -> None:
        """Put the triggers of `watch` in place, instead of whatever bears its digest."""

    def drop(self, connection: Any, relation: str, names: Collection[str]) -> None:
        """Drop these triggers."""

    def mark(self, connection: Any, words: str) -> None:
        """Write an entry that names no row into the log: something for a cursor to stand on."""

    def stranded(self, connection: Any) -> bool:
        """The log has entries, and all of them came in a dump of another server: a cursor can't stand on these."""


ENGINES: Mapping[str, Engine] = {"postgresql": postgresql, "sqlite": sqlite}
