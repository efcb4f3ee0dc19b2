"""A small shop, built by hand: each test says how many of what it needs."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Brand, Category, Product, ProductImage, Review, Variant
from shopsmart.catalog.services import refresh_ratings
from shopsmart.inventory.models import MovementKind
from shopsmart.inventory.services import restock
from shopsmart.payments.tests.gateway_process import GatewayProcess

MakeProduct = Callable[..., Product]
MakeReviews = Callable[..., list[Review]]
MakeStocked = Callable[..., list[Variant]]


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


@pytest.fixture
def make_stocked(make_product: MakeProduct) -> MakeStocked:
    """A product's variants with so many of each in the store."""

    def make(*on_hand: int, price: str = "12.50", **fields: object) -> list[Variant]:
        product = make_product(prices=(price,) * len(on_hand), **fields)
        variants = list(product.variants.all())
        lines = {variant: n for variant, n in zip(variants, on_hand, strict=True) if n}
        if lines:
            restock(lines=lines, kind=MovementKind.RECEIVED, reference="delivery")
        return variants

    return make


@pytest.fixture(scope="session")
def running_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"))
    yield gateway
    gateway.kill()


@pytest.fixture
def gateway(running_gateway: GatewayProcess, settings: Settings) -> GatewayProcess:
    """The card gateway that the shop asks, and its ledger."""
    settings.CARD_GATEWAY_URL = running_gateway.url
    settings.CARD_GATEWAY_READ_TIMEOUT = 20
    return running_gateway


@pytest.fixture
def no_patience(gateway: GatewayProcess, settings: Settings) -> None:
    """For tests in which the gateway never answers."""
    settings.CARD_GATEWAY_READ_TIMEOUT = 1


@pytest.fixture
def after_commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[[], AbstractContextManager[Any]]:
    """`with after_commit():` does at its end what waits for the commit, which no test's transaction makes."""
    return partial(django_capture_on_commit_callbacks, execute=True)
