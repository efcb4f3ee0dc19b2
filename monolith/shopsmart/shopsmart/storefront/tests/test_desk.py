"""The order desk: who may see it, its queues, and what is done there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Variant
from shopsmart.notifications.models import Notification
from shopsmart.orders.models import Order, Return
from shopsmart.orders.services import request_return, ship_order
from shopsmart.orders.tests.make import make_delivered, make_paid
from shopsmart.payments.models import Payment
from shopsmart.payments.tests.gateway_process import GatewayProcess
from shopsmart.storefront.tests.conftest import MakeStocked
from shopsmart.storefront.tests.reading import said, tag_of, text

AfterCommit = Callable[[], AbstractContextManager[Any]]
DESK = "/desk/"

pytestmark = pytest.mark.usefixtures("gateway")


@pytest.fixture
def variant(make_stocked: MakeStocked) -> Variant:
    return make_stocked(90, price="20.00")[0]


@pytest.fixture
def paid(shopper: User, variant: Variant) -> Order:
    return make_paid(shopper, {variant: 3})


@pytest.fixture
def announced(shopper: User, variant: Variant) -> Return:
    order = make_delivered(shopper, {variant: 3})
    return request_return(order=order, lines={order.lines.get(): 2}, reason="A crack", by=shopper)


def clerk(*permissions: str) -> Client:
    user = User.objects.create_user(
        f"clerk{User.objects.count()}", f"c{User.objects.count()}@example.org", is_staff=True
    )
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def as_clerk(db: None) -> Client:
    """Somebody who works at the desk."""
    return clerk("view_order", "change_order")


def page_of(order: Order) -> str:
    return f"/desk/{order.number}/"


# Who may ------------------------------------------------------------------------------------


def test_the_desk_is_for_those_who_work_there(
    as_shopper: Client, paid: Order, announced: Return, client: Client
) -> None:
    looks = [DESK, page_of(paid)]
    does = [
        f"{page_of(paid)}ship/",
        f"{page_of(paid)}deliver/",
        f"/desk/returns/{announced.pk}/receive/",
        f"/desk/returns/{announced.pk}/refuse/",
    ]
    looker = clerk("view_order")
    for path in looks:
        assert Client().get(path)["Location"].startswith("/account/login/?next=/desk/")
        assert looker.get(path).status_code == 200
        for stranger in (as_shopper, clerk()):
            refused = stranger.get(path)
            assert refused.status_code == 403
            assert "This door is for staff" in text(refused)
    for path in does:
        assert Client().post(path)["Location"].startswith("/account/login/")
        for stranger in (as_shopper, clerk(), looker):
            assert stranger.post(path, {"note": "x"}).status_code == 403, path
        assert clerk("view_order", "change_order").get(path).status_code == 405
    paid.refresh_from_db()
    announced.refresh_from_db()
    assert (paid.state, announced.state) == ("paid", "requested")
    assert "It has left the house" not in text(looker.get(page_of(paid)))


def test_only_those_who_may_are_shown_the_way(as_shopper: Client, as_clerk: Client) -> None:
    assert "Order desk" in text(as_clerk.get("/account/"))
    assert "Order desk" not in text(as_shopper.get("/account/"))
    assert "Order desk" not in text(clerk().get("/account/"))


# The queues ---------------------------------------------------------------------------------


def test_each_queue_holds_what_waits_in_it_the_longest_first(
    as_clerk: Client, shopper: User, variant: Variant, announced: Return
) -> None:
    first, second, gone = (make_paid(shopper, {variant: 1}) for _ in range(3))
    ship_order(order=gone, by=None)

    def numbers(**asked: str) -> list[str]:
        return [
            getattr(one, "order", one).number for one in as_clerk.get(DESK, asked).context["page"]
        ]

    assert numbers() == [first.number, second.number]
    assert numbers(show="on-the-way") == [gone.number]
    assert numbers(show="returns") == [announced.order.number]
    for asked in ({"show": "lost"}, {"page": "2"}):
        assert as_clerk.get(DESK, asked).status_code == 404


def test_an_empty_queue_says_so(as_clerk: Client) -> None:
    for show in ("to-send", "on-the-way", "returns"):
        assert "Nothing waits here" in text(as_clerk.get(DESK, {"show": show}))


def test_an_order_is_found_by_its_number(as_clerk: Client, paid: Order) -> None:
    response = as_clerk.get(DESK, {"number": f" {paid.number.lower()} "})
    assert response["Location"] == page_of(paid)
    for typed in ("S-1", "", "a\x00b", "x" * 41):
        response = as_clerk.get(DESK, {"number": typed})
        assert response["Location"] == DESK
        assert said(response)[-1] == f"There is no order “{typed[:40]}”."
    assert as_clerk.get("/desk/S-1/").status_code == 404


@pytest.mark.parametrize("show", ["to-send", "returns"])
def test_a_queue_asks_as_often_for_many_as_for_one(
    as_clerk: Client,
    shopper: User,
    variant: Variant,
    django_assert_num_queries: DjangoAssertNumQueries,
    show: str,
) -> None:
    def wait() -> None:
        make_paid(shopper, {variant: 1})
        order = make_delivered(shopper, {variant: 1})
        request_return(order=order, lines={order.lines.get(): 1}, reason="A crack", by=None)

    wait()
    # session, user, own and group's permissions; count, the rows with their lines (and payments);
    # unread; cart; categories, counts
    queries = 4 + (4 if show == "to-send" else 3) + 1 + 1 + 2
    with django_assert_num_queries(queries):
        as_clerk.get(DESK, {"show": show})
    for _ in range(3):
        wait()
    with django_assert_num_queries(queries):
        as_clerk.get(DESK, {"show": show})


def test_an_order_asks_as_often_for_much_as_for_little(
    as_clerk: Client,
    shopper: User,
    make_stocked: MakeStocked,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    def announce(*counts: int) -> Order:
        order = make_delivered(shopper, dict.fromkeys(make_stocked(*counts), 2))
        for line in order.lines.all():
            request_return(order=order, lines={line: 1}, reason="A crack", by=None)
        return order

    small, large = announce(9), announce(9, 9, 9)
    # session, user, own and group's permissions; order, lines, payments, refunds, events, returns,
    # their lines; unread; cart; categories, counts
    for order in (small, large):
        with django_assert_num_queries(4 + 7 + 1 + 1 + 2):
            as_clerk.get(page_of(order))


# What is done there -------------------------------------------------------------------------


def test_an_order_is_sent_and_arrives_and_the_shopper_is_told(
    as_clerk: Client, as_shopper: Client, paid: Order
) -> None:
    response = as_clerk.post(f"{page_of(paid)}ship/", {"note": "Parcel 4711"})
    assert (response.status_code, response["Location"]) == (302, f"{DESK}?show=to-send")
    assert said(response) == [f"Order {paid.number} is on its way. The shopper is told."]
    seen = text(as_shopper.get(f"/orders/{paid.number}/"))
    assert "On its way" in seen
    assert "Parcel 4711" in seen
    response = as_clerk.post(f"{page_of(paid)}deliver/")
    assert response["Location"] == f"{DESK}?show=on-the-way"
    assert "Delivered" in text(as_shopper.get(f"/orders/{paid.number}/"))
    assert {"order_shipped", "order_delivered"} <= set(
        Notification.objects.values_list("kind", flat=True)
    )


def test_a_step_that_came_too_late_says_so(as_clerk: Client, paid: Order) -> None:
    response = as_clerk.post(f"{page_of(paid)}deliver/")
    assert response["Location"] == page_of(paid)
    assert said(response) == [f"Order {paid.number} is paid: it can't be delivered any more."]
    ship_order(order=paid, by=None)
    response = as_clerk.post(f"{page_of(paid)}ship/")
    assert said(response)[-1] == f"Order {paid.number} is shipped: it can't be shipped any more."


def test_too_long_a_note_is_refused_beside_its_field(as_clerk: Client, paid: Order) -> None:
    page = as_clerk.post(f"{page_of(paid)}ship/", {"note": "x" * 201})
    assert page.status_code == 200
    assert 'aria-invalid="true"' in tag_of(page, "note")
    assert "<title>Error:" in page.content.decode()
    assert Order.objects.get().state == "paid"


def test_a_return_is_received_and_the_money_goes_back(
    as_clerk: Client, announced: Return, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    assert "2 × Knife 001" in text(as_clerk.get(page_of(announced.order)))
    url = f"/desk/returns/{announced.pk}/receive/"
    with after_commit():
        response = as_clerk.post(url)
    assert response["Location"] == page_of(announced.order)
    assert "Here, €40.00 given back" in text(as_clerk.get(page_of(announced.order)))
    assert gateway.moved(Payment.objects.get().key) == [6_000, -4_000]
    assert said(as_clerk.post(url))[-1] == "This return was received already."
    assert as_clerk.post("/desk/returns/999/receive/").status_code == 404


def test_a_return_is_refused_with_a_reason(
    as_clerk: Client, as_shopper: Client, announced: Return
) -> None:
    url = reverse("storefront:refuse", args=[announced.pk])
    page = as_clerk.post(url, {"note": ""})
    assert page.status_code == 200
    assert "<details open>" in page.content.decode()
    assert 'aria-invalid="true"' in tag_of(page, "note")
    response = as_clerk.post(url, {"note": "It was used."})
    assert response["Location"] == page_of(announced.order)
    assert "It was used." in text(as_shopper.get(f"/orders/{announced.order.number}/"))
    assert said(as_clerk.post(url, {"note": "Again."}))[-1] == "This return was refused already."
