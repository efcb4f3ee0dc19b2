"""Sending things back: what comes back, to whom its money goes, and that it adds up to the cent."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import F

from shopsmart.accounts.models import User
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import assert_books_agree, make_stocked, stock_of
from shopsmart.notifications.models import Notification
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order, OrderLine, Return
from shopsmart.orders.selectors import returnable
from shopsmart.orders.services import (
    deliver_order,
    receive_return,
    refuse_return,
    request_return,
    ship_order,
)
from shopsmart.orders.states import OrderState, ReturnState
from shopsmart.orders.tests.make import make_delivered, make_paid, moved
from shopsmart.payments import services as payments
from shopsmart.payments.tests.gateway_process import GatewayProcess
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db

AfterCommit = Callable[[], Any]


@pytest.fixture
def ada() -> User:
    return make_user()


def line_of(order: Order, sku: str) -> OrderLine:
    return order.lines.get(sku=sku)


def send_back(order: Order, **pieces: int) -> Return:
    """Announce so many pieces of the order's lines, by the names of their products."""
    lines = {order.lines.get(product_name=name): count for name, count in pieces.items()}
    return request_return(order=order, lines=lines, reason="Too small.", by=order.user)


def test_all_of_it_comes_back(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    pot = make_stocked("Pot", 5)
    order = make_delivered(ada, {pot: 2})
    returned = send_back(order, Pot=2)
    assert returned.state == ReturnState.REQUESTED
    assert stock_of(pot) == (3, 0)
    staff = make_user("staff")
    with after_commit():
        returned = receive_return(returned=returned, by=staff)
    assert (returned.state, returned.refund_amount) == (ReturnState.RECEIVED, order.total)
    assert moved(gateway, order) == [order.total, -order.total]
    order.refresh_from_db()
    assert order.state == OrderState.RETURNED
    assert stock_of(pot) == (5, 0)
    kinds = Notification.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds)[-2:] == ["return_received", "refunded"]
    assert_books_agree()
    with pytest.raises(WrongState, match="received already"):
        receive_return(returned=returned, by=staff)
    with pytest.raises(WrongState, match="nothing can be sent back"):
        send_back(order, Pot=1)


def test_parts_come_back_one_by_one_and_add_up_to_the_cent(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    make_promotion("SEVEN", amount="7.00")
    pot, cup = make_stocked("Pot", 9, "3.33"), make_stocked("Cup", 9, "9.99")
    order = make_delivered(ada, {pot: 7, cup: 1}, code="SEVEN")
    assert (order.subtotal, order.total) == (Decimal("33.30"), Decimal("31.20"))
    for _ in range(7):
        with after_commit():
            receive_return(returned=send_back(order, Pot=1), by=None)
        order.refresh_from_db()
        assert order.state == OrderState.DELIVERED
    back = [-amount for amount in moved(gateway, order)[1:]]
    assert set(back) <= {Decimal("2.63"), Decimal("2.62")}
    assert sum(back) == Decimal("18.41") == order.lines.first().paid
    with after_commit():
        last = receive_return(returned=send_back(order, Cup=1), by=None)
    assert last.refund_amount == order.lines.last().paid + order.shipping
    assert sum(moved(gateway, order)) == 0
    order.refresh_from_db()
    assert order.state == OrderState.RETURNED
    assert (stock_of(pot), stock_of(cup)) == ((9, 0), (9, 0))
    assert_books_agree()


def test_two_announced_returns_may_arrive_in_any_order(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    pot = make_stocked("Pot", 9, "3.33")
    order = make_delivered(ada, {pot: 3})
    first, second = send_back(order, Pot=1), send_back(order, Pot=2)
    with after_commit():
        receive_return(returned=second, by=None)
        receive_return(returned=first, by=None)
    assert sum(moved(gateway, order)) == 0


def test_no_more_comes_back_than_went_out(ada: User, gateway: GatewayProcess) -> None:
    order = make_delivered(ada, {make_stocked("Pot"): 3, make_stocked("Cup"): 1})
    send_back(order, Pot=2)
    pot, cup = order.lines.get(product_name="Pot"), order.lines.get(product_name="Cup")
    assert returnable(order) == {pot: 1, cup: 1}
    for pieces in ({pot: 2}, {pot: 0}, {pot: -1}, {}):
        with pytest.raises(ValidationError) as caught:
            request_return(order=order, lines=pieces, reason="No.", by=ada)
        assert set(caught.value.message_dict) == {"lines"}
    strange = make_delivered(make_user("ben"), {make_stocked("Lid"): 1}).lines.get()
    with pytest.raises(ValidationError, match="0 at most"):
        request_return(order=order, lines={strange: 1}, reason="No.", by=ada)
    assert Return.objects.count() == 1


@pytest.mark.parametrize("reason", ["", "x" * 201])
def test_a_return_has_a_reason(ada: User, gateway: GatewayProcess, reason: str) -> None:
    order = make_delivered(ada)
    with pytest.raises(ValidationError) as caught:
        request_return(order=order, lines={order.lines.get(): 1}, reason=reason, by=ada)
    assert set(caught.value.message_dict) == {"reason"}


def test_a_refused_return_gives_nothing_and_may_be_tried_again(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    pot = make_stocked("Pot", 5)
    order = make_delivered(ada, {pot: 1})
    with after_commit():
        refused = refuse_return(returned=send_back(order, Pot=1), by=None, note="It was broken.")
    assert (refused.state, refused.note) == (ReturnState.REFUSED, "It was broken.")
    assert moved(gateway, order) == [order.total]
    assert stock_of(pot) == (4, 0)
    with pytest.raises(WrongState, match="refused already"):
        receive_return(returned=refused, by=None)
    assert send_back(order, Pot=1).state == ReturnState.REQUESTED
    assert Notification.objects.filter(kind="return_refused").count() == 1


def test_what_is_not_shipped_cannot_come_back(ada: User, gateway: GatewayProcess) -> None:
    order = make_paid(ada, {make_stocked("Pot"): 1})
    with pytest.raises(WrongState, match="is paid"):
        send_back(order, Pot=1)
    order = ship_order(order=order, by=None)
    assert send_back(order, Pot=1).state == ReturnState.REQUESTED


@pytest.mark.parametrize("column", ["delivered_at", "shipped_at"])
def test_thirty_days_begin_when_it_arrived_or_else_left(
    ada: User, gateway: GatewayProcess, column: str
) -> None:
    order = ship_order(order=make_paid(ada, {make_stocked("Pot"): 2}), by=None)
    if column == "delivered_at":
        Order.objects.update(shipped_at=F("shipped_at") - timedelta(days=40))
        order = deliver_order(order=order, by=None)
    Order.objects.update(**{column: F(column) - timedelta(days=29, hours=23)})
    assert send_back(order, Pot=1)
    Order.objects.update(**{column: F(column) - timedelta(hours=2)})
    with pytest.raises(WrongState, match="after 30 days"):
        send_back(order, Pot=1)


def test_what_staff_gave_back_before_is_not_given_twice(
    ada: User, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    order = make_delivered(ada, {make_stocked("Pot"): 1})
    refund = payments.open_refund(
        payment=order.payments.get(), amount=order.total - 1, reason="Sorry."
    )
    payments.settle_refund(refund=refund)
    with after_commit():
        returned = receive_return(returned=send_back(order, Pot=1), by=None)
    assert returned.refund_amount == 1
    assert sum(moved(gateway, order)) == 0
