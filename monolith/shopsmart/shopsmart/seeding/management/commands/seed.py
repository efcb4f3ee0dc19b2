"""Fills an empty shop with goods, people and a past of three years: the same ones everywhere."""

from argparse import ArgumentTypeError
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, connection, transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shopsmart.catalog.models import Category
from shopsmart.catalog.seeding.plan import SHELVES
from shopsmart.catalog.seeding.write import (
    PASSWORD,
    clear_catalog,
    draw_pictures,
    is_seeded,
    write_catalog,
    write_people,
)
from shopsmart.seeding.clear import clear_past
from shopsmart.seeding.write import write_past

PRODUCTS = 1_000
SHOPPERS = 300
REVIEWS_PER_PRODUCT = 5
ORDERS_PER_PRODUCT = 3
MAX_SCALE = 1_000  # a million products; more is no longer a demonstration
MAX_ORDERS = 100_000  # nor is this, unless somebody says so


class Command(BaseCommand):
    help = (
        "Fill an empty shop: 1,000 products in 40 categories, 300 shoppers, 5,000 reviews, 3,000 "
        "past orders with payments, returns and stock, and staff. Always the same ones. A shop "
        "that has a catalogue is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--scale",
            type=_count(1, MAX_SCALE),
            default=1,
            metavar="N",
            help=f"N times as much of all; of orders {MAX_ORDERS:,} at most",
        )
        parser.add_argument(
            "--products",
            type=_count(1, MAX_SCALE * PRODUCTS),
            metavar="N",
            help=f"this many products, with {REVIEWS_PER_PRODUCT} reviews and {ORDERS_PER_PRODUCT} "
            "orders each on average",
        )
        parser.add_argument(
            "--orders",
            type=_count(0, 10 * MAX_ORDERS),
            metavar="N",
            help="this many past orders",
        )
        parser.add_argument(
            "--reset",
            action="store_true",
            help="delete the catalogue, orders, payments, stock, carts and promotions first; users stay",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if Category._meta.db_table not in connection.introspection.table_names():
            raise CommandError("The database has no tables yet. Run `manage.py migrate` first.")
        if is_seeded() and not options["reset"]:
            self.stdout.write("The shop has a catalogue already. --reset begins anew.")
            return
        products = options["products"] or PRODUCTS * options["scale"]
        shoppers = SHOPPERS * options["scale"]
        reviews = products * REVIEWS_PER_PRODUCT
        orders = options["orders"]
        if orders is None:
            orders = min(products * ORDERS_PER_PRODUCT, MAX_ORDERS)
        console = Console(file=self.stderr, highlight=False)
        # The pictures come first: files don't roll back, and those that are there are kept.
        with Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        ) as progress:
            pictures = progress.add_task("pictures", total=2 * len(SHELVES))
            draw_pictures(advance=lambda done: progress.advance(pictures, done))
            goods = progress.add_task("products", total=products)
            past = progress.add_task("orders", total=orders)
            try:
                with transaction.atomic():
                    if options["reset"]:
                        clear_past()
                        clear_catalog()
                    elif is_seeded():
                        # Asked again behind the write lock: two may have begun at once.
                        raise CommandError("Another `seed` was faster. Nothing was changed.")
                    people = write_people(shoppers=shoppers)
                    write_catalog(
                        products=products,
                        shoppers=people,
                        reviews=reviews,
                        advance=lambda done: progress.advance(goods, done),
                    )
                    orders = write_past(
                        shoppers=people,
                        orders=orders,
                        advance=lambda done: progress.advance(past, done),
                    )
            except IntegrityError as error:
                # Such as somebody else's account with the address of a seeded one.
                said = str(error).splitlines()[0]
                raise CommandError(
                    f"Something here stands in the way: {said}. Nothing was changed."
                ) from error
            except Group.DoesNotExist as error:
                raise CommandError(
                    "The groups of the staff are missing. Run `manage.py migrate` first."
                ) from error
        self.stdout.write(
            f"Seeded {products} products, {shoppers} shoppers, {reviews} reviews and {orders} orders. "
            f"Log in as shopper001, shopper002, … or, for /admin/, as admin; password: {PASSWORD}"
        )


def _count(smallest: int, largest: int) -> Any:
    """An argument type: a whole number from `smallest` to `largest`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and smallest <= int(text) <= largest):
            raise ArgumentTypeError(f"{text!r} is no whole number from {smallest} to {largest}")
        return int(text)

    return read
