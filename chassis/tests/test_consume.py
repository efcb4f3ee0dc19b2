"""`manage.py consume --once` against a live server: after it the copy equals the source, and each turn did what it should."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection
from django.http import JsonResponse
from django.urls import path
from django.utils import timezone

from chassis.endpoint import internal
from chassis.inbox.models import RangeVersion, Received, RowVersion
from chassis.ownership import views
from chassis.ownership.backfill.mapping import declared_targets
from chassis.ownership.backfill.writer import AnotherSourceError, Writer
from chassis.ownership.management.commands.consume import Command
from chassis.ownership.models import BackfillCursor, CaptureState, Change, ReplicaCursor
from chassis.ownership.replica import Replica
from tests.conftest import Backfill, make_shelf
from tests.copying import wait_until_settled
from tests.equality import assert_equal, copied_books, copied_shelves
from tests.library import models as library
from tests.other_connection import lock_of_another_process
from tests.reading_room import models as reading_room

Consume = Callable[..., dict[str, Any]]


@pytest.fixture
def consume(backfill: Backfill) -> Consume:
    """Runs the command to the end of the feed; gives its summary."""

    def run(*arguments: str) -> dict[str, Any]:
        wait_until_settled()
        out = StringIO()
        call_command("consume", "lending", "--once", "--json", *arguments, stdout=out)
        summary: dict[str, Any] = json.loads(out.getvalue())
        return summary

    return run


def test_first_run_copies_everything_and_later_ones_bring_what_changed(
    filled_library: None, consume: Consume
) -> None:
    assert consume()["copied"] == ["library_book", "library_shelf"]
    assert_equal()
    summary = consume()
    assert (summary["copied"], summary["changes"], summary["pages"]) == ([], 0, 0)
    change_a_lot()
    summary = consume("--limit", "3")
    assert_equal()
    assert summary["copied"] == []
    assert summary["pages"] > 1
    tables = summary["tables"]
    assert (tables["library_book"]["inserted"], tables["library_book"]["deleted"]) == (1, 3)
    assert tables["library_shelf"]["changed"] == 2


def change_a_lot() -> None:
    library.Book.objects.filter(isbn__in=["b00", "b07"]).delete()
    library.Author.objects.update(name="Renamed")
    library.Book.objects.filter(isbn="b02").update(price=Decimal("0.99"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE library_book SET isbn = 'c03' WHERE isbn = 'b03'")
    library.Shelf.everything.filter(id=1).update(name="between")
    library.Shelf.everything.filter(id=2).update(name="Shelf 1")
    library.Shelf.everything.filter(id=1).update(name="Shelf 2")


def test_backfill_then_consume_loses_nothing(
    filled_library: None, backfill: Backfill, consume: Consume
) -> None:
    backfill()
    change_a_lot()
    summary = consume()
    assert summary["copied"] == []
    assert_equal()


def test_what_changes_while_everything_is_copied_comes_through_the_feed(
    filled_library: None, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chassis.ownership.source.rows import Source

    read, moved = Source.page, []

    def page(self: Source, table: str, *args: Any, **options: Any) -> Any:
        answer = read(self, table, *args, **options)
        if table == "library_book" and not options.get("only_key") and not moved:
            moved.append(True)
            change_a_lot()
            wait_until_settled()
        return answer

    monkeypatch.setattr(Source, "page", page)
    assert consume()["changes"] > 0
    assert_equal()


def test_own_fields_are_left_alone(filled_library: None, consume: Consume) -> None:
    consume()
    reading_room.Book.objects.update(times_read=5)
    change_a_lot()
    consume()
    held = dict(reading_room.Book.objects.values_list("isbn", "times_read"))
    assert {isbn: held[isbn] for isbn in ("b02", "b04", "c03")} == {"b02": 5, "b04": 5, "c03": 0}


def test_cursor_that_the_source_has_forgotten_means_copying_again(
    filled_library: None, consume: Consume, capsys: Any
) -> None:
    consume()
    change_a_lot()
    before = ReplicaCursor.objects.get()
    Change.objects.all().delete()
    make_shelf(50)
    assert consume()["copied"] == ["library_book", "library_shelf"]
    assert "everything must be copied again" in capsys.readouterr().err
    assert ReplicaCursor.objects.get().epoch != before.epoch
    assert_equal()


def test_source_that_became_another_one_is_copied_again_and_old_positions_mean_nothing(
    filled_library: None, consume: Consume
) -> None:
    consume()
    far = 2**62
    RowVersion.objects.update(position=far)
    ReplicaCursor.objects.update(position=far)
    change_a_lot()
    CaptureState.objects.all().delete()
    call_command("capture", stdout=StringIO())
    assert consume()["copied"] == ["library_book", "library_shelf"]
    assert_equal()
    change = library.Book.objects.filter(isbn="b04")
    change.update(title="after that")
    consume()
    assert_equal()


def test_positions_that_fall_are_those_of_another_source(
    filled_library: None, consume: Consume, capsys: Any
) -> None:
    """A database that took over from one that had been further on."""
    consume()
    ReplicaCursor.objects.update(position=2**62)
    library.Book.objects.filter(isbn="b04").update(title="new")
    assert consume()["copied"] == ["library_book", "library_shelf"]
    assert "the source is another one" in capsys.readouterr().err
    assert_equal()


def test_versions_and_received_events_are_kept_with_the_rows(
    filled_library: None, consume: Consume
) -> None:
    consume()
    library.Book.objects.filter(isbn="b00").delete()
    library.Book.objects.filter(isbn="b02").update(title="new")
    consume()
    versions = dict(RowVersion.objects.values_list("key", "deleted"))
    assert (versions["b00"], versions["b02"]) == (True, False)
    cursor = ReplicaCursor.objects.get()
    assert Received.objects.filter(consumer=f"lending/{cursor.epoch}").count() == 2
    assert RowVersion.objects.get(key="b02").position == cursor.position


def test_tables_that_are_declared_later_are_copied_then(
    settings: Any, filled_library: None, consume: Consume
) -> None:
    whole = settings.CHASSIS
    shelves = {"library_shelf": "reading_room.Shelf"}
    settings.CHASSIS = whole | {"BACKFILL": {"lending": shelves}}
    assert consume()["copied"] == ["library_shelf"]
    change_a_lot()
    consume()  # passes over what changed in the other table
    assert (copied_books(), len(copied_shelves())) == ([], 7)
    settings.CHASSIS = whole
    assert consume()["copied"] == ["library_book"]
    assert_equal()


def test_walk_that_was_interrupted_is_finished_first(
    filled_library: None, backfill: Backfill, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("chassis.ownership.backfill.walk.Walk._copy", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            backfill()
    assert consume()["copied"] == ["library_book", "library_shelf"]
    assert set(BackfillCursor.objects.values_list("copied", flat=True)) == {True}
    assert_equal()


def test_later_backfill_that_was_interrupted_keeps_nobody_from_following(
    filled_library: None, backfill: Backfill, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    consume()
    with monkeypatch.context() as patched:
        patched.setattr("chassis.ownership.backfill.walk.Walk._copy", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            backfill()
    change_a_lot()
    assert consume()["copied"] == []
    assert_equal()


def test_row_that_a_row_of_the_services_own_refers_to_stays_until_that_goes(
    filled_library: None, consume: Consume
) -> None:
    consume()
    mark = reading_room.Bookmark.objects.create(book_id="b00")
    library.Book.objects.filter(isbn="b00").delete()
    assert consume()["tables"]["library_book"]["kept"] == 1
    assert reading_room.Book.objects.filter(isbn="b00").exists()
    mark.delete()
    consume()
    assert_equal()


@pytest.mark.parametrize("arguments", [["--interval", "3"], ["--interval", "0s"], ["--limit", "0"]])
def test_wrong_use_says_what_to_do(consume: Consume, arguments: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        consume(*arguments)
    assert arguments[0] in str(caught.value)


def test_source_that_is_away_is_told(
    filled_library: None, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHASSIS_SOURCE_URL", "http://127.0.0.1:9")
    with pytest.raises(CommandError, match=r"ConnectionError\. Nothing is lost: run consume again"):
        consume()


class OlderRelease:
    """The monolith's URLs before there was a feed: pages without a position."""

    @staticmethod
    @internal
    def rows(request: Any, capability: str) -> JsonResponse:
        body = json.loads(views.rows(request, capability).content)
        del body["position"], body["incarnation"]
        return JsonResponse(body)

    urlpatterns = [path("_chassis/rows/<str:capability>", rows)]


def test_source_without_a_feed_is_copied_and_followed_when_it_has_one(
    settings: Any, filled_library: None, backfill: Backfill, consume: Consume
) -> None:
    newer, settings.ROOT_URLCONF = settings.ROOT_URLCONF, OlderRelease
    backfill()
    library.Book.objects.filter(isbn="b19").update(title="new")
    backfill()
    assert_equal()
    assert (ReplicaCursor.objects.get().cursor, RowVersion.objects.count()) == ("", 0)
    with pytest.raises(CommandError, match=r"404\. Is chassis.ownership there older"):
        consume()
    settings.ROOT_URLCONF = newer
    assert consume()["copied"] == ["library_book", "library_shelf"]
    change_a_lot()
    consume()
    assert_equal()


def test_status_tells_where_it_stands(filled_library: None, consume: Consume, capsys: Any) -> None:
    assert status()["to_copy"] == ["library_book", "library_shelf"]
    consume()
    change_a_lot()
    consume()
    stored = ReplicaCursor.objects.get()
    found = status()
    assert found["applied_at"] is not None
    assert (found["running"], found["to_copy"], found["trouble"]) == (False, [], "")
    assert (found["cursor"], found["changes"]) == (stored.cursor, stored.changes)
    assert found["ok"] is False  # nobody is at it
    with lock_of_another_process("consume", "lending"):
        assert status(code=0)["ok"] is True
        stored.trouble, stored.trouble_at = "stuck: why", timezone.now()
        stored.save()
        assert status()["ok"] is False
        capsys.readouterr()
        with pytest.raises(SystemExit):
            call_command("consume", "--status")
        shown = capsys.readouterr().out
    assert "consume       runs" in shown
    assert "trouble       since 0 s ago: stuck: why" in shown


def status(code: int = 1) -> dict[str, Any]:
    out = StringIO()
    with nullcontext() if code == 0 else pytest.raises(SystemExit, match=f"^{code}$"):
        call_command("consume", "lending", "--status", "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_old_versions_and_events_are_forgotten_and_older_readings_refused(
    filled_library: None, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    consume()
    change_a_lot()
    consume()
    long_ago = timezone.now() - timedelta(days=2)
    for model in (RowVersion, RangeVersion, Received):
        assert model.objects.update(at=long_ago)
    newest = RowVersion.objects.order_by("-position")[0].position
    monkeypatch.setattr("chassis.ownership.replication.consumer.TIDY_INTERVAL_S", 0.0)
    consume()
    assert not any(m.objects.exists() for m in (RowVersion, RangeVersion, Received))
    stored = ReplicaCursor.objects.get()
    assert stored.floor == newest
    replica = Replica("lending", "default")
    no_source: Any = None
    writer = Writer(replica, stored, declared_targets("lending"), no_source)
    with writer.held(newest):
        pass
    with pytest.raises(AnotherSourceError), writer.held(newest - 1):
        pass


def test_help_says_how_to_use_it(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        BaseCommand.run_from_argv(Command(), ["manage.py", "consume", "--help"])
    shown = capsys.readouterr().out
    for option in ("--source", "--once", "--interval", "--limit", "--status", "--json"):
        assert option in shown
    assert "Runs until it is stopped" in " ".join(shown.split())
