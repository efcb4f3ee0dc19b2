"""Single races between a reading and its writing, each made to happen."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chassis.ownership.backfill.batch import ANY_TIME
from chassis.ownership.backfill.copying import copy
from chassis.ownership.backfill.mapping import declared_targets
from chassis.ownership.backfill.walk import Walk, WalkError
from chassis.ownership.backfill.writer import AnotherSourceError, Writer
from chassis.ownership.models import BackfillCursor, Kept, Orphan, ReplicaCursor
from chassis.ownership.replica import BegunAnewError, Replica
from chassis.ownership.replication.consumer import Consumer
from tests.model_source import BOOK, MOMENT, SHELF, ModelFeed, ModelSource
from tests.reading_room import models as reading_room

pytestmark = pytest.mark.django_db(transaction=True)


class Silent:
    def tell(self, line: str) -> None:
        pass

    def reading(self, table: str, phase: str, done: int, total: int | None) -> None:
        pass

    def followed(self, changes: int, more: bool) -> None:
        pass


class Race:
    """A source whose answers are late: the actions of `meanwhile` happen one by one, each after a reading."""

    def __init__(self) -> None:
        self.source: Any = ModelSource(random.Random(0))
        self.source.between = self._between
        self.feed: Any = ModelFeed(self.source)
        self.targets = declared_targets("lending")
        self.replica = Replica("lending", "default")
        self.meanwhile: list[Callable[[], object]] = []
        self._is_busy = False

    def _between(self) -> None:
        if self.meanwhile and not self._is_busy:
            self._is_busy = True
            self.meanwhile.pop(0)()
            self._is_busy = False

    def put(self, *rows: dict[str, Any]) -> None:
        """One transaction that writes these rows."""
        self._commit(
            lambda state: [state[table_of(row)].update({key_of(row): row}) for row in rows]
        )
        self.source.log += [(table_of(row), key_of(row)) for row in rows]

    def drop(self, *entries: tuple[str, Any]) -> None:
        """One transaction that deletes these rows."""
        self._commit(lambda state: [state[table].pop(key) for table, key in entries])
        self.source.log += entries

    def _commit(self, change: Callable[[dict[str, dict[Any, Any]]], object]) -> None:
        state = {table: dict(rows) for table, rows in self.source.state.items()}
        change(state)
        self.source.history.append(state)
        self.source.position += 1

    def consume(self, limit: int = 100) -> None:
        consumer = self.consumer(limit)
        while consumer.turn():
            pass

    def consumer(self, limit: int = 100) -> Consumer:
        return Consumer(
            self.replica, self.targets, self.source, self.feed, limit=limit, listener=Silent()
        )

    def backfill(self) -> Sequence[BackfillCursor]:
        return copy(
            self.replica, self.targets, self.source, self.feed, chunk=100, watcher=Silent()
        ).cursors


@pytest.fixture
def race() -> Race:
    race = Race()
    race.put(shelf(1, "One"), shelf(2, "Two"), book("a", 1))
    race.consume()
    return race


def nothing() -> None:
    pass


def shelf(key: int, name: str, above: int | None = None) -> dict[str, Any]:
    return {"id": key, "above_id": above, "name": name, "closed": False}


def book(isbn: str, on: int, title: str = "A book") -> dict[str, Any]:
    return {
        "isbn": isbn,
        "title": title,
        "shelf_id": on,
        "author_name": None,
        "author_country": None,
        "price": "1.00",
        "added_at": MOMENT,
        "changed_at": MOMENT,
    }


def table_of(row: dict[str, Any]) -> str:
    return BOOK if "isbn" in row else SHELF


def key_of(row: dict[str, Any]) -> Any:
    return row["isbn"] if "isbn" in row else row["id"]


def shelves() -> dict[int, str]:
    return dict(reading_room.Shelf.objects.values_list("id", "name"))


def books() -> dict[str, tuple[int, str]]:
    rows = reading_room.Book.objects.values_list("isbn", "shelf_id", "title")
    return {isbn: (on, title) for isbn, on, title in rows}


# A walk of these two tables reads four pages: the books' keys, the shelves' keys, the shelves, the books.
@pytest.mark.parametrize("page", [2, 3])
def test_late_page_of_backfill_overwrites_nothing_newer(race: Race, page: int) -> None:
    def overtake() -> None:
        race.put(book("a", 1, "new"), shelf(1, "New"))
        race.consume()

    race.meanwhile = [*[nothing] * page, overtake]
    race.backfill()
    assert (books(), shelves()) == ({"a": (1, "new")}, {1: "New", 2: "Two"})


def test_late_page_of_backfill_does_not_bring_back_what_is_gone(race: Race) -> None:
    race.put(book("b", 1))

    def overtake() -> None:
        race.drop((BOOK, "a"), (BOOK, "b"))  # b was never here
        race.consume()

    race.meanwhile = [*[nothing] * 3, overtake]
    race.backfill()
    assert books() == {}


@pytest.mark.parametrize("page", [0, 1])
def test_late_sweep_does_not_delete_what_is_newer_than_its_page(race: Race, page: int) -> None:
    def overtake() -> None:
        race.put(shelf(5, "Five"), book("e", 1))
        race.consume()

    race.meanwhile = [*[nothing] * page, overtake]
    assert {cursor.table: cursor.deleted for cursor in race.backfill()} == {SHELF: 0, BOOK: 0}
    assert (sorted(books()), sorted(shelves())) == (["a", "e"], [1, 2, 5])


def test_late_page_of_the_feed_overwrites_nothing_that_backfill_confirmed(race: Race) -> None:
    """Backfill found the row unchanged, so it wrote nothing - but what the late page holds is older all the same."""
    race.put(book("a", 1, "B"))

    def overtake() -> None:
        race.put(book("a", 1, "A book"))  # as it was, and as it is here
        race.backfill()

    race.meanwhile = [overtake]
    race.consumer().turn()
    assert books()["a"] == (1, "A book")
    race.consume()
    assert books()["a"] == (1, "A book")


def test_names_that_were_swapped_come_in_two_pages(race: Race) -> None:
    race.put(shelf(2, "One"), shelf(1, "Two"))
    race.consumer(limit=1).turn()
    assert shelves() == {1: "Two", 2: "One"}  # the other one was fetched beside it
    race.consume(limit=1)
    assert shelves() == {1: "Two", 2: "One"}


def test_row_that_needs_a_parent_which_came_back_meanwhile_is_not_left_out(race: Race) -> None:
    race.put(shelf(7, "Seven"))
    race.drop((SHELF, 7))

    def come_back() -> None:
        race.put(shelf(7, "Seven"), shelf(2, "Free"), shelf(1, "Two", above=7))

    # The page says that 7 is gone, that 1 has the name of 2: so 1 and 2 are read again, and by then 1 hangs below 7.
    race.put(shelf(1, "Two"), shelf(2, "Other"))
    race.drop((SHELF, 2))
    race.put(shelf(2, "Two again"))
    race.meanwhile = [come_back]
    race.consumer(limit=3).turn()
    assert shelves() == {1: "Two", 2: "Free", 7: "Seven"}
    assert not Orphan.objects.exists()


def test_orphan_comes_when_its_parent_does(race: Race) -> None:
    """From a source that enforces no foreign keys: it says nothing about the child when the parent comes."""
    race.put(shelf(8, "Eight", above=9), book("o", 8), book("a", 8, "moved"))
    race.consume()
    assert (sorted(books()), sorted(shelves())) == (["a"], [1, 2])
    assert books()["a"] == (1, "A book")  # as it was
    assert Orphan.objects.count() == 3
    race.put(shelf(9, "Nine"))
    race.consume()
    assert books() == {"a": (8, "moved"), "o": (8, "A book")}
    assert sorted(shelves()) == [1, 2, 8, 9]
    assert not Orphan.objects.exists()


def test_orphan_that_goes_waits_no_more(race: Race) -> None:
    race.put(book("o", 8))
    race.consume()
    race.drop((BOOK, "o"))
    race.consume()
    assert not Orphan.objects.exists()


def test_vanished_parent_of_a_child_that_still_refers_to_it_goes_with_the_child(race: Race) -> None:
    race.drop((SHELF, 1))  # and its book dangles, as only this source allows
    race.consume()
    assert (sorted(shelves()), Kept.objects.count()) == ([1, 2], 1)
    race.put(book("a", 2))
    race.consume()
    assert (sorted(shelves()), Kept.objects.count()) == ([2], 0)
    assert books() == {"a": (2, "A book")}


def test_rows_that_refer_to_each_other_go_together(race: Race) -> None:
    race.put(shelf(3, "Three", above=4), shelf(4, "Four", above=3), shelf(5, "Five", above=5))
    race.consume()
    race.drop((SHELF, 3), (SHELF, 4), (SHELF, 5))
    race.source.pruned_through = len(race.source.log)  # so that a sweep must find it
    race.put(shelf(6, "Six"))
    race.consume()
    assert sorted(shelves()) == [1, 2, 6]


def test_source_that_becomes_another_one_under_a_walk_is_copied_anew(race: Race) -> None:
    race.put(book("a", 1, "lost in the backup"))
    race.consume()
    epoch = ReplicaCursor.objects.get().epoch

    def restore() -> None:
        race.source.history.append(race.source.history[1])
        race.source.log, race.source.position = [], 0
        race.source.incarnation = "second"

    race.meanwhile = [restore]
    race.backfill()
    cursor = ReplicaCursor.objects.get()
    assert (cursor.incarnation, cursor.epoch != epoch) == ("second", True)
    assert books() == {"a": (1, "A book")}


def test_source_that_becomes_another_one_again_and_again_is_told(race: Race) -> None:
    numbers = iter(range(10**6))

    def become() -> None:
        race.source.incarnation = f"number {next(numbers)}"

    race.meanwhile = [become] * 100
    with pytest.raises(WalkError, match="Do several databases answer under its address"):
        race.backfill()


def test_what_was_read_before_the_copy_began_anew_is_not_written(race: Race) -> None:
    cursor = race.replica.cursor()
    writer = Writer(race.replica, cursor, race.targets, race.source)
    assert race.replica.begin(race.feed.head(), instead_of=cursor.epoch)
    assert not race.replica.begin(race.feed.head(), instead_of=cursor.epoch)  # somebody was faster
    with pytest.raises(BegunAnewError), writer.held(ANY_TIME):
        pass
    batch = writer.batch()
    batch.add(race.targets[0], {}, race.source.position)
    with pytest.raises(BegunAnewError), writer.written(batch):
        pass


def test_walk_of_an_older_epoch_stops_and_its_command_begins_a_new_one(race: Race) -> None:
    def begin_anew() -> None:
        race.replica.begin(race.feed.head(), instead_of=race.replica.cursor().epoch)

    race.put(book("a", 1, "new"))
    race.meanwhile = [begin_anew]
    walk = Walk(
        race.targets,
        race.source,
        race.replica,
        chunk=100,
        watcher=Silent(),
    )
    with pytest.raises(BegunAnewError):
        walk.run()
    race.meanwhile = [begin_anew]
    race.backfill()
    assert books() == {"a": (1, "new")}


def test_page_of_another_incarnation_is_no_page_of_this_copy(race: Race) -> None:
    writer = Writer(race.replica, race.replica.cursor(), race.targets, race.source)
    page = race.source.page(SHELF, None, 10)
    assert writer.position_of(page) == race.source.position
    race.source.incarnation = "second"
    with pytest.raises(AnotherSourceError):
        writer.position_of(race.source.page(SHELF, None, 10))
