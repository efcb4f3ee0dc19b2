"""Whether the reading room holds what the library holds: read by plain SQL order, by none of the code under test."""

from tests.library import models as library
from tests.reading_room import models as reading_room


def source_shelves() -> list[tuple[object, ...]]:
    return list(
        library.Shelf.everything.order_by("id").values_list("id", "above_id", "name", "closed")
    )


def copied_shelves() -> list[tuple[object, ...]]:
    rows = reading_room.Shelf.objects.order_by("id")
    return list(rows.values_list("id", "above_id", "name", "closed"))


def source_books() -> list[tuple[object, ...]]:
    names = {author.pk: author.name for author in library.Author.objects.all()}
    return sorted(
        (b.isbn, b.title, b.shelf_id, names.get(b.author_id), b.price, b.added_at, b.changed_at)
        for b in library.Book.objects.all()
    )


def copied_books() -> list[tuple[object, ...]]:
    return sorted(
        (b.isbn, b.title, b.shelf_id, b.author, b.price, b.added_at, b.changed_at)
        for b in reading_room.Book.objects.all()
    )


def assert_equal() -> None:
    assert copied_shelves() == source_shelves()
    assert copied_books() == source_books()
