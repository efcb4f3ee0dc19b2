"""Makes payments, of orders without lines; what a test does not name is of no matter."""

from decimal import Decimal
from typing import Any

from django.test import override_settings
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import make_order
from shopsmart.payments import services
from shopsmart.payments.cards import Card
from shopsmart.payments.models import Payment
from shopsmart.payments.tests.gateway_process import APPROVED, LATE, NEVER, PATIENCE_S

RETURN_URL = "http://shop.test/back"


def card(number: str = APPROVED, cvc: str = "123") -> Card:
    return Card(number, "12/99", cvc)


def make_payment(amount: str = "10.00", user: User | None = None, **order: Any) -> Payment:
    """A pending payment of an order that was just placed."""
    total = Decimal(amount)
    order = make_order(user or make_user(), subtotal=total, total=total, **order)
    return services.open_payment(order=order, amount=total)


def pay(payment: Payment, number: str = APPROVED, cvc: str = "123") -> Payment:
    """Charge a card; for an answer that is not to come in time there is no use in waiting long."""
    patience_s = 0.5 if number in (LATE, NEVER) else PATIENCE_S
    with override_settings(CARD_GATEWAY_READ_TIMEOUT=patience_s):
        return services.charge(payment=payment, card=card(number, cvc), return_url=RETURN_URL)


def make_approved(amount: str = "10.00", user: User | None = None, **fields: Any) -> Payment:
    """A payment as a charge would have left it, for what asks no gateway."""
    payment = make_payment(amount, user, state="paid", paid_at=timezone.now())
    changed = {"state": "approved", "gateway_id": "ch_x", "settled_at": timezone.now(), **fields}
    Payment.objects.filter(pk=payment.pk).update(**changed)
    return Payment.objects.get(pk=payment.pk)
