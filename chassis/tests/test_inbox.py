"""The inbox: a message has its effect once, and an older state never overwrites a newer one."""

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connections, transaction
from django.utils import timezone

from chassis.inbox.models import RangeVersion, Received, RowVersion
from chassis.inbox.receive import forget_received, receive, receive_all
from chassis.inbox.versions import Versions


class RolledBack(Exception):  # noqa: N818 - an event, not an error
    pass


@pytest.mark.django_db
def test_message_is_received_once_by_each_consumer() -> None:
    with transaction.atomic():
        assert receive("mailer", "m1")
        assert not receive("mailer", "m1")
        assert receive("ledger", "m1")
        assert receive_all("mailer", ["m2", "m1", "m3", "m2"]) == {"m2", "m3"}
    assert Received.objects.filter(consumer="mailer").count() == 3


@pytest.mark.django_db
def test_many_messages_at_once() -> None:
    with transaction.atomic():
        assert len(receive_all("mailer", [f"m{n}" for n in range(1000)])) == 1000
        assert receive_all("mailer", [f"m{n}" for n in range(995, 1005)]) == {
            f"m{n}" for n in range(1000, 1005)
        }


@pytest.mark.django_db(transaction=True)
def test_receiving_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError, match="transaction of the effect"):
        receive("mailer", "m1")
    assert not Received.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_message_of_a_transaction_that_was_rolled_back_is_new_again() -> None:
    with end_of(commits=False):
        assert receive("mailer", "m1")
    with transaction.atomic():
        assert receive("mailer", "m1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first_commits", [True, False])
def test_of_two_transactions_at_once_one_has_the_effect(first_commits: bool) -> None:
    """Both begin before the message has been received; the second waits for the first to end."""
    with ThreadPoolExecutor(1) as pool, end_of(commits=first_commits):
        assert receive("mailer", "m1")
        with begun_elsewhere(pool) as second:
            # The database lets it wait: it has an answer only after this transaction has ended.
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
            waiting = second
    assert waiting.result(timeout=20) is not first_commits
    assert Received.objects.count() == 1


@contextmanager
def end_of(*, commits: bool) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            if not commits:
                raise RolledBack
    except RolledBack:
        pass


@contextmanager
def begun_elsewhere(pool: ThreadPoolExecutor) -> "Iterator[Future[bool]]":
    """Another connection that receives the same message at this moment."""
    at_it = threading.Event()

    def receive_too() -> bool:
        try:
            at_it.set()
            with transaction.atomic():
                return receive("mailer", "m1")
        finally:
            connections.close_all()

    future = pool.submit(receive_too)
    assert at_it.wait(10)
    yield future


@pytest.mark.django_db
def test_old_messages_are_forgotten_in_small_steps() -> None:
    with transaction.atomic():
        receive_all("mailer", [f"m{n}" for n in range(5)])
    now = timezone.now()
    assert forget_received(now - dt.timedelta(days=1), 10) == 0
    assert [forget_received(now, 3) for _ in range(3)] == [3, 2, 0]


@pytest.mark.django_db
def test_row_is_newer_than_a_reading_at_a_lower_position_only() -> None:
    versions = Versions("replica")
    versions.remember("shelf", {1: 10, 2: 20}, deleted={2})
    assert versions.newer("shelf", {1: 9, 2: 19, 3: 1}) == {1, 2}
    assert versions.newer("shelf", {1: 10, 2: 20}) == set()
    assert versions.newer("shelf", {1: 11, 2: 19}) == {2}
    assert versions.newer("book", {1: 1}) == set()
    assert Versions("another").newer("shelf", {1: 1}) == set()
    versions.remember("shelf", {2: 30})
    assert versions.newer("shelf", {2: 29}) == {2}
    row = RowVersion.objects.get(table="shelf", key="2")
    assert (row.position, row.deleted) == (30, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("after", "through", "inside", "outside"),
    [
        (3, 7, [4, 7], [3, 8, -1]),
        (None, 7, [-5, 0, 7], [8]),
        (3, None, [4, 10**12], [3]),
        ("b", "ä", ["b1", "z", "ä"], ["b", "a", "äa", "€"]),
        (None, None, ["", "😀"], []),
    ],
)
def test_range_speaks_for_each_key_that_it_holds(
    after: int | str | None,
    through: int | str | None,
    inside: list[int | str],
    outside: list[int | str],
) -> None:
    versions = Versions("replica")
    versions.remember_range("book", after, through, 10)
    asked = {*inside, *outside}
    assert versions.newer("book", dict.fromkeys(asked, 9)) == set(inside)
    assert versions.newer("book", dict.fromkeys(asked, 10)) == set()
    assert versions.newer("shelf", dict.fromkeys(asked, 9)) == set()
    some = dict.fromkeys(asked, 11) | {inside[0]: 9}
    assert versions.newer("book", some) == {inside[0]}


@pytest.mark.django_db
def test_forgetting_tells_below_which_position_nothing_may_be_applied() -> None:
    versions, later = Versions("replica"), dt.timedelta(seconds=1)
    versions.remember("shelf", {key: 10 + key for key in range(5)})
    versions.remember_range("shelf", None, 3, 99)
    Versions("another").remember("shelf", {1: 1000})
    assert versions.forget(timezone.now() - later, 100) == (0, None)
    forgotten, highest = versions.forget(timezone.now() + later, 100)
    assert (forgotten, highest) == (7, 99)
    assert not RowVersion.objects.exists()
    assert not RangeVersion.objects.exists()
    assert versions.newer("shelf", {4: 1}) == set()


@pytest.mark.django_db
def test_a_thousand_rows_are_compared_at_once() -> None:
    versions = Versions("replica")
    versions.remember("book", {f"b{n}": n for n in range(1000)})
    assert versions.newer("book", {f"b{n}": 500 for n in range(1000)}) == {
        f"b{n}" for n in range(501, 1000)
    }
