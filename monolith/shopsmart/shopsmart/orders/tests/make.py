"""Buys things, as a shopper would; what a test does not name is of no matter."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from shopsmart.accounts.models import User
from shopsmart.cart.tests.make import make_cart
from shopsmart.catalog.models import Variant
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.orders.models import Order
from shopsmart.orders.services import deliver_order, place_order, ship_order
from shopsmart.payments.tests.gateway_process import APPROVED, GatewayProcess
from shopsmart.payments.tests.make import card

ADDRESS = SimpleNamespace(
    name="Ada Lovelace",
    line1="12 St James's Square",
    line2="",
    postcode="1010",
    city="Vienna",
    country="AT",
)


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


def moved(gateway: GatewayProcess, order: Order) -> list[Decimal]:
    """What the gateway's ledger says of an order: charged is positive, given back negative."""
    keys = order.payments.values_list("key", flat=True)
    return [Decimal(cents) / 100 for key in keys for cents in gateway.moved(key)]
