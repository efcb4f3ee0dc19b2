"""Buys things, as a shopper would; what a test does not name is of no matter."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from shopsmart.accounts.models import User
from shopsmart.cart.tests.make import make_cart
from shopsmart.catalog.models import Variant
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.orders.models import Order
from shopsmart.orders.services import deliver_order, place_order, ship_order
from shopsmart.orders.tests.gateway import APPROVED
from shopsmart.payments.cards import Card

ADDRESS = SimpleNamespace(
    name="Ada Lovelace",
    line1="12 St James's Square",
    line2="",
    postcode="1010",
    city="Vienna",
    country="AT",
)


def card(number: str = APPROVED) -> Card:
    return Card(number, "12/99", "123")


def buy(user: User, number: str = APPROVED, **fields: Any) -> Order:
    """Check the user's cart out."""
    return place_order(
        user=user,
        address=fields.pop("address", ADDRESS),
        card=card(number),
        idempotency_key=fields.pop("key", uuid4().hex),
        return_url=fields.pop("return_url", lambda order: f"http://shop.test/{order.number}/"),
        **fields,
    )


def make_paid(
    user: User, lines: dict[Variant, int] | None = None, code: str = "", **fields: Any
) -> Order:
    """A paid order of these lines; one teapot of ten where none are given."""
    make_cart(user, lines or {make_stocked(): 1}, code=code)
    return buy(user, **fields)


def make_delivered(
    user: User, lines: dict[Variant, int] | None = None, code: str = "", **fields: Any
) -> Order:
    """The same, arrived."""
    order = make_paid(user, lines, code, **fields)
    return deliver_order(order=ship_order(order=order, by=None), by=None)
