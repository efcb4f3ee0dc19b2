"""`/_chassis/feed/` and `/_chassis/ownership/`: what they answer, to whom, and what they refuse."""

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from chassis.ownership.capture import looks, readers
from chassis.ownership.capture.cursor import LogCursor, read_cursor
from chassis.ownership.capture.prune import prune
from chassis.ownership.capture.reading import reading
from chassis.ownership.models import CaptureState, Change, FeedReader
from tests.conftest import CREDENTIAL
from tests.connections import execute, postgresql_only, second_connection, sqlite_only
from tests.copying import Copy, wait_until_settled
from tests.library.models import Author, Book, Shelf

pytestmark = pytest.mark.django_db(transaction=True)

READER = {"Authorization": f"Bearer {CREDENTIAL}"}
DAY = 24 * 3600 * 1_000_000

GATE = {"Authorization": "Bearer a-third-credential-for-tests"}


@pytest.fixture
def copy(filled_library: None) -> Copy:
    return Copy("lending")


def ownership(client: Client) -> dict[str, Any]:
    answer = client.get("/_chassis/ownership/lending", headers=GATE)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def status_of_capture() -> dict[str, Any]:
    call_command("capture", "--status", "--json", stdout=(out := StringIO()))
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def wait_until_true(ask: Callable[[], bool]) -> None:
    """Other databases' transactions, too, hold entries back."""
    give_up = time.monotonic() + 60
    while not ask():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_page_says_what_changed_and_what_it_holds_now(copy: Copy) -> None:
    before = time.time()
    Book.objects.filter(isbn="b01").update(title="Ny")
    Book.objects.filter(isbn="b02").delete()
    wait_until_settled()
    page = copy.ask(copy.cursor)
    changed, deleted = page.pop("events")
    assert page.pop("tables")["library_shelf"] == {
        "key": "id",
        "columns": [
            {"name": "id", "kind": "integer"},
            {"name": "above_id", "kind": "integer"},
            {"name": "name", "kind": "text"},
            {"name": "closed", "kind": "boolean"},
        ],
    }
    assert page.pop("next") != copy.cursor
    assert type(page.pop("position")) is int
    incarnation = page.pop("incarnation")
    assert str(uuid.UUID(incarnation)) == incarnation
    assert page == {"capability": "lending", "more": False}

    row = changed["data"].pop("row")
    assert (row["isbn"], row["title"], row["price"], row["author_name"]) == (
        "b01",
        "Ny",
        "12.50",
        "Åsa",
    )
    entries = dict(Change.objects.filter(table="library_book").values_list("key", "id"))
    moment = datetime.fromisoformat(changed.pop("time")).timestamp()
    assert before - 1 < moment < time.time() + 1
    assert changed == {
        "specversion": "1.0",
        "id": f"{incarnation}:{entries['b01']}",
        "source": "/_chassis/feed/lending",
        "type": "chassis.row.changed",
        "subject": "library_book/b01",
        "data": {"table": "library_book", "key": "b01"},
    }
    assert deleted["type"] == "chassis.row.deleted"
    assert deleted["data"] == {"table": "library_book", "key": "b02", "row": None}


@postgresql_only
def test_transaction_of_many_snapshots_has_no_position(copy: Copy) -> None:
    with transaction.atomic():
        answer = copy.client.get("/_chassis/rows/lending?table=library_book")
    assert (answer.status_code, answer.json()["code"]) == (500, "not_one_snapshot")
    assert "read committed was begun on the database default" in answer.json()["detail"]
    with transaction.atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        answer = copy.client.get("/_chassis/rows/lending?table=library_book")
    assert type(answer.json()["position"]) is int


def test_rows_and_feed_agree_about_position_and_incarnation(copy: Copy) -> None:
    def rows() -> dict[str, Any]:
        body: dict[str, Any] = copy.client.get(
            "/_chassis/rows/lending?table=library_book&limit=1"
        ).json()
        return body

    page, head = rows(), copy.ask()
    assert page["incarnation"] == head["incarnation"]
    Book.objects.update(title="x")
    assert rows()["position"] > page["position"]
    assert copy.ask()["position"] >= rows()["position"] - 1
    wait_until_settled()
    if connection.vendor == "sqlite":
        assert copy.ask()["position"] == rows()["position"] == Change.objects.latest("id").pk


def test_without_a_cursor_it_tells_where_the_log_ends(copy: Copy) -> None:
    Book.objects.update(title="x")
    wait_until_settled()
    head = copy.ask()
    assert (head["events"], head["more"]) == ([], False)
    assert copy.ask(head["next"])["events"] == []
    assert len(copy.ask(copy.cursor)["events"]) == 20


def test_entries_of_others_are_passed(copy: Copy) -> None:
    execute("INSERT INTO archive_kind (code, title, clerk) VALUES ('a', 'b', '')")
    Change.objects.create(table="unknown", column="", key="1", at=1, xid=1)
    wait_until_settled()
    page = copy.ask(copy.cursor)
    assert (page["events"], page["more"]) == ([], False)
    assert page["next"] != copy.cursor


def test_limit_bounds_the_events(copy: Copy) -> None:
    Book.objects.update(title="x")
    wait_until_settled()
    copy.limit = 7
    sizes = []
    cursor, more = copy.cursor, True
    while more:
        page = copy.ask(cursor)
        sizes.append(len(page["events"]))
        cursor, more = page["next"], page["more"]
    assert sizes == [7, 7, 6]


def test_many_keys_are_read_in_statements_of_bounded_length(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "MAX_VALUES", 3)
    monkeypatch.setattr("chassis.ownership.capture.feed.MAX_VALUES", 3)
    Book.objects.update(title="x")
    Author.objects.bulk_create(Author(name=f"A{i}") for i in range(10))
    for i, author in enumerate(Author.objects.all()):
        Book.objects.filter(isbn=f"b{i:02}").update(author=author)
    copy.follow()
    Author.objects.update(name="y")
    copy.follow()
    copy.assert_equal()


@pytest.mark.parametrize(
    "after",
    [
        "",
        "0",
        "1",
        "../../etc/passwd",
        "1.x.1.1.1",
        "%00",
        "1." + "0" * 32 + ".1.1",
        "1." + "0" * 32 + ".1.1.-1",
        "1." + "0" * 32 + ".²." + "1.1",
        "1." + "0" * 32 + ".1.1." + "9" * 19,
        "1." + "0" * 32 + ".1.1." + "9" * 5000,
        "1." + "0" * 32 + ".1.1.1." + "A" * 5000,
        "1." + "0" * 32 + ".1.1.1.!!",
        "1." + "0" * 32 + ".1.1.1.AAAAA",
        "1." + "0" * 32 + ".1.1.1." + base64.urlsafe_b64encode(b"[" * 900).decode(),
        "1." + "0" * 32 + ".1.1.1." + base64.urlsafe_b64encode(b'["a", 1]').decode().rstrip("="),
        "1." + "0" * 32 + ".1.1.1." + base64.urlsafe_b64encode(b"\xff\xfe").decode().rstrip("="),
        "2." + "0" * 32 + ".1.1.1",
        "\U0001f600",
        "x" * 100_000,
    ],
)
def test_malformed_cursor_is_a_problem(copy: Copy, after: str) -> None:
    answer = copy.client.get(f"/_chassis/feed/lending?after={quote(after)}")
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")
    assert "after is no cursor" in answer.json()["detail"]


def test_forged_place_within_an_entry_is_a_problem_or_harmless(copy: Copy) -> None:
    Author.objects.update(name="x")
    wait_until_settled()
    entry = Change.objects.filter(column="id").latest("id")
    standing = replace(
        read_cursor(copy.ask()["next"]), xid=entry.xid or 0, id=entry.id, at=entry.at
    )
    for place in (("library_book.author_id", "b03"), ("a", "b"), ("z", ""), ("library_book", "x")):
        assert copy.ask(replace(standing, within=place).text)["more"] is True
    for place in (("library_book.author_id", "\x00"),):
        assert copy.ask(replace(standing, within=place).text, status=400)
    # An entry that nothing is reached by.
    entry = Change.objects.filter(column="").latest("id")
    standing = replace(standing, xid=entry.xid or 0, id=entry.id, at=entry.at)
    assert copy.ask(replace(standing, within=("library_book.author_id", "b")).text)["events"] == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=0", "limit must be"),
        ("limit=" + "9" * 5000, "limit must be"),
        ("aftr=1", "unknown parameter 'aftr'"),
        ("after=1&after=2", "after is given more than once"),
        ("table=library_book", "unknown parameter 'table'; known are after, limit"),
    ],
)
def test_bad_parameters_are_a_problem(copy: Copy, query: str, words: str) -> None:
    answer = copy.client.get(f"/_chassis/feed/lending?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")
    assert words in answer.json()["detail"]


def test_limit_is_capped(copy: Copy) -> None:
    Shelf.everything.bulk_create(Shelf(id=n, name=str(n)) for n in range(1000, 2202))
    wait_until_settled()
    answer = copy.client.get(f"/_chassis/feed/lending?after={copy.cursor}&limit=999999999").json()
    assert (len(answer["events"]), answer["more"]) == (1000, True)
    assert (
        len(copy.client.get(f"/_chassis/feed/lending?after={copy.cursor}").json()["events"]) == 500
    )


class TestGone:
    def test_another_incarnation(self, copy: Copy) -> None:
        CaptureState.objects.filter(capability="lending").update(incarnation=uuid.uuid4())
        problem = copy.ask(copy.cursor, status=410)
        assert problem["code"] == "cursor_gone"
        assert (
            "Ask without a cursor for a new one, copy every row, go on from it" in problem["detail"]
        )

    def test_of_another_capability(self, copy: Copy) -> None:
        answer = copy.client.get(f"/_chassis/feed/archive?after={copy.cursor}")
        assert answer.status_code == 410

    def test_pruned(self, copy: Copy) -> None:
        incarnation = copy.ask()["incarnation"]
        Book.objects.update(title="x")
        wait_until_settled()
        prune(timedelta(0))
        problem = copy.ask(copy.cursor, status=410)
        assert (problem["code"], "pruned" in problem["detail"]) == ("cursor_gone", True)
        # Nothing of what was copied is wrong: positions stay comparable.
        assert copy.ask()["incarnation"] == incarnation

    def test_older_copy_of_the_database(self, copy: Copy) -> None:
        """An older copy is put back, and others' writes have taken the numbers again."""
        Book.objects.update(title="x")
        copy.follow()
        incarnation = copy.ask()["incarnation"]
        cursor = read_cursor(copy.cursor)
        Change.objects.filter(id=cursor.id).update(at=cursor.at - 1)
        assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
        assert copy.ask()["incarnation"] != incarnation

    def test_ahead_of_the_log(self, copy: Copy) -> None:
        Book.objects.update(title="x")
        copy.follow()
        incarnation = copy.ask()["incarnation"]
        Change.objects.filter(id__gte=read_cursor(copy.cursor).id).delete()
        assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
        assert copy.ask()["incarnation"] != incarnation
        again = Copy("lending")
        Book.objects.update(title="y")
        again.follow()
        again.assert_equal()

    def test_renewed_by_hand(self, copy: Copy) -> None:
        call_command("capture", "--renew", stdout=(out := StringIO()))
        assert "lending begins anew: who copied it copies again" in out.getvalue()
        assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
        again = Copy("lending")
        Book.objects.update(title="y")
        again.follow()
        again.assert_equal()

    def test_emptied_log(self, copy: Copy) -> None:
        Change.objects.all().delete()
        assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
        again = Copy("lending")
        Book.objects.update(title="y")
        again.follow()
        again.assert_equal()


class TestForged:
    """Nobody but the feed writes cursors: what a caller invents concerns nobody else, and is not looked up."""

    @pytest.mark.parametrize(
        "forge",
        [
            lambda c: replace(c, id=c.id + 1000, xid=c.xid + 1000),
            lambda c: replace(c, at=c.at - 1),
            lambda c: replace(c, within=("library_book.author_id", "a\0b")),
            lambda c: replace(c, within=("library_shelf.above_id", "no number")),
        ],
    )
    def test_it_is_gone_for_this_caller_alone(
        self, copy: Copy, forge: Callable[[LogCursor], LogCursor], settings: Any
    ) -> None:
        Book.objects.update(title="x")
        copy.follow()
        incarnation = copy.ask()["incarnation"]
        known = FeedReader.objects.get()
        FeedReader.objects.update(asked_at=timezone.now() - timedelta(seconds=5))
        cursor = read_cursor(copy.cursor)
        secret, settings.SECRET_KEY = settings.SECRET_KEY, "a guess"
        forged = forge(cursor).text
        settings.SECRET_KEY = secret
        problem = copy.ask(forged, status=410)
        assert (problem["code"], "not signed" in problem["detail"]) == ("cursor_gone", True)
        assert FeedReader.objects.get().cursor == known.cursor
        assert copy.ask()["incarnation"] == incarnation
        assert copy.ask(copy.cursor)["events"] == []

    def test_replaced_key(self, copy: Copy, settings: Any, client: Client) -> None:
        copy.follow()
        old = settings.SECRET_KEY
        settings.SECRET_KEY = "another one"
        settings.SECRET_KEY_FALLBACKS = [old]
        Book.objects.update(title="x")
        copy.follow()
        copy.assert_equal()
        FeedReader.objects.update(asked_at=timezone.now() - timedelta(seconds=5))
        copy.follow()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a third one", []
        assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
        (reader,) = ownership(client)["readers"]
        assert (reader["lag_s"], reader["behind"]) == (None, None)
        again = Copy("lending")
        Book.objects.update(title="y")
        again.follow()
        again.assert_equal()


class TestReaders:
    def test_lag_is_the_age_of_what_is_not_applied(
        self, copy: Copy, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readers, "EVERY", timedelta(0))
        assert ownership(client)["readers"] == []
        copy.follow()
        before = ownership(client)
        position = before.pop("position")
        (reader,) = before.pop("readers")
        assert before == {"capability": "lending", "owner": "monolith", "captured": True}
        assert type(position) is int
        assert reader.pop("asked_s_ago") < 30
        assert reader == {"caller": "reading-room", "lag_s": 0.0, "behind": 0}

        Book.objects.update(title="x")
        since = Change.objects.filter(id__gt=read_cursor(copy.cursor).id)
        since.update(at=F("at") - 5_000_000)
        wait_until_settled()
        page = copy.ask(copy.cursor)
        # Handed out is not applied: what it asks behind next time is.
        (reader,) = ownership(client)["readers"]
        assert 5 <= reader["lag_s"] < 60
        assert reader["behind"] == 20
        copy.ask(page["next"])
        (reader,) = ownership(client)["readers"]
        assert (reader["lag_s"], reader["behind"]) == (0.0, 0)

    def test_what_does_not_concern_it_is_no_lag(
        self, copy: Copy, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy.follow()
        execute("INSERT INTO archive_kind (code, title, clerk) VALUES ('a', 'b', '')")
        (reader,) = ownership(client)["readers"]
        assert (reader["lag_s"], reader["behind"]) == (0.0, 0)

    @postgresql_only
    def test_what_waits_for_a_slow_transaction_is_lag(self, copy: Copy, client: Client) -> None:
        copy.follow()
        with second_connection() as other:
            other.execute("BEGIN")
            other.execute("SELECT pg_current_xact_id()")
            Book.objects.update(title="x")
            (reader,) = ownership(client)["readers"]
            assert (reader["lag_s"] > 0, reader["behind"]) == (True, 20)

    def test_reader_whose_place_is_gone(self, copy: Copy, client: Client) -> None:
        copy.follow()
        Book.objects.update(title="x")
        wait_until_settled()
        prune(timedelta(0))
        (reader,) = ownership(client)["readers"]
        assert (reader["lag_s"], reader["behind"]) == (None, None)

    def test_written_down_about_once_a_second(self, copy: Copy) -> None:
        copy.follow()
        first = FeedReader.objects.get()
        Book.objects.update(title="x")
        copy.follow()
        copy.follow()
        assert FeedReader.objects.get().cursor == first.cursor
        FeedReader.objects.update(asked_at=timezone.now() - timedelta(seconds=1.1))
        copy.follow()
        assert FeedReader.objects.get().cursor == copy.cursor

    def test_feed_waits_for_nobody_to_write_it_down(self, copy: Copy) -> None:
        copy.follow()
        FeedReader.objects.update(asked_at=timezone.now() - timedelta(hours=1))
        Book.objects.update(title="x")
        wait_until_settled()
        with second_connection() as other:
            if connection.vendor == "sqlite":
                other.execute("BEGIN IMMEDIATE")
            else:
                other.execute("BEGIN")
                other.execute("SELECT * FROM chassis_ownership_feedreader FOR UPDATE")
            begun = time.monotonic()
            assert len(copy.ask(copy.cursor)["events"]) == 20
            assert time.monotonic() - begun < 5  # SQLite's writers wait 20 s for each other
            other.execute("ROLLBACK")
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout")
                assert cursor.fetchone() == (20_000,)

    def test_feed_does_not_fail_without_the_table(self, copy: Copy) -> None:
        execute("ALTER TABLE chassis_ownership_feedreader RENAME TO gone")
        try:
            assert copy.ask(copy.cursor)["events"] == []
        finally:
            execute("ALTER TABLE gone RENAME TO chassis_ownership_feedreader")

    def test_caller_that_is_declared_no_more_is_not_listed(
        self, copy: Copy, client: Client, settings: Any
    ) -> None:
        copy.follow()
        callers = {name: c for name, c in settings.CHASSIS["CALLERS"].items() if name == "gate"}
        settings.CHASSIS = settings.CHASSIS | {"CALLERS": callers}
        assert ownership(client)["readers"] == []

    def test_counting_ends_somewhere(
        self, copy: Copy, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy.follow()
        monkeypatch.setattr(readers, "MOST_BEHIND", 5)
        Book.objects.update(title="x")
        (reader,) = ownership(client)["readers"]
        assert reader["behind"] == 5

    def test_counting_goes_no_further_through_what_others_changed(
        self, copy: Copy, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy.follow()
        monkeypatch.setattr(readers, "MOST_BEHIND", 2)
        execute(
            "INSERT INTO archive_kind (code, title, clerk) VALUES ('a', 'b', ''), ('b', 'b', '')"
        )
        execute("INSERT INTO archive_kind (code, title, clerk) VALUES ('c', 'b', '')")
        (reader,) = ownership(client)["readers"]
        assert (reader["lag_s"] > 0, reader["behind"]) == (True, 2)


class TestRights:
    def test_status_and_data_are_two_rights(self, copy: Copy, client: Client) -> None:
        for path in ("rows/lending?table=library_book", "feed/lending"):
            answer = client.get(f"/_chassis/{path}", headers=GATE)
            assert (answer.status_code, answer.json()["code"]) == (403, "right_not_granted")
        answer = copy.client.get("/_chassis/ownership/lending")
        assert (answer.status_code, answer.json()["code"]) == (403, "right_not_granted")
        assert client.get("/_chassis/ownership/lending", headers=GATE).status_code == 200

    @pytest.mark.parametrize("path", ["feed", "ownership"])
    def test_strangers_learn_nothing(self, client: Client, path: str) -> None:
        for capability in ("lending", "no-such"):
            answer = client.get(f"/_chassis/{path}/{capability}")
            assert (answer.status_code, answer.json()["code"]) == (401, "credential_unknown")
        for headers in (GATE, {"Authorization": f"Bearer {CREDENTIAL}"}):
            answer = client.get(f"/_chassis/{path}/no-such", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "capability_not_granted")

    @pytest.mark.parametrize("path", ["feed", "ownership"])
    def test_undeclared_capability_is_not_found(
        self, settings: Any, client: Client, path: str
    ) -> None:
        caller = {"credential": "x" * 30, "capabilities": ["sales"], "rights": ["data", "status"]}
        settings.CHASSIS = settings.CHASSIS | {"CALLERS": {"both": caller}}
        headers = {"Authorization": f"Bearer {'x' * 30}"}
        answer = client.get(f"/_chassis/{path}/sales", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "capability_unknown")

    def test_only_read(self, copy: Copy, client: Client) -> None:
        answer = copy.client.post("/_chassis/feed/lending")
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
        assert copy.client.head("/_chassis/feed/lending").status_code == 200
        assert client.post("/_chassis/ownership/lending", headers=GATE).status_code == 405
        assert "no-store" in copy.client.get("/_chassis/feed/lending")["Cache-Control"]


class TestPruning:
    def test_reader_that_has_passed_all_that_is_old_goes_on(self, copy: Copy) -> None:
        """Nothing changes for eight days, then something does, and the log is pruned before the reader asks."""
        Book.objects.update(title="x")
        copy.follow()
        Change.objects.update(at=F("at") - 8 * DAY)
        copy.cursor = copy.ask()["next"]  # it names the time, too
        Book.objects.filter(isbn="b01").update(title="y")
        wait_until_settled()
        assert prune(timedelta(days=7)) > 0
        assert Change.objects.count() == 2
        assert [event["subject"] for event in copy.follow()] == ["library_book/b01"]
        copy.assert_equal()
        assert prune(timedelta(days=7)) == 0

    def test_reader_that_has_not_copies_again(self, copy: Copy) -> None:
        Change.objects.update(at=F("at") - 9 * DAY)
        copy.cursor = copy.ask()["next"]
        Book.objects.update(title="x")
        begun = read_cursor(copy.cursor).id
        Change.objects.filter(id__gt=begun).update(at=F("at") - 8 * DAY)
        Book.objects.filter(isbn="b01").update(title="y")
        wait_until_settled()
        prune(timedelta(days=7))
        assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"

    def test_what_is_younger_stays(self, copy: Copy) -> None:
        Book.objects.update(title="old")
        Change.objects.update(at=F("at") - 3600_000_000)
        Book.objects.update(title="new")
        wait_until_settled()
        call_command("prune_changes", "--keep", "30m", "--json", stdout=(out := StringIO()))
        assert json.loads(out.getvalue())["deleted"] > 20
        # And the last that is older: a reader may stand on it.
        assert Change.objects.count() == 21

    def test_in_small_steps(self, copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chassis.ownership.capture.prune.BATCH", 3)
        Book.objects.update(title="old")
        wait_until_settled()
        head = copy.ask()["next"]
        count = Change.objects.count()
        assert prune(timedelta(0)) == count - 1
        # Who stands at the end has missed nothing.
        assert copy.ask(head)["events"] == []
        assert prune(timedelta(0)) == 0

    def test_counter_goes_on_when_all_is_pruned(self, copy: Copy) -> None:
        Book.objects.update(title="x")
        copy.follow()
        before = copy.positions[-1]
        prune(timedelta(0))
        assert copy.ask(copy.cursor)["position"] >= before
        Book.objects.update(title="y")
        copy.follow()
        copy.assert_equal()
        assert copy.positions[-1] > before

    @pytest.mark.parametrize("keep", ["7", "7 d", "-1d", "1.5h", "d", "1w", "9999999d", "²d"])
    def test_no_duration(self, keep: str) -> None:
        with pytest.raises(CommandError, match="must be a number and a unit: 90s, 30m, 12h, 7d"):
            call_command("prune_changes", f"--keep={keep}")

    @postgresql_only
    def test_what_a_slow_transaction_holds_back_stays(self, copy: Copy) -> None:
        copy.follow()
        with second_connection() as other:
            other.execute("BEGIN")
            other.execute("UPDATE library_book SET title = 'slow' WHERE isbn = 'b01'")
            Book.objects.exclude(isbn="b01").update(title="quick")
            prune(timedelta(0))
            other.execute("COMMIT")
        copy.follow()
        copy.assert_equal()


@sqlite_only
class TestLocksOfSQLite:
    def test_writer_does_not_stop_a_reader(self, copy: Copy) -> None:
        Book.objects.update(title="x")
        with second_connection() as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE library_book SET title = 'not yet'")
            page = copy.ask(copy.cursor)
            assert {event["data"]["row"]["title"] for event in page["events"]} == {"x"}
            assert copy.read_rows()["library_book"]["b01"]["title"] == "x"
            other.execute("COMMIT")
        copy.follow()
        copy.assert_equal()

    def test_reader_does_not_stop_a_writer(self, copy: Copy) -> None:
        wrote = threading.Event()

        def write() -> None:
            with second_connection() as other:
                other.execute("PRAGMA busy_timeout = 0")
                other.execute("UPDATE library_book SET title = 'meanwhile'")
            wrote.set()

        with reading("lending", ()) as now:
            before = now.position
            list(Book.objects.all())
            threading.Thread(target=write).start()
            assert wrote.wait(20)
            assert not Book.objects.filter(title="meanwhile").exists()  # still one snapshot
        with reading("lending", ()) as now:
            assert Book.objects.filter(title="meanwhile").count() == 20
            assert now.position == before + 20  # type: ignore[operator]
        # And the connection is as it was.
        with transaction.atomic():
            Book.objects.update(title="afterwards")

    def test_reading_that_fails_leaves_no_transaction(self, copy: Copy) -> None:
        with pytest.raises(ZeroDivisionError), reading("lending", ()):
            raise ZeroDivisionError
        with transaction.atomic():
            Book.objects.update(title="afterwards")


@postgresql_only
class TestDumpOfAnotherServer:
    """Its entries have transaction ids that this server has not given yet. Here they are written in: the test with two
    servers is in test_capture_crashed."""

    @pytest.fixture
    def stranded(self, filled_library: None) -> None:
        execute("UPDATE chassis_ownership_change SET xid = xid + 1000000000")

    def test_there_is_a_place_to_begin_after_capture(
        self, stranded: None, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readers, "EVERY", timedelta(0))
        answer = client.get("/_chassis/feed/lending", headers=READER)
        assert (answer.status_code, answer.json()["code"]) == (503, "capture_begins")
        assert "another server: run manage.py capture" in answer.json()["detail"]
        call_command("capture", stdout=(out := StringIO()))
        assert "the log goes on" in out.getvalue()
        call_command("capture", stdout=(out := StringIO()))
        assert out.getvalue().strip() == "Nothing to do."
        with_mark = Change.objects.order_by("xid")[0]
        wait_until_true(
            lambda: client.get("/_chassis/feed/lending", headers=READER).status_code == 200
        )
        cursor = client.get("/_chassis/feed/lending", headers=READER).json()["next"]
        assert read_cursor(cursor).id == with_mark.id
        client.get(f"/_chassis/feed/lending?after={cursor}", headers=READER)
        (reader,) = ownership(client)["readers"]
        assert (reader["lag_s"], reader["behind"]) == (0.0, 0)
        status = status_of_capture()
        assert (status["waiting"], status["waits_for"]) == (0, None)

    def test_pruning_deletes_them(self, stranded: None) -> None:
        count = Change.objects.count()
        call_command("capture", verbosity=0, stdout=StringIO())
        wait_until_true(lambda: prune(timedelta(days=7)) == count)
        assert Change.objects.count() == 1
