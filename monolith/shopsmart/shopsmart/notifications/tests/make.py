"""Makes mails, and an order to write about."""

from decimal import Decimal
from typing import Any

from shopsmart.accounts.models import User
from shopsmart.catalog.tests.make import make_product
from shopsmart.notifications.models import Mail
from shopsmart.orders.models import Order, OrderLine

ADDRESS = {
    "ship_name": "Ada <Lovelace> & Son",
    "ship_line1": "St. James’s Square 12",
    "ship_line2": "c/o Byron",
    "ship_postcode": "10115",
    "ship_city": "Köln",
    "ship_country": "DE",
}


def make_mails(*recipients: str, **fields: Any) -> list[Mail]:
    """A queued mail to each."""
    return [
        Mail.objects.create(
            **{"to": to, "subject": f"News for {to}", "body": "It has come.\n", **fields}
        )
        for to in recipients
    ]


def make_order(user: User, **fields: Any) -> Order:
    """An order of two teapots and a very long cup, with a discount, that was just placed."""
    order = Order.objects.create(
        number="S-2026-000123",
        idempotency_key="k",
        user=user,
        subtotal=Decimal("1008.80"),
        discount=Decimal("100.88"),
        promotion_code="WELCOME10",
        shipping=Decimal("4.90"),
        total=Decimal("912.82"),
        **{**ADDRESS, **fields},
    )
    for name, quantity, price in (("Teapot", 2, "499.90"), ("Cup & saucer " * 6, 1, "9.00")):
        variant = make_product(name, price).variants.get()
        OrderLine.objects.create(
            order=order,
            variant=variant,
            sku=variant.sku,
            product_name=name.strip(),
            category_name="Kitchen",
            quantity=quantity,
            unit_price=variant.price_amount,
            line_total=variant.price_amount * quantity,
        )
    return order
