"""Transactions that end in another order than they began: nothing is passed over, and a higher position is never older.

Each claim is tried with an oracle too: a reader that goes about it as one would at first, and is shown to lose.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from chassis.ownership.capture.reading import reading
from tests.conftest import ADDED, make_shelf
from tests.connections import in_thread, postgresql_only, second_connection
from tests.copying import Copy
from tests.library.models import Author, Book, Country, Shelf

pytestmark = pytest.mark.django_db(transaction=True)

BOOK = "library_book"
SEED = random.SystemRandom().randrange(10**6)


@contextmanager
def open_transaction() -> Iterator[Any]:
    """A connection in a transaction; commits in the end."""
    with second_connection() as other:
        other.execute("BEGIN")
        yield other
        other.execute("COMMIT")


class Naive:
    """Pages the log by what the name says."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.last = 0
        self.follow()

    def follow(self) -> set[str]:
        keys = set()
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {self.column}, key FROM chassis_ownership_change "  # noqa: S608
                f"WHERE {self.column} > {self.last} ORDER BY 1"
            )
            for self.last, key in cursor.fetchall():
                keys.add(key)
        return keys


@postgresql_only
class TestOrder:
    def test_slow_transaction_with_an_early_id(self, filled_library: None) -> None:
        copy, naive = Copy("lending"), Naive("id")
        with open_transaction() as slow:
            slow.execute("UPDATE library_book SET title = 'slow' WHERE isbn = 'b01'")
            Book.objects.filter(isbn="b02").update(title="quick")
            assert naive.follow() == {"b02"}
            # Handed out only when nothing can come before it any more.
            page = copy.ask(copy.cursor)
            assert page["events"] == []
            copy.cursor = page["next"]
        assert naive.follow() == set()  # the oracle: lost for ever
        copy.follow()
        assert copy.seen == {(BOOK, "b01"), (BOOK, "b02")}
        copy.assert_equal()

    def test_slow_transaction_with_an_early_number(self, filled_library: None) -> None:
        copy, naive = Copy("lending"), Naive("xid")
        with open_transaction() as slow:
            slow.execute("SELECT pg_current_xact_id()")
            Book.objects.filter(isbn="b02").update(title="quick")
            assert naive.follow() == {"b02"}
            assert copy.ask(copy.cursor)["events"] == []
            slow.execute("UPDATE library_book SET title = 'slow' WHERE isbn = 'b01'")
        assert naive.follow() == set()
        copy.follow()
        assert copy.seen == {(BOOK, "b01"), (BOOK, "b02")}
        copy.assert_equal()

    def test_numbers_and_ids_of_one_row_in_opposite_order(self, filled_library: None) -> None:
        copy = Copy("lending")
        with open_transaction() as early:
            early.execute("SELECT pg_current_xact_id()")
            Book.objects.filter(isbn="b01").update(title="by the later number")
            early.execute(
                "UPDATE library_book SET title = 'by the earlier number' WHERE isbn = 'b01'"
            )
        with connection.cursor() as cursor:
            cursor.execute("SELECT xid FROM chassis_ownership_change WHERE key = 'b01' ORDER BY id")
            (first,), (second,) = cursor.fetchall()[-2:]
        assert first > second
        copy.follow()
        assert copy.rows[BOOK]["b01"]["title"] == "by the earlier number"
        copy.assert_equal()

    def test_page_between_two_commits_is_as_new_as_its_position(self, filled_library: None) -> None:
        copy = Copy("lending")
        with open_transaction() as slow:
            slow.execute("UPDATE library_book SET title = 'slow' WHERE isbn = 'b01'")
            Book.objects.filter(isbn="b02").update(title="quick")
            page = copy.client.get("/_chassis/rows/lending?table=library_book").json()
            titles = {row[0]: row[1] for row in page["rows"]}
            assert (titles["b01"], titles["b02"]) == ("Book b01", "quick")
        later = copy.client.get("/_chassis/rows/lending?table=library_book").json()
        assert later["position"] > page["position"]

    def test_row_added_while_what_it_shows_is_changed(self, filled_library: None) -> None:
        """The trigger of the renamed author can't see the book that another transaction is adding; and the book, read
        when that one has ended, still shows the old name."""
        author = Author.objects.get()
        copy = Copy("lending")
        with open_transaction() as adds:
            adds.execute(
                "INSERT INTO library_book (isbn, title, shelf_id, price, added_at, changed_at, note, author_id) "
                "VALUES ('new', '', 1, 1, now(), now(), '', %s)",
                [author.pk],
            )
            with open_transaction() as renames:
                renames.execute("UPDATE library_author SET name = 'Renamed'")
                adds.execute("COMMIT")
                adds.execute("BEGIN")
                copy.follow()
                assert copy.rows[BOOK]["new"]["author_name"] == "Åsa"
        copy.follow()
        assert copy.rows[BOOK]["new"]["author_name"] == "Renamed"
        copy.assert_equal()

    def test_page_waits_for_a_truncate_and_is_not_older_than_it(self, filled_library: None) -> None:
        """A snapshot from before would see the table empty, and the rows that were put back as deleted."""
        copy = Copy("lending")
        Book.objects.filter(isbn="b01").update(title="changed")
        copy.follow()
        Book.objects.filter(isbn="b01").update(title="changed again")
        with ThreadPoolExecutor() as pool, open_transaction() as truncates:
            truncates.execute("CREATE TEMP TABLE kept AS SELECT * FROM library_book")
            truncates.execute("TRUNCATE library_book")
            truncates.execute("INSERT INTO library_book SELECT * FROM kept")
            page = pool.submit(in_thread, lambda: copy.ask(copy.cursor))
            wait_for_a_lock("library_book")
            truncates.execute("COMMIT")
            truncates.execute("BEGIN")
            events = page.result(timeout=20)["events"]
        assert all(event["type"] == "chassis.row.changed" for event in events)
        copy.follow()
        copy.assert_equal()

    def test_page_gives_up_on_a_table_that_stays_locked(self, filled_library: None) -> None:
        copy = Copy("lending")
        with open_transaction() as alters:
            alters.execute("LOCK TABLE library_book")
            assert copy.ask(copy.cursor, status=503)["code"] == "busy"
            answer = copy.client.get("/_chassis/rows/lending?table=library_book")
            assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        copy.follow()
        copy.assert_equal()


def wait_for_a_lock(table: str) -> None:
    give_up = time.monotonic() + 20
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted",
                [table],
            )
            if cursor.fetchone() != (0,):
                return
        assert time.monotonic() < give_up
        time.sleep(0.01)


def retried(work: Callable[[], None]) -> None:
    """PostgreSQL's writers may deadlock, and SQLite's (before Django 5.1) not wait: then one of them begins anew,
    or in the end gives up, having written nothing."""
    for _ in range(20):
        try:
            work()
            return
        except Exception as error:  # the driver's own, wrapped by Django or not
            if "deadlock" not in str(error) and "locked" not in str(error):
                raise
            time.sleep(random.random() / 20)


def test_higher_position_never_saw_less(transactional_db: None) -> None:
    """Counters that only rise, raised in transactions of all lengths; readers note what they see at which position."""
    shelf = make_shelf(1)
    keys = [f"k{i}" for i in range(6)]
    Book.objects.bulk_create(
        Book(isbn=key, title="", shelf=shelf, price=0, added_at=ADDED) for key in keys
    )
    stop = threading.Event()
    seen: list[tuple[int, tuple[int, ...]]] = []

    def writes(seed: int) -> int:
        chance = random.Random(seed)
        done = 0
        while not stop.is_set():
            with transaction.atomic():
                for key in sorted(chance.sample(keys, chance.randint(1, 3))):
                    Book.objects.filter(isbn=key).update(price=F("price") + 1)
                    time.sleep(chance.choice([0, 0, 0.002]))
                    if chance.random() < 0.2:
                        with transaction.atomic():
                            Book.objects.filter(isbn=key).update(price=F("price") + 100)
                            transaction.set_rollback(True)
                if chance.random() < 0.2:
                    transaction.set_rollback(True)
                else:
                    done += 1
            time.sleep(chance.choice([0, 0.001]))
        return done

    def reads() -> None:
        while not stop.is_set():
            with reading("lending", [BOOK]) as now:
                rows = Book.objects.using(now.using).order_by("isbn")
                counters = tuple(int(price) for price in rows.values_list("price", flat=True))
                assert now.position is not None
                seen.append((now.position, counters))

    with ThreadPoolExecutor(12) as pool:
        writers = [pool.submit(in_thread, lambda i=i: writes(SEED + i)) for i in range(6)]
        readers = [pool.submit(in_thread, reads) for _ in range(4)]
        stop.wait(4)
        stop.set()
        assert sum(writer.result() for writer in writers) > 20, SEED
        for reader in readers:
            reader.result()
    assert len({position for position, _ in seen}) > 20
    seen.sort()
    for (before, less), (after, more) in itertools.pairwise(seen):
        if before == after:
            assert less == more, SEED
        else:
            assert all(a <= b for a, b in zip(less, more, strict=True)), SEED


@pytest.mark.parametrize("limit", [3, 500])
def test_nothing_is_lost_under_concurrent_writers(filled_library: None, limit: int) -> None:
    """Writers of every kind, at once; a copy follows all the while, and is equal in the end."""
    stop = threading.Event()
    copy = Copy("lending", limit)

    def writes(seed: int) -> None:
        chance = random.Random(seed)
        while not stop.is_set():

            def work() -> None:
                with transaction.atomic():
                    for _ in range(chance.randint(1, 4)):
                        write_something(chance)
                    if chance.random() < 0.15:
                        transaction.set_rollback(True)

            retried(work)
            time.sleep(chance.choice([0, 0, 0.005]))

    def follows() -> None:
        while not stop.is_set():
            page = copy.ask(copy.cursor)
            for event in page["events"]:
                data = event["data"]
                if data["row"] is None:
                    copy.rows[data["table"]].pop(data["key"], None)
                else:
                    copy.rows[data["table"]][data["key"]] = data["row"]
            copy.cursor = page["next"]

    with ThreadPoolExecutor(8) as pool:
        works = [pool.submit(in_thread, lambda i=i: writes(SEED + i)) for i in range(5)]
        works.append(pool.submit(in_thread, follows))
        stop.wait(5)
        stop.set()
        for each in works:
            each.result()
    copy.follow()
    assert copy.rows == copy.read_rows(), SEED


def write_something(chance: random.Random) -> None:
    """One statement of one of the kinds that there are."""
    books, countries = Book.objects.order_by("?"), Country.objects.order_by("?")
    book = books.first()
    author = Author.objects.order_by("?").first()
    kind = chance.randrange(10)
    if kind == 0:
        Book.objects.create(
            isbn=f"n{chance.randrange(10**9)}",
            title="",
            shelf_id=1,
            author=author,
            price=1,
            added_at=ADDED,
        )
    elif kind == 1 and book is not None:
        Book.objects.filter(pk=book.pk).delete()
    elif kind == 2 and book is not None:
        Book.objects.filter(pk=book.pk).update(isbn=f"m{chance.randrange(10**9)}")
    elif kind == 3:
        Author.objects.filter(pk=author.pk if author else None).update(
            name=f"Author {chance.randrange(99)}"
        )
    elif kind == 4:
        country = countries.first()
        Country.objects.filter(pk=country.pk if country else None).update(
            name=f"Country {chance.randrange(99)}"
        )
    elif kind == 5:
        country = Country.objects.create(name=f"New {chance.randrange(99)}")
        Author.objects.filter(pk=author.pk if author else None).update(country=country)
    elif kind == 6:
        Author.objects.create(name=f"Born {chance.randrange(99)}", country=countries.first())
    elif kind == 7 and book is not None:
        Book.objects.filter(pk=book.pk).update(author=author)
    elif kind == 8:
        Shelf.everything.filter(id=chance.randint(1, 7)).update(name=f"S{chance.randrange(10**9)}")
    else:
        Book.objects.filter(isbn__gt="m", isbn__lt="n5").update(price=chance.randrange(99))
