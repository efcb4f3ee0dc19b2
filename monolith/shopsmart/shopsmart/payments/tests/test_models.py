"""What the database refuses, whoever writes."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.services import open_refund
from shopsmart.payments.tests.make import make_approved, make_payment

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.mark.parametrize(
    "nonsense",
    [
        {"amount": 0},
        {"refunded": Decimal("10.01")},
        {"refunded": -1},
        {"currency": "EU"},
        {"state": "paid"},
        {"gateway_id": ""},
        {"settled_at": None},
        {"decline_code": "x"},
        {"state": "declined"},
        {"state": "pending"},
        {"state": "needs_confirmation", "settled_at": None},
        {"state": "cancelled", "decline_code": "x"},
        {"state": "cancelled", "refunded": 1},
    ],
)
def test_a_payment_that_makes_no_sense_is_refused(nonsense: dict[str, Any]) -> None:
    make_approved("10.00")
    with transaction.atomic(), pytest.raises(IntegrityError):
        Payment.objects.update(**nonsense)


def test_an_order_has_one_payment_that_has_money_or_may_come_to_have_it() -> None:
    payment = make_approved()
    for state in ({"state": "approved", "gateway_id": "x", "settled_at": NOW}, {}):
        with transaction.atomic(), pytest.raises(IntegrityError):
            Payment.objects.create(order=payment.order, amount=1, **state)
    Payment.objects.create(
        order=payment.order, amount=1, state="declined", decline_code="x", settled_at=NOW
    )


@pytest.mark.parametrize(
    "nonsense",
    [
        {"amount": 0},
        {"reason": ""},
        {"state": "done"},
        {"state": "done", "settled_at": NOW},
        {"state": "refused", "settled_at": NOW},
        {"state": "lost"},
        {"settled_at": NOW},
    ],
)
def test_a_refund_that_makes_no_sense_is_refused(nonsense: dict[str, Any]) -> None:
    Refund.objects.create(payment=make_payment(), amount=1, reason="x")
    with transaction.atomic(), pytest.raises(IntegrityError):
        Refund.objects.update(**nonsense)


def test_cents_that_binary_fractions_miss_still_fit() -> None:
    payment = make_approved("0.30")
    for _ in range(3):
        open_refund(payment=payment, amount=Decimal("0.10"), reason="x")
    payment.refresh_from_db()
    assert payment.refundable.amount == 0
