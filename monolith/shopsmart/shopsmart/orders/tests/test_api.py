"""Orders over HTTP, from the cart to the return, against a real gateway."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.accounts.services import add_address, create_token
from shopsmart.cart.tests.make import contents, make_cart
from shopsmart.catalog.models import Variant
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.services import correct
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.orders.models import Order, Return
from shopsmart.orders.services import request_return
from shopsmart.orders.tests.make import make_delivered, make_paid, moved
from shopsmart.payments.tests.gateway_process import (
    APPROVED,
    BROKEN,
    CONFIRM,
    DECLINED,
    GatewayProcess,
)
from shopsmart.promotions.models import Promotion
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db

ORDERS = "/api/orders/"
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "postcode": "1010",
    "city": "Vienna",
    "country": "AT",
}


def body(number: str = APPROVED, **changes: Any) -> dict[str, Any]:
    card = {"number": number, "expiry": "12/99", "cvc": "123"}
    return {"address": ADDRESS, "card": card, **changes}


@pytest.fixture
def ada() -> User:
    return make_user()


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def pot() -> Variant:
    return make_stocked("Pot", 9, "10.00")


@pytest.fixture
def desk() -> Client:
    clerk = make_user("clerk", is_staff=True)
    names = ["view_order", "change_order"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(clerk)
    return client


def buy(client: Client, sent: Any, key: str | None = "k", **headers: str) -> Any:
    if key is not None:
        headers["Idempotency-Key"] = key
    return client.post(ORDERS, sent, content_type="application/json", headers=headers)


def post(client: Client, url: str, sent: Any = None) -> Any:
    return client.post(url, sent or {}, content_type="application/json")


def url(order: Order, what: str = "") -> str:
    return f"{ORDERS}{order.number}/{what}"


# Buying --------------------------------------------------------------------------------------


def test_a_cart_is_bought(as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess) -> None:
    make_promotion("WELCOME10")
    make_cart(ada, {pot: 2}, code="WELCOME10")
    answer = buy(as_ada, body(seen_total="22.90"))
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "private, no-store"
    order = Order.objects.get()
    assert moved(gateway, order) == [Decimal("22.90")]
    shown = dict(answer.json())
    payment, events = shown.pop("payments"), shown.pop("events")
    assert [event["state"] for event in events] == ["placed", "paid"]
    assert [(one["state"], one["card"]["last4"]) for one in payment] == [("approved", "4242")]
    assert shown == {
        "number": order.number,
        "state": "paid",
        "currency": "EUR",
        "subtotal": "20.00",
        "discount": "2.00",
        "shipping": "4.90",
        "total": {"amount": "22.90", "currency": "EUR"},
        "promotion_code": "WELCOME10",
        "address": {**ADDRESS, "line2": ""},
        "lines": [
            {
                "sku": pot.sku,
                "product_name": "Pot",
                "variant_name": "",
                "category_name": "Kitchen",
                "quantity": 2,
                "unit_price": "10.00",
                "line_total": "20.00",
                "discount": "2.00",
            }
        ],
        "placed_at": at(order.placed_at),
        "paid_at": at(order.paid_at),
        "shipped_at": None,
        "delivered_at": None,
        "cancelled_at": None,
        "returns": [],
    }
    assert as_ada.get(url(order)).json() == answer.json()


def at(time: Any) -> str:
    return str(time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


@pytest.mark.parametrize(
    ("number", "status", "state"),
    [
        (APPROVED, 201, "paid"),
        (CONFIRM, 202, "placed"),
        (BROKEN, 202, "placed"),
        (DECLINED, 402, "cancelled"),
    ],
)
def test_the_status_says_how_far_it_came(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess,
    number: str, status: int, state: str,
) -> None:  # fmt: skip
    cart = make_cart(ada, {pot: 2})
    answer = buy(as_ada, body(number))
    assert (answer.status_code, answer.json()["state"]) == (status, state)
    [payment] = answer.json()["payments"]
    assert bool(payment["confirmation_url"]) == (number == CONFIRM)
    assert bool(payment["failed_because"]) == (number == DECLINED)
    assert contents(cart) == ({pot: 2} if number == DECLINED else {})


def test_the_same_key_is_the_same_order(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess
) -> None:
    make_cart(ada, {pot: 1})
    first, again = buy(as_ada, body()), buy(as_ada, body())
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = buy(as_ada, body(), key="other")
    assert (other.status_code, other.json()) == (400, {"cart": ["Your cart is empty."]})


def test_the_next_look_finds_what_came_of_it(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess
) -> None:
    make_cart(ada, {pot: 1})
    order = Order.objects.get(number=buy(as_ada, body(CONFIRM)).json()["number"])
    assert as_ada.get(url(order)).json()["state"] == "placed"
    gateway.answer(order.payments.get().confirmation_url, "yes")
    assert as_ada.get(url(order)).json()["state"] == "paid"


def test_an_address_of_the_book_will_do(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess
) -> None:
    mine = add_address(user=ada, line2="", **ADDRESS)
    hers = add_address(user=make_user("ben"), line2="", **{**ADDRESS, "name": "Ben"})
    make_cart(ada, {pot: 1})
    sent = body(address_id=hers.pk)
    del sent["address"]
    answer = buy(as_ada, sent)
    assert (answer.status_code, set(answer.json())) == (400, {"address_id"})
    answer = buy(as_ada, {**sent, "address_id": mine.pk})
    assert answer.status_code == 201
    assert answer.json()["address"]["name"] == "Ada Lovelace"


NO_CARD = {"number": "4242", "expiry": "13/99", "cvc": "x"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"card": None}, {"card": [...]}),
        ({"card": {}}, {"card": {"number": [...], "expiry": [...], "cvc": [...]}}),
        ({"card": NO_CARD}, {"card": {"number": [...], "expiry": [...], "cvc": [...]}}),
        ({"address": None}, {"address": [...]}),
        ({"address": {**ADDRESS, "country": "XX"}}, {"address": {"country": [...]}}),
        ({"address": {**ADDRESS, "name": ""}}, {"address": {"name": [...]}}),
        ({"address": {**ADDRESS, "city": "a\nb"}}, {"address": {"city": [...]}}),
        ({"address_id": 1}, {"address_id": [...]}),
        ({"seen_total": "much"}, {"seen_total": [...]}),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess,
    changes: dict[str, Any], said: dict[str, Any],
) -> None:  # fmt: skip
    cart = make_cart(ada, {pot: 1})
    answer = buy(as_ada, body(**changes))
    assert answer.status_code == 400
    assert shape(answer.json()) == said
    assert APPROVED not in answer.content.decode()
    assert contents(cart) == {pot: 1}
    assert not Order.objects.exists()


def shape(said: Any) -> Any:
    """By which fields something is refused, whatever the words."""
    if isinstance(said, dict):
        return {field: shape(messages) for field, messages in said.items()}
    assert said
    assert all(isinstance(message, str) for message in said)
    return [...]


@pytest.mark.parametrize("key", [None, "", "x" * 65, "a b", "ä"])
def test_a_purchase_has_a_key(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess, key: str | None
) -> None:
    make_cart(ada, {pot: 1})
    answer = buy(as_ada, body(), key=key)
    assert (answer.status_code, set(answer.json())) == (400, {"Idempotency-Key"})
    assert not Order.objects.exists()


def test_what_changed_meanwhile_is_a_conflict(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess
) -> None:
    make_promotion("WELCOME10")
    make_cart(ada, {pot: 9}, code="WELCOME10")
    answer = buy(as_ada, body(seen_total="85.90"))
    assert answer.status_code == 409
    assert answer.json() == {
        "seen_total": ["The total is 81.00 EUR now. Look again before you buy."],
        "total": {"amount": "81.00", "currency": "EUR"},
    }
    correct(variant=pot, on_hand=1, by=None, reason="Eight broke.")
    answer = buy(as_ada, body())
    assert (answer.status_code, answer.json()) == (409, {"cart": ["Only 1 of Pot is left."]})
    Promotion.objects.update(is_active=False)
    answer = buy(as_ada, body())
    assert (answer.status_code, set(answer.json())) == (400, {"promotion_code"})
    assert not Order.objects.exists()


# Who may -------------------------------------------------------------------------------------


def test_strangers_buy_and_see_nothing(client: Client) -> None:
    assert buy(client, body()).status_code == 401
    assert client.get(ORDERS).status_code == 401
    assert client.get(f"{ORDERS}S-2026-000001/").status_code == 401


def test_another_site_buys_nothing(ada: User, pot: Variant, gateway: GatewayProcess) -> None:
    make_cart(ada, {pot: 1})
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert buy(client, body()).status_code == 403
    client.get("/api/cart/")
    token = client.cookies["csrftoken"].value
    assert buy(client, body(), **{"X-CSRFToken": token}).status_code == 201


def test_a_program_buys_with_a_token(ada: User, pot: Variant, gateway: GatewayProcess) -> None:
    make_cart(ada, {pot: 1})
    _, token = create_token(user=ada, name="fridge")
    client = Client(enforce_csrf_checks=True)
    answer = buy(client, body(), Authorization=f"Token {token}")
    assert answer.status_code == 201


def test_other_peoples_orders_are_a_404(
    as_ada: Client, pot: Variant, gateway: GatewayProcess
) -> None:
    theirs = make_delivered(make_user("ben"), {pot: 1})
    assert as_ada.get(ORDERS).json()["results"] == []
    assert as_ada.get(url(theirs)).status_code == 404
    assert as_ada.get(url(theirs, "returns/")).status_code == 404
    sent = {"lines": [{"sku": pot.sku, "quantity": 1}], "reason": "x"}
    for what in ("cancel/", "returns/"):
        assert post(as_ada, url(theirs, what), sent).status_code == 404
    assert post(as_ada, f"{ORDERS}S-1999-000001/cancel/").status_code == 404
    assert not Return.objects.exists()


def test_who_may_look_at_every_order_changes_none(pot: Variant, gateway: GatewayProcess) -> None:
    bookkeeper = make_user("bookkeeper", is_staff=True)
    bookkeeper.user_permissions.add(Permission.objects.get(codename="view_order"))
    client = Client()
    client.force_login(bookkeeper)
    order = make_delivered(make_user(), {pot: 1})
    assert client.get(url(order)).status_code == 200
    sent = {"lines": [{"sku": pot.sku, "quantity": 1}], "reason": "x"}
    assert post(client, url(order, "cancel/")).status_code == 404
    assert post(client, url(order, "returns/"), sent).status_code == 404
    assert post(client, url(order, "ship/")).status_code == 403


def test_the_desk_is_for_the_order_desk(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess
) -> None:
    order = make_delivered(ada, {pot: 1})
    returned = request_return(order=order, lines={order.lines.get(): 1}, reason="x", by=ada)
    for what in (
        "ship/",
        "deliver/",
        f"returns/{returned.pk}/receive/",
        f"returns/{returned.pk}/refuse/",
    ):
        assert post(as_ada, url(order, what), {"note": "x"}).status_code == 403
        assert post(Client(), url(order, what), {"note": "x"}).status_code == 401
    returned.refresh_from_db()
    assert returned.state == "requested"


# After buying --------------------------------------------------------------------------------


def test_an_order_goes_its_way(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess, desk: Client,
    after_commit: Callable[[], Any],
) -> None:  # fmt: skip
    order = make_paid(ada, {pot: 3})
    assert post(desk, url(order, "deliver/")).status_code == 409
    shipped = post(desk, url(order, "ship/"), {"note": "Parcel 17"})
    assert (shipped.status_code, shipped.json()["state"]) == (200, "shipped")
    assert shipped.json()["events"][-1]["note"] == "Parcel 17"
    refused = post(as_ada, url(order, "cancel/"))
    assert refused.status_code == 409
    assert refused.json() == {
        "detail": f"Order {order.number} is shipped: it can't be cancelled any more."
    }
    assert post(desk, url(order, "deliver/")).json()["state"] == "delivered"

    asked = post(
        as_ada,
        url(order, "returns/"),
        {"lines": [{"sku": pot.sku, "quantity": 2}], "reason": "Too many."},
    )
    assert asked.status_code == 201
    assert asked.json()["lines"] == [{"sku": pot.sku, "quantity": 2}]
    assert as_ada.get(url(order, "returns/")).json() == [asked.json()]
    receive = url(order, f"returns/{asked.json()['id']}/receive/")
    with after_commit():
        received = post(desk, receive)
    assert received.json()["refund_amount"] == "20.00"
    assert post(desk, receive).status_code == 409
    again = {"lines": [{"sku": pot.sku, "quantity": 1}], "reason": "This one too."}
    refuse = url(
        order, f"returns/{post(as_ada, url(order, 'returns/'), again).json()['id']}/refuse/"
    )
    assert post(desk, refuse).json() == {"note": ["This field is required."]}
    assert post(desk, refuse, {"note": "It is used."}).json()["state"] == "refused"
    assert [one["state"] for one in as_ada.get(url(order)).json()["returns"]] == [
        "refused", "received"
    ]  # fmt: skip
    assert moved(gateway, order) == [order.total, Decimal("-20.00")]


def test_an_order_is_cancelled(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess,
    after_commit: Callable[[], Any],
) -> None:  # fmt: skip
    order = make_paid(ada, {pot: 3})
    with after_commit():
        answer = post(as_ada, url(order, "cancel/"), {"reason": "Found it cheaper."})
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert moved(gateway, order) == [order.total, -order.total]
    assert post(as_ada, url(order, "cancel/")).status_code == 409


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"reason": "x"}, {"lines": [...]}),
        ({"lines": [], "reason": "x"}, {"lines": {"non_field_errors": [...]}}),
        ({"lines": [{"sku": "no", "quantity": 1}], "reason": "x"}, {"lines": [...]}),
        ({"lines": [{"sku": "{}", "quantity": 4}], "reason": "x"}, {"lines": [...]}),
        ({"lines": [{"sku": "{}", "quantity": 1}] * 2, "reason": "x"}, {"lines": [...]}),
        ({"lines": [{"sku": "{}", "quantity": 1}], "reason": ""}, {"reason": [...]}),
    ],
)
def test_a_return_that_cannot_be_is_refused_by_field(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess, sent: Any, said: Any
) -> None:
    order = make_delivered(ada, {pot: 3})
    sent = json.loads(json.dumps(sent).replace("{}", pot.sku))
    answer = post(as_ada, url(order, "returns/"), sent)
    assert (answer.status_code, shape(answer.json())) == (400, said)
    assert not Return.objects.exists()


def test_a_return_belongs_to_its_order(
    ada: User, pot: Variant, gateway: GatewayProcess, desk: Client
) -> None:
    order, other = make_delivered(ada, {pot: 1}), make_delivered(ada, {pot: 1})
    returned = request_return(order=order, lines={order.lines.get(): 1}, reason="x", by=ada)
    assert post(desk, url(other, f"returns/{returned.pk}/receive/")).status_code == 404


# Lists ---------------------------------------------------------------------------------------


def test_orders_are_listed_the_latest_first(
    as_ada: Client, ada: User, pot: Variant, gateway: GatewayProcess
) -> None:
    first, second = make_paid(ada, {pot: 1}), make_paid(ada, {pot: 2}, number=DECLINED)
    answer = as_ada.get(ORDERS).json()
    assert [order["number"] for order in answer["results"]] == [second.number, first.number]
    assert answer["results"][1]["total"] == {"amount": "14.90", "currency": "EUR"}
    paid = as_ada.get(ORDERS, {"state": "paid"}).json()["results"]
    assert [order["number"] for order in paid] == [first.number]
    assert as_ada.get(ORDERS, {"state": "lost"}).status_code == 400
    assert as_ada.get(ORDERS, {"page": "2"}).status_code == 404


def test_a_list_costs_the_same_however_long(
    as_ada: Client, ada: User, gateway: GatewayProcess,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    pots = {make_stocked(f"Pot {n}", 99): 1 for n in range(3)}
    for count in (1, 5):
        for _ in range(count):
            make_paid(ada, pots)
        with django_assert_num_queries(6):  # session, user, count, orders, lines, payments
            as_ada.get(ORDERS)


def test_an_order_costs_the_same_however_long_its_story(
    as_ada: Client, ada: User, gateway: GatewayProcess,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    pots = [make_stocked(f"Pot {n}", 99) for n in range(9)]
    short = make_delivered(ada, {pots[0]: 1})
    request_return(order=short, lines={short.lines.get(): 1}, reason="x", by=ada)
    long = make_delivered(ada, dict.fromkeys(pots, 3))
    for _ in range(3):
        lines = dict.fromkeys(long.lines.all(), 1)
        request_return(order=long, lines=lines, reason="x", by=ada)
    for order in (short, long):
        with django_assert_num_queries(9):
            as_ada.get(url(order))


def test_every_operation_is_in_the_schema() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    found = {
        operation["operationId"]
        for path, methods in paths.items()
        if path.startswith(ORDERS)
        for operation in methods.values()
    }
    assert found == {
        "listOrders", "placeOrder", "getOrder", "cancelOrder", "listReturns", "requestReturn",
        "receiveReturn", "refuseReturn", "shipOrder", "deliverOrder",
    }  # fmt: skip
