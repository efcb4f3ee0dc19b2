"""A process that writes to the library all the time, in every way there is, until its input ends.

    python -m tests.writing SEED

Each step is one transaction; on PostgreSQL some stay open for a while, so that later ones commit before them.
"""

import os
import random
import select
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import Error, connection, transaction  # noqa: E402 - the models need the setup
from django.db.models import F  # noqa: E402

from tests.library.models import Author, Book, Country, Shelf  # noqa: E402

ADDED = "2025-03-30T00:59:59.123456Z"
LEAST = 50
Step = Callable[[random.Random], object]


def change_price(draw: random.Random) -> None:
    Book.objects.filter(isbn=isbn(draw)).update(price=draw.randrange(10_000) / 100)


def change_many(draw: random.Random) -> None:
    Book.objects.filter(isbn__startswith=isbn(draw)[:3]).update(title=f"many {draw.random()}")


def change_in_bulk(draw: random.Random) -> None:
    books = list(Book.objects.order_by("isbn")[draw.randrange(40) :][:5])
    for book in books:
        book.title = f"bulk {draw.random()}"
    Book.objects.bulk_update(books, ["title"])


def change_by_sql(draw: random.Random) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE library_book SET title = %s, price = price + 1 WHERE isbn = %s",
            [f"sql {draw.random()}", isbn(draw)],
        )


def save(draw: random.Random) -> None:
    Book.objects.update_or_create(
        isbn=isbn(draw),
        defaults={
            "title": f"saved {draw.random()}",
            "shelf": draw.choice(shelves()),
            "author": draw.choice([None, *Author.objects.all()]),
            "price": 1,
            "added_at": ADDED,
        },
    )


def delete(draw: random.Random) -> None:
    Book.objects.filter(isbn=isbn(draw)).delete()


def change_key(draw: random.Random) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE library_book SET isbn = %s WHERE isbn = %s AND NOT EXISTS "
            "(SELECT 1 FROM library_book WHERE isbn = %s)",
            [new := isbn(draw), isbn(draw), new],
        )


def rename_author(draw: random.Random) -> None:
    """Reaches every book of hers through its foreign key."""
    Author.objects.filter(pk=draw.choice(Author.objects.all()).pk).update(
        name=f"Author {draw.randrange(100)}"
    )


def swap_names(draw: random.Random) -> None:
    one, two = draw.sample(shelves(), 2)
    for shelf, name in ((one, f"free {uuid.uuid4().hex}"), (two, one.name), (one, two.name)):
        Shelf.everything.filter(pk=shelf.pk).update(name=name)


def new_shelf(draw: random.Random) -> None:
    shelf = Shelf.everything.create(
        name=f"Shelf {draw.random()}", above=draw.choice([None, *shelves()])
    )
    Book.objects.filter(isbn=isbn(draw)).update(shelf=shelf)


def drop_shelf(draw: random.Random) -> None:
    if len(every := shelves()) > 10:
        gone = draw.choice(every)
        other = draw.choice([shelf for shelf in every if shelf != gone])
        Book.objects.filter(shelf=gone).update(shelf=other)
        Shelf.everything.filter(above=gone).update(above=None)
        Shelf.everything.filter(pk=gone.pk).delete()


def move_shelf(draw: random.Random) -> None:
    one, two = draw.sample(shelves(), 2)
    Shelf.everything.filter(pk=one.pk).update(above=two, closed=draw.random() < 0.5)


def roll_back_in_part(draw: random.Random) -> None:
    point = transaction.savepoint()
    Book.objects.update(title="never")
    transaction.savepoint_rollback(point)
    Book.objects.filter(isbn=isbn(draw)).update(price=F("price") + 1)


STEPS: list[tuple[Step, int]] = [
    (change_price, 8),
    (change_many, 1),
    (change_in_bulk, 1),
    (change_by_sql, 4),
    (save, 5),
    (delete, 3),
    (change_key, 2),
    (rename_author, 1),
    (swap_names, 2),
    (new_shelf, 1),
    (drop_shelf, 1),
    (move_shelf, 1),
    (roll_back_in_part, 1),
]


def isbn(draw: random.Random) -> str:
    return f"b{draw.randrange(400):03}"


def shelves() -> list[Any]:
    return list(Shelf.everything.order_by("pk"))


def fill() -> None:
    """What there is before anybody copies."""
    with transaction.atomic():
        country = Country.objects.create(name="Åland")
        authors = [Author.objects.create(name=f"Author {n}", country=country) for n in range(5)]
        racks = [Shelf.everything.create(name=f"Shelf {n}") for n in range(15)]
        for n in range(0, 400, 2):
            Book.objects.create(
                isbn=f"b{n:03}",
                title="first",
                shelf=racks[n % 15],
                author=authors[n % 5],
                price=n,
                added_at=ADDED,
            )


def main(seed: int) -> None:
    draw, done, refused = random.Random(seed), 0, 0
    if not Shelf.everything.exists():
        fill()
    print("filled", flush=True)  # noqa: T201 - what the test waits for
    # However soon the others are done: a few changes prove nothing.
    while not select.select([sys.stdin], [], [], draw.uniform(0, 0.05))[0] or done < LEAST:
        try:
            with transaction.atomic():
                steps, weights = zip(*STEPS, strict=True)
                draw.choices(steps, weights)[0](draw)
                if connection.vendor == "postgresql" and draw.random() < 0.05:
                    time.sleep(draw.uniform(0, 0.4))
            done += 1
        except Error:  # another writer was in the way, or the server is being restarted
            refused += 1
            connection.close_if_unusable_or_obsolete()
    print(done, refused)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
