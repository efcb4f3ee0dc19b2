"""The loop of `consume` goes on whatever happens, says it once, and skips nothing."""

import os
import signal
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.validators import MaxLengthValidator
from django.db import connection
from rich.console import Console

from chassis.ownership.backfill.batch import Batch
from chassis.ownership.management import service
from chassis.ownership.management.following import Display
from chassis.ownership.models import ReplicaCursor
from chassis.ownership.replica import Replica
from chassis.ownership.replication.consumer import Consumer
from chassis.ownership.replication.loop import AWAY_DELAYS_S, STUCK_DELAYS_S, follow
from chassis.ownership.source.feed import Feed
from chassis.ownership.source.rows import Source
from tests.conftest import Backfill, make_shelf
from tests.copying import wait_until_settled
from tests.equality import assert_equal, copied_books
from tests.library import models as library
from tests.other_connection import lock_of_another_process
from tests.reading_room import models as reading_room


class Ended(Exception):  # noqa: N818 - an event, not an error
    pass


class Run:
    """The loop in this process. Instead of sleeping it calls the next of `steps`; after the last it ends."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.lines: list[str] = []
        self.slept: list[float] = []
        self._steps = list(steps)

    def __call__(self) -> None:
        mine = service.copy_of("lending")
        source, feed = service.source_of("lending", None, self.lines.append, delays_s=())
        consumer = Consumer(mine.replica, mine.targets, source, feed, limit=500, listener=self)
        with pytest.raises(Ended):
            follow(mine.replica, consumer, interval_s=0.25, tell=self.tell, sleep=self._sleep)

    def tell(self, line: str) -> None:
        self.lines.append(line)

    def reading(self, table: str, phase: str, done: int, total: int | None) -> None:
        pass

    def followed(self, changes: int, more: bool) -> None:
        pass

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self._steps:
            raise Ended
        self._steps.pop(0)()
        wait_until_settled()


def nothing() -> None:
    pass


def cursor() -> ReplicaCursor:
    return ReplicaCursor.objects.get()


@pytest.fixture
def in_step(filled_library: None, backfill: Backfill) -> None:
    backfill()


def test_it_asks_again_after_the_interval_and_at_once_after_a_full_page(in_step: None) -> None:
    def write_much() -> None:
        library.Book.objects.update(title="new")
        library.Shelf.everything.update(closed=True)

    run = Run(nothing, write_much, nothing)
    run()
    assert run.slept == [0.25] * 4
    assert run.lines == ["in step with the monolith, following its feed"]
    assert_equal()


def test_source_that_is_away_and_comes_back_is_told_once_each_way(
    in_step: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = os.environ["CHASSIS_SOURCE_URL"]
    original = Feed.page

    def away(self: Feed, *_: Any) -> Any:
        nowhere = service.source_of("lending", "http://127.0.0.1:9", nothing, delays_s=())[1]
        return original(nowhere, *_)

    def leave() -> None:
        library.Book.objects.filter(isbn="b00").update(title="meanwhile")
        monkeypatch.setattr(Feed, "page", away)

    def come_back() -> None:
        assert cursor().trouble.endswith("ConnectionError; asking until it answers")
        monkeypatch.setattr(Feed, "page", original)

    run = Run(leave, *[nothing] * 6, come_back)
    run()
    assert run.slept == [0.25, *AWAY_DELAYS_S, AWAY_DELAYS_S[-1], AWAY_DELAYS_S[-1], 0.25]
    _, away_line, back = run.lines
    assert "127.0.0.1:9/_chassis/feed/lending can't be read: ConnectionError" in away_line
    assert back.startswith("going on again, after ")
    assert (cursor().trouble, cursor().trouble_at) == ("", None)
    assert there == os.environ["CHASSIS_SOURCE_URL"]
    assert_equal()


def test_page_that_does_not_fit_stops_it_skips_nothing_and_goes_on_after_the_mend(
    in_step: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = reading_room.Book._meta.get_field("title")
    monkeypatch.setattr(field, "validators", [MaxLengthValidator(10)], raising=False)
    before: list[Any] = []

    def write() -> None:
        library.Book.objects.filter(isbn="b01").update(title="short")
        library.Book.objects.filter(isbn="b02").update(title="much too long")
        library.Book.objects.filter(isbn="b03").update(title="short")
        before[:] = copied_books(), cursor().cursor

    def look() -> None:
        assert [copied_books(), cursor().cursor] == before
        assert "library_book: the row with key 'b02' does not fit: title" in cursor().trouble

    def mend() -> None:
        look()
        library.Book.objects.filter(isbn="b02").update(title="short")

    run = Run(write, look, look, look, look, mend)
    run()
    assert run.slept == [0.25, *STUCK_DELAYS_S, STUCK_DELAYS_S[-1], 0.25]
    assert len(run.lines) == 3
    assert run.lines[1].startswith("stuck, and nothing is skipped: library_book: the row with key")
    assert run.lines[2].startswith("going on again")
    assert_equal()


def test_value_that_the_database_refuses_names_the_rows(in_step: None) -> None:
    """The service has a rule of its own."""
    with connection.schema_editor(atomic=False) as editor:
        editor.execute("CREATE UNIQUE INDEX own_rule ON reading_room_book (title)")
    try:
        library.Book.objects.filter(isbn__in=["b02", "b04"]).update(title="same")
        run = Run(nothing)
        run()
        with connection.cursor() as sql:
            sql.execute("DROP INDEX own_rule")
        call_command("consume", "--once", "--json", stdout=StringIO())
    finally:
        with connection.cursor() as sql:
            sql.execute("DROP INDEX IF EXISTS own_rule")
    assert len(run.lines) == 1
    assert "library_book/b02, library_book/b04): the database refuses them: " in run.lines[0]
    assert_equal()


def test_column_without_a_field_is_named_and_ends_a_single_run(
    settings: Any, in_step: None
) -> None:
    whole = settings.CHASSIS
    tables = whole["BACKFILL"]["lending"]
    book = {name: value for name, value in tables["library_book"].items() if name != "ignore"}
    settings.CHASSIS = whole | {"BACKFILL": {"lending": tables | {"library_book": book}}}
    library.Book.objects.filter(isbn="b02").update(title="new")
    wait_until_settled()
    with pytest.raises(CommandError, match="the source sends author_country, for which") as caught:
        call_command("consume", "--once")
    assert caught.value.returncode == 1
    settings.CHASSIS = whole
    call_command("consume", "--once", stdout=StringIO())
    assert_equal()


def test_database_that_is_away_is_told_once_and_waited_for(
    in_step: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    original = Replica.cursor

    def away(self: Replica) -> Any:
        raise OperationalError("the server closed the connection")

    run = Run(
        lambda: monkeypatch.setattr(Replica, "cursor", away),
        nothing,
        lambda: monkeypatch.setattr(Replica, "cursor", original),
    )
    run()
    assert run.lines[1] == "this service's database: the server closed the connection"
    assert run.lines[2].startswith("going on again")
    assert len(run.lines) == 3


def test_backfill_elsewhere_is_told_once_and_the_feed_followed_meanwhile(
    filled_library: None, backfill: Backfill
) -> None:
    backfill("--table", "library_shelf")  # the other one is still to be copied
    with lock_of_another_process("backfill", "lending"):
        run = Run(lambda: make_shelf(8), nothing)
        run()
        assert run.lines == ["a backfill is running; following the feed meanwhile"]
        assert reading_room.Shelf.objects.filter(id=8).exists()
        with pytest.raises(CommandError, match="a backfill of this capability is running"):
            call_command("consume", "--once")
    run = Run(nothing)
    run()
    assert run.lines == [
        "copying library_book first",
        "in step with the monolith, following its feed",
    ]
    assert_equal()


def test_second_consumer_is_refused(in_step: None) -> None:
    with (
        lock_of_another_process("consume", "lending"),
        pytest.raises(CommandError, match="another consume of this capability is running"),
    ):
        call_command("consume")


def test_overtaken_consumer_writes_nothing_more(
    in_step: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the lock fail (a pooler that mixes sessions), the cursor's step still stops the slower one."""
    read = Feed.page

    def page(self: Feed, after: str, limit: int) -> Any:
        answer = read(self, after, limit)
        ReplicaCursor.objects.update(step=1000)
        return answer

    monkeypatch.setattr(Feed, "page", page)
    library.Book.objects.filter(isbn="b02").update(title="new")
    wait_until_settled()
    before = copied_books()
    with pytest.raises(CommandError, match="another consume of this capability is running"):
        call_command("consume")
    assert copied_books() == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signal_ends_it_after_the_page_in_hand(
    in_step: None, monkeypatch: pytest.MonkeyPatch, capsys: Any, number: int, code: int
) -> None:
    write = Batch.write

    def interrupted(self: Batch, *args: Any) -> Any:
        os.kill(os.getpid(), number)
        return write(self, *args)

    monkeypatch.setattr(Batch, "write", interrupted)
    library.Book.objects.filter(isbn="b02").update(title="new")
    wait_until_settled()
    with pytest.raises(SystemExit) as caught:
        call_command("consume")
    assert caught.value.code == code
    assert "Stopped. What was applied is kept" in capsys.readouterr().err
    assert_equal()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signal_ends_it_at_once_while_it_waits_for_the_source(
    in_step: None, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setattr(Feed, "page", lambda *_: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as caught:
        call_command("consume")
    assert caught.value.code == code


def test_what_must_be_fetched_beside_a_page_is_fetched_without_the_lock(
    in_step: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, asked = Source.rows, []

    def unlocked(self: Source, table: str, keys: Any) -> Any:
        assert not connection.in_atomic_block
        asked.append(table)
        return rows(self, table, keys)

    monkeypatch.setattr(Source, "rows", unlocked)
    for number, name in ((1, "between"), (2, "Shelf 1"), (1, "Shelf 2")):
        library.Shelf.everything.filter(id=number).update(name=name)
    wait_until_settled()
    call_command("consume", "--once", "--limit", "1", stdout=StringIO())
    assert asked
    assert_equal()


def test_terminal_shows_bars_and_a_living_line(in_step: None) -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with Display(console, "lending") as display:
        display.reading("library_book", "copy", 3, 20)
        display.followed(0, more=True)
        display.tell("in step with the monolith, following its feed")
        display.followed(1234, more=False)
    shown = out.getvalue()
    assert "library_book: copying rows" in shown
    assert "lending: in step with the monolith, following its feed" in shown
    assert "lending: in step, 1,234 changes applied, the last 0 s ago" in shown
