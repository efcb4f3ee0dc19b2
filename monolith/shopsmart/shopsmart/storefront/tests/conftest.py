"""A small shop, built by hand: each test says how many of what it needs."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Brand, Category, Product, ProductImage, Review, Variant
from shopsmart.catalog.services import refresh_ratings

MakeProduct = Callable[..., Product]
MakeReviews = Callable[..., list[Review]]


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Hashing passwords well takes a fifth of a second each; these guard nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> Path:
    """Uploaded files go to a folder of this one test."""
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def kitchen(db: None) -> Category:
    return Category.objects.create(name="Kitchen", slug="kitchen", description="To cook with.")


@pytest.fixture
def knives(kitchen: Category) -> Category:
    return Category.objects.create(name="Knives", slug="knives", parent=kitchen)


@pytest.fixture
def shopper(db: None) -> User:
    return User.objects.create_user("ada", "ada@example.org", "x", display_name="Ada")


@pytest.fixture
def as_shopper(client: Client, shopper: User) -> Client:
    client.force_login(shopper)
    return client


@pytest.fixture
def make_product(knives: Category) -> MakeProduct:
    numbers = itertools.count(1)

    def make(
        *,
        name: str = "",
        category: Category = knives,
        brand: str | None = "Opinel",
        prices: tuple[str, ...] = ("12.50",),
        images: int = 0,
        **fields: object,
    ) -> Product:
        number = next(numbers)
        maker = brand and Brand.objects.get_or_create(name=brand, slug=brand.lower())[0]
        product = Product.objects.create(
            name=name or f"Knife {number:03}",
            slug=f"knife-{number}",
            category=category,
            brand=maker or None,
            **fields,
        )
        for position, price in enumerate(prices):
            Variant.objects.create(
                product=product,
                sku=f"K-{number}-{position}",
                name=f"Size {position}" if len(prices) > 1 else "",
                price_amount=Decimal(price),
                position=position,
            )
        for position in range(images):
            # Named, never written: pages read its size from the row.
            ProductImage.objects.bulk_create(
                [
                    ProductImage(
                        product=product,
                        image=f"products/{number}-{position}.webp",
                        width=800,
                        height=800,
                        alt=f"Side {position}",
                        position=position,
                    )
                ]
            )
        return product

    return make


@pytest.fixture
def make_reviews() -> MakeReviews:
    numbers = itertools.count(1)

    def make(product: Product, *ratings: int) -> list[Review]:
        authors = []
        for _ in ratings:
            number = next(numbers)
            authors.append(
                User(
                    username=f"r{number}",
                    email=f"r{number}@example.org",
                    display_name=f"R {number}",
                )
            )
        User.objects.bulk_create(authors)
        reviews = Review.objects.bulk_create(
            Review(
                product=product, author=author, rating=rating, title=f"Said {rating}", body="Yes."
            )
            for author, rating in zip(authors, ratings, strict=True)
        )
        refresh_ratings(product_ids=[product.pk])
        return reviews

    return make
