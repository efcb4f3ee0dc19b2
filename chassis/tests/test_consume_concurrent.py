"""Two writers at once, on both ends of the channel: transactions that commit out of order, two consumers, a held lock."""

import threading
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections

from chassis.inbox.models import Received
from chassis.ownership import replica
from chassis.ownership.management import service
from chassis.ownership.models import ReplicaCursor
from chassis.ownership.replica import OvertakenError
from chassis.ownership.replication.consumer import Consumer
from tests.conftest import Backfill
from tests.connections import postgresql_only, second_connection
from tests.copying import wait_until_settled
from tests.equality import assert_equal
from tests.library import models as library
from tests.reading_room import models as reading_room
from tests.test_consume_loop import Run, nothing


@pytest.fixture
def in_step(filled_library: None, backfill: Backfill) -> None:
    backfill()


def consume() -> None:
    call_command("consume", "--once", "--json", stdout=StringIO())


def title(isbn: str) -> str:
    return reading_room.Book.objects.get(isbn=isbn).title


@postgresql_only
def test_transaction_that_commits_late_is_not_passed_over(in_step: None) -> None:
    """Its entries have the lower ids, and others that have higher ones were committed and asked for long before."""
    with second_connection() as slow:
        slow.execute("BEGIN")
        slow.execute("UPDATE library_book SET title = 'slow' WHERE isbn = 'b01'")
        for n in range(3):
            library.Book.objects.filter(isbn="b02").update(title=f"fast {n}")
            consume()
        slow.execute("UPDATE library_book SET title = 'slow' WHERE isbn = 'b03'")
        library.Book.objects.filter(isbn="b04").update(title="fast")
        consume()
        assert title("b01") == "Book b01"
        slow.execute("COMMIT")
    wait_until_settled()
    consume()
    assert (title("b01"), title("b02"), title("b03")) == ("slow", "fast 2", "slow")
    assert_equal()


@postgresql_only
def test_transaction_that_is_rolled_back_late_leaves_no_trace(in_step: None) -> None:
    with second_connection() as slow:
        slow.execute("BEGIN")
        slow.execute("UPDATE library_book SET title = 'slow'")
        library.Shelf.everything.filter(id=1).update(closed=True)
        consume()
        slow.execute("ROLLBACK")
    wait_until_settled()
    consume()
    assert ReplicaCursor.objects.get().changes == 1
    assert_equal()


def test_two_consumers_at_once_apply_every_change_once(in_step: None) -> None:
    """Without their lock, as behind a pooler that mixes sessions."""
    ends = threading.Event()
    failures: list[BaseException] = []
    overtaken: list[int] = []

    def consume_all_the_time() -> None:
        mine = service.copy_of("lending")
        source, feed = service.source_of("lending", None, on_retry=print, delays_s=())
        listener = Run()
        consumer = Consumer(mine.replica, mine.targets, source, feed, limit=3, listener=listener)
        try:
            more = True
            while more or not ends.is_set():
                try:
                    more = consumer.turn()
                except OvertakenError:
                    overtaken.append(1)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=consume_all_the_time) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(40):
        library.Book.objects.filter(isbn__startswith="b0").update(title=f"title {n}")
        library.Book.objects.filter(isbn="b10").delete()
        library.Book.objects.create(
            isbn="b10", shelf_id=n % 7 + 1, title=f"{n}", price=n, added_at="2026-01-02T00:00Z"
        )
    wait_until_settled()
    ends.set()
    for thread in threads:
        thread.join(60)
    assert failures == []
    consume()
    assert_equal()
    cursor = ReplicaCursor.objects.get()
    assert Received.objects.count() == cursor.changes > 0
    assert cursor.step > len(overtaken) > 0


@postgresql_only
def test_lock_that_somebody_keeps_is_told_and_waited_for(
    in_step: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "LOCK_TIMEOUT_S", 1)
    library.Book.objects.filter(isbn="b02").update(title="new")
    wait_until_settled()
    with second_connection() as somebody:
        somebody.execute("BEGIN")
        somebody.execute("SELECT * FROM chassis_ownership_replicacursor FOR UPDATE")
        run = Run(nothing, lambda: somebody.execute("ROLLBACK"), nothing)
        run()
    assert run.lines[0].startswith("this service's database: canceling statement due to lock")
    assert run.lines[-1].startswith("going on again")
    assert_equal()
