"""Makes the few rows a test is about; what it does not name is of no matter."""

from decimal import Decimal
from itertools import count
from typing import Any

from django.utils.text import slugify

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Brand, Category, Product, Review, Variant

_numbers = count(1)


def make_user(username: str = "ada", display_name: str = "Ada L.", **fields: Any) -> User:
    return User.objects.create_user(
        username, f"{username}@example.com", "pw", display_name=display_name, **fields
    )


def make_category(name: str = "Kitchen", parent: Category | None = None, **fields: Any) -> Category:
    return Category.objects.create(name=name, slug=slugify(name), parent=parent, **fields)


def make_brand(name: str = "Pannikin") -> Brand:
    return Brand.objects.create(name=name, slug=slugify(name))


def make_product(
    name: str = "Teapot",
    *prices: str,
    category: Category | None = None,
    **fields: Any,
) -> Product:
    """A product with a variant for each price."""
    category = category or Category.objects.filter(slug="kitchen").first() or make_category()
    fields.setdefault("slug", slugify(name))
    product = Product.objects.create(name=name, category=category, **fields)
    for position, price in enumerate(prices):
        make_variant(product, price, position=position)
    return product


def make_variant(product: Product, price: str = "10.00", **fields: Any) -> Variant:
    fields.setdefault("sku", f"T-{next(_numbers)}")
    return Variant.objects.create(product=product, price_amount=Decimal(price), **fields)


def make_review(product: Product, author: User, rating: int = 4, **fields: Any) -> Review:
    fields.setdefault("title", "Fine")
    return Review.objects.create(product=product, author=author, rating=rating, **fields)
