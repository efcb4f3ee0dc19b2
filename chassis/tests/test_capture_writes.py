"""Every way to write is seen. Each test copies the capability, writes in its way, follows the feed, and must be equal."""

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import F

from chassis.ownership.capture.install import install, remove
from tests.archive.models import Box, Kind, Leaf, Letter, Paper, Slot
from tests.conftest import ADDED, make_book
from tests.connections import (
    execute,
    plain_database,
    postgresql_only,
    second_connection,
    sqlite_only,
)
from tests.copying import Copy
from tests.library.models import Author, Book, Country, Shelf

pytestmark = pytest.mark.django_db(transaction=True)

BOOK, SHELF, AUTHOR = "library_book", "library_shelf", "library_author"
BOX, SLOT, LETTER = "archive - Böx order", "archive_slot", "archive_letter"


@pytest.fixture
def books(filled_library: None) -> Copy:
    return Copy("lending")


@pytest.fixture
def letters(transactional_db: None) -> Copy:
    for code in ("a", "b"):
        Kind.objects.create(code=code, title=f"Kind {code}")
    for i in range(3):
        box = Box.objects.create(label=f"Box {i}", kind_id="a", place=f"place {i}")
        slot = Slot.objects.create(id=uuid.UUID(int=i + 1), box=box, number=i, is_first=True)
        for j in range(2):
            Letter.objects.create(title=f"Letter {i}/{j}", sender="Åsa", slot=slot)
    return Copy("archive")


def insert(table: str, verb: str = "INSERT", **values: object) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("%s" for _ in values)
    with connection.cursor() as cursor:
        cursor.execute(f'{verb} INTO "{table}" ({names}) VALUES ({marks})', list(values.values()))


def shelf(number: int, name: str, verb: str = "INSERT") -> None:
    insert(SHELF, verb, id=number, name=name, closed=False)


def through_the_orm() -> None:
    book = Book.objects.get(isbn="b00")
    book.title = "Saved"
    book.save()
    Book.objects.get(isbn="b01").delete()
    make_book("new", Shelf.everything.get(id=1))


def in_bulk() -> None:
    Book.objects.filter(isbn__lt="b05").update(title="Updated")
    shelf = Shelf.everything.get(id=1)
    Book.objects.bulk_create(
        Book(isbn=f"bulk {i}", title="", shelf=shelf, price=1, added_at=ADDED) for i in range(3)
    )
    changed = list(Book.objects.filter(isbn__gt="b15"))
    for book in changed:
        book.price += 1
    Book.objects.bulk_update(changed, ["price"])
    Book.objects.filter(isbn="b10").delete()
    Shelf.everything.bulk_create(
        [Shelf(id=1, name="Upserted"), Shelf(id=88, name="Inserted")],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["name"],
    )
    Shelf.everything.bulk_create([Shelf(id=2, name="Ignored")], ignore_conflicts=True)


def by_raw_sql() -> None:
    execute(
        "UPDATE library_book SET title = 'raw' WHERE isbn = 'b03'",
        "DELETE FROM library_book WHERE isbn > 'b17'",
        "UPDATE library_shelf SET above_id = 1 WHERE id > 4",
    )
    shelf(99, "Raw")


def by_upsert() -> None:
    execute(
        "INSERT INTO library_shelf (id, name, closed) VALUES (1, 'Shelf 1', true) "
        "ON CONFLICT (id) DO UPDATE SET closed = true",
        "INSERT INTO library_shelf (id, name, closed) VALUES (-1, 'Shelf 2', true) "
        "ON CONFLICT (name) DO UPDATE SET closed = true",
        "INSERT INTO library_shelf (id, name, closed) VALUES (77, 'Shelf 2', true) ON CONFLICT DO NOTHING",
    )


def with_another_key() -> None:
    execute("UPDATE library_book SET isbn = 'moved' WHERE isbn = 'b05'")
    # Each into the place of the one before: no key is free for long.
    for number in range(6, 0, -1):
        execute(
            "UPDATE library_book SET isbn = %s WHERE isbn = %s",
            values=[f"b1{number + 1}x", f"b1{number}"],
        )


@pytest.mark.parametrize(
    "write", [through_the_orm, in_bulk, by_raw_sql, by_upsert, with_another_key]
)
@pytest.mark.parametrize("limit", [500, 2, 1])
def test_written(books: Copy, write: Callable[[], None], limit: int) -> None:
    books.limit = limit
    write()
    assert books.follow()
    books.assert_equal()
    assert books.follow() == []


_PLAIN_DRIVER = """
import sys
engine, database, statement = sys.argv[1:4]
if engine == "sqlite":
    import sqlite3
    connection = sqlite3.connect(database, timeout=20)
else:
    import psycopg
    connection = psycopg.connect(database)
connection.execute(statement)
connection.commit()
"""


def test_written_by_a_process_without_django(books: Copy) -> None:
    statement = "UPDATE library_book SET title = 'by a stranger' WHERE isbn < 'b04'"
    subprocess.run(
        [sys.executable, "-c", _PLAIN_DRIVER, connection.vendor, plain_database(), statement],
        check=True,
        timeout=30,
    )
    books.follow()
    assert books.seen == {(BOOK, f"b0{i}") for i in range(4)}
    books.assert_equal()


def test_rolled_back_writes_leave_no_entry(books: Copy) -> None:
    with transaction.atomic():
        Book.objects.update(title="never")
        transaction.set_rollback(True)
    with transaction.atomic():
        Book.objects.filter(isbn="b01").update(title="kept")
        with transaction.atomic():
            Book.objects.filter(isbn="b02").update(title="never")
            transaction.set_rollback(True)
    with pytest.raises(IntegrityError):
        shelf(50, "Shelf 1")
    books.follow()
    assert books.seen == {(BOOK, "b01")}
    books.assert_equal()


def test_update_that_changes_nothing_sent_is_not_told(books: Copy) -> None:
    Book.objects.update(title=F("title"))
    Book.objects.update(note="not declared")
    execute("UPDATE library_shelf SET name = name")
    assert books.follow() == []


def test_entries_of_one_row_become_one_event_with_what_it_holds_now(books: Copy) -> None:
    for i in range(5):
        Book.objects.filter(isbn="b01").update(title=f"Title {i}")
        Book.objects.filter(isbn="b02").update(title=f"Title {i}")
    Book.objects.filter(isbn="b01").update(title="Last")
    Book.objects.filter(isbn="b02").delete()
    make_book("b03x", Shelf.everything.get(id=1))
    Book.objects.filter(isbn="b03x").delete()
    events = books.follow()
    assert [(e["data"]["key"], e["type"].rpartition(".")[2]) for e in events] == [
        ("b01", "changed"),
        ("b02", "deleted"),
        ("b03x", "deleted"),
    ]
    assert events[0]["data"]["row"]["title"] == "Last"
    books.assert_equal()


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "a/b?c=d&e#f",
        "100% %s %%",
        "Ünï-cödé 漢字 😀",
        "'\"`\\",
        "\n\t",
        "-1",
        "1e5",
        "x" * 20,
    ],
)
def test_odd_keys(books: Copy, key: str) -> None:
    make_book(key, Shelf.everything.get(id=1))
    (event,) = books.follow()
    assert (event["subject"], event["data"]["key"]) == (f"{BOOK}/{key}", key)
    books.assert_equal()
    Book.objects.filter(isbn=key).update(title="changed")
    books.follow()
    books.assert_equal()
    Book.objects.filter(isbn=key).delete()
    (event,) = books.follow()
    assert event["data"] == {"table": BOOK, "key": key, "row": None}
    books.assert_equal()


def test_integer_keys_to_their_ends(books: Copy) -> None:
    for number in (-(2**63), -1, 0, 2**63 - 1):
        shelf(number, f"Shelf {number}")
    books.follow()
    assert {key for _, key in books.seen} == {-(2**63), -1, 0, 2**63 - 1}
    books.assert_equal()
    if connection.vendor == "sqlite":  # whose counter stands at its end by now
        execute("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'library_shelf'")


class TestReached:
    """Columns that are read through foreign keys."""

    def test_one_step_away(self, books: Copy) -> None:
        author = Author.objects.get()
        Author.objects.update(name="Åsa Larsson")
        books.follow()
        assert books.seen == {(AUTHOR, str(author.pk))} | {
            (BOOK, book.isbn) for book in Book.objects.exclude(author=None)
        }
        books.assert_equal()

    def test_two_steps_away(self, books: Copy) -> None:
        execute("UPDATE library_country SET name = 'Sverige'")
        books.follow()
        assert books.seen == {(BOOK, book.isbn) for book in Book.objects.exclude(author=None)}
        books.assert_equal()

    def test_the_step_between_moves(self, books: Copy) -> None:
        country = Country.objects.create(name="Norge")
        assert books.follow() == []
        Author.objects.update(country=country)
        books.follow()
        books.assert_equal()
        Author.objects.update(country=None)
        books.follow()
        books.assert_equal()

    def test_the_row_itself_moves(self, books: Copy) -> None:
        other = Author.objects.create(name="Another")
        Book.objects.filter(isbn="b01").update(author=other)
        Book.objects.filter(isbn="b03").update(author=None)
        books.follow()
        books.assert_equal()

    def test_what_is_referred_to_comes_and_goes(self, books: Copy) -> None:
        """No constraint holds this foreign key."""
        key = uuid.UUID(int=7)
        Book.objects.filter(isbn__lt="b03").update(author_id=key)
        books.follow()
        books.assert_equal()
        Author.objects.create(id=key, name="Late")
        books.follow()
        books.assert_equal()
        execute("DELETE FROM library_author WHERE name = 'Late'")
        books.follow()
        assert {(BOOK, "b00"), (BOOK, "b01"), (BOOK, "b02")} <= books.seen
        books.assert_equal()

    def test_only_what_is_sent_counts(self, letters: Copy) -> None:
        Kind.objects.update(clerk="not declared")
        Paper.objects.update(pages=7)
        assert letters.follow() == []

    def test_by_another_column_than_the_key(self, letters: Copy) -> None:
        Kind.objects.filter(code="a").update(title="Kind of a")
        letters.follow()
        assert {table for table, _ in letters.seen} == {BOX, LETTER}
        letters.assert_equal()

    def test_four_tables_away_and_the_steps_between_move(self, letters: Copy) -> None:
        Box.objects.filter(label="Box 1").update(kind_id="b", place="elsewhere")
        letters.follow()
        letters.assert_equal()
        Slot.objects.filter(number=0).update(box_id="Box 1", number=10, is_first=False)
        letters.follow()
        letters.assert_equal()
        Letter.objects.filter(slot__number=2).update(slot=None)
        letters.follow()
        letters.assert_equal()

    def test_an_inherited_table(self, letters: Copy) -> None:
        Paper.objects.filter(title="Letter 0/0").update(title="Renamed")
        letters.follow()
        assert {table for table, _ in letters.seen} == {LETTER}
        letters.assert_equal()
        Letter.objects.filter(title="Renamed").update(title="Again", sender="Öberg")
        letters.follow()
        letters.assert_equal()
        Letter.objects.filter(title="Again").delete()
        Paper.objects.create(title="no letter")
        letters.follow()
        letters.assert_equal()

    @pytest.mark.parametrize("limit", [1, 2, 3, 1000])
    def test_more_rows_than_a_page_holds(self, books: Copy, limit: int) -> None:
        author = Author.objects.get()
        near = Shelf.everything.get(id=1)
        Book.objects.bulk_create(
            Book(isbn=f"n{i:02}", title="", shelf=near, price=1, added_at=ADDED, author=author)
            for i in range(30)
        )
        books.follow()
        books.limit = limit
        execute("UPDATE library_country SET name = 'Suomi'")
        Author.objects.update(name="Aino")
        Book.objects.filter(isbn="b00").update(title="between")
        Author.objects.update(country=None)
        books.follow()
        books.assert_equal()
        identities = [event["id"] for event in books.events]
        assert len(set(identities)) == len(identities)


class TestCascades:
    """What the database does by itself."""

    @pytest.fixture
    def leaves(self, letters: Copy, settings: Any) -> Iterator[Copy]:
        execute(
            "CREATE TABLE archive_leaf (id integer PRIMARY KEY, text varchar(40) NOT NULL, paper_id bigint "
            "REFERENCES archive_paper (id) ON DELETE CASCADE ON UPDATE CASCADE)"
        )
        settings.CHASSIS = settings.CHASSIS | {
            "OWNERSHIP": {"archive": {"tables": [{"model": "archive.Leaf"}]}}
        }
        install()
        for i, paper in enumerate(Paper.objects.order_by("id")):
            Leaf.objects.create(id=i, paper=paper, text=f"Leaf {i}")
        yield Copy("archive")
        execute("DROP TABLE archive_leaf")

    def test_deletes(self, leaves: Copy) -> None:
        Paper.objects.create(id=-1, title="Paper")
        Leaf.objects.create(id=50, paper_id=-1, text="Leaf")
        leaves.follow()
        execute("DELETE FROM archive_paper WHERE id = -1")
        leaves.follow()
        assert leaves.seen == {("archive_leaf", 50)}
        leaves.assert_equal()

    def test_keys_that_change(self, leaves: Copy) -> None:
        Paper.objects.create(id=-1, title="Paper")
        Leaf.objects.create(id=50, paper_id=-1, text="Leaf")
        leaves.follow()
        execute("UPDATE archive_paper SET id = -2 WHERE id = -1")
        leaves.follow()
        assert leaves.seen == {("archive_leaf", 50)}
        leaves.assert_equal()

    @sqlite_only
    def test_of_a_row_that_replace_deletes(self, leaves: Copy) -> None:
        Paper.objects.create(id=-1, title="Paper")
        Leaf.objects.create(id=50, paper_id=-1, text="Leaf")
        leaves.follow()
        execute("REPLACE INTO archive_paper (id, title, pages) VALUES (-1, 'Other', 1)")
        leaves.follow()
        leaves.assert_equal()


@sqlite_only
class TestSQLite:
    @pytest.mark.parametrize("verb", ["REPLACE", "INSERT OR REPLACE"])
    def test_replace_by_key(self, books: Copy, verb: str) -> None:
        execute("PRAGMA foreign_keys = OFF")
        shelf(1, "Replaced", verb)
        books.follow()
        books.assert_equal()

    @pytest.mark.parametrize("verb", ["REPLACE", "INSERT OR REPLACE"])
    def test_replace_by_another_unique_column(self, books: Copy, verb: str) -> None:
        shelf(90, "Free", verb)
        books.follow()
        shelf(91, "Free", verb)
        books.follow()
        assert (SHELF, 90) in books.seen
        books.assert_equal()

    def test_replace_of_two_rows_at_once(self, books: Copy) -> None:
        shelf(90, "Ninety")
        shelf(91, "Ninety-one")
        books.follow()
        shelf(90, "Ninety-one", "REPLACE")
        books.follow()
        books.assert_equal()

    def test_update_or_replace(self, books: Copy) -> None:
        shelf(90, "Ninety")
        shelf(91, "Ninety-one")
        shelf(92, "Ninety-two")
        books.follow()
        execute("UPDATE OR REPLACE library_shelf SET name = 'Ninety' WHERE id = 91")
        books.follow()
        assert books.seen == {(SHELF, 90), (SHELF, 91)}
        books.assert_equal()
        execute("UPDATE OR REPLACE library_shelf SET id = 91 WHERE id = 92")
        books.follow()
        books.assert_equal()

    def test_composite_and_partial_unique_keys(self, letters: Copy) -> None:
        execute("DELETE FROM archive_letter")
        letters.follow()
        box = "Box 0"
        insert(SLOT, "REPLACE", id=uuid.UUID(int=50).hex, box_id=box, number=0, is_first=False)
        letters.follow()
        letters.assert_equal()
        insert(SLOT, "REPLACE", id=uuid.UUID(int=51).hex, box_id=box, number=1, is_first=True)
        insert(SLOT, "REPLACE", id=uuid.UUID(int=52).hex, box_id=box, number=2, is_first=True)
        letters.follow()
        letters.assert_equal()
        # Only what is outside of the index's columns changes, and yet another row goes.
        execute("UPDATE OR REPLACE archive_slot SET is_first = 1 WHERE number = 0")
        letters.follow()
        letters.assert_equal()

    def test_replaced_row_that_others_are_reached_by(self, letters: Copy) -> None:
        execute("PRAGMA foreign_keys = OFF")
        insert("archive_kind", "REPLACE", id=77, code="a", title="New kind", clerk="")
        letters.follow()
        letters.assert_equal()
        (known,) = Kind.objects.filter(code="a").values_list("id", flat=True)
        insert("archive_kind", "REPLACE", id=known, code="z", title="Other code", clerk="")
        letters.follow()
        letters.assert_equal()

    def test_insert_or_ignore(self, books: Copy) -> None:
        shelf(1, "Ignored", "INSERT OR IGNORE")
        shelf(90, "Shelf 1", "INSERT OR IGNORE")
        shelf(91, "Taken", "INSERT OR IGNORE")
        books.follow()
        books.assert_equal()

    def test_recursive_triggers_do_no_harm(self, books: Copy) -> None:
        shelf(90, "Free")
        execute("PRAGMA recursive_triggers = ON")
        try:
            shelf(91, "Free", "REPLACE")
            execute("UPDATE OR REPLACE library_shelf SET id = 92 WHERE id = 91")
        finally:
            execute("PRAGMA recursive_triggers = OFF")
        books.follow()
        books.assert_equal()

    def test_key_by_its_other_name(self, books: Copy) -> None:
        shelf(90, "Ninety")
        books.follow()
        execute("UPDATE library_shelf SET rowid = 95 WHERE rowid = 90")
        books.follow()
        assert books.seen == {(SHELF, 90), (SHELF, 95)}
        books.assert_equal()

    def test_last_inserted_key_is_the_writers(self, books: Copy) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO library_shelf (name, closed) VALUES ('Mine', 0)")
            assert cursor.lastrowid == Shelf.everything.get(name="Mine").pk
            assert cursor.rowcount == 1

    def test_value_that_is_no_key_is_passed_over(
        self, books: Copy, caplog: pytest.LogCaptureFixture
    ) -> None:
        execute("INSERT INTO library_author (id, name) VALUES ('not a UUID', 'x')")
        execute("DELETE FROM library_author WHERE id = 'not a UUID'")
        Book.objects.filter(isbn="b01").update(title="after it")
        books.follow()
        assert books.seen == {(BOOK, "b01")}
        assert "names no row of library_author: 'not a UUID'" in caplog.text


@postgresql_only
class TestPostgreSQL:
    def test_truncate(self, books: Copy) -> None:
        execute("TRUNCATE library_book")
        books.follow()
        assert books.seen == {(BOOK, f"b{i:02}") for i in range(20)}
        books.assert_equal()

    def test_truncate_cascade(self, books: Copy) -> None:
        execute("TRUNCATE library_shelf CASCADE")
        books.follow()
        assert {table for table, _ in books.seen} == {BOOK, SHELF}
        books.assert_equal()

    def test_truncate_of_what_others_show(self, books: Copy) -> None:
        execute("TRUNCATE library_author")
        books.follow()
        assert (BOOK, "b01") in books.seen
        books.assert_equal()

    def test_truncate_with_an_old_snapshot(self, books: Copy) -> None:
        """It removes rows that its transaction does not see: then everybody copies again."""
        with transaction.atomic():
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
            with second_connection() as other:
                other.execute("INSERT INTO library_country (id, name) VALUES (5000, 'Late')")
                other.execute(
                    "INSERT INTO library_book (isbn, title, shelf_id, price, added_at, changed_at, note) "
                    "VALUES ('late', '', 1, 1, now(), now(), '')"
                )
            execute("TRUNCATE library_book")
        assert books.ask(books.cursor, status=410)["code"] == "cursor_gone"
        again = Copy("lending")
        assert again.rows[BOOK] == {}

    def test_copy(self, books: Copy) -> None:
        with connection.cursor() as cursor, cursor.copy("COPY library_country FROM STDIN") as copy:
            copy.write("9000\tSuomi\n")
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY library_shelf (id, name, closed) FROM STDIN") as copy,
        ):
            copy.write("90\tNinety\tf\n91\tNinety-one\tt\n")
        books.follow()
        assert books.seen == {(SHELF, 90), (SHELF, 91)}
        books.assert_equal()

    def test_merge_and_writing_with(self, books: Copy) -> None:
        execute(
            "WITH gone AS (DELETE FROM library_book WHERE isbn < 'b03' RETURNING isbn) "
            "UPDATE library_shelf SET name = name || '!' WHERE id = 1 AND EXISTS (SELECT FROM gone)",
            "MERGE INTO library_shelf s USING (VALUES (2, 'Merged'), (95, 'New')) AS v(id, name) ON s.id = v.id "
            "WHEN MATCHED THEN UPDATE SET name = v.name "
            "WHEN NOT MATCHED THEN INSERT (id, name, closed) VALUES (v.id, v.name, false)",
        )
        books.follow()
        books.assert_equal()

    def test_triggers_fire_in_a_replica_session(self, books: Copy) -> None:
        with second_connection() as other:
            other.execute("SET session_replication_role = replica")
            other.execute("DELETE FROM library_shelf WHERE id = 1")  # no constraint is checked
            other.execute("DELETE FROM library_author")
        books.follow()
        assert {(SHELF, 1), (BOOK, "b01")} <= books.seen
        books.assert_equal()

    def test_writer_without_rights_on_the_log(self, books: Copy) -> None:
        execute("CREATE ROLE chassis_writer")
        try:
            execute(
                "GRANT UPDATE, SELECT ON library_book TO chassis_writer",
                "SET ROLE chassis_writer",
                "UPDATE library_book SET title = 'by a humble role' WHERE isbn = 'b01'",
            )
            with pytest.raises(ProgrammingError, match="permission denied"):
                execute("SELECT 1 FROM chassis_ownership_change")
        finally:
            execute("RESET ROLE", "DROP OWNED BY chassis_writer", "DROP ROLE chassis_writer")
        books.follow()
        assert books.seen == {(BOOK, "b01")}

    def test_search_path_of_the_writer_does_not_matter(self, books: Copy) -> None:
        execute(
            "CREATE SCHEMA trap",
            "CREATE TABLE trap.chassis_ownership_change (LIKE public.chassis_ownership_change)",
            "CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'",
        )
        try:
            with second_connection() as other:
                other.execute("SET search_path = trap, public, pg_catalog")
                other.execute("CREATE TEMP TABLE chassis_ownership_change (id int)")
                other.execute("UPDATE library_book SET title = 'trapped' WHERE isbn = 'b01'")
                (written,) = other.execute(
                    "SELECT count(*) FROM trap.chassis_ownership_change"
                ).fetchone()
                assert written == 0
        finally:
            execute("DROP SCHEMA trap CASCADE")
        books.follow()
        assert books.seen == {(BOOK, "b01")}

    def test_changed_letter_that_the_database_takes_for_equal(self, books: Copy) -> None:
        remove()
        execute(
            "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "ALTER TABLE library_country ALTER COLUMN name TYPE varchar(40) COLLATE any_case",
        )
        install()
        copy = Copy("lending")
        execute("UPDATE library_country SET name = 'ÅLAND' WHERE name = 'åland'")
        copy.follow()
        assert copy.events
        copy.assert_equal()
        remove()
        execute(
            "ALTER TABLE library_country ALTER COLUMN name TYPE varchar(40) COLLATE pg_catalog.default",
            "DROP COLLATION any_case",
        )
