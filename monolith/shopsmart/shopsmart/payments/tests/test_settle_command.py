"""`manage.py settle_payments`: ends what was left open, says what came of it, and can be run at any time."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from shopsmart.catalog.tests.make import make_user
from shopsmart.payments import services
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.tests.gateway_process import (
    BROKEN,
    CONFIRM,
    NEVER,
    REFUNDS_BROKEN,
    GatewayProcess,
)
from shopsmart.payments.tests.make import make_payment, pay

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str, int]:
    """What it says, its progress, and its exit code."""
    said, progress, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("settle_payments", *arguments, stdout=said, stderr=progress)
    except SystemExit as ended:
        code = int(str(ended))
    return said.getvalue(), progress.getvalue(), code


def make_some_of_each() -> None:
    ada = make_user()
    pay(make_payment(user=ada), BROKEN)
    pay(make_payment(user=ada), NEVER)
    pay(make_payment(user=ada), CONFIRM)
    old = pay(make_payment(user=ada), NEVER)
    Payment.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=1))
    paid = pay(make_payment(user=ada), REFUNDS_BROKEN)
    refund = services.open_refund(payment=paid, amount=Decimal(3), reason="Returned.")
    services.settle_refund(refund=refund)
    services.open_refund(payment=paid, amount=Decimal(4), reason="Returned, too.")


def states(model: Any) -> list[str]:
    return list(model.objects.order_by("id").values_list("state", flat=True))


def test_everything_that_can_be_ended_is_ended(gateway: GatewayProcess) -> None:
    make_some_of_each()
    before = ["unknown", "unknown", "needs_confirmation", "unknown", "approved"]
    assert states(Payment) == before
    assert states(Refund) == ["unknown", "pending"]
    said, progress, code = run()
    # One may still be on its way, and the second refund is answered by a 500 at first.
    assert states(Payment) == ["approved", "unknown", "needs_confirmation", "cancelled", "approved"]
    assert states(Refund) == ["done", "unknown"]
    assert code == 1
    assert said == (
        "Payments: 1 cancelled, 1 approved, 1 unknown, 1 needs confirmation. "
        "Refunds: 1 done, 1 unknown.\n"
    )
    assert "payments" in progress
    assert [order.state for order in (p.order for p in Payment.objects.order_by("id"))] == [
        "paid", "placed", "placed", "cancelled", "paid"
    ]  # fmt: skip

    said, progress, code = run("--json")
    assert json.loads(said) == {
        "payments": {"unknown": 1, "needs_confirmation": 1},
        "refunds": {"done": 1},
    }
    assert progress == ""
    assert gateway.moved(Payment.objects.latest("id").key) == [1000, -300, -400]


def test_with_nothing_open_it_says_so(gateway: GatewayProcess) -> None:
    pay(make_payment())
    assert run()[::2] == ("Payments: none open. Refunds: none open.\n", 0)


def test_without_a_gateway_it_fails_and_changes_nothing(mortal_gateway: GatewayProcess) -> None:
    payment = pay(make_payment(), CONFIRM)
    Payment.objects.update(created_at=timezone.now() - timedelta(days=1))
    pending = make_payment(user=payment.order.user)
    mortal_gateway.kill()
    assert run("--json")[::2] == (
        '{"payments": {"needs_confirmation": 1, "unknown": 1}, "refunds": {}}\n', 1
    )  # fmt: skip
    mortal_gateway.start()
    Payment.objects.filter(pk=pending.pk).update(created_at=timezone.now() - timedelta(days=1))
    assert run()[::2] == ("Payments: 2 cancelled. Refunds: none open.\n", 0)


def test_one_that_cannot_be_ended_does_not_keep_the_others_from_it(
    gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = pay(make_payment(), BROKEN)
    pay(make_payment(user=first.order.user), BROKEN)
    settle = services.settle

    def settle_all_but_one(*, payment: Payment) -> Payment:
        if payment == first:
            raise ValueError("broken")
        return settle(payment=payment)

    monkeypatch.setattr(services, "settle", settle_all_but_one)
    said, _, code = run()
    assert (said, code) == ("Payments: 1 failed, 1 approved. Refunds: none open.\n", 1)
    assert f"could not settle payments {first.key}" in caplog.text
