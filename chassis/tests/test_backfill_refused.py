"""`manage.py backfill` that can't go on says what is wrong, where, and what to do; and keeps what was there."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from chassis.ownership.backfill.lock import only_one
from chassis.ownership.models import BackfillCursor
from chassis.ownership.source.channel import SourceError
from tests.conftest import CREDENTIAL, Backfill
from tests.equality import copied_books
from tests.reading_room import models as reading_room


def test_database_that_refuses_a_chunk_is_told_with_its_place(
    filled_library: None, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chassis.ownership.backfill import batch

    def refuse(*_: Any, **__: Any) -> None:
        from django.db import IntegrityError

        raise IntegrityError("CHECK constraint failed: shelf_name")

    monkeypatch.setattr(batch, "upsert", refuse)
    with pytest.raises(CommandError, match=r"library_shelf, the first chunk: .*CHECK"):
        backfill()


def test_missing_migrations_are_suggested(filled_library: None, backfill: Backfill) -> None:
    with connection.schema_editor() as editor:
        editor.delete_model(BackfillCursor)
    try:
        with pytest.raises(CommandError, match="Are its migrations applied"):
            backfill()
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(BackfillCursor)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            {
                "model": "reading_room.Book",
                "own": ["times_read"],
                "ignore": ["author_name", "author_country"],
            },
            "the source sends no author, which reading_room.Book has",
        ),
        (
            {
                "model": "reading_room.Book",
                "rename": {"author_name": "author"},
                "own": ["times_read"],
            },
            "the source sends author_country, for which reading_room.Book has no field",
        ),
        (
            {
                "model": "reading_room.Book",
                "rename": {"author_name": "title", "title": "author"},
                "own": ["times_read", "price"],
                "ignore": ["author_country"],
            },
            "the source sends price, for which",
        ),
        (
            {
                "model": "reading_room.Book",
                "rename": {"author_name": "author", "price": "added_at", "added_at": "price"},
                "own": ["times_read"],
                "ignore": ["author_country"],
            },
            "price is decimal in the source, and timestamp in reading_room.Book",
        ),
        (
            {
                "model": "reading_room.Book",
                "rename": {"title": "isbn", "isbn": "title", "author_name": "author"},
                "own": ["times_read"],
                "ignore": ["author_country"],
            },
            "the source's key isbn goes to title, but the key of reading_room.Book is isbn",
        ),
    ],
)
def test_columns_that_do_not_meet_are_named(
    settings: Any, filled_library: None, backfill: Backfill, target: Any, words: str
) -> None:
    tables = {"library_shelf": "reading_room.Shelf", "library_book": target}
    settings.CHASSIS = settings.CHASSIS | {"BACKFILL": {"lending": tables}}
    with pytest.raises(CommandError) as caught:
        backfill()
    assert words in str(caught.value)
    assert copied_books() == []


def test_value_that_does_not_fit_is_named(
    filled_library: None, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.validators import MaxLengthValidator

    field = reading_room.Book._meta.get_field("title")
    monkeypatch.setattr(field, "validators", [MaxLengthValidator(3)], raising=False)
    with pytest.raises(
        CommandError, match=r"the row with key 'b00' does not fit: title .*at most 3"
    ):
        backfill()


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["lending", "--source", "ftp://x"], "no http:// or https:// URL", 1),
        (["lending", "--source", "http://u:p@x"], "credentials go in CHASSIS_CREDENTIAL", 1),
        (["lending", "--table", "library_bok"], "names no table library_bok for lending", 2),
        (["sales"], "declares no capability sales", 2),
        (["lending", "--chunk", "0"], "must be a whole number from 1 to 1000", 1),
        (["lending", "--chunk", "1001"], "must be a whole number from 1 to 1000", 1),
    ],
)
def test_wrong_use_says_what_to_do(
    backfill: Backfill, arguments: list[str], words: str, code: int
) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("backfill", *arguments)
    assert words in str(caught.value)
    assert caught.value.returncode == code


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["CHASSIS_CREDENTIAL", "CHASSIS_SOURCE_URL"])
def test_missing_environment_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setenv("CHASSIS_CREDENTIAL", CREDENTIAL)
    monkeypatch.setenv("CHASSIS_SOURCE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv(missing)
    with pytest.raises(CommandError, match=missing):
        call_command("backfill")


def test_wrong_credential_is_told_at_once(
    filled_library: None, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHASSIS_CREDENTIAL", "x" * 30)
    reading_room.Shelf.objects.create(id=1, name="1", closed=False)
    with pytest.raises(CommandError, match="answers 401") as caught:
        backfill()
    assert "CHASSIS_CREDENTIAL" in str(caught.value)
    assert "x" * 30 not in str(caught.value)


def test_lock_is_released_when_the_walk_fails(transactional_db: None) -> None:
    for _ in range(2):
        with pytest.raises(SourceError), only_one("backfill", "lending", "default"):
            raise SourceError("broken")
