"""Orders and returns in the admin: staff take steps, and type nothing over."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.orders.admin import OrderAdmin
from shopsmart.orders.models import Order
from shopsmart.orders.services import request_return, ship_order
from shopsmart.orders.tests.make import make_delivered, make_paid, moved
from shopsmart.payments.tests.gateway_process import GatewayProcess

pytestmark = pytest.mark.django_db

ORDERS = "/admin/orders/order/"
RETURNS = "/admin/orders/return/"


@pytest.fixture
def ada() -> User:
    return make_user()


def act(staff: Client, page: str, action: str, *rows: Any) -> str:
    """Do something to rows of a list; gives the page that follows."""
    sent = {"action": action, "_selected_action": [row.pk for row in rows], "index": 0}
    return staff.post(page, sent, follow=True).content.decode()


def test_orders_go_their_way_by_actions(
    admin_client: Client, ada: User, gateway: GatewayProcess, after_commit: Callable[[], Any]
) -> None:
    first, second, third = (make_paid(ada) for _ in range(3))
    assert "2 shipped" in act(admin_client, ORDERS, "ship", first, second)
    page = act(admin_client, ORDERS, "deliver", first, third)
    assert "1 delivered" in page
    assert f"Order {third.number} is paid" in page
    with after_commit():
        page = act(admin_client, ORDERS, "cancel", second, third)
    assert "1 cancelled" in page
    assert moved(gateway, third) == [third.total, -third.total]
    states = Order.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["delivered", "shipped", "cancelled"]
    event = first.events.last()
    assert event is not None
    assert event.by == User.objects.get(is_superuser=True)


def test_returns_are_taken_back(
    admin_client: Client, ada: User, gateway: GatewayProcess, after_commit: Callable[[], Any]
) -> None:
    order = make_delivered(ada)
    returned = request_return(order=order, lines={order.lines.get(): 1}, reason="x", by=ada)
    assert "line" in admin_client.get(f"{RETURNS}{returned.pk}/change/").content.decode()
    with after_commit():
        assert "1 taken back" in act(admin_client, RETURNS, "receive", returned)
    assert "received already" in act(admin_client, RETURNS, "receive", returned)
    assert sum(moved(gateway, order)) == 0


def test_nothing_is_typed_over(admin_client: Client, ada: User, gateway: GatewayProcess) -> None:
    order = make_paid(ada)
    page = admin_client.get(f"{ORDERS}{order.pk}/change/").content.decode()
    assert order.number in page
    assert "<input" not in page.partition('id="content-main"')[2].partition("submit-row")[
        0
    ].replace('<input type="hidden"', "")
    sent = {"total": "1.00", "state": "delivered", "lines-TOTAL_FORMS": 0, "lines-INITIAL_FORMS": 0}
    admin_client.post(f"{ORDERS}{order.pk}/change/", sent)
    order.refresh_from_db()
    assert (order.state, order.total) == ("paid", Decimal("14.90"))
    for page in (f"{ORDERS}add/", f"{ORDERS}{order.pk}/delete/"):
        assert admin_client.get(page).status_code == 403


def test_a_form_that_is_sent_late_takes_no_step_back(
    admin_client: Client, ada: User, gateway: GatewayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make_paid(ada)
    read = OrderAdmin.get_object

    def read_and_shipped(self: OrderAdmin, *args: Any) -> Order | None:
        found = read(self, *args)
        if order.state == "paid":
            order.state = ship_order(order=order, by=ada).state
        return found

    monkeypatch.setattr(OrderAdmin, "get_object", read_and_shipped)
    parts = {
        f"{part}-{count}_FORMS": 0 for part in ("lines", "events") for count in ("TOTAL", "INITIAL")
    }
    assert admin_client.post(f"{ORDERS}{order.pk}/change/", parts).status_code == 302
    order.refresh_from_db()
    assert order.state == "shipped"


def test_who_may_only_look_takes_no_step(ada: User, gateway: GatewayProcess) -> None:
    looker = make_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_order"))
    client = Client()
    client.force_login(looker)
    order = make_paid(ada)
    assert order.number in client.get(ORDERS).content.decode()
    act(client, ORDERS, "ship", order)
    order.refresh_from_db()
    assert order.state == "paid"


@pytest.mark.parametrize("page", [ORDERS, RETURNS])
def test_a_list_costs_the_same_however_long(
    admin_client: Client, ada: User, gateway: GatewayProcess, page: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    counts = []
    pot = make_stocked("Pot", 99)
    for number in (1, 5):
        for _ in range(number):
            order = make_delivered(ada, {pot: 1})
            request_return(order=order, lines={order.lines.get(): 1}, reason="x", by=ada)
        with django_assert_max_num_queries(10) as seen:
            assert admin_client.get(page).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
