"""Several at the same moment on PostgreSQL, where rows are locked one by one (SQLite: test_shop_killed)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from shopsmart.orders.models import OrderEvent
from shopsmart.payments import services
from shopsmart.payments.models import Payment
from shopsmart.payments.tests.gateway_process import BROKEN, GatewayProcess
from shopsmart.payments.tests.make import make_payment, pay

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite locks the whole database"),
]
THREADS = 6


def at_once(what: Callable[[], Any]) -> list[Any]:
    """What so many threads get that begin at the same moment."""
    barrier = threading.Barrier(THREADS)

    def go(_: int) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait()
            return what()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(go, range(THREADS)))


def test_refunds_never_exceed_the_payment(gateway: GatewayProcess) -> None:
    payment = pay(make_payment("10.00"))

    def refund() -> str:
        try:
            opened = services.open_refund(payment=payment, amount=Decimal("4.00"), reason="x")
        except ValidationError:
            return "too much"
        return services.settle_refund(refund=opened).state

    assert sorted(at_once(refund)) == ["done"] * 2 + ["too much"] * (THREADS - 2)
    assert gateway.moved(payment.key) == [1000, -400, -400]
    assert Payment.objects.get().refunded == Decimal("8.00")


def test_one_refund_that_many_settle_is_done_once(gateway: GatewayProcess) -> None:
    payment = pay(make_payment("10.00"))
    opened = services.open_refund(payment=payment, amount=Decimal("4.00"), reason="x")
    assert {r.state for r in at_once(lambda: services.settle_refund(refund=opened))} == {"done"}
    assert gateway.moved(payment.key) == [1000, -400]


def test_one_payment_that_many_charge_is_charged_once_and_its_order_paid_once(
    gateway: GatewayProcess,
) -> None:
    payment = make_payment()
    assert {charged.state for charged in at_once(lambda: pay(payment))} == {"approved"}
    assert gateway.moved(payment.key) == [1000]
    assert OrderEvent.objects.filter(state="paid").count() == 1


def test_one_payment_that_many_settle_and_withdraw_ends_once(gateway: GatewayProcess) -> None:
    payment = pay(make_payment(), BROKEN)
    turns = iter([services.settle, services.withdraw] * THREADS)
    ended = at_once(lambda: next(turns)(payment=payment))
    assert {one.state for one in ended} == {"approved"}
    assert gateway.moved(payment.key) == [1000]
    assert OrderEvent.objects.filter(state="paid").count() == 1
