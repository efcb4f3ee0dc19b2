"""Backfill and consume against a source that is written meanwhile: whatever happens between a reading and its writing,
in the end the copy is equal, and no row is ever older than it has been.

Each reading takes its snapshot, and then - before it is handed to whoever asked - other things happen: writes, another
consumer's page, a part of another backfill, an end of the process. So pages are applied at any later time, twice, or
never, in any order.
"""

import random
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from chassis.ownership.backfill.copying import copy
from chassis.ownership.backfill.mapping import declared_targets
from chassis.ownership.backfill.walk import WalkError
from chassis.ownership.replica import OvertakenError, Replica
from chassis.ownership.replication.consumer import Consumer
from tests.model_source import BOOK, SHELF, ModelFeed, ModelSource
from tests.reading_room import models as reading_room

MOST_NESTED = 3
COLUMNS_SHOWN = {
    SHELF: ("id", "above_id", "name", "closed"),
    BOOK: ("isbn", "title", "shelf_id", "author_name", "price"),
}

Copy = dict[str, dict[Any, tuple[Any, ...]]]
"""By table and key."""


class Stopped(Exception):  # noqa: N818 - an event, not an error
    """The process was killed."""


class Silent:
    def tell(self, line: str) -> None:
        pass

    def reading(self, table: str, phase: str, done: int, total: int | None) -> None:
        pass

    def followed(self, changes: int, more: bool) -> None:
        pass


class Scene:
    """A source, its copy, and processes that get into each other's way."""

    def __init__(self, seed: int, *, restores: bool = False) -> None:
        self.draw = random.Random(seed)
        self.source: Any = ModelSource(self.draw)
        self.feed: Any = ModelFeed(self.source)
        self.targets = declared_targets("lending")
        self.replica = Replica("lending", "default")
        self.restores = restores
        self.depth = 0
        self.budget = 60
        self.seen: dict[tuple[str, Any], int] = {}
        """By row: the earliest state that what the copy held last can be of."""
        self.held: Copy = {SHELF: {}, BOOK: {}}
        self.source.between = self.between

    def between(self) -> None:
        """Whatever may happen while an answer is on its way."""
        assert not connection.in_atomic_block, "nothing may be asked under the lock"
        if self.depth >= MOST_NESTED or self.budget <= 0:
            return
        self.depth += 1
        try:
            while self.draw.random() < 0.5:
                self.something()
        finally:
            self.depth -= 1
        if self.draw.random() < 0.05:
            raise Stopped

    def something(self) -> None:
        self.budget -= 1
        kind = self.draw.choices(
            ["write", "consume", "backfill", "prune", "restore"],
            [10, 6, 2, 0.3, 0.3 if self.restores else 0],
        )[0]
        if kind == "write":
            self.source.write()
        elif kind == "prune":
            self.source.prune()
        elif kind == "restore":
            self.source.restore()
        else:
            with suppress(Stopped, WalkError, OvertakenError):
                self.consume() if kind == "consume" else self.backfill()
        self.look()

    def consume(self) -> None:
        """A turn of a consumer of its own: several of them are at it."""
        self.consumer().turn()

    def backfill(self) -> None:
        copy(
            self.replica,
            self.targets,
            self.source,
            self.feed,
            chunk=self.draw.randint(1, 3),
            watcher=Silent(),
            restart=self.draw.random() < 0.2,
        )

    def consumer(self) -> Consumer:
        return Consumer(
            self.replica,
            self.targets,
            self.source,
            self.feed,
            limit=self.draw.randint(1, 4),
            listener=Silent(),
        )

    def look(self) -> None:
        """No row is older than it was when it was last looked at."""
        before, self.held = self.held, self.copy()
        for table in (SHELF, BOOK):
            for key in before[table].keys() | self.held[table].keys():
                row, least = self.held[table].get(key), self.seen.get((table, key), 0)
                if row == before[table].get(key):
                    continue
                states = range(least, len(self.source.history))
                state = next((n for n in states if self.shown(n, table, key) == row), None)
                assert state is not None, f"{table}/{key} went back behind {least}: {row}"
                self.seen[table, key] = state

    def shown(self, state: int, table: str, key: Any) -> tuple[Any, ...] | None:
        row = self.source.history[state][table].get(key)
        return None if row is None else tuple(row[name] for name in COLUMNS_SHOWN[table])

    def copy(self) -> Copy:
        shelves = reading_room.Shelf.objects.values_list("id", "above_id", "name", "closed")
        books = reading_room.Book.objects.values_list(
            "isbn", "title", "shelf_id", "author", "price"
        )
        return {
            SHELF: {row[0]: row for row in shelves},
            BOOK: {row[0]: (*row[:4], str(row[4])) for row in books},
        }

    def settle(self) -> None:
        """The source stands still; a consumer that is left alone catches up."""
        self.budget = 0
        consumer = self.consumer()
        for _ in range(2000):
            try:
                if not consumer.turn():
                    break
            except Stopped:
                continue
        else:
            raise AssertionError("it never catches up")
        self.look()
        assert self.held == {
            table: {key: self.shown(-1, table, key) for key in rows}
            for table, rows in self.source.state.items()
        }


@pytest.mark.parametrize(
    "seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 40))]
)
def test_whatever_happens_meanwhile_the_copy_ends_equal_and_never_goes_back(
    transactional_db: None, seed: int
) -> None:
    scene = Scene(seed, restores=seed % 3 == 0)
    for _ in range(12):
        scene.source.write()
    for _ in range(3):
        scene.budget = 60
        while scene.budget > 0:
            scene.something()
        scene.settle()
