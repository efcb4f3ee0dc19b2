"""A shopper's orders: the list, each order, cancelling, sending back."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Variant
from shopsmart.orders.models import Order, Return
from shopsmart.orders.services import cancel_order, receive_return, refuse_return
from shopsmart.orders.tests.make import make_delivered, make_paid
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.tests.gateway_process import CONFIRM, NEVER, GatewayProcess
from shopsmart.promotions.models import Promotion
from shopsmart.storefront.tests.conftest import MakeStocked
from shopsmart.storefront.tests.reading import said, tag_of, text

AfterCommit = Callable[[], AbstractContextManager[Any]]
ORDERS = "/orders/"

pytestmark = pytest.mark.usefixtures("gateway")


@pytest.fixture
def variant(make_stocked: MakeStocked) -> Variant:
    return make_stocked(90, price="20.00")[0]


@pytest.fixture
def paid(shopper: User, variant: Variant) -> Order:
    return make_paid(shopper, {variant: 3})


@pytest.fixture
def delivered(shopper: User, variant: Variant) -> Order:
    return make_delivered(shopper, {variant: 3})


def page_of(order: Order) -> str:
    return f"/orders/{order.number}/"


# The list -----------------------------------------------------------------------------------


def test_nothing_bought_yet(as_shopper: Client) -> None:
    assert "Nothing bought yet See all products" in text(as_shopper.get(ORDERS))
    assert "None like that" in text(as_shopper.get(ORDERS, {"state": "paid"}))


def test_the_list_tells_orders_apart(
    as_shopper: Client, shopper: User, make_stocked: MakeStocked
) -> None:
    lines = dict.fromkeys((make_stocked(9)[0] for _ in range(3)), 2)
    order = make_paid(shopper, lines)
    seen = text(as_shopper.get(ORDERS))
    assert order.number in seen
    assert "2 × Knife 001, 2 × Knife 002 and 1 more Paid, getting ready €75.00" in seen


def test_the_list_is_narrowed_by_state_and_comes_in_pages(
    as_shopper: Client, shopper: User, variant: Variant
) -> None:
    orders = [make_paid(shopper, {variant: 1}) for _ in range(12)]
    cancel_order(order=orders[0], by=shopper)
    first = as_shopper.get(ORDERS)
    assert "12 orders, page 1 of 2" in text(first)
    assert [order.number for order in first.context["page"]] == [
        order.number for order in reversed(orders[2:])
    ]
    second = as_shopper.get(ORDERS, {"page": "2", "state": "paid"})
    assert "11 orders, page 2 of 2" in text(second)
    assert "?page=1&amp;state=paid" in second.content.decode()
    assert "1 order" in text(as_shopper.get(ORDERS, {"state": "cancelled"}))
    for asked in ({"state": "lost"}, {"page": "3"}, {"page": "x"}, {"page": "0"}):
        assert as_shopper.get(ORDERS, asked).status_code == 404, asked


def test_the_list_asks_as_often_for_many_as_for_one(
    as_shopper: Client,
    shopper: User,
    make_stocked: MakeStocked,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_paid(shopper, {make_stocked(9)[0]: 1})
    # session, user; count, orders, lines, payments; unread; cart and what is in it; categories, counts
    queries = 2 + 4 + 1 + 2 + 2
    with django_assert_num_queries(queries):
        as_shopper.get(ORDERS)
    for _ in range(4):
        make_paid(shopper, dict.fromkeys(make_stocked(9, 9), 2))
    with django_assert_num_queries(queries):
        as_shopper.get(ORDERS)


# One order ----------------------------------------------------------------------------------


def test_an_order_keeps_the_words_and_prices_it_was_bought_at(
    as_shopper: Client, shopper: User, variant: Variant
) -> None:
    Promotion.objects.create(code="TEN", kind="percent", value=10)
    order = make_paid(shopper, {variant: 3}, "TEN")
    variant.product.name, variant.price_amount = "Renamed", 99
    variant.product.save()
    variant.save()
    seen = text(as_shopper.get(page_of(order)))
    assert f"Knife 001 {variant.sku} 3 × €20.00 €60.00" in seen
    assert "Goods €60.00 Code TEN −€6.00 Delivery free Total €54.00" in seen
    assert "Renamed" not in seen


def test_the_way_of_an_order_is_told_with_what_is_to_come(as_shopper: Client, paid: Order) -> None:
    steps = [
        (step.what, step.at is not None) for step in as_shopper.get(page_of(paid)).context["steps"]
    ]
    assert steps == [("Ordered", True), ("Paid", True), ("Sent", False), ("Delivered", False)]


def test_other_peoples_orders_are_not_found(
    as_shopper: Client, paid: Order, admin_client: Client, client: Client
) -> None:
    for way in ("", "cancel/", "return/", "payment/"):
        path = page_of(paid) + way
        assert admin_client.post(path).status_code in (404, 405), path
        assert admin_client.get(path).status_code in (404, 405), path
        assert Client().get(path).status_code in (302, 405), path
    assert Client().get(page_of(paid))["Location"] == f"/account/login/?next={page_of(paid)}"
    assert as_shopper.get("/orders/S-1999-000001/").status_code == 404


def test_an_order_asks_as_often_for_much_as_for_little(
    as_shopper: Client,
    shopper: User,
    make_stocked: MakeStocked,
    django_assert_num_queries: DjangoAssertNumQueries,
    after_commit: AfterCommit,
) -> None:
    small = make_delivered(shopper, {make_stocked(9)[0]: 1})
    # session, user; order, lines, payments, refunds, events, returns; what is left to send back;
    # unread; cart, how many; categories, counts
    queries = 2 + 6 + 1 + 1 + 2 + 2
    with django_assert_num_queries(queries):
        as_shopper.get(page_of(small))
    order = make_delivered(shopper, dict.fromkeys(make_stocked(9, 9, 9), 3))
    for line in order.lines.all():
        as_shopper.post(f"{page_of(order)}return/", {f"line-{line.pk}": "1", "reason": "Broken"})
    with after_commit():
        receive_return(returned=Return.objects.first(), by=None)
    # The lines of the returns, and what those were lines of, come on top once there are returns.
    with django_assert_num_queries(queries + 1):
        page = as_shopper.get(page_of(order))
    assert text(page).count("Waiting for the parcel") == 2


def test_what_can_be_sent_back_asks_as_often_for_much_as_for_little(
    as_shopper: Client,
    shopper: User,
    make_stocked: MakeStocked,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    small = make_delivered(shopper, {make_stocked(9)[0]: 1})
    large = make_delivered(shopper, dict.fromkeys(make_stocked(9, 9, 9), 3))
    # session, user; order, lines, payments, refunds, events, returns; what is left; unread; cart,
    # how many; categories, counts
    for order in (small, large):
        with django_assert_num_queries(2 + 6 + 1 + 1 + 2 + 2):
            as_shopper.get(f"{page_of(order)}return/")


# Cancelling ---------------------------------------------------------------------------------


def test_a_paid_order_is_cancelled_and_the_money_goes_back(
    as_shopper: Client, paid: Order, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    assert "Yes, cancel order" in text(as_shopper.get(page_of(paid)))
    with after_commit():
        response = as_shopper.post(f"{page_of(paid)}cancel/", {"reason": "Changed my mind"})
    assert (response.status_code, response["Location"]) == (302, page_of(paid))
    seen = text(as_shopper.get(page_of(paid)))
    assert "The order is cancelled. What you paid goes back to your card." in seen
    assert "Changed my mind" in seen
    assert "€60.00 given back on" in seen
    assert "Yes, cancel order" not in seen
    assert gateway.moved(Payment.objects.get().key) == [6_000, -6_000]


def test_what_waits_for_the_bank_can_be_cancelled(
    as_shopper: Client, shopper: User, variant: Variant, after_commit: AfterCommit
) -> None:
    order = make_paid(shopper, {variant: 1}, number=CONFIRM)
    assert "Go on with the payment" in text(as_shopper.get(page_of(order)))
    with after_commit():
        as_shopper.post(f"{page_of(order)}cancel/")
    seen = text(as_shopper.get(page_of(order)))
    assert "Cancelled" in seen
    assert "nothing was charged" in seen


def test_what_has_left_the_house_is_not_cancelled(as_shopper: Client, delivered: Order) -> None:
    assert "Cancel this order" not in text(as_shopper.get(page_of(delivered)))
    response = as_shopper.post(f"{page_of(delivered)}cancel/")
    assert said(response) == [
        f"Order {delivered.number} is delivered: it can't be cancelled any more."
    ]
    assert Order.objects.get().state == "delivered"


def test_too_long_a_reason_is_refused_beside_its_field(as_shopper: Client, paid: Order) -> None:
    page = as_shopper.post(f"{page_of(paid)}cancel/", {"reason": "x" * 201})
    assert page.status_code == 200
    assert "<details open>" in page.content.decode()
    assert 'aria-invalid="true"' in tag_of(page, "reason")
    assert Order.objects.get().state == "paid"
    assert as_shopper.get(f"{page_of(paid)}cancel/").status_code == 405


# Sending back -------------------------------------------------------------------------------


def test_some_of_an_order_is_sent_back(
    as_shopper: Client, delivered: Order, gateway: GatewayProcess, after_commit: AfterCommit
) -> None:
    assert "Send something back until" in text(as_shopper.get(page_of(delivered)))
    line = delivered.lines.get()
    asked = {f"line-{line.pk}": "2", "reason": "A crack"}
    response = as_shopper.post(f"{page_of(delivered)}return/", asked)
    assert (response.status_code, response["Location"]) == (302, page_of(delivered))
    assert "2 × Knife 001" in text(as_shopper.get(page_of(delivered)))
    with after_commit():
        receive_return(returned=Return.objects.get(), by=None)
    seen = text(as_shopper.get(page_of(delivered)))
    assert "Here, €40.00 given back" in seen
    assert gateway.moved(Payment.objects.get().key) == [6_000, -4_000]
    # One of three is left.
    form = as_shopper.get(f"{page_of(delivered)}return/").context["form"]
    assert [value for value, _ in form.fields[f"line-{line.pk}"].choices] == ["", "1"]


def test_what_was_refused_says_why(as_shopper: Client, delivered: Order) -> None:
    asked = {f"line-{delivered.lines.get().pk}": "3", "reason": "A crack"}
    as_shopper.post(f"{page_of(delivered)}return/", asked)
    assert "Send something back" not in text(as_shopper.get(page_of(delivered)))
    assert "all of it is announced" in text(as_shopper.get(f"{page_of(delivered)}return/"))
    refuse_return(returned=Return.objects.get(), by=None, note="It was used as a saw.")
    seen = text(as_shopper.get(page_of(delivered)))
    assert "Our answer: It was used as a saw. Refused" in seen
    assert "Send something back" in seen


@pytest.mark.parametrize(
    ("pieces", "reason", "field", "word"),
    [
        ("", "A crack", "__all__", "Choose what you send back."),
        ("4", "A crack", "line", "not one of the available"),
        ("-1", "A crack", "line", "not one of the available"),
        ("x", "A crack", "line", "not one of the available"),
        ("1", "", "reason", "required"),
        ("1", "x" * 201, "reason", "at most 200"),
    ],
)
def test_a_return_that_can_not_be_is_refused_and_kept(
    as_shopper: Client, delivered: Order, pieces: str, reason: str, field: str, word: str
) -> None:
    name = f"line-{delivered.lines.get().pk}"
    page = as_shopper.post(f"{page_of(delivered)}return/", {name: pieces, "reason": reason})
    assert page.status_code == 200
    errors = page.context["form"].errors
    assert list(errors) == [name if field == "line" else field]
    assert word in str(errors)
    assert word in text(page)
    assert "<title>Error:" in page.content.decode()
    assert reason in page.content.decode()
    assert not Return.objects.exists()


def test_nothing_is_sent_back_before_it_was_sent_or_after_thirty_days(
    as_shopper: Client, paid: Order, shopper: User, variant: Variant
) -> None:
    late = make_delivered(shopper, {variant: 1})
    long_ago = timezone.now() - timedelta(days=31)
    Order.objects.filter(pk=late.pk).update(delivered_at=long_ago)
    for order in (paid, late):
        assert "Send something back" not in text(as_shopper.get(page_of(order)))
        page = as_shopper.get(f"{page_of(order)}return/")
        assert "Nothing of this order can be sent back" in text(page)
        asked = {f"line-{order.lines.get().pk}": "1", "reason": "A crack"}
        response = as_shopper.post(f"{page_of(order)}return/", asked)
        assert response.status_code == 302
        assert order.number in said(response)[-1]
    assert not Return.objects.exists()


def test_a_refund_that_is_refused_is_not_passed_over(as_shopper: Client, paid: Order) -> None:
    payment = Payment.objects.get()
    Refund.objects.create(
        payment=payment,
        amount=5,
        reason="Goodwill",
        state="refused",
        refusal_code="card_closed",
        settled_at=timezone.now(),
    )
    assert "€5.00 could not be given back to this card." in text(as_shopper.get(page_of(paid)))


def test_hostile_words_stay_words(as_shopper: Client, delivered: Order) -> None:
    hostile = '<script>alert("x")</script>{{ 7|add:7 }}'
    name = f"line-{delivered.lines.get().pk}"
    as_shopper.post(f"{page_of(delivered)}return/", {name: "1", "reason": hostile})
    page = as_shopper.get(page_of(delivered)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert as_shopper.get("/orders/%3Cscript%3E/").status_code == 404
    assert as_shopper.get("/orders/a%00b/").status_code == 404


def test_an_order_that_nobody_knows_about_can_still_be_cancelled(
    as_shopper: Client,
    shopper: User,
    variant: Variant,
    after_commit: AfterCommit,
    settings: Settings,
) -> None:
    patience = settings.CARD_GATEWAY_READ_TIMEOUT
    settings.CARD_GATEWAY_READ_TIMEOUT = 1
    order = make_paid(shopper, {variant: 1}, number=NEVER)
    settings.CARD_GATEWAY_READ_TIMEOUT = patience
    with after_commit():
        as_shopper.post(f"{page_of(order)}cancel/")
    assert "Cancelled" in text(as_shopper.get(page_of(order)))
    assert Payment.objects.get().state == "cancelled"
