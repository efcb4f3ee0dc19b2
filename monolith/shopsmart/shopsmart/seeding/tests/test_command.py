"""The whole seed: the same every time, all of it or nothing, and gone when it is to be gone."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from shopsmart.accounts.models import User
from shopsmart.cart.models import Cart
from shopsmart.cart.services import add_to_cart
from shopsmart.catalog.models import (
    Brand,
    Category,
    PriceChange,
    Product,
    ProductImage,
    Review,
    Variant,
)
from shopsmart.inventory.models import StockItem
from shopsmart.notifications.models import Notification
from shopsmart.notifications.services import notify
from shopsmart.orders.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

Seed = Callable[..., str]


def contents() -> dict[str, list[Any]]:
    """Every row of the shop's own tables."""
    models = [m for m in apps.get_models() if m.__module__.startswith("shopsmart.")]
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list())
        for model in models
        if model._meta.managed
    }


def test_it_is_the_same_each_time_down_to_ids_and_microseconds(seed: Seed) -> None:
    # Of an empty database it begins at 1 by itself; here other tests have counted before.
    seed("--products", "120", "--orders", "600", "--reset")
    first = contents()
    assert "already" in seed()
    assert contents() == first
    seed("--products", "120", "--orders", "600", "--reset")
    again = contents()
    assert {name: rows for name, rows in again.items() if rows != first[name]} == {}
    assert Product.objects.count() == 120


def test_a_reset_takes_carts_and_news_of_orders_too(seed: Seed) -> None:
    ada = User.objects.get(username="shopper001")
    in_stock = StockItem.objects.filter(on_hand__gt=5, variant__product__is_active=True)
    add_to_cart(cart=Cart(user=ada), variant=in_stock[0].variant, quantity=1)
    notify(user=ada, kind="welcome", context={})
    notify(user=ada, kind="order_paid", context={"order": Order.objects.first()})
    seed("--products", "40", "--orders", "0", "--reset")
    assert not Cart.objects.exists()
    assert [n.kind for n in Notification.objects.all()] == ["welcome"]
    assert not Order.objects.exists()
    assert StockItem.objects.count() == Variant.objects.count()


# Of the catalogue and its people as they were seeded before there were orders: 120 products. Whoever
# changes the goods on purpose changes this too, and the service's tests with it.
CATALOGUE = "0d065ff3f2db5ae6bb88e73cf98a5174476593f354a850642b4409fe55dd7aba"
SHOWN: dict[type[Model], tuple[str, ...]] = {
    Category: ("slug", "name", "description", "position", "parent__slug"),
    Brand: ("slug", "name"),
    Product: (
        *("slug", "name", "description", "is_active", "category__slug", "brand__slug"),
        *("created_at", "updated_at", "name_key", "search_text", "rating_average", "rating_count"),
    ),
    Variant: (
        *("sku", "name", "product__slug", "price_amount", "compare_at_amount", "currency"),
        *("weight_grams", "position"),
    ),
    PriceChange: ("variant__sku", "old_amount", "new_amount", "currency", "changed_at", "reason"),
    ProductImage: ("product__slug", "image", "width", "height", "alt", "position"),
    Review: (
        *("product__slug", "author__username", "rating", "title", "body", "created_at"),
        "is_published",
    ),
}
PERSON = ("username", "email", "display_name", "date_joined", "is_staff", "is_superuser")


def digest() -> str:
    """Of all that the catalogue shows, in the order of ids, whatever these are."""
    rows = [
        list(model._default_manager.order_by("pk").values_list(*fields))
        for model, fields in SHOWN.items()
    ]
    rows.append(list(User.objects.order_by("pk").values_list(*PERSON)[:301]))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def test_the_catalogue_is_the_one_it_was_before_there_were_orders() -> None:
    assert digest() == CATALOGUE
