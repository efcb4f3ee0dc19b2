"""Payments that were left open, by time-outs, deaths and card holders who walked away: each comes to an end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from shopsmart.orders.models import Order
from shopsmart.payments import gateway as client
from shopsmart.payments import services
from shopsmart.payments.models import Payment
from shopsmart.payments.states import PaymentState
from shopsmart.payments.tests.gateway_process import (
    BROKEN,
    CONFIRM,
    LATE,
    NEVER,
    GatewayProcess,
)
from shopsmart.payments.tests.make import RETURN_URL, card, make_payment, pay

pytestmark = pytest.mark.django_db


def make_old(payment: Payment, seconds: float) -> None:
    Payment.objects.filter(pk=payment.pk).update(
        created_at=timezone.now() - timedelta(seconds=seconds)
    )


@pytest.mark.parametrize("number", [LATE, BROKEN])
def test_a_charge_whose_answer_was_lost_is_found_by_its_key(
    gateway: GatewayProcess, number: str
) -> None:
    payment = pay(make_payment(), number)
    assert (payment.state, payment.gateway_id) == (PaymentState.UNKNOWN, "")
    gateway.wait_until_charged(payment.key)
    settled = services.settle(payment=payment)
    assert (settled.state, settled.order.state) == (PaymentState.APPROVED, "paid")
    assert (settled.card_brand, settled.card_last4) == ("visa", number[-4:])
    assert gateway.moved(payment.key) == [1000]
    assert services.settle(payment=payment).settled_at == settled.settled_at


def test_what_was_never_charged_is_given_up_at_a_decent_age(
    gateway: GatewayProcess, settings: Settings
) -> None:
    payment = pay(make_payment(), NEVER)
    make_old(payment, settings.PAYMENT_GIVE_UP_AFTER - 5)
    young = services.settle(payment=payment)
    assert (young.state, young.order.state) == (PaymentState.UNKNOWN, "placed")
    make_old(payment, settings.PAYMENT_GIVE_UP_AFTER + 1)
    old = services.settle(payment=payment)
    assert (old.state, old.order.state) == (PaymentState.CANCELLED, "cancelled")
    assert gateway.moved(payment.key) == []


def test_what_was_given_up_is_not_charged_by_a_request_that_arrives_later(
    gateway: GatewayProcess,
) -> None:
    payment = make_payment()
    make_old(payment, 1e6)
    assert services.settle(payment=payment).state == PaymentState.CANCELLED
    late = client.ask_charge(
        key=payment.key, money=payment.money, card=card(), reference="S", return_url=RETURN_URL
    )
    assert isinstance(late, client.Cancelled)
    assert gateway.moved(payment.key) == []


def test_a_payment_that_was_never_asked_for_is_given_up_too(gateway: GatewayProcess) -> None:
    payment = make_payment()
    assert services.settle(payment=payment).state == PaymentState.PENDING
    make_old(payment, 1e6)
    assert services.settle(payment=payment).order.state == "cancelled"


@pytest.mark.parametrize(
    ("said", "state", "moved"), [("yes", "approved", [1000]), ("no", "declined", [])]
)
def test_a_confirmed_payment_goes_as_the_card_holder_said(
    gateway: GatewayProcess, said: str, state: str, moved: list[int]
) -> None:
    payment = pay(make_payment(), CONFIRM)
    assert services.confirm(payment=payment).state == PaymentState.NEEDS_CONFIRMATION
    gateway.answer(payment.confirmation_url, said)
    payment = services.confirm(payment=payment)
    assert (payment.state, payment.confirmation_url) == (state, "")
    assert gateway.moved(payment.key) == moved


def test_a_card_holder_who_walked_away_loses_the_reservation_and_can_pay_no_more(
    gateway: GatewayProcess, settings: Settings
) -> None:
    payment = pay(make_payment(), CONFIRM)
    make_old(payment, settings.PAYMENT_CONFIRM_WITHIN - 5)
    assert services.settle(payment=payment).state == PaymentState.NEEDS_CONFIRMATION
    make_old(payment, settings.PAYMENT_CONFIRM_WITHIN + 1)
    settled = services.settle(payment=payment)
    assert (settled.state, settled.order.state) == (PaymentState.CANCELLED, "cancelled")
    gateway.answer(payment.confirmation_url, "yes")
    assert gateway.moved(payment.key) == []


def test_a_yes_that_was_faster_than_giving_up_counts(gateway: GatewayProcess) -> None:
    payment = pay(make_payment(), CONFIRM)
    make_old(payment, 1e6)
    gateway.answer(payment.confirmation_url, "yes")
    assert services.settle(payment=payment).state == PaymentState.APPROVED


def test_withdrawing_keeps_what_was_charged_and_stops_what_was_not(gateway: GatewayProcess) -> None:
    charged, waiting = pay(make_payment(), BROKEN), make_payment(user=Order.objects.get().user)
    assert services.withdraw(payment=charged).state == PaymentState.APPROVED
    assert services.withdraw(payment=waiting).state == PaymentState.CANCELLED
    assert gateway.moved(charged.key) == [1000]


def test_the_charge_of_an_order_that_was_cancelled_is_not_waited_for(
    gateway: GatewayProcess,
) -> None:
    payment = pay(make_payment(), CONFIRM)
    Order.objects.update(state="cancelled", cancelled_at=timezone.now())
    assert services.settle(payment=payment).state == PaymentState.CANCELLED


def test_money_that_came_for_a_cancelled_order_is_set_aside_to_go_back(
    gateway: GatewayProcess,
) -> None:
    payment = pay(make_payment(), BROKEN)
    Order.objects.update(state="cancelled", cancelled_at=timezone.now())
    settled = services.settle(payment=payment)
    assert (settled.state, settled.refunded) == (PaymentState.APPROVED, settled.amount)
    refund = services.settle_refund(refund=settled.refunds.get())
    assert refund.state == "done"
    assert gateway.moved(payment.key) == [1000, -1000]


def test_without_a_gateway_a_payment_stays_as_it_is_and_nothing_is_given_up(
    mortal_gateway: GatewayProcess,
) -> None:
    payment = pay(make_payment(), CONFIRM)
    mortal_gateway.kill()
    make_old(payment, 1e6)
    assert services.settle(payment=payment).state == PaymentState.NEEDS_CONFIRMATION
    assert services.withdraw(payment=payment).state == PaymentState.NEEDS_CONFIRMATION
    mortal_gateway.start()
    assert services.withdraw(payment=payment).state == PaymentState.CANCELLED


def charge_elsewhere(payment: Payment, number: str) -> client.Outcome:
    """Ask as the shop does, off the main thread, which has other things to do."""
    return client.ask_charge(
        key=payment.key,
        money=payment.money,
        card=card(number),
        reference="S",
        return_url=RETURN_URL,
    )


@pytest.mark.parametrize(("number", "moved"), [(NEVER, []), (LATE, [1000])])
def test_a_gateway_that_dies_before_or_after_charging_leaves_an_unknown_that_is_settled(
    mortal_gateway: GatewayProcess, number: str, moved: list[int]
) -> None:
    payment = make_payment()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(charge_elsewhere, payment, number)
        if moved:
            mortal_gateway.wait_until_charged(payment.key)
        else:
            mortal_gateway.wait_until_holding()
        mortal_gateway.kill()
        assert asked.result() == client.Unknown("the connection broke")
    assert mortal_gateway.moved(payment.key) == moved
    services._take(payment, asked.result())
    assert services.settle(payment=payment).state == PaymentState.UNKNOWN  # still dead

    mortal_gateway.start()
    make_old(payment, 1e6)
    settled = services.settle(payment=payment)
    assert settled.state == (PaymentState.APPROVED if moved else PaymentState.CANCELLED)
    assert settled.order.state == ("paid" if moved else "cancelled")
    assert mortal_gateway.moved(payment.key) == moved


def test_outcomes_that_come_second_change_nothing(gateway: GatewayProcess) -> None:
    payment = pay(make_payment())
    for outcome in (client.Declined("x"), client.Cancelled(), client.Unknown("y")):
        assert services._take(payment, outcome).state == PaymentState.APPROVED
    assert Payment.objects.get().order.state == "paid"
    assert gateway.moved(uuid4()) == []
