"""The admin shows payments and changes none."""

from decimal import Decimal

import pytest
from django.test import Client

from shopsmart.catalog.tests.make import make_user
from shopsmart.payments.models import Payment
from shopsmart.payments.services import open_refund
from shopsmart.payments.tests.make import make_approved

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    return client


def test_payments_and_refunds_are_shown_and_found(boss: Client) -> None:
    payment = make_approved("10.00", card_brand="visa", card_last4="4242")
    refund = open_refund(payment=payment, amount=Decimal(3), reason="Broken.")
    for page, shown in (
        ("payment/", ["10.00", "visa …4242"]),
        (f"payment/?q={payment.order.number}", ["10.00"]),
        (f"payment/{payment.pk}/change/", ["Broken.", "3.00"]),
        ("refund/", [payment.order.number, "3.00"]),
        (f"refund/{refund.pk}/change/", ["Broken."]),
    ):
        answer = boss.get(f"/admin/payments/{page}")
        assert answer.status_code == 200
        assert all(text in answer.content.decode() for text in shown)


def test_nobody_changes_one_there(boss: Client) -> None:
    payment = make_approved("10.00")
    page = f"/admin/payments/payment/{payment.pk}"
    assert boss.post(f"{page}/change/", {"amount": "1.00"}).status_code == 403
    assert boss.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert boss.get("/admin/payments/payment/add/").status_code == 403
    assert boss.get("/admin/payments/refund/add/").status_code == 403
    assert Payment.objects.get().amount == Decimal("10.00")
