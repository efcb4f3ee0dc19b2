"""Payments over HTTP: one's own, all of them for who looks after them, and refunds."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.catalog.tests.make import make_user
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.services import open_refund
from shopsmart.payments.tests.gateway_process import (
    CONFIRM,
    DECLINED,
    REFUNDS_REFUSED,
    GatewayProcess,
)
from shopsmart.payments.tests.make import make_approved, make_payment, pay

pytestmark = pytest.mark.django_db

URL = "/api/payments/"
NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def ada(client: Client) -> User:
    ada = make_user("ada")
    client.force_login(ada)
    return ada


@pytest.fixture
def clerk() -> Client:
    """Logged in as somebody of the accounts department."""
    clerk = make_user("clerk", is_staff=True)
    wanted = ["view_payment", "view_refund", "add_refund"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client = Client()
    client.force_login(clerk)
    return client


def refund(client: Client, payment: Payment, key: str = "", **body: Any) -> Any:
    return client.post(
        f"{URL}{payment.key}/refunds/",
        {"amount": "4.00", "reason": "Broken on arrival.", **body},
        content_type="application/json",
        headers={"Idempotency-Key": key or str(uuid4())},
    )


def test_a_shopper_sees_their_own_payments_newest_first(client: Client, ada: User) -> None:
    first, second = (
        make_approved("10.00", ada, card_brand="visa", card_last4="4242"),
        make_payment("2.50", ada),
    )
    make_payment(user=make_user("ben"))
    answer = client.get(URL)
    assert answer.headers["Cache-Control"] == "private, no-store"
    found = answer.json()
    assert [row["key"] for row in found["results"]] == [str(second.key), str(first.key)]
    assert found["results"][1] == client.get(f"{URL}{first.key}/").json()
    shown = found["results"][1]
    for time in ("created_at", "settled_at"):
        assert shown.pop(time).endswith("Z")
    assert shown == {
        "key": str(first.key),
        "order": first.order.number,
        "amount": {"amount": "10.00", "currency": "EUR"},
        "refunded": "0.00",
        "state": "approved",
        "card": {"brand": "visa", "last4": "4242"},
        "decline_code": "",
        "failed_because": "",
        "confirmation_url": "",
        "refunds": [],
    }


def test_why_it_failed_is_told_in_words(client: Client, ada: User, gateway: GatewayProcess) -> None:
    payment = pay(make_payment(user=ada), DECLINED)
    shown = client.get(f"{URL}{payment.key}/").json()
    assert (shown["decline_code"], shown["failed_because"]) == (
        "insufficient_funds", "There is not enough money on the card"
    )  # fmt: skip


def test_a_list_can_be_narrowed(client: Client, ada: User) -> None:
    approved, pending = make_approved(user=ada), make_payment(user=ada)
    keys = lambda query: [row["key"] for row in client.get(URL + query).json()["results"]]  # noqa: E731
    assert keys("?state=approved") == [str(approved.key)]
    assert keys(f"?order={pending.order.number}") == [str(pending.key)]
    assert keys("?order=none") == []
    wrong = client.get(URL + "?state=paid&page=0")
    assert (wrong.status_code, set(wrong.json())) == (400, {"state"})


@pytest.mark.parametrize("who", ["nobody", "ben"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("post", "confirm/"), ("get", "refunds/"), ("post", "refunds/")],
)
def test_other_peoples_payments_are_not_there(who: str, method: str, path: str) -> None:
    payment, client = make_approved(user=make_user("ada")), Client()
    if who == "ben":
        client.force_login(make_user("ben"))
    answer = getattr(client, method)(f"{URL}{payment.key}/{path}")
    assert answer.status_code == (
        401 if who == "nobody" else 403 if method + path == "postrefunds/" else 404
    )
    assert Client().get(URL).status_code == 401


def test_what_is_no_payment_is_a_404(client: Client, ada: User) -> None:
    for path in (f"{NOBODYS}/", f"{NOBODYS}/confirm/", "12/", "x/"):
        assert client.get(URL + path).status_code in (404, 405)


@pytest.mark.parametrize("number", [1, 5])
def test_a_list_costs_the_same_whatever_is_on_it(
    client: Client,
    ada: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
) -> None:
    for _ in range(number):
        payment = make_approved("10.00", ada)
        for _ in range(2):
            open_refund(payment=payment, amount=payment.amount / 4, reason="x")
    with django_assert_num_queries(5):  # session, user, count, payments with orders, refunds
        assert client.get(URL).json()["count"] == number


def test_the_accounts_department_sees_all(client: Client, clerk: Client, ada: User) -> None:
    make_payment(user=ada)
    ben = make_payment(user=make_user("ben"))
    assert clerk.get(URL).json()["count"] == 2
    assert clerk.get(f"{URL}{ben.key}/").status_code == 200


def test_a_card_holder_comes_back_and_the_order_goes_on(
    client: Client, ada: User, gateway: GatewayProcess
) -> None:
    payment = pay(make_payment(user=ada), CONFIRM)
    assert client.get(f"{URL}{payment.key}/").json()["confirmation_url"] == payment.confirmation_url
    confirm: Callable[[], Any] = lambda: client.post(f"{URL}{payment.key}/confirm/").json()  # noqa: E731
    assert confirm()["state"] == "needs_confirmation"
    gateway.answer(payment.confirmation_url, "yes")
    for _ in range(2):
        assert (confirm()["state"], confirm()["confirmation_url"]) == ("approved", "")
    assert Payment.objects.get().order.state == "paid"


def test_the_accounts_department_gives_money_back_once(
    client: Client, clerk: Client, ada: User, gateway: GatewayProcess
) -> None:
    payment, key = pay(make_payment("10.00", ada)), str(uuid4())
    first, again = refund(clerk, payment, key), refund(clerk, payment, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first.json()["key"], first.json()["state"]) == (key, "done")
    assert gateway.moved(payment.key) == [1000, -400]
    assert client.get(f"{URL}{payment.key}/refunds/").json() == [first.json()]
    assert client.get(f"{URL}{payment.key}/").json()["refunded"] == "4.00"


def test_a_refund_that_is_refused_says_so(clerk: Client, gateway: GatewayProcess) -> None:
    payment = pay(make_payment("10.00"), REFUNDS_REFUSED)
    told = refund(clerk, payment).json()
    assert (told["state"], told["refusal_code"]) == ("refused", "card_closed")


@pytest.mark.parametrize(
    ("change", "key", "field"),
    [
        ({"amount": "10.01"}, "", "amount"),
        ({"amount": "0"}, "", "amount"),
        ({"amount": "-1"}, "", "amount"),
        ({"amount": "1.001"}, "", "amount"),
        ({"amount": None}, "", "amount"),
        ({"reason": ""}, "", "reason"),
        ({"reason": "x" * 121}, "", "reason"),
        ({}, "no-uuid", "Idempotency-Key"),
    ],
)
def test_a_refund_that_cannot_be_is_refused_by_field(
    clerk: Client, change: dict[str, Any], key: str, field: str
) -> None:
    answer = refund(clerk, make_approved("10.00"), key, **change)
    assert (answer.status_code, set(answer.json())) == (400, {field})
    assert not Refund.objects.exists()


def test_a_payment_that_was_not_approved_is_not_given_back(clerk: Client) -> None:
    answer = refund(clerk, make_payment())
    assert answer.status_code == 400
    assert answer.json() == {
        "non_field_errors": ["Only a payment that was approved can be given back."]
    }


def test_a_key_of_another_refund_is_refused(clerk: Client, gateway: GatewayProcess) -> None:
    payment, key = pay(make_payment("10.00")), str(uuid4())
    refund(clerk, payment, key)
    answer = refund(clerk, payment, key, amount="5.00")
    assert (answer.status_code, set(answer.json())) == (400, {"key"})
    assert gateway.moved(payment.key) == [1000, -400]


def test_shoppers_give_nothing_back(client: Client, ada: User) -> None:
    assert refund(client, make_approved("10.00", ada)).status_code == 403
    assert not Refund.objects.exists()
