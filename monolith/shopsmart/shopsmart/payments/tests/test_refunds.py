"""Money given back: never more than was paid, never twice, and as the gateway's ledger says."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from shopsmart.notifications.models import Mail, Notification
from shopsmart.payments import services
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.states import RefundState
from shopsmart.payments.tests.gateway_process import (
    DECLINED,
    REFUNDS_BROKEN,
    REFUNDS_REFUSED,
    GatewayProcess,
)
from shopsmart.payments.tests.make import make_approved, make_payment, pay

pytestmark = pytest.mark.django_db


def open_refund(payment: Payment, amount: str) -> Refund:
    return services.open_refund(payment=payment, amount=Decimal(amount), reason="Returned.")


def refunded() -> Decimal:
    return Payment.objects.get().refunded


def test_money_goes_back_once_and_its_owner_is_told(gateway: GatewayProcess) -> None:
    payment = pay(make_payment("10.00"))
    refund = open_refund(payment, "4.00")
    assert (refund.state, refunded()) == (RefundState.PENDING, Decimal("4.00"))
    assert gateway.moved(payment.key) == [1000]
    for _ in range(2):
        done = services.settle_refund(refund=refund)
        assert (done.state, done.attempts, refunded()) == ("done", 1, Decimal("4.00"))
    assert gateway.moved(payment.key) == [1000, -400]
    assert [n.kind for n in Notification.objects.all()].count("refunded") == 1
    assert "4.00" in Mail.objects.latest("id").body


def test_no_more_is_given_back_than_was_paid(gateway: GatewayProcess) -> None:
    payment = pay(make_payment("10.00"))
    open_refund(payment, "6.00")
    with pytest.raises(ValidationError, match=r"At most 4\.00 EUR"):
        open_refund(payment, "4.01")
    last = open_refund(payment, "4.00")
    assert refunded() == Decimal("10.00")
    services.settle_refund(refund=last)
    assert gateway.moved(payment.key) == [1000, -400]


@pytest.mark.parametrize("amount", ["0", "0.004", "-1"])
def test_an_amount_has_to_be_one(amount: str) -> None:
    with pytest.raises(ValidationError, match="Say how much"):
        open_refund(make_approved(), amount)


def test_only_what_was_approved_goes_back(gateway: GatewayProcess) -> None:
    for payment in (make_payment(), pay(make_payment_of_another(), DECLINED)):
        with pytest.raises(ValidationError, match="that was approved"):
            open_refund(payment, "1.00")


def make_payment_of_another() -> Payment:
    return make_payment(user=Payment.objects.get().order.user)


def test_a_refund_that_is_refused_leaves_its_amount_with_the_payment(
    gateway: GatewayProcess,
) -> None:
    payment = pay(make_payment("10.00"), REFUNDS_REFUSED)
    refund = services.settle_refund(refund=open_refund(payment, "10.00"))
    assert (refund.state, refund.refusal_code) == (RefundState.REFUSED, "card_closed")
    assert refunded() == 0
    assert gateway.moved(payment.key) == [1000]
    assert not Notification.objects.filter(kind="refunded").exists()


def test_a_refund_whose_answer_was_lost_is_asked_for_again_and_done_once(
    gateway: GatewayProcess,
) -> None:
    payment = pay(make_payment("10.00"), REFUNDS_BROKEN)
    refund = services.settle_refund(refund=open_refund(payment, "3.00"))
    assert (refund.state, refunded()) == (RefundState.UNKNOWN, Decimal("3.00"))
    assert gateway.moved(payment.key) == [1000, -300]
    again = services.settle_refund(refund=refund)
    assert (again.state, again.attempts) == (RefundState.DONE, 2)
    assert gateway.moved(payment.key) == [1000, -300]


def test_a_refund_waits_for_a_gateway_that_is_gone(mortal_gateway: GatewayProcess) -> None:
    payment = pay(make_payment("10.00"))
    refund = open_refund(payment, "10.00")
    mortal_gateway.kill()
    assert services.settle_refund(refund=refund).state == RefundState.UNKNOWN
    mortal_gateway.start()
    assert services.settle_refund(refund=refund).state == RefundState.DONE
    assert mortal_gateway.moved(payment.key) == [1000, -1000]


def test_a_charge_the_gateway_has_never_heard_of_is_not_given_back(
    gateway: GatewayProcess,
) -> None:
    refund = services.settle_refund(refund=open_refund(make_approved(), "1.00"))
    assert (refund.state, refund.refusal_code) == (RefundState.REFUSED, "unknown_charge")


@pytest.mark.usefixtures("something_else")
def test_something_else_that_answers_404_settles_no_refund() -> None:
    refund = services.settle_refund(refund=open_refund(make_approved(), "1.00"))
    assert refund.state == RefundState.UNKNOWN


def test_a_key_belongs_to_one_refund() -> None:
    payment, key = make_approved("10.00"), uuid4()
    first = services.open_refund(payment=payment, amount=Decimal(3), reason="a", key=key)
    again = services.open_refund(payment=payment, amount=Decimal(3), reason="a", key=key)
    assert (first.pk, refunded()) == (again.pk, Decimal(3))
    with pytest.raises(ValidationError, match="another refund"):
        services.open_refund(payment=payment, amount=Decimal(4), reason="a", key=key)


def test_the_gateway_is_not_asked_inside_a_transaction(gateway: GatewayProcess) -> None:
    refund = open_refund(make_approved(), "1.00")
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        services.settle_refund(refund=refund)
    assert Refund.objects.get().attempts == 0
