"""The cart over HTTP, of guests, of shoppers and of programs."""

import json
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.accounts.services import create_token
from shopsmart.cart.models import Cart
from shopsmart.cart.services import COOKIE
from shopsmart.cart.tests.make import contents, make_cart
from shopsmart.catalog.models import Variant
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db

CART = "/api/cart/"
LINES = "/api/cart/lines/"
CODE = "/api/cart/promotion/"
EUR = {"currency": "EUR"}


@pytest.fixture
def ada() -> User:
    return make_user()


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def pot() -> Variant:
    return make_stocked("Pot", 9, "19.99")


def send(client: Client, method: str, url: str, body: Any = None, **headers: str) -> Any:
    content = "" if body is None else json.dumps(body)
    return client.generic(method, url, content, "application/json", headers=headers)


def test_a_cart_is_shown_whole(as_ada: Client, ada: User, pot: Variant) -> None:
    make_promotion("WELCOME10")
    make_cart(ada, {pot: 2}, code="WELCOME10")
    answer = as_ada.get(CART)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    assert answer.json() == {
        "lines": [
            {
                "sku": pot.sku,
                "product": {"slug": pot.product.slug, "name": "Pot"},
                "name": "",
                "image": None,
                "quantity": 2,
                "unit_price": {"amount": "19.99", **EUR},
                "line_total": {"amount": "39.98", **EUR},
                "discount": {"amount": "4.00", **EUR},
                "availability": "in_stock",
            }
        ],
        "quantity": 2,
        "subtotal": {"amount": "39.98", **EUR},
        "discount": {"amount": "4.00", **EUR},
        "shipping": {"amount": "4.90", **EUR},
        "total": {"amount": "40.88", **EUR},
        "promotion_code": "WELCOME10",
        "problems": [],
    }


def test_a_cart_is_filled_changed_and_emptied(as_ada: Client, ada: User, pot: Variant) -> None:
    make_promotion("WELCOME10")
    line = f"{LINES}{pot.sku}/"
    answers = [
        send(as_ada, "POST", LINES, {"sku": pot.sku}),
        send(as_ada, "POST", LINES, {"sku": pot.sku, "quantity": 2}),
        send(as_ada, "PATCH", line, {"quantity": 5}),
        send(as_ada, "PUT", CODE, {"promotion_code": " welcome10"}),
        send(as_ada, "DELETE", CODE),
        send(as_ada, "DELETE", line),
        send(as_ada, "DELETE", line),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 200, 200, 200, 200]
    assert [answer.json()["quantity"] for answer in answers] == [1, 3, 5, 5, 5, 0, 0]
    assert [answer.json()["discount"]["amount"] for answer in answers[2:5]] == [
        "0.00", "10.00", "0.00"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "url", "body", "field"),
    [
        ("POST", LINES, {}, "sku"),
        ("POST", LINES, {"sku": "nothing"}, "sku"),
        ("POST", LINES, {"sku": "x\x00"}, "sku"),
        ("POST", LINES, {"sku": "{sku}", "quantity": 0}, "quantity"),
        ("POST", LINES, {"sku": "{sku}", "quantity": 100}, "quantity"),
        ("POST", LINES, {"sku": "{sku}", "quantity": 10}, "quantity"),
        ("POST", LINES, {"sku": "{sku}", "quantity": "many"}, "quantity"),
        ("PATCH", LINES + "{sku}/", {"quantity": 0}, "quantity"),
        ("PATCH", LINES + "{sku}/", {"quantity": 10}, "quantity"),
        ("PATCH", LINES + "{sku}/", {}, "quantity"),
        ("PUT", CODE, {}, "promotion_code"),
        ("PUT", CODE, {"promotion_code": "NOTHING"}, "promotion_code"),
        ("PUT", CODE, {"promotion_code": "x" * 41}, "promotion_code"),
        ("POST", LINES, [], "non_field_errors"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    as_ada: Client, ada: User, pot: Variant, method: str, url: str, body: Any, field: str
) -> None:
    cart = make_cart(ada, {pot: 1})
    if body and "sku" in body:
        body = {**body, "sku": body["sku"].format(sku=pot.sku)}
    answer = send(as_ada, method, url.format(sku=pot.sku), body)
    assert answer.status_code == 400
    assert set(answer.json()) == {field}
    assert contents(cart) == {pot: 1}


def test_what_is_not_there_is_a_404(as_ada: Client, pot: Variant) -> None:
    for sku in (pot.sku, "nothing"):
        assert send(as_ada, "PATCH", f"{LINES}{sku}/", {"quantity": 1}).status_code == 404
    assert send(as_ada, "DELETE", f"{LINES}nothing/").status_code == 404
    assert not Cart.objects.exists()


# Guests --------------------------------------------------------------------------------------


def test_a_guest_who_only_looks_leaves_nothing(client: Client) -> None:
    assert client.get(CART).json()["lines"] == []
    assert send(client, "PUT", CODE, {"promotion_code": "X"}).status_code == 400
    assert send(client, "POST", LINES, {"sku": make_stocked("Lid", 0).sku}).status_code == 400
    assert COOKIE not in client.cookies
    assert not Cart.objects.exists()


def test_a_guest_is_known_by_a_signed_cookie(client: Client, pot: Variant) -> None:
    answer = send(client, "POST", LINES, {"sku": pot.sku, "quantity": 2})
    cookie = answer.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert "Cookie" in answer["Vary"]
    again = client.get(CART)
    assert again.json()["quantity"] == 2
    assert COOKIE not in again.cookies
    assert Client().get(CART).json()["quantity"] == 0


@pytest.mark.parametrize("change", [lambda key: key[:-1], lambda key: key.partition(":")[0]])
def test_a_cookie_that_the_shop_did_not_sign_opens_no_cart(
    client: Client, pot: Variant, change: Any
) -> None:
    send(client, "POST", LINES, {"sku": pot.sku})
    client.cookies[COOKIE] = change(client.cookies[COOKIE].value)
    assert client.get(CART).json()["quantity"] == 0
    answer = send(client, "POST", LINES, {"sku": pot.sku})
    assert COOKIE in answer.cookies
    assert Cart.objects.count() == 2


def test_what_a_guest_chose_is_there_after_the_login(pot: Variant) -> None:
    ada, cup = make_user(), make_stocked("Cup")
    make_cart(ada, {cup: 1})
    client = Client()
    send(client, "POST", LINES, {"sku": pot.sku, "quantity": 2})
    answer = client.post("/account/login/", {"username": "ada", "password": "pw"})
    assert answer.status_code == 302
    assert answer.cookies[COOKIE].value == ""
    assert contents(Cart.objects.get()) == {cup: 1, pot: 2}
    assert client.get(CART).json()["quantity"] == 3
    client.post("/account/logout/")
    assert client.get(CART).json()["quantity"] == 0


def test_another_site_changes_no_guests_cart(pot: Variant) -> None:
    client = Client(enforce_csrf_checks=True)
    # Who has no cart yet sends no cookie that another site could make use of.
    assert send(client, "POST", LINES, {"sku": pot.sku}).status_code == 201
    assert send(client, "POST", LINES, {"sku": pot.sku}).status_code == 403
    client.get(CART)
    token = client.cookies["csrftoken"].value
    answer = send(client, "POST", LINES, {"sku": pot.sku}, **{"X-CSRFToken": token})
    assert answer.status_code == 201


def test_another_site_changes_no_shoppers_cart(ada: User, pot: Variant) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert send(client, "POST", LINES, {"sku": pot.sku}).status_code == 403
    client.get(CART)
    token = client.cookies["csrftoken"].value
    answer = send(client, "POST", LINES, {"sku": pot.sku}, **{"X-CSRFToken": token})
    assert answer.status_code == 201


def test_a_program_fills_its_users_cart(ada: User, pot: Variant) -> None:
    _, token = create_token(user=ada, name="till")
    client = Client(enforce_csrf_checks=True)
    headers = {"Authorization": f"Token {token}"}
    answer = send(client, "POST", LINES, {"sku": pot.sku}, **headers)
    assert answer.status_code == 201
    assert COOKIE not in answer.cookies
    assert contents(Cart.objects.get(user=ada)) == {pot: 1}
    assert send(client, "GET", CART, Authorization="Token nothing").status_code == 401


# What it costs -------------------------------------------------------------------------------


def test_looking_costs_the_same_whatever_is_in_the_cart(
    as_ada: Client, ada: User, pot: Variant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_cart(ada, {pot: 1})
    with django_assert_num_queries(5):  # session, user, cart, lines, pictures
        as_ada.get(CART)
    make_cart(ada, {make_stocked(f"Cup {n}"): 1 for n in range(20)})
    with django_assert_num_queries(5):
        assert len(as_ada.get(CART).json()["lines"]) == 21


def test_every_operation_is_in_the_schema() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    found = {
        operation["operationId"]
        for path, methods in paths.items()
        if path.startswith(CART)
        for operation in methods.values()
    }
    assert found == {
        "getCart", "addToCart", "setQuantity", "removeFromCart", "applyCode", "dropCode"
    }  # fmt: skip
