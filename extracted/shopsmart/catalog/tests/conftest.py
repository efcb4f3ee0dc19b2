"""A small catalogue, made row by row: the service is tested without the shop."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shopsmart_catalog.models import (
    Brand,
    Category,
    PriceChange,
    Product,
    ProductImage,
    Review,
    Variant,
)
from shopsmart_catalog.text import fold

BEGUN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def make_product(name: str, category: Category, prices: list[str], **values: Any) -> Product:
    """A product with a variant for each price, in that order."""
    slug = fold(name).replace(" ", "-")
    fields = {
        "slug": slug,
        "description": "",
        "is_active": True,
        "created_at": BEGUN,
        "updated_at": BEGUN,
        "name_key": fold(name),
        "rating_average": None,
        "rating_count": 0,
    } | values
    search_text = f"{fold(name)}\n{fold(str(fields['description']))}"
    product = Product.objects.create(
        name=name, category=category, search_text=search_text, **fields
    )
    for position, price in enumerate(prices):
        Variant.objects.create(
            product=product,
            sku=f"{slug}-{position}",
            price_amount=Decimal(price),
            currency="EUR",
            position=position,
        )
    return product


@pytest.fixture
def catalogue(db: None) -> None:
    """home > kitchen > pans, and garden: three pans, a rake, a thing that is no longer sold."""
    home = Category.objects.create(id=1, name="Home", slug="home", position=2)
    kitchen = Category.objects.create(id=2, name="Kitchen", slug="kitchen", parent=home)
    pans = Category.objects.create(
        id=3, name="Pans", slug="pans", parent=kitchen, description="To fry in."
    )
    garden = Category.objects.create(id=4, name="Garden", slug="garden", position=1)
    acme = Brand.objects.create(id=1, name="acme", slug="acme")
    Brand.objects.create(id=2, name="Zeta", slug="zeta")
    pan = make_product(
        "Crêpe Pan",
        pans,
        ["30.00", "19.50"],
        brand=acme,
        description="Thin pancakes.",
        rating_average=Decimal("4.50"),
        rating_count=2,
    )
    later = BEGUN + timedelta(days=1)
    make_product("Wok", pans, ["45.00"], created_at=later, rating_average=3, rating_count=1)
    make_product("Pan without price", kitchen, [], created_at=later)
    make_product("Rake", garden, ["19.50"], brand=acme)
    make_product("Old Pan", pans, ["1.00"], is_active=False)
    variant = pan.variants.get(sku="crepe-pan-1")
    variant.compare_at_amount, variant.weight_grams = Decimal("25.00"), 900
    variant.save()
    for position in (1, 0):
        ProductImage.objects.create(
            product=pan,
            image=f"products/crepe pan/{position}.jpg",
            width=640,
            height=480,
            alt=f"View {position}",
            position=position,
        )
    for days, (author, published) in enumerate([("Åsa", True), ("Bo", True), ("Rude", False)]):
        Review.objects.create(
            product=pan,
            author_id=days,
            author_name=author,
            rating=5 - days,
            title=f"By {author}",
            created_at=BEGUN + timedelta(days=days),
            is_published=published,
        )
    for days in range(2):
        PriceChange.objects.create(
            variant=variant,
            old_amount=Decimal(20 + days),
            new_amount=Decimal("19.50"),
            currency="EUR",
            changed_at=BEGUN + timedelta(days=days),
            reason="season",
        )
