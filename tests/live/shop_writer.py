"""A process that changes the shop's catalogue in every way that a database offers, and writes down what must be there then.

    python -m live.shop_writer '{"url": …, "seed": 1}'     # until SIGTERM; prints what it has seen committed

All by plain SQL: single rows and many, new rows, vanishing ones, unique values that change hands, keys that change, replaced
rows, names of people that stand beside their reviews, transactions that are rolled back, and (on PostgreSQL) one that
stays open while others commit. What was not acknowledged by COMMIT is not written down.
"""

import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from live.price_writer import PRICES
from stack.database import Database, ask, literal, tell

PACE_S = (0.0, 0.02)
OPEN_FOR_S = 0.7  # the slow transaction

Change = Callable[["ShopWriter"], None]


class ShopWriter:
    """One connection, and a second one for what stays open."""

    def __init__(self, database: Database, connection: Any, seed: int) -> None:
        self.connection = connection
        self.is_sqlite = database.is_sqlite
        self.draw = random.Random(seed)
        self.prices: dict[int, int] = {row[0]: row[1] for row in ask(connection, PRICES)}
        self.reviews: dict[int, str] = {}
        self.gone: set[int] = set()
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._own: list[int] = []
        self._columns: dict[str, list[str]] = {}
        self._slow: tuple[Any, float, int] | None = None
        self._number = 0

    def write(self, database: Database, until: Callable[[], bool]) -> None:
        """Change after change until it is to end."""
        with database.connection() as other:
            while not until():
                time.sleep(self.draw.uniform(*PACE_S))
                self._number += 1
                (change,) = self.draw.choices(list(CHANGES), weights=list(CHANGES.values()))
                self._begin_slow(other)
                try:
                    change(self)
                    self.done[change.__name__] += 1
                except psycopg.errors.OperationalError as error:
                    # A deadlock with the shop itself: PostgreSQL takes one of them back.
                    tell(self.connection, "ROLLBACK")
                    self.refused[type(error).__name__] += 1
                self._end_slow(at_once=False)
            self._end_slow(at_once=True)

    # One row and many

    def one_price(self) -> None:
        variant = self._variant()
        self._set_prices({variant: self.prices[variant] + 1})

    def many_prices(self) -> None:
        variants = self.draw.sample(sorted(self._free()), 12)
        self._set_prices({variant: self.prices[variant] + 1 for variant in variants})

    def rolled_back_price(self) -> None:
        variant = self._variant()
        tell(self.connection, "BEGIN")
        self._price(variant, self.prices[variant] - 50)
        tell(self.connection, "ROLLBACK")

    def price_after_a_savepoint(self) -> None:
        """Only what is behind the savepoint is taken back."""
        first, second = self.draw.sample(sorted(self._free()), 2)
        tell(self.connection, "BEGIN")
        self._price(first, self.prices[first] + 1)
        tell(self.connection, "SAVEPOINT here")
        self._price(second, self.prices[second] - 50)
        tell(self.connection, "ROLLBACK TO SAVEPOINT here")
        tell(self.connection, "COMMIT")
        self.prices[first] += 1

    # New rows and vanishing ones

    def new_product(self) -> None:
        """With its variants and pictures, copied from another one."""
        (original,) = self.draw.choice(ask(self.connection, "SELECT id FROM catalog_product"))
        tell(self.connection, "BEGIN")
        name = f"copy-{self._number}"
        made = self._copy("catalog_product", f"id = {original}", slug=literal(name))[0]
        variants = self._copy(
            "catalog_variant",
            f"product_id = {original}",
            product_id=str(made),
            sku=f"'{name}-' || id",
        )
        self._copy("catalog_productimage", f"product_id = {original}", product_id=str(made))
        tell(self.connection, "COMMIT")
        self._own.append(made)
        for variant, price in ask(self.connection, PRICES):
            if variant in variants:
                self.prices[variant] = price

    def product_gone(self) -> None:
        """One of those that were made here, with all that hangs on it."""
        if not self._own:
            return
        product = self.draw.choice(self._own)
        variants = f"SELECT id FROM catalog_variant WHERE product_id = {product}"
        went = {row[0] for row in ask(self.connection, variants)}
        if went - self._free():
            return  # the slow transaction holds one: this process would wait for itself
        self._own.remove(product)
        tell(self.connection, "BEGIN")
        for where in (
            f"catalog_pricechange WHERE variant_id IN ({variants})",
            f"catalog_variant WHERE product_id = {product}",
            f"catalog_productimage WHERE product_id = {product}",
            f"catalog_review WHERE product_id = {product}",
            f"catalog_product WHERE id = {product}",
        ):
            tell(self.connection, f"DELETE FROM {where}")
        tell(self.connection, "COMMIT")
        for variant in went:
            del self.prices[variant]

    def new_review(self) -> None:
        """By somebody who has not reviewed the product."""
        free = ask(
            self.connection,
            "SELECT p.id, u.id FROM catalog_product p, accounts_user u WHERE NOT EXISTS (SELECT 1 FROM"
            " catalog_review r WHERE r.product_id = p.id AND r.author_id = u.id) AND u.id % 37 ="
            f" {self._number % 37} ORDER BY p.id, u.id LIMIT 50",
        )
        if free:
            product, author = self.draw.choice(free)
            self._add_review(product, author)

    def review_gone(self) -> None:
        if self.reviews:
            review = self.draw.choice(sorted(self.reviews))
            tell(self.connection, f"DELETE FROM catalog_review WHERE id = {review}")
            del self.reviews[review]
            self.gone.add(review)

    def review_hidden(self) -> None:
        if self.reviews:
            review = self.draw.choice(sorted(self.reviews))
            tell(
                self.connection,
                f"UPDATE catalog_review SET is_published = NOT is_published WHERE id = {review}",
            )

    # What a plain UPDATE trigger is easily surprised by

    def review_key_changed(self) -> None:
        if self.reviews:
            review = self.draw.choice(sorted(self.reviews))
            key = -self._number  # where no sequence ever comes
            tell(self.connection, f"UPDATE catalog_review SET id = {key} WHERE id = {review}")
            self.reviews[key] = self.reviews.pop(review)
            self.gone.add(review)

    def review_replaced(self) -> None:
        """SQLite removes the row that holds the unique value without an event of its own."""
        if not self.reviews:
            return
        review = self.draw.choice(sorted(self.reviews))
        title = f"replaced {self._number}"
        columns = self._names("catalog_review")
        given = {"title": literal(title)}
        if self.is_sqlite:
            verb, conflict = "INSERT OR REPLACE", ""
        else:
            verb = "INSERT"
            conflict = " ON CONFLICT (author_id, product_id) DO UPDATE SET title = excluded.title"
        values = ", ".join(given.get(name, name) for name in columns)
        made = ask(
            self.connection,
            f"{verb} INTO catalog_review ({', '.join(columns)}) SELECT {values} FROM catalog_review"
            f" WHERE id = {review}{conflict} RETURNING id",
        )[0][0]
        if made != review:
            del self.reviews[review]
            self.gone.add(review)
        self.reviews[made] = title

    def slugs_swapped(self) -> None:
        """Between products that stay."""
        known = ask(
            self.connection, "SELECT id, slug FROM catalog_product WHERE slug NOT LIKE 'copy-%'"
        )
        (first, its), (second, others) = self.draw.sample(known, 2)
        tell(self.connection, "BEGIN")
        for product, slug in ((first, "between"), (second, its), (first, others)):
            tell(
                self.connection,
                f"UPDATE catalog_product SET slug = '{slug}' WHERE id = {product}",
            )
        tell(self.connection, "COMMIT")

    def person_renamed(self) -> None:
        """The name stands beside all reviews of that person, which nobody writes to."""
        tell(
            self.connection,
            f"UPDATE accounts_user SET display_name = 'Renamed {self._number}' WHERE id ="
            f" (SELECT author_id FROM catalog_review ORDER BY (id * {self.draw.randrange(1, 997)}) % 1009, id LIMIT 1)",
        )

    def category_moved(self) -> None:
        tell(
            self.connection,
            f"UPDATE catalog_category SET position = position + 1 WHERE id % 11 = {self._number % 11}",
        )

    # Inside

    def _free(self) -> set[int]:
        """Variants that the slow transaction does not hold."""
        return self.prices.keys() - ({self._slow[2]} if self._slow else set())

    def _variant(self) -> int:
        return self.draw.choice(sorted(self._free()))

    def _set_prices(self, prices: dict[int, int]) -> None:
        tell(self.connection, "BEGIN")
        for variant in sorted(prices):
            self._price(variant, prices[variant])
        tell(self.connection, "COMMIT")
        self.prices.update(prices)

    def _price(self, variant: int, cents: int, connection: Any = None) -> None:
        tell(
            connection or self.connection,
            f"UPDATE catalog_variant SET price_amount = {max(cents, 0) / 100:.2f}, compare_at_amount = NULL"
            f" WHERE id = {variant}",
        )

    def _add_review(self, product: int, author: int) -> None:
        title = f"written {self._number}"
        made = self._copy(
            "catalog_review",
            "id = (SELECT min(id) FROM catalog_review)",
            product_id=str(product),
            author_id=str(author),
            title=literal(title),
            is_published="TRUE",
        )
        self.reviews[made[0]] = title

    def _copy(self, table: str, where: str, **given: str) -> list[int]:
        """Insert what is there again, with other values in some columns; gives the new keys."""
        columns = self._names(table)
        values = ", ".join(given.get(name, name) for name in columns)
        return [
            row[0]
            for row in ask(
                self.connection,
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE {where}"
                " RETURNING id",
            )
        ]

    def _names(self, table: str) -> list[str]:
        """All columns but the key, which the database gives."""
        if table not in self._columns:
            cursor = self.connection.execute(f"SELECT * FROM {table} WHERE 1 = 0")
            self._columns[table] = [each[0] for each in cursor.description if each[0] != "id"]
        return self._columns[table]

    def _begin_slow(self, other: Any) -> None:
        """Now and then a transaction begins that commits long after later ones have."""
        if self.is_sqlite or self._slow is not None or self.draw.random() > 0.05:
            return
        variant = self._variant()
        tell(other, "BEGIN")
        self._price(variant, self.prices[variant] + 1, other)
        self._slow = (other, time.monotonic() + OPEN_FOR_S, variant)

    def _end_slow(self, *, at_once: bool) -> None:
        if self._slow is None or not (at_once or time.monotonic() > self._slow[1]):
            return
        other, _, variant = self._slow
        tell(other, "COMMIT")
        self.prices[variant] += 1
        self._slow = None
        self.done["slow_transaction"] += 1


CHANGES: dict[Change, int] = {
    ShopWriter.one_price: 20,
    ShopWriter.many_prices: 4,
    ShopWriter.rolled_back_price: 3,
    ShopWriter.price_after_a_savepoint: 3,
    ShopWriter.new_product: 2,
    ShopWriter.product_gone: 2,
    ShopWriter.new_review: 8,
    ShopWriter.review_gone: 3,
    ShopWriter.review_hidden: 3,
    ShopWriter.review_key_changed: 3,
    ShopWriter.review_replaced: 3,
    ShopWriter.slugs_swapped: 2,
    ShopWriter.person_renamed: 3,
    ShopWriter.category_moved: 2,
}


def main() -> None:
    asked = json.loads(sys.argv[1])
    ended: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    database = Database(asked["url"])
    with database.connection() as connection:
        writer = ShopWriter(database, connection, asked["seed"])
        print("writing", flush=True)  # noqa: T201
        writer.write(database, lambda: bool(ended))
    told = {
        "prices": writer.prices,
        "reviews": writer.reviews,
        "gone": sorted(writer.gone),
        "done": writer.done,
        "refused": writer.refused,
    }
    print(json.dumps(told), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
