"""What comes of a charge, by a real gateway; what moved is read from its ledger."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import make_order
from shopsmart.orders.models import Order
from shopsmart.payments import services
from shopsmart.payments.gateway import INVALID, UNREACHABLE
from shopsmart.payments.models import Payment
from shopsmart.payments.states import TRANSITIONS, UNSETTLED, PaymentState
from shopsmart.payments.tests.gateway_process import (
    APPROVED,
    BROKEN,
    CONFIRM,
    DECLINED,
    LATE,
    NEVER,
    PATIENCE_S,
    GatewayProcess,
)
from shopsmart.payments.tests.make import RETURN_URL, card, make_payment, pay

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("number", "state", "code", "moved", "order_state"),
    [
        (APPROVED, "approved", "", [1000], "paid"),
        ("5555555555554444", "approved", "", [1000], "paid"),
        ("378282246310005", "approved", "", [1000], "paid"),
        ("4000000000000002", "declined", "card_declined", [], "cancelled"),
        (DECLINED, "declined", "insufficient_funds", [], "cancelled"),
        ("4000000000000069", "declined", "expired_card", [], "cancelled"),
        ("4000000000000127", "declined", "incorrect_cvc", [], "cancelled"),
        ("4000000000009979", "declined", "stolen_card", [], "cancelled"),
        ("4111111111111111", "declined", "not_a_test_card", [], "cancelled"),
        (CONFIRM, "needs_confirmation", "", [], "placed"),
        ("4000008400001629", "needs_confirmation", "", [], "placed"),
        (LATE, "unknown", "", [1000], "placed"),
        (BROKEN, "unknown", "", [1000], "placed"),
        (NEVER, "unknown", "", [], "placed"),
        ("4000000000005126", "approved", "", [1000], "paid"),
        ("4000000000007726", "approved", "", [1000], "paid"),
    ],
)
def test_each_card_has_its_outcome(
    gateway: GatewayProcess, number: str, state: str, code: str, moved: list[int], order_state: str
) -> None:
    payment = pay(make_payment("10.00"), number)
    stored = Payment.objects.get()
    assert payment == stored
    assert (payment.state, payment.decline_code) == (stored.state, stored.decline_code)
    assert (stored.state, stored.decline_code) == (state, code)
    if moved:
        gateway.wait_until_charged(stored.key)
    assert gateway.moved(stored.key) == moved
    assert (stored.settled_at is None) == (PaymentState(state) in UNSETTLED)
    assert (stored.card_last4, stored.attempts) == (number[-4:], 1)
    assert stored.confirmation_url.startswith(gateway.url) == (state == "needs_confirmation")
    assert stored.order.state == order_state


def test_a_brand_is_what_the_gateway_says(gateway: GatewayProcess) -> None:
    assert pay(make_payment(), "378282246310005").card_brand == "amex"


def test_a_payment_that_is_settled_is_not_charged_again(gateway: GatewayProcess) -> None:
    payment = make_payment()
    pay(payment)
    again = pay(payment, DECLINED)
    assert (again.state, again.attempts) == (PaymentState.APPROVED, 1)
    assert gateway.moved(payment.key) == [1000]


def test_the_same_key_is_charged_once(gateway: GatewayProcess) -> None:
    payment = make_payment()
    pay(payment)
    # As after a crash that lost the answer.
    Payment.objects.update(state="pending", gateway_id="", settled_at=None)
    payment.order.state = "placed"
    payment.order.paid_at = None
    payment.order.save()
    again = pay(payment)
    assert (again.state, again.attempts) == (PaymentState.APPROVED, 2)
    assert gateway.moved(payment.key) == [1000]
    assert again.order.state == "paid"


def test_another_card_with_a_key_that_was_charged_takes_what_came_of_the_first(
    gateway: GatewayProcess,
) -> None:
    payment = make_payment()
    pay(payment, BROKEN)
    Payment.objects.update(state="pending")
    again = pay(payment, DECLINED)
    assert again.state == PaymentState.APPROVED
    assert gateway.moved(payment.key) == [1000]


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody listens, and nobody else can come to listen meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield "http://127.0.0.1:{1}".format(*taken.getsockname())


def test_a_gateway_that_was_never_reached_charged_nothing(settings: Settings, nobody: str) -> None:
    settings.CARD_GATEWAY_URL = nobody
    payment = pay(make_payment())
    assert (payment.state, payment.decline_code) == (PaymentState.DECLINED, UNREACHABLE)
    assert payment.order.state == "cancelled"


def test_a_gateway_that_is_not_reached_the_second_time_may_have_charged_the_first(
    settings: Settings, nobody: str
) -> None:
    settings.CARD_GATEWAY_URL = nobody
    payment = make_payment()
    Payment.objects.update(attempts=1)
    payment = pay(payment)
    assert (payment.state, payment.order.state) == (PaymentState.UNKNOWN, "placed")


@pytest.mark.usefixtures("something_else")
def test_what_is_not_the_gateway_settles_nothing() -> None:
    payment = pay(make_payment())
    assert payment.state == PaymentState.UNKNOWN
    assert services.settle(payment=payment).state == PaymentState.UNKNOWN
    assert services.withdraw(payment=payment).state == PaymentState.UNKNOWN


def test_the_gateway_is_not_asked_inside_a_transaction(gateway: GatewayProcess) -> None:
    payment = make_payment()
    for ask in (
        lambda: pay(payment),
        lambda: services.settle(payment=payment),
        lambda: services.confirm(payment=payment),
        lambda: services.withdraw(payment=payment),
    ):
        with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
            ask()
    assert gateway.moved(payment.key) == []
    assert Payment.objects.get().attempts == 0


def test_an_order_is_charged_by_one_payment_at_a_time(gateway: GatewayProcess) -> None:
    payment = make_payment()
    with pytest.raises(ValidationError, match="is being paid, already"):
        services.open_payment(order=payment.order, amount=Decimal(10))
    pay(payment, DECLINED)
    assert services.open_payment(order=payment.order, amount=Decimal(10)).key != payment.key


def test_an_amount_is_kept_in_cents_and_never_nothing() -> None:
    order = make_order(make_user())
    assert services.open_payment(order=order, amount=Decimal("10.005")).amount == Decimal("10.01")
    for nothing in ("0", "0.004", "-1"):
        with pytest.raises(ValidationError, match="nothing to pay"):
            services.open_payment(order=make_order(order.user), amount=Decimal(nothing))


def test_final_states_lead_nowhere_and_unsettled_ones_everywhere_needed() -> None:
    assert {state for state, ways in TRANSITIONS.items() if not ways} == set(
        PaymentState
    ) - UNSETTLED
    for state in UNSETTLED:
        assert TRANSITIONS[state] >= set(PaymentState) - UNSETTLED


def test_a_gateway_that_tells_of_another_charge_is_not_believed(
    gateway: GatewayProcess,
) -> None:
    payment = make_payment("10.00")
    pay(payment)
    other = Payment(key=payment.key, amount=Decimal("9.99"), currency="EUR")
    found = services.gateway.find_charge(key=payment.key, money=other.money)
    assert found == services.gateway.Unknown("the answer was about another charge")
    nothing = services.gateway.find_charge(key=uuid4(), money=other.money)
    assert nothing == services.gateway.NeverAsked()


def test_a_return_url_the_gateway_refuses_declines_and_charges_nothing(
    gateway: GatewayProcess,
) -> None:
    payment = services.charge(payment=make_payment(), card=card(), return_url="nowhere")
    assert (payment.state, payment.decline_code) == (PaymentState.DECLINED, "invalid_request")
    assert gateway.moved(payment.key) == []


def test_a_repeated_request_the_gateway_refuses_may_have_charged_the_first_time(
    gateway: GatewayProcess,
) -> None:
    payment = make_payment()
    Payment.objects.update(attempts=1)  # and killed before the gateway was asked, or after
    payment = services.charge(payment=payment, card=card(), return_url="nowhere")
    assert (payment.state, payment.order.state) == (PaymentState.UNKNOWN, "placed")


def test_a_repeated_request_the_gateway_refuses_takes_what_came_of_the_first(
    gateway: GatewayProcess,
) -> None:
    payment = make_payment()
    Payment.objects.update(attempts=1)
    services.gateway.ask_charge(
        key=payment.key,
        money=payment.money,
        card=card(),
        reference=payment.order.number,
        return_url=RETURN_URL,
    )
    payment = services.charge(payment=payment, card=card(), return_url="nowhere")
    assert (payment.state, payment.order.state) == (PaymentState.APPROVED, "paid")
    assert gateway.moved(payment.key) == [1000]


def test_an_order_that_was_cancelled_is_not_charged(gateway: GatewayProcess) -> None:
    payment = make_payment()
    # And killed before the payment was withdrawn.
    Order.objects.update(state="cancelled", cancelled_at=timezone.now())
    assert pay(payment).attempts == 0
    assert gateway.moved(payment.key) == []
    assert services.settle(payment=payment).state == PaymentState.CANCELLED


def test_a_charge_that_comes_too_late_to_be_taken_is_an_error_in_the_log(
    gateway: GatewayProcess, caplog: pytest.LogCaptureFixture
) -> None:
    payment = pay(make_payment(), DECLINED)
    services._take(payment, services.Approved("ch_x"))
    assert f"payment {payment.key} is charged, but declined here" in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refused", [UNREACHABLE, INVALID])
def test_a_double_click_of_which_one_fails_does_not_cancel_what_the_other_paid(
    gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    payment = make_payment()
    first_asks, second_charged, first_done = (threading.Event() for _ in range(3))
    ask = services.gateway.ask_charge

    def asked_in_turn(**asked: Any) -> services.Outcome:
        if not first_asks.is_set():
            first_asks.set()
            assert second_charged.wait(PATIENCE_S)
            return services.Declined(refused)
        outcome = ask(**asked)
        second_charged.set()
        assert first_done.wait(PATIENCE_S)
        return outcome

    def click() -> str:
        try:
            return pay(payment).state
        finally:
            connection.close()

    monkeypatch.setattr(services.gateway, "ask_charge", asked_in_turn)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(click)
        assert first_asks.wait(PATIENCE_S)
        second = threads.submit(click)
        assert first.result() == PaymentState.UNKNOWN
        first_done.set()
        assert second.result() == PaymentState.APPROVED
    assert gateway.moved(payment.key) == [1000]
    stored = Payment.objects.get()
    assert (stored.state, stored.order.state, stored.attempts) == ("approved", "paid", 2)
