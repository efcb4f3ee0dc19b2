"""Real migrations of captured tables, and writers while triggers are put in place."""

import importlib
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from chassis.ownership.capture import install as installing
from chassis.ownership.capture.install import CaptureError, install
from tests.connections import (
    execute,
    in_thread,
    postgresql_only,
    second_connection,
    sqlite_only,
)
from tests.copying import Copy
from tests.library.models import Author, Book, Shelf
from tests.test_capture_installed import capture_check, triggers_of

pytestmark = pytest.mark.django_db(transaction=True)

Migrate = Callable[..., None]

_HEAD = """
from django.db import migrations, models
import django.db.models.deletion

def write(apps, schema_editor):
    apps.get_model("library", "Shelf").objects.create(id=700, name="By a data migration")
    Book = apps.get_model("library", "Book")
    Book.objects.filter(pk="b01").update(price=7)

class Migration(migrations.Migration):
    dependencies = [("library", "{before}")]
    operations = [{operations}]
"""


@pytest.fixture
def migrate(
    filled_library: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Migrate]:
    """Applies one more migration of the library, given by its operations; takes all of them back in the end."""
    package = f"later_{tmp_path.name}"
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "0001_initial.py").write_text(
        "import importlib\n"
        "Migration = importlib.import_module('tests.library.migrations.0001_initial').Migration\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.MIGRATION_MODULES = {"library": package}
    numbers = itertools.count(2)
    before = "0001_initial"

    def apply(operations: str) -> None:
        nonlocal before
        name = f"{next(numbers):04}_later"
        text = _HEAD.format(before=before, operations=operations)
        (folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        before = name
        call_command("migrate", "library", verbosity=0)

    declared = settings.CHASSIS
    yield apply
    settings.CHASSIS = declared
    call_command("migrate", "library", "0001", verbosity=0)
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]
    assert capture_check(Client())["ok"]


def begin_anew(copy: Copy) -> Copy:
    assert copy.ask(copy.cursor, status=410)["code"] == "cursor_gone"
    return Copy("lending")


def assert_captured(copy: Copy) -> None:
    assert capture_check(Client())["ok"]
    Book.objects.filter(isbn="b02").update(price=3)
    Shelf.everything.filter(id=2).update(name="Second")
    Author.objects.update(name="Renamed")
    copy.follow()
    assert len(copy.events) > 3
    copy.assert_equal()


WIDER = "migrations.AlterField('book', 'title', models.CharField(max_length=90))"


def test_captured_column_is_altered(migrate: Migrate) -> None:
    """SQLite builds the table anew, without its triggers; PostgreSQL refuses to alter what a trigger needs."""
    copy = Copy("lending")
    migrate(WIDER)
    assert_captured(begin_anew(copy))


def test_data_migration_in_the_same_run_is_not_missed(migrate: Migrate) -> None:
    copy = Copy("lending")
    migrate(f"{WIDER}, migrations.RunPython(write, migrations.RunPython.noop)")
    again = begin_anew(copy)
    assert again.rows["library_shelf"][700]["name"] == "By a data migration"
    assert_captured(again)


def test_data_migration_alone_is_seen(migrate: Migrate) -> None:
    copy = Copy("lending")
    migrate("migrations.RunPython(write, migrations.RunPython.noop)")
    copy.follow()
    assert copy.seen == {("library_shelf", 700), ("library_book", "b01")}
    assert_captured(copy)


def test_migration_that_alters_no_column_changes_nothing(migrate: Migrate) -> None:
    copy = Copy("lending")
    triggers = triggers_of("library_book")
    migrate(
        "migrations.AlterModelOptions('book', {'ordering': ['isbn']}), "
        "migrations.AlterField('book', 'title', models.CharField(max_length=80, help_text='x', blank=True)), "
        "migrations.AddIndex('book', models.Index(fields=['price'], name='by_price')), "
        "migrations.CreateModel('Other', [('id', models.BigAutoField(primary_key=True))])"
    )
    assert triggers_of("library_book") == triggers
    assert_captured(copy)


def test_column_that_is_not_sent_is_dropped(migrate: Migrate) -> None:
    copy = Copy("lending")
    migrate("migrations.RemoveField('book', 'note')")
    copy.assert_equal()
    # The model of this test still has the column; what matters is that nothing else is in the way.
    execute("UPDATE library_book SET price = 3 WHERE isbn = 'b02'")
    copy.follow()
    assert copy.seen == {("library_book", "b02")}
    copy.assert_equal()


def test_declared_column_is_dropped(migrate: Migrate, settings: Any) -> None:
    copy = Copy("lending")
    shelf = {"model": "library.Shelf", "columns": ["id", "name"]}
    settings.CHASSIS = settings.CHASSIS | {"OWNERSHIP": {"lending": {"tables": [shelf]}}}
    migrate("migrations.RemoveField('shelf', 'closed')")
    again = begin_anew(copy)
    execute("UPDATE library_shelf SET name = 'Renamed' WHERE id = 1")
    again.follow()
    assert again.seen == {("library_shelf", 1)}
    again.assert_equal()


def test_renamed_key_lets_writers_write(migrate: Migrate) -> None:
    """Between the renaming and the end of the run there is no trigger that would look for the old name."""
    with pytest.raises(CommandError, match="library_book can't be watched: it has no column isbn"):
        migrate(
            "migrations.RenameField('book', 'isbn', 'code'), "
            "migrations.RunPython(write, migrations.RunPython.noop)"
        )
    execute("UPDATE library_book SET price = 8 WHERE code = 'b02'")


def test_renamed_table(migrate: Migrate) -> None:
    with pytest.raises(CommandError, match="library_book can't be watched: there is no such table"):
        migrate(
            "migrations.AlterModelTable('book', 'library_books'), "
            "migrations.RunPython(write, migrations.RunPython.noop)"
        )
    execute("UPDATE library_books SET price = 8 WHERE isbn = 'b02'")
    assert triggers_of("library_books") == []


def test_column_is_added_where_all_are_sent(migrate: Migrate) -> None:
    copy = Copy("lending")
    migrate(
        "migrations.AddField('shelf', 'colour', models.CharField(max_length=9, null=True)), "
        "migrations.AddField('shelf', 'height', models.IntegerField(default=1))"
    )
    execute("UPDATE library_shelf SET name = 'Renamed' WHERE id = 1")
    if connection.vendor == "sqlite":  # the second one builds the table anew
        copy = begin_anew(copy)
    copy.follow()
    copy.assert_equal()


def test_key_of_another_type(migrate: Migrate) -> None:
    """With it, the columns that refer to it change, in other tables."""
    copy = Copy("lending")
    migrate(
        "migrations.AlterField('shelf', 'id', models.IntegerField(primary_key=True)), "
        "migrations.RunPython(write, migrations.RunPython.noop)"
    )
    assert_captured(begin_anew(copy))


def test_log_that_is_migrated_away_and_back(filled_library: None, client: Client) -> None:
    copy = Copy("lending")
    call_command("migrate", "chassis_ownership", "0001", verbosity=0)
    try:
        assert triggers_of("library_book") == []
        Book.objects.update(title="written without a log")
    finally:
        call_command("migrate", "chassis_ownership", verbosity=0)
    assert_captured(begin_anew(copy))


@sqlite_only
def test_raw_rebuild_of_a_table_is_told(filled_library: None, client: Client) -> None:
    execute(
        "PRAGMA foreign_keys = OFF",
        "CREATE TABLE new_author AS SELECT * FROM library_author",
        "DROP TABLE library_author",
        "ALTER TABLE new_author RENAME TO library_author",
    )
    assert capture_check(client)["detail"] == (
        "library_author: a trigger is missing and 1 more; run manage.py capture"
    )
    install()
    assert capture_check(client)["ok"]


@postgresql_only
class TestWritersMeanwhile:
    def test_they_are_never_held_up_for_long_nor_chosen_as_victims(
        self, filled_library: None
    ) -> None:
        """Triggers are taken away and put back all the time, under writers that hold their locks for a while."""
        stop = threading.Event()
        longest: list[float] = []

        def writes(number: int) -> int:
            slowest = 0.0
            done = 0
            while not stop.is_set():
                begun = time.monotonic()
                with transaction.atomic():
                    Book.objects.filter(isbn=f"b{number:02}").update(price=done % 99)
                    Shelf.everything.filter(id=number + 1).update(name=f"S{number} {done}")
                    time.sleep(0.005)
                slowest = max(slowest, time.monotonic() - begun)
                done += 1
            longest.append(slowest)
            return done

        with ThreadPoolExecutor(5) as pool:
            writers = [pool.submit(in_thread, lambda n=n: writes(n)) for n in range(4)]
            times = 0
            until = time.monotonic() + 6
            while time.monotonic() < until:
                installing.remove()
                install()
                times += 1
            stop.set()
            done = [writer.result() for writer in writers]
        assert times >= 2
        assert min(done) > 20
        assert max(longest) < 3, longest

    def test_long_transaction_holds_up_the_installer_and_nobody_else(
        self, filled_library: None
    ) -> None:
        installing.remove()
        stop = threading.Event()

        def writes() -> float:
            slowest = 0.0
            while not stop.is_set():
                begun = time.monotonic()
                Book.objects.filter(isbn="b01").update(price=1)
                slowest = max(slowest, time.monotonic() - begun)
            return slowest

        with ThreadPoolExecutor(2) as pool:
            with second_connection() as slow:
                slow.execute("BEGIN")
                slow.execute("UPDATE library_book SET price = 5 WHERE isbn = 'b02'")
                installer = pool.submit(in_thread, install)
                writer = pool.submit(in_thread, writes)
                stop.wait(2)
                assert not installer.done()
                slow.execute("COMMIT")
            installer.result(timeout=30)
            stop.set()
            assert writer.result() < 2
        copy = Copy("lending")
        assert copy.rows["library_book"]["b02"]["price"] == "5.00"
        assert_captured(copy)

    def test_patience_ends_with_what_to_do(
        self, filled_library: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(installing, "PATIENCE_S", 0.3)
        installing.remove()
        with second_connection() as slow:
            slow.execute("BEGIN")
            slow.execute("UPDATE library_shelf SET name = 'slow' WHERE id = 1")
            with pytest.raises(
                CaptureError, match=r"run manage.py capture when no long transaction"
            ):
                install()
            with pytest.raises(
                CommandError, match=r"changes are not captured: public.library_shelf"
            ):
                call_command("migrate", verbosity=0)
            slow.execute("COMMIT")
        install()

    def test_two_at_once(self, filled_library: None) -> None:
        installing.remove()
        with ThreadPoolExecutor(3) as pool:
            for each in [pool.submit(in_thread, install) for _ in range(3)]:
                each.result(timeout=60)
        assert_captured(Copy("lending"))


@sqlite_only
def test_two_installers_at_once(filled_library: None) -> None:
    installing.remove()
    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(in_thread, install) for _ in range(3)]:
            each.result(timeout=60)
    assert_captured(Copy("lending"))


@sqlite_only
def test_installer_waits_for_a_writer(filled_library: None) -> None:
    installing.remove()
    with ThreadPoolExecutor(1) as pool, second_connection() as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE library_book SET price = 5 WHERE isbn = 'b02'")
        installer = pool.submit(in_thread, install)
        time.sleep(0.3)
        assert not installer.done()
        writer.execute("COMMIT")
        installer.result(timeout=30)
    assert_captured(Copy("lending"))
