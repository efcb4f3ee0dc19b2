"""What shoppers open: the shop's pages and its catalogue API, with the slugs that this shop really has."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

import requests

from demo.failure import DemoError

API = "/api/catalog/"
CART = "/api/cart/"
ORDERS = "/api/orders/"
STOCK = "/api/inventory/"
# What requests are counted as: an answer of the catalogue, a page, one checkout, everything else that customers do.
CATALOG, PAGE, CHECKOUT, SHOPPING = "catalog", "page", "checkout", "shopping"
GOODS = 40  # so many products are bought
SEARCHES = ("lamp", "garden", "steel", "book", "blue", "wool", "oak", "kitchen")
SORTS = ("price", "-price", "newest", "rating", "name")


@dataclass(frozen=True)
class Shelf:
    """Slugs read from the shop itself before anybody browses."""

    products: tuple[str, ...]
    categories: tuple[str, ...]
    skus: tuple[str, ...] = ()
    """Of what customers buy."""

    def choose(self, choice: random.Random) -> tuple[str, str]:
        """Return the kind of request and the path that a shopper opens next."""
        product, category = choice.choice(self.products), choice.choice(self.categories)
        return choice.choices(
            (
                (PAGE, "/"),
                (PAGE, f"/category/{category}/"),
                (PAGE, f"/product/{product}/"),
                (CATALOG, f"{API}products/{product}/"),
                (CATALOG, f"{API}products/{product}/reviews/"),
                (CATALOG, f"{API}products/?category={category}&ordering={choice.choice(SORTS)}"),
                (CATALOG, f"{API}products/?q={choice.choice(SEARCHES)}&page_size=12"),
                (CATALOG, f"{API}suggest/?q={quote(choice.choice(SEARCHES)[:3])}"),
                (CATALOG, f"{API}categories/{category}/"),
            ),
            weights=(1, 1, 2, 5, 3, 3, 2, 2, 1),
        )[0]


def read_shelf(base: str, *, with_goods: bool = True) -> Shelf:
    """Read the slugs of the first products and of all categories; what there is to buy only ``with_goods``.

    Raises DemoError when there are none to read.
    """
    try:
        products = _read(f"{base}{API}products/?page_size=100")["results"]
        categories = _read(f"{base}{API}categories/")
    except requests.RequestException as error:
        raise DemoError(f"the shop's catalogue can't be read at {base}: {error}") from error
    if not products or not categories:
        raise DemoError("the shop has no products: seeding it failed")
    return Shelf(
        tuple(product["slug"] for product in products),
        tuple(category["slug"] for category in categories),
        tuple(islice(_read_skus(base, products), GOODS)) if with_goods else (),
    )


def _read_skus(base: str, products: list[dict[str, Any]]) -> Iterator[str]:
    """Of which there is plenty."""
    for product in products:
        sku = _read(f"{base}{API}products/{product['slug']}/")["variants"][0]["sku"]
        if _read(f"{base}{STOCK}{sku}/")["availability"] == "in_stock":
            yield sku


def _read(url: str) -> Any:
    answer = requests.get(url, timeout=10)
    answer.raise_for_status()
    return answer.json()
