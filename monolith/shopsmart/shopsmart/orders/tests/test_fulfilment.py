"""Cancelling, shipping and delivering: what may follow what, and where stock and money go."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.cart.models import Cart
from shopsmart.cart.tests.make import contents, make_cart
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import assert_books_agree, make_order, make_stocked, stock_of
from shopsmart.notifications.models import Notification
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order
from shopsmart.orders.services import (
    cancel_order,
    deliver_order,
    ship_order,
    take_outcome,
)
from shopsmart.orders.services.steps import move
from shopsmart.orders.states import TRANSITIONS, OrderState, may_become
from shopsmart.orders.tests.make import buy, make_paid, moved
from shopsmart.payments import services as payments
from shopsmart.payments.states import PaymentState, RefundState
from shopsmart.payments.tests.gateway_process import BROKEN, CONFIRM, GatewayProcess
from shopsmart.promotions.models import Redemption
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db

AfterCommit = Callable[[], Any]


@pytest.fixture
def ada() -> User:
    return make_user()


# The table of states -------------------------------------------------------------------------


def test_the_table_knows_every_state_and_the_ends_are_ends() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    ends = {state for state, nexts in TRANSITIONS.items() if not nexts}
    assert ends == {OrderState.CANCELLED, OrderState.RETURNED}


@pytest.mark.parametrize("to", OrderState)
@pytest.mark.parametrize("state", OrderState)
def test_only_the_steps_of_the_table_are_taken(
    ada: User, state: OrderState, to: OrderState
) -> None:
    order = make_order(ada, state=state, **times_of(state))
    if may_become(state, to):
        move(order, to)
        assert Order.objects.get().state == to
        assert order.events.get().state == to
    else:
        with pytest.raises(WrongState, match=f"is {state}"):
            move(order, to)
        assert Order.objects.get().state == state
        assert not order.events.exists()


def times_of(state: OrderState) -> dict[str, Any]:
    now = timezone.now()
    known = {
        OrderState.PLACED: [],
        OrderState.PAID: ["paid_at"],
        OrderState.SHIPPED: ["paid_at", "shipped_at"],
        OrderState.DELIVERED: ["paid_at", "shipped_at", "delivered_at"],
        OrderState.CANCELLED: ["cancelled_at"],
        OrderState.RETURNED: ["paid_at", "shipped_at"],
    }
    return dict.fromkeys(known[state], now)


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("column", ["paid_at", "shipped_at", "delivered_at", "cancelled_at"])
def test_the_database_refuses_times_that_do_not_fit(
    ada: User, state: OrderState, column: str
) -> None:
    order = make_order(ada, state=state, **times_of(state))
    loose = {(OrderState.CANCELLED, "paid_at"), (OrderState.RETURNED, "delivered_at")}
    other = None if getattr(order, column) else timezone.now()
    change = Order.objects.filter(pk=order.pk)
    if (state, column) in loose:
        change.update(**{column: other})
    else:
        with pytest.raises(IntegrityError), transaction.atomic():
            change.update(**{column: other})


@pytest.mark.parametrize(
    "change",
    [
        {"state": "lost"},
        {"total": Decimal("10.01")},
        {"subtotal": Decimal(-1), "total": Decimal(-1)},
        {"discount": Decimal(11), "shipping": Decimal(11)},
        {"currency": "EURO"[:2]},
    ],
)
def test_the_database_refuses_an_order_that_cannot_be(ada: User, change: dict[str, Any]) -> None:
    order = make_order(ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**change)


# Cancelling ----------------------------------------------------------------------------------


def test_a_paid_order_is_cancelled_with_its_money_and_its_stock(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    make_promotion("ONCE", usage_limit=1)
    pot = make_stocked("Pot", 5)
    order = make_paid(ada, {pot: 2}, code="ONCE")
    with after_commit():
        order = cancel_order(order=order, by=ada, reason="Too many pots.")
    assert order.state == OrderState.CANCELLED
    assert moved(gateway, order) == [order.total, -order.total]
    assert order.payments.get().refunds.get().state == RefundState.DONE
    assert stock_of(pot) == (5, 0)
    assert not Redemption.objects.exists()
    assert contents(Cart.objects.get()) == {}
    event = order.events.last()
    assert event is not None
    assert (event.state, event.by, event.note) == ("cancelled", ada, "Too many pots.")
    told = Notification.objects.values_list("kind", flat=True).order_by("id")
    assert list(told)[-2:] == ["order_cancelled", "refunded"]
    assert_books_agree()
    with pytest.raises(WrongState, match="is cancelled"):
        cancel_order(order=order, by=ada)


def test_an_order_that_waits_for_its_holder_is_cancelled_at_the_gateway_too(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    pot = make_stocked("Pot", 5)
    order = make_paid(ada, {pot: 2}, number=CONFIRM)
    url = order.payments.get().confirmation_url
    with after_commit():
        cancel_order(order=order, by=ada)
    assert order.payments.get().state == PaymentState.CANCELLED
    gateway.answer(url, "yes")
    assert moved(gateway, order) == []
    assert stock_of(pot) == (5, 0)
    assert contents(Cart.objects.get()) == {}
    assert_books_agree()


def test_money_that_was_faster_than_the_cancelling_comes_back(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    pot = make_stocked("Pot", 5)
    order = make_paid(ada, {pot: 2}, number=BROKEN)
    assert order.state == OrderState.PLACED
    cancelled = cancel_order(order=order, by=ada)  # the process dies before it asks the gateway
    assert moved(gateway, order) == [order.total]
    with after_commit():
        payment = payments.settle(payment=order.payments.get())  # as settle_payments does
    with after_commit():
        assert take_outcome(payment=payment).state == OrderState.CANCELLED
    assert moved(gateway, order) == [order.total, -order.total]
    assert stock_of(pot) == (5, 0)
    assert cancelled.events.count() == 2
    assert_books_agree()


def test_what_staff_gave_back_before_is_not_given_twice(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    order = make_paid(ada)
    refund = payments.open_refund(
        payment=order.payments.get(), amount=Decimal("3.00"), reason="Sorry."
    )
    payments.settle_refund(refund=refund)
    with after_commit():
        cancel_order(order=order, by=None)
    assert moved(gateway, order) == [order.total, Decimal(-3), 3 - order.total]


def test_an_outcome_is_taken_once(ada: User, gateway: GatewayProcess) -> None:
    pot = make_stocked("Pot", 5)
    order = make_paid(ada, {pot: 2})
    payment = order.payments.get()
    for _ in range(3):
        assert take_outcome(payment=payment).state == OrderState.PAID
    assert stock_of(pot) == (3, 0)
    assert order.events.count() == 2
    assert Notification.objects.count() == 2


# Shipping ------------------------------------------------------------------------------------


def test_an_order_goes_its_way(ada: User, gateway: GatewayProcess) -> None:
    staff = make_user("staff", is_staff=True)
    order = ship_order(order=make_paid(ada), by=staff, note="Parcel 17")
    with pytest.raises(WrongState, match="is shipped"):
        cancel_order(order=order, by=ada)
    order = deliver_order(order=order, by=staff)
    events = order.events.values_list("state", "by", "note")
    assert list(events)[2:] == [("shipped", staff.pk, "Parcel 17"), ("delivered", staff.pk, "")]
    kinds = Notification.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds)[2:] == ["order_shipped", "order_delivered"]


def test_what_is_not_paid_is_not_shipped(ada: User, gateway: GatewayProcess) -> None:
    make_cart(ada, {make_stocked(): 1})
    order = buy(ada, CONFIRM)
    for step in (ship_order, deliver_order):
        with pytest.raises(WrongState, match="is placed"):
            step(order=order, by=None)
