"""`manage.py backfill` against a live server: after each walk the copy equals the source."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from chassis.ownership.capture.install import install
from chassis.ownership.models import BackfillCursor
from chassis.ownership.source.rows import Source
from tests.conftest import ADDED, Backfill, make_book, make_shelf
from tests.equality import assert_equal, copied_books, copied_shelves
from tests.library import models as library
from tests.reading_room import models as reading_room


def counts(**values: int) -> dict[str, int]:
    names = ("rows_read", "inserted", "changed", "unchanged", "deleted", "orphaned", "kept")
    return dict.fromkeys(names, 0) | values


def test_first_run_copies_everything_and_the_second_changes_nothing(
    filled_library: None, backfill: Backfill
) -> None:
    summary = backfill()
    assert summary["resumed"] is False
    assert summary["tables"] == {
        "library_shelf": counts(rows_read=7, inserted=7),
        "library_book": counts(rows_read=20, inserted=20),
    }
    assert_equal()
    assert backfill()["tables"] == {
        "library_shelf": counts(rows_read=7, unchanged=7),
        "library_book": counts(rows_read=20, unchanged=20),
    }


def test_times_are_copied_and_own_fields_left_alone(
    filled_library: None, backfill: Backfill
) -> None:
    backfill()
    changed_at = library_book("b03").changed_at
    assert copied("b03").changed_at == changed_at
    reading_room.Book.objects.filter(isbn="b03").update(times_read=5)
    earlier = changed_at - timedelta(days=400, microseconds=1)
    library.Book.objects.filter(isbn="b03").update(title="New", changed_at=earlier)
    assert backfill()["tables"]["library_book"] == counts(rows_read=20, changed=1, unchanged=19)
    book = copied("b03")
    assert (book.title, book.changed_at, book.times_read) == ("New", earlier, 5)


def test_later_run_brings_what_was_added_changed_and_deleted(
    filled_library: None, backfill: Backfill
) -> None:
    backfill()
    library.Book.objects.filter(isbn__in=["b00", "b07", "b19"]).delete()  # first, middle, last
    library.Author.objects.update(name="Renamed")  # reaches the books through their foreign key
    library.Book.objects.filter(isbn="b02").update(price=Decimal("0.99"))
    make_book("c00", library.Shelf.objects.get(id=1))
    make_book("a00", library.Shelf.objects.get(id=1))
    summary = backfill()["tables"]["library_book"]
    assert (summary["inserted"], summary["deleted"]) == (2, 3)
    assert summary["changed"] == 9  # eight with an author, and b02
    assert_equal()


def test_rows_that_were_never_in_the_source_go(filled_library: None, backfill: Backfill) -> None:
    shelf = reading_room.Shelf.objects.create(id=4, name="Not that", closed=False)
    reading_room.Shelf.objects.create(id=400, name="Beyond the last", closed=False, above=shelf)
    reading_room.Book.objects.create(
        isbn="b00x", title="Between", shelf=shelf, price=1, added_at=timezone.now()
    )
    tables = backfill()["tables"]
    assert (tables["library_shelf"]["deleted"], tables["library_book"]["deleted"]) == (1, 1)
    assert_equal()


def test_everything_vanished(filled_library: None, backfill: Backfill) -> None:
    backfill()
    library.Book.objects.all().delete()
    library.Shelf.everything.all().delete()
    backfill()
    assert (copied_shelves(), copied_books()) == ([], [])


def test_parents_may_come_after_their_children(backfill: Backfill) -> None:
    """A tree whose trunk has the largest key, over several chunks, and a circle."""
    for number in range(1, 9):
        make_shelf(number)
    for number in range(1, 8):
        library.Shelf.everything.filter(id=number).update(above_id=number + 1)
    library.Shelf.everything.filter(id=8).update(above_id=1)
    tables = backfill()["tables"]
    assert_equal()
    assert tables["library_shelf"]["inserted"] == 8
    read = tables["library_shelf"]
    assert read["rows_read"] == read["inserted"] + read["unchanged"]


def test_a_vanished_tree_goes_leaves_first(backfill: Backfill) -> None:
    trunk = make_shelf(1)
    for number in range(2, 9):
        trunk = make_shelf(number, above=trunk)
    backfill()
    for number in range(8, 0, -1):
        library.Shelf.everything.filter(id=number).delete()
    tables = backfill()["tables"]
    assert copied_shelves() == []
    assert tables["library_shelf"] == counts(deleted=8)


def test_row_moved_away_from_a_vanished_parent_is_never_gone(
    filled_library: None, backfill: Backfill
) -> None:
    backfill()
    reading_room.Book.objects.update(times_read=1)  # lost if the row were deleted and made anew
    library.Book.objects.filter(shelf_id=1).update(shelf_id=2)
    library.Shelf.everything.filter(id=1).delete()
    tables = backfill()["tables"]
    assert_equal()
    assert tables["library_shelf"]["deleted"] == 1
    assert tables["library_shelf"]["kept"] == 0
    assert set(reading_room.Book.objects.values_list("times_read", flat=True)) == {1}


def test_unique_values_may_change_hands(filled_library: None, backfill: Backfill) -> None:
    backfill()

    def rename(**names: str) -> None:
        for number in names:
            library.Shelf.everything.filter(id=number[1:]).update(name=f"free {number}")
        for number, name in names.items():
            library.Shelf.everything.filter(id=number[1:]).update(name=name)

    rename(s1="Shelf 2", s2="Shelf 1")  # within a chunk
    rename(s3="Shelf 7", s7="Shelf 3")  # across chunks
    backfill()
    assert_equal()
    rename(s4="Shelf 5", s5="Shelf 6", s6="Shelf 4")  # a ring
    library.Book.objects.filter(shelf_id=1).delete()
    library.Shelf.everything.filter(id=1).delete()
    make_shelf(50)
    rename(s50="Shelf 2")  # taken over from a row that vanished
    backfill()
    assert_equal()


def test_row_newer_than_its_parents_copy_brings_its_parent(
    filled_library: None, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source moves on while it is read: a book on a new shelf, after the shelves were copied."""
    read = Source.page
    moved = []

    def page(self: Source, table: str, *args: Any, **options: Any) -> Any:
        if table == "library_book" and not options.get("only_key") and not moved:
            moved.append(True)
            shelf = make_shelf(99, above=make_shelf(98))
            make_book("b10a", shelf)
        return read(self, table, *args, **options)

    monkeypatch.setattr(Source, "page", page)
    tables = backfill()["tables"]
    assert_equal()
    assert tables["library_shelf"]["inserted"] == 9


def test_row_whose_parent_the_source_lacks_is_left_out_and_counted(
    filled_library: None, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Source.rows

    def no_shelves(self: Source, table: str, keys: Any) -> Any:
        if table == "library_book":
            return read(self, table, keys)
        return ((keys, page) for _, page in read(self, table, [-1]))

    monkeypatch.setattr(Source, "rows", no_shelves)
    summary = backfill("--table", "library_book")  # whose shelves are not here
    assert summary["tables"] == {"library_book": counts(rows_read=20, orphaned=20)}
    assert copied_books() == []


def test_one_table_alone(filled_library: None, backfill: Backfill) -> None:
    assert list(backfill("--table", "library_shelf")["tables"]) == ["library_shelf"]
    assert copied_books() == []
    assert backfill()["tables"]["library_book"]["inserted"] == 20
    assert_equal()


class Stopped(Exception):  # noqa: N818 - an event, not an error
    pass


@pytest.mark.parametrize("after", range(1, 18))
def test_interrupted_walk_goes_on_where_it_was(
    filled_library: None, backfill: Backfill, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Broken off before each request in turn; the counts of the whole walk still add up."""
    make_shelf(8)
    reading_room.Shelf.objects.create(id=400, name="Vanished", closed=False)
    read = Source.page
    asked = []

    def page(self: Source, table: str, position: Any, *args: Any, **options: Any) -> Any:
        asked.append((table, position, options.get("only_key", False)))
        if len(asked) == after:
            raise Stopped
        return read(self, table, position, *args, **options)

    monkeypatch.setattr(Source, "page", page)
    interrupted = False
    try:
        summary = backfill()
    except Stopped:
        interrupted = True
        summary = backfill()
    assert interrupted == (len(asked) >= after)
    assert summary["resumed"] is interrupted
    assert summary["tables"] == {
        "library_shelf": counts(rows_read=8, inserted=8, deleted=1),
        "library_book": counts(rows_read=20, inserted=20),
    }
    assert_equal()
    without_stopped = asked[: after - 1] + asked[after:]
    assert len(set(without_stopped)) == len(without_stopped)  # no page is read twice


def test_restart_forgets_an_interrupted_walk(
    filled_library: None, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Source.page

    def page(self: Source, table: str, *args: Any, **options: Any) -> Any:
        if table == "library_book":
            raise Stopped
        return read(self, table, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Source, "page", page)
        with pytest.raises(Stopped):
            backfill()
    summary = backfill("--restart")
    assert summary["resumed"] is False
    assert summary["tables"]["library_shelf"] == counts(rows_read=7, unchanged=7)
    assert_equal()


def test_second_backfill_at_once_is_refused(filled_library: None, backfill: Backfill) -> None:
    from tests.other_connection import lock_of_another_process

    with (
        lock_of_another_process("backfill", "lending"),
        pytest.raises(CommandError, match="another backfill of this capability is running"),
    ):
        backfill()
    assert copied_shelves() == []
    backfill()


def test_overtaken_backfill_writes_nothing_more(
    filled_library: None, backfill: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the lock fail (a pooler that mixes sessions), the cursor's step still stops the slower one."""
    read = Source.page

    def page(self: Source, table: str, *args: Any, **options: Any) -> Any:
        answer = read(self, table, *args, **options)
        if table == "library_book":
            BackfillCursor.objects.filter(table=table).update(step=1000)
        return answer

    monkeypatch.setattr(Source, "page", page)
    with pytest.raises(CommandError, match="another backfill has moved the cursor"):
        backfill()
    assert copied_books() == []


@pytest.fixture
def every_kind_declared(settings: Any, transactional_db: None) -> Iterator[None]:
    whole = settings.CHASSIS
    settings.CHASSIS = whole | {
        "OWNERSHIP": {"lending": {"tables": [{"model": "library.Everything"}]}},
        "BACKFILL": {"lending": {"library_everything": "reading_room.Everything"}},
    }
    install()
    yield
    settings.CHASSIS = whole
    install()


def test_every_kind_of_column_arrives(every_kind_declared: None, backfill: Backfill) -> None:
    library.Everything.objects.create(
        small=-1,
        big=2**62,
        yes=False,
        text="ä\n'\";--%s",
        money=Decimal("1234567890.123456"),
        ratio=0.1,
        moment=ADDED,
        day=ADDED.date(),
        clock=ADDED.time(),
        span=timedelta(days=-3, microseconds=1),
        token=uuid.uuid4(),
        blob=b"\x00\xff",
        document={"a": [1, None, "ä"]},
        file="a/b.txt",
        address="2001:db8::1",
    )
    library.Everything.objects.create(document=[])
    assert backfill()["tables"]["library_everything"] == counts(rows_read=2, inserted=2)

    def rows(model: Any) -> list[dict[str, Any]]:
        found = list(model.objects.order_by("id").values())
        return [row | {"blob": row["blob"] and bytes(row["blob"])} for row in found]

    assert rows(reading_room.Everything) == rows(library.Everything)
    assert backfill()["tables"]["library_everything"] == counts(rows_read=2, unchanged=2)


def test_summary_is_a_table_for_people(
    filled_library: None, backfill: Backfill, capsys: Any
) -> None:
    call_command("backfill")
    out = capsys.readouterr().out
    assert "library_book" in out
    assert "20" in out
    assert "Done in" in out


def library_book(isbn: str) -> library.Book:
    return library.Book.objects.get(isbn=isbn)


def copied(isbn: str) -> reading_room.Book:
    return reading_room.Book.objects.get(isbn=isbn)
