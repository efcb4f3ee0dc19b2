"""Every way to write is seen. Each test copies the capability, writes in its way, follows the feed, and must be equal."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from tests.archive.models import Box, Kind, Letter, Paper, Slot
from tests.conftest import ADDED, make_book, make_shelf
from tests.copying import Copy
from tests.library.models import Author, Book, Country, Shelf

pytestmark = pytest.mark.django_db(transaction=True)

BOOK, SHELF, AUTHOR = "library_book", "library_shelf", "library_author"
BOX, SLOT, LETTER = "archive - Böx's order", "archive_slot", "archive_letter"

sqlite_only = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's own way")
postgresql_only = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="PostgreSQL's own way"
)


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


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
    for conflict in ("(id)", "(name)"):
        execute(
            f"INSERT INTO library_shelf (id, name, closed) VALUES (1, 'Shelf 1', true) "
            f"ON CONFLICT {conflict} DO UPDATE SET closed = true"
        )
    execute(
        "INSERT INTO library_shelf (id, name, closed) VALUES (77, 'Shelf 2', true) ON CONFLICT DO NOTHING"
    )


def with_another_key() -> None:
    execute("UPDATE library_book SET isbn = 'moved' WHERE isbn = 'b05'")
    # Each into the place of the one before: no key is free for long.
    for number in range(6, 0, -1):
        execute(f"UPDATE library_book SET isbn = 'step {number + 1}' WHERE isbn = 'b1{number}'")


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
