"""The triggers are there, stay there, come back, and whatever is wrong with them is told."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from chassis.ownership.capture.install import install
from chassis.ownership.models import CaptureState, Change, FeedReader
from tests.conftest import make_shelf
from tests.connections import execute, postgresql_only, second_connection
from tests.copying import Copy, wait_until_settled
from tests.library.models import Author, Book

pytestmark = pytest.mark.django_db(transaction=True)


def incarnation(capability: str = "lending") -> Any:
    return CaptureState.objects.get(capability=capability).incarnation


def capture_check(client: Client) -> dict[str, Any]:
    check: dict[str, Any] = client.get("/_chassis/readyz").json()["checks"]["capture"]
    return check


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("capture", *arguments, stdout=out)
    return out.getvalue().strip()


def triggers_of(table: str) -> list[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s ORDER BY 1",
                [table],
            )
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal ORDER BY 1",
                [table],
            )
        return [name for (name,) in cursor.fetchall()]


def drop_one() -> None:
    name = next(name for name in triggers_of("library_book") if "_update_" in name)
    execute(
        f"DROP TRIGGER {name}" + (" ON library_book" if connection.vendor == "postgresql" else "")
    )


def drop_all_of_a_table() -> None:
    for name in triggers_of("library_author"):
        execute(
            f"DROP TRIGGER {name}"
            + (" ON library_author" if connection.vendor == "postgresql" else "")
        )


def replace_one_by_another() -> None:
    name = next(name for name in triggers_of("library_book") if "_update_" in name)
    if connection.vendor == "sqlite":
        execute(
            f"DROP TRIGGER {name}",
            f"CREATE TRIGGER {name} AFTER UPDATE ON library_book BEGIN SELECT 1; END",
        )
    else:
        execute(
            f"DROP TRIGGER {name} ON library_book",
            f"CREATE TRIGGER {name} AFTER UPDATE OF title ON library_book FOR EACH ROW "
            f"EXECUTE FUNCTION chassis_capture_{name.rpartition('_')[2]}()",
            f"ALTER TABLE library_book ENABLE ALWAYS TRIGGER {name}",
        )


def disable_one() -> None:
    execute(f"ALTER TABLE library_book DISABLE TRIGGER {triggers_of('library_book')[0]}")


def disable_for_replicas() -> None:
    """What `pg_restore --disable-triggers` leaves."""
    execute(
        "ALTER TABLE library_book DISABLE TRIGGER ALL",
        "ALTER TABLE library_book ENABLE TRIGGER ALL",
    )


def change_the_function() -> None:
    digest = triggers_of("library_book")[0].rpartition("_")[2]
    execute(
        f"CREATE OR REPLACE FUNCTION chassis_capture_{digest}() RETURNS trigger LANGUAGE plpgsql "
        "SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END'"
    )


def let_callers_choose_the_search_path() -> None:
    digest = triggers_of("library_book")[0].rpartition("_")[2]
    execute(f"ALTER FUNCTION chassis_capture_{digest}() RESET search_path")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (drop_one, "a trigger"),
        (drop_all_of_a_table, "a trigger is missing"),
        (replace_one_by_another, "a trigger"),
        pytest.param(disable_one, "was dropped, disabled or changed", marks=postgresql_only),
        pytest.param(
            disable_for_replicas, "was dropped, disabled or changed", marks=postgresql_only
        ),
        pytest.param(
            change_the_function, "was dropped, disabled or changed", marks=postgresql_only
        ),
        pytest.param(
            let_callers_choose_the_search_path,
            "was dropped, disabled or changed",
            marks=postgresql_only,
        ),
    ],
)
def test_harm_is_told_and_healed(
    filled_library: None, client: Client, harm: Callable[[], None], words: str
) -> None:
    copy = Copy("lending")
    assert capture_check(client)["ok"]
    other = incarnation("archive")
    harm()
    answer = client.get("/_chassis/readyz")
    check = answer.json()["checks"]["capture"]
    assert (answer.status_code, check["ok"]) == (503, False)
    assert words in check["detail"]
    assert check["detail"].endswith("run manage.py capture")
    assert copy.ask(copy.cursor, status=503)["code"] == "not_captured"
    assert copy.ask(status=503)["code"] == "not_captured"
    gate = {"Authorization": "Bearer a-third-credential-for-tests"}
    assert client.get("/_chassis/ownership/lending", headers=gate).json() == {
        "capability": "lending",
        "owner": "monolith",
        "captured": False,
        "position": None,
        "readers": [],
    }
    Book.objects.update(title="unseen")

    assert "is watched" in run()
    assert capture_check(client)["ok"]
    # What was written in between was not seen, so everybody begins anew; those it does not concern go on.
    assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
    assert incarnation("archive") == other
    again = Copy("lending")
    Book.objects.update(title="seen")
    again.follow()
    again.assert_equal()


def test_what_is_right_is_left_alone(filled_library: None) -> None:
    before, triggers = incarnation(), triggers_of("library_book")
    with second_connection() as other:
        other.execute("BEGIN" if connection.vendor == "postgresql" else "BEGIN DEFERRED")
        other.execute("SELECT count(*) FROM library_book").fetchone()
        if connection.vendor == "postgresql":
            other.execute("LOCK TABLE library_book IN ROW EXCLUSIVE MODE")
        assert run() == "Nothing to do."
        call_command("migrate", verbosity=0)
        assert json.loads(run("--json")) == {"done": []}
    assert (incarnation(), triggers_of("library_book")) == (before, triggers)


def test_flushed_database_begins_anew(filled_library: None, client: Client) -> None:
    copy = Copy("lending")
    call_command("flush", interactive=False, verbosity=0)
    assert capture_check(client)["ok"]
    assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
    again = Copy("lending")
    make_shelf(1)
    again.follow()
    again.assert_equal()


def test_declaration_that_grows_and_shrinks(settings: Any, filled_library: None) -> None:
    whole = settings.CHASSIS["OWNERSHIP"]
    before, other = incarnation(), incarnation("archive")
    tables = [{"model": "library.Shelf"}, {"model": "library.Book", "columns": ["isbn", "title"]}]
    settings.CHASSIS = settings.CHASSIS | {"OWNERSHIP": {"lending": {"tables": tables}}}
    install()
    assert incarnation() != before
    assert set(CaptureState.objects.values_list("capability", flat=True)) == {"lending"}
    for table in ("library_author", "library_country", "archive_slot", "archive_kind"):
        assert triggers_of(table) == []
    copy = Copy("lending")
    Book.objects.update(price=1)
    Author.objects.update(name="x")
    assert copy.follow() == []
    # A column more: what was copied lacks it.
    tables[1]["columns"].append("price")
    install()
    assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
    copy = Copy("lending")
    Book.objects.update(price=2)
    copy.follow()
    copy.assert_equal()
    settings.CHASSIS = settings.CHASSIS | {"OWNERSHIP": whole}
    install()
    assert incarnation("archive") != other
    assert Copy("archive").ask()["more"] is False


def test_project_that_declares_nothing_leaves_the_triggers_of_others(
    settings: Any, filled_library: None
) -> None:
    triggers = triggers_of("library_book")
    before, settings.CHASSIS = settings.CHASSIS, {}
    call_command("migrate", verbosity=0)
    assert triggers_of("library_book") == triggers
    run()
    assert triggers_of("library_book") == []
    settings.CHASSIS = before
    install()


def test_removed(filled_library: None, client: Client) -> None:
    copy = Copy("lending")
    copy.follow()
    assert FeedReader.objects.exists()
    assert "library_book is no longer watched" in run("--remove")
    assert triggers_of("library_book") == []
    entries = Change.objects.count()
    Book.objects.update(title="unlogged")
    assert Change.objects.count() == entries
    assert not FeedReader.objects.exists()
    assert not capture_check(client)["ok"]
    page = copy.client.get("/_chassis/rows/lending?table=library_book").json()
    assert (page["position"], page["incarnation"], len(page["rows"])) == (None, None, 20)
    assert copy.ask(copy.cursor, status=503)["code"] == "not_captured"
    with pytest.raises(SystemExit) as ended:
        run("--status")
    assert ended.value.code == 1
    run()
    assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"


def test_status(filled_library: None) -> None:
    copy = Copy("lending")
    Book.objects.update(title="x")
    copy.follow()
    text = run("--status")
    assert "library_book" in text
    assert "in place" in text
    assert "reading-room" in text
    status = json.loads(run("--status", "--json"))
    assert status["captured"] is True
    assert status["tables"][0] == {
        "table": "archive - Böx order",
        "column": "the row's key",
        "capabilities": ["archive"],
        "fault": None,
    }
    assert {c["capability"]: c["captured"] for c in status["capabilities"]} == {
        "lending": True,
        "archive": True,
    }
    drop_one()
    with pytest.raises(SystemExit) as ended:
        run("--status")
    assert ended.value.code == 1


def test_status_names_what_nobody_does(filled_library: None) -> None:
    copy = Copy("lending")
    copy.follow()
    assert "prune_changes" not in run("--status")
    assert "stopped" not in run("--status")
    FeedReader.objects.update(asked_at=timezone.now() - timedelta(seconds=45))
    Change.objects.update(at=F("at") - 9 * 86_400_000_000)
    text = run("--status")
    assert "stopped 45" in text
    assert "Nobody deletes old ones: run manage.py prune_changes, daily." in text
    call_command("prune_changes", stdout=StringIO())
    # One old entry stays, so that a reader can stand on it.
    assert "prune_changes" not in run("--status")


@pytest.mark.parametrize(
    "command", [["capture"], ["capture", "--status"], ["capture", "--renew"], ["prune_changes"]]
)
def test_before_the_first_migrate(command: list[str], tmp_path: Path) -> None:
    connection.close()
    before = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        connection.settings_dict["NAME"] = str(tmp_path / "fresh.sqlite3")
    else:
        connection.settings_dict["NAME"] = "template1"
    try:
        with pytest.raises(CommandError, match=r"has no table chassis_.*: run manage.py migrate"):
            call_command(*command)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@postgresql_only
def test_status_names_what_entries_wait_for(filled_library: None) -> None:
    wait_until_settled()
    with second_connection() as other:
        other.execute("BEGIN")
        (process, number) = other.execute(
            "SELECT pg_backend_pid(), pg_current_xact_id()::text::bigint"
        ).fetchone()
        Book.objects.update(title="x")
        status = json.loads(run("--status", "--json"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            oldest = cursor.fetchone()
    assert status["waiting"] >= 20
    if oldest == (number,):  # and not one of another database of the server
        assert f"process {process} (database" in status["waits_for"]


@postgresql_only
def test_older_and_newer_releases_are_ready_side_by_side(
    settings: Any, filled_library: None, client: Client
) -> None:
    whole = settings.CHASSIS
    less = [{"model": "library.Book", "columns": ["isbn", "title"]}]
    settings.CHASSIS = whole | {"OWNERSHIP": {"lending": {"tables": less}}}
    # The newer release has migrated; the older one, which needs less, is still running.
    assert capture_check(client)["ok"]
    install()
    assert capture_check(client)["ok"]
    more = [{"model": "library.Book", "columns": ["isbn", "title", "price"]}]
    settings.CHASSIS = whole | {"OWNERSHIP": {"lending": {"tables": more}}}
    assert capture_check(client)["detail"].startswith(
        "library_book: the trigger does not watch price"
    )
    settings.CHASSIS = whole
    install()


@postgresql_only
def test_tables_of_another_schema(settings: Any, filled_library: None) -> None:
    leaf = {"model": "archive.Leaf"}
    settings.CHASSIS = settings.CHASSIS | {"OWNERSHIP": {"archive": {"tables": [leaf]}}}
    execute(
        'CREATE SCHEMA "Other\'s"',
        'CREATE TABLE "Other\'s".archive_leaf (id integer PRIMARY KEY, text varchar(40), paper_id bigint)',
        # Another project's, in its own schema: none of our business.
        "CREATE SCHEMA theirs",
        "CREATE TABLE theirs.shelf (id integer)",
        "CREATE FUNCTION theirs.chassis_capture_0123456789ab() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER chassis_capture_row_0123456789ab AFTER INSERT ON theirs.shelf FOR EACH ROW "
        "EXECUTE FUNCTION theirs.chassis_capture_0123456789ab()",
        'SET search_path = public, "Other\'s"',
    )
    try:
        install()
        copy = Copy("archive")
        with second_connection() as other:
            other.execute("INSERT INTO \"Other's\".archive_leaf (id, text) VALUES (1, 'x')")
        copy.follow()
        assert copy.seen == {("archive_leaf", 1)}
        copy.assert_equal()
        assert triggers_of("theirs.shelf") == ["chassis_capture_row_0123456789ab"]
    finally:
        execute("RESET search_path", 'DROP SCHEMA "Other\'s" CASCADE', "DROP SCHEMA theirs CASCADE")


class TestRefused:
    @pytest.fixture
    def view(self, settings: Any, transactional_db: None) -> Iterator[None]:
        execute("CREATE VIEW archive_leaf AS SELECT 1 AS id, 2 AS paper_id, 'x' AS text")
        whole = settings.CHASSIS
        settings.CHASSIS = whole | {"OWNERSHIP": {"x": {"tables": [{"model": "archive.Leaf"}]}}}
        yield
        execute("DROP VIEW archive_leaf")
        settings.CHASSIS = whole
        install()

    def test_view(self, view: None) -> None:
        with pytest.raises(CommandError, match="archive_leaf can't be watched: it is not an ord"):
            run()
        with pytest.raises(CommandError, match="but changes are not captured: archive_leaf can't"):
            call_command("migrate", verbosity=0)

    @pytest.fixture
    def leaves(self, settings: Any, transactional_db: None) -> Iterator[None]:
        whole = settings.CHASSIS
        settings.CHASSIS = whole | {"OWNERSHIP": {"x": {"tables": [{"model": "archive.Leaf"}]}}}
        yield
        execute("DROP TABLE IF EXISTS archive_leaf")
        settings.CHASSIS = whole
        install()

    def test_no_such_table_or_column(self, leaves: None) -> None:
        with pytest.raises(CommandError, match="archive_leaf can't be watched: there is no such"):
            run()
        execute("CREATE TABLE archive_leaf (id integer PRIMARY KEY, paper_id bigint)")
        with pytest.raises(
            CommandError, match="archive_leaf can't be watched: it has no column text"
        ):
            run()

    @postgresql_only
    def test_partitions(self, leaves: None) -> None:
        execute(
            "CREATE TABLE archive_leaf (id integer PRIMARY KEY, text varchar(40), paper_id bigint) "
            "PARTITION BY RANGE (id)"
        )
        with pytest.raises(CommandError, match="it is not an ordinary table: no trigger sees all"):
            run()

    @postgresql_only
    def test_role_that_may_not(self, leaves: None) -> None:
        execute(
            "CREATE TABLE archive_leaf (id integer PRIMARY KEY, text varchar(40), paper_id bigint)",
            "CREATE ROLE chassis_humble",
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO chassis_humble",
            "REVOKE ALL ON archive_leaf FROM chassis_humble",
            "GRANT CREATE, USAGE ON SCHEMA public TO chassis_humble",
            "SET ROLE chassis_humble",
        )
        try:
            with pytest.raises(CommandError, match="must be owner of"):
                run()
        finally:
            execute("RESET ROLE", "DROP OWNED BY chassis_humble", "DROP ROLE chassis_humble")
