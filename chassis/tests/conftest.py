"""The library's rows, and the reading room's way to fetch them over real HTTP."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from chassis.ownership.source import channel
from tests.library.models import Author, Book, Country, Shelf

CREDENTIAL = "a-credential-for-tests-only"
ADDED = datetime(2025, 3, 30, 0, 59, 59, 123456, tzinfo=UTC)

Backfill = Callable[..., dict[str, Any]]


def make_shelf(number: int, above: Shelf | None = None, **values: Any) -> Shelf:
    return Shelf.everything.create(id=number, name=f"Shelf {number}", above=above, **values)


def make_book(isbn: str, shelf: Shelf, **values: Any) -> Book:
    values = {"title": f"Book {isbn}", "price": Decimal("12.50"), "added_at": ADDED} | values
    return Book.objects.create(isbn=isbn, shelf=shelf, **values)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file instead of memory: server, command and other processes each have a connection of their own."""
    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """In WAL, as an SQLite database with several writers should be; the file remembers it."""
    if connection.vendor == "sqlite":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")


@pytest.fixture
def filled_library(transactional_db: None) -> None:
    """Seven shelves, one of them closed, and twenty books."""
    shelves = [make_shelf(number, closed=number == 3) for number in range(1, 8)]
    author = Author.objects.create(name="Åsa", country=Country.objects.create(name="Åland"))
    for number in range(20):
        make_book(
            f"b{number:02}",
            shelves[number % 7],
            author=author if number % 2 else None,
            added_at=ADDED + timedelta(days=number),
        )


@pytest.fixture
def backfill(live_server: Any, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Backfill:
    """Runs the command against a server of this process; gives its summary by table."""
    monkeypatch.setenv("CHASSIS_CREDENTIAL", CREDENTIAL)
    monkeypatch.setenv("CHASSIS_SOURCE_URL", live_server.url)
    monkeypatch.setattr(channel, "RETRY_DELAYS_S", ())

    def run(*arguments: str) -> dict[str, Any]:
        from tests.copying import wait_until_settled

        wait_until_settled()
        out = StringIO()
        call_command("backfill", "lending", "--json", "--chunk", "3", *arguments, stdout=out)
        summary: dict[str, Any] = json.loads(out.getvalue())
        return summary

    return run
