"""Stock over HTTP: a word for anybody, numbers for stock keepers."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Variant
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.models import Movement, MovementKind
from shopsmart.inventory.services import reserve, restock
from shopsmart.inventory.tests.make import make_order, make_stocked, stock_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def pot() -> Variant:
    return make_stocked("Pot", 9)


@pytest.fixture
def keeper() -> User:
    keeper = make_user("keeper", is_staff=True)
    names = ["view_movement", "add_movement"]
    keeper.user_permissions.set(Permission.objects.filter(codename__in=names))
    return keeper


@pytest.fixture
def as_keeper(client: Client, keeper: User) -> Client:
    client.force_login(keeper)
    return client


def url(variant: Variant, what: str = "") -> str:
    return f"/api/inventory/{variant.sku}/{what}"


def send(client: Client, method: str, address: str, body: Any) -> Any:
    return getattr(client, method)(address, body, content_type="application/json")


def test_anybody_learns_a_word_and_no_number(client: Client, pot: Variant) -> None:
    few, none = make_stocked("Cup", 4), make_stocked("Lid", 0)
    for variant, word in [(pot, "in_stock"), (few, "low"), (none, "sold_out")]:
        answer = client.get(url(variant))
        assert answer.json() == {"sku": variant.sku, "availability": word}
        assert "Cookie" not in answer.get("Vary", "")
    assert client.get("/api/inventory/nothing/").status_code == 404
    pot.product.is_active = False
    pot.product.save()
    assert client.get(url(pot)).status_code == 404


def test_numbers_are_for_stock_keepers(client: Client, pot: Variant) -> None:
    asked = [
        ("get", "stock/", None),
        ("put", "stock/", {"on_hand": 1, "reason": "x"}),
        ("get", "movements/", None),
        ("post", "movements/", {"quantity": 1, "reference": "x"}),
    ]
    for who, status in [(None, 401), ("ada", 403)]:
        if who:
            client.force_login(make_user(who))
        for method, what, body in asked:
            assert send(client, method, url(pot, what), body).status_code == status
    assert stock_of(pot) == (9, 0)


def test_who_may_look_may_not_change(client: Client, pot: Variant) -> None:
    looker = make_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_movement"))
    client.force_login(looker)
    assert client.get(url(pot, "stock/")).status_code == 200
    answer = send(client, "put", url(pot, "stock/"), {"on_hand": 1, "reason": "x"})
    assert answer.status_code == 403


def test_stock_comes_in_and_is_counted(as_keeper: Client, keeper: User, pot: Variant) -> None:
    reserve(order=make_order(keeper), lines={pot: 2})
    came = send(as_keeper, "post", url(pot, "movements/"), {"quantity": 5, "reference": "D 17"})
    assert came.status_code == 201
    counted = send(as_keeper, "put", url(pot, "stock/"), {"on_hand": 12, "reason": "Two broke."})
    assert counted.json() == {
        "sku": pot.sku, "on_hand": 12, "reserved": 2, "available": 10, "low_below": 5
    }  # fmt: skip
    movements = as_keeper.get(url(pot, "movements/")).json()["results"]
    assert [(m["delta"], m["kind"], m["reference"], m["by"]) for m in movements] == [
        (-2, "corrected", "Two broke.", "keeper"),
        (5, "received", "D 17", "keeper"),
        (9, "received", "delivery", None),
    ]
    assert movements[1] == came.json()


def test_a_variant_that_was_never_stocked_has_none(as_keeper: Client) -> None:
    lid = make_stocked("Lid", 0)
    assert as_keeper.get(url(lid, "stock/")).json()["on_hand"] == 0
    assert as_keeper.get(url(lid, "movements/")).json()["results"] == []
    assert as_keeper.get("/api/inventory/nothing/stock/").status_code == 404
    assert as_keeper.get("/api/inventory/nothing/movements/").status_code == 404


@pytest.mark.parametrize(
    ("method", "what", "body", "field"),
    [
        ("post", "movements/", {"quantity": 0, "reference": "x"}, "quantity"),
        ("post", "movements/", {"quantity": 2**40, "reference": "x"}, "quantity"),
        ("post", "movements/", {"quantity": 1}, "reference"),
        ("post", "movements/", {"quantity": 1, "reference": ""}, "reference"),
        ("post", "movements/", {"quantity": 1, "reference": "x" * 81}, "reference"),
        ("put", "stock/", {"on_hand": -1, "reason": "x"}, "on_hand"),
        ("put", "stock/", {"on_hand": 1, "reason": "x"}, "on_hand"),  # two are reserved
        ("put", "stock/", {"on_hand": 9, "reason": ""}, "reason"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    as_keeper: Client, keeper: User, pot: Variant, method: str, what: str, body: Any, field: str
) -> None:
    reserve(order=make_order(keeper), lines={pot: 2})
    answer = send(as_keeper, method, url(pot, what), body)
    assert answer.status_code == 400
    assert set(answer.json()) == {field}
    assert stock_of(pot) == (9, 2)


def test_another_site_moves_no_stock(keeper: User, pot: Variant) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(keeper)
    body = {"quantity": 5, "reference": "x"}
    assert send(client, "post", url(pot, "movements/"), body).status_code == 403
    assert Movement.objects.count() == 1


def test_a_list_of_movements_costs_the_same_however_long(
    as_keeper: Client, keeper: User, pot: Variant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 20):
        for number in range(count):
            restock(lines={pot: 1}, kind=MovementKind.RECEIVED, reference=f"{number}", by=keeper)
        with django_assert_num_queries(7):  # session, user, its rights (2), variant, count, page
            as_keeper.get(url(pot, "movements/"))


def test_every_operation_is_in_the_schema() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    found = {
        operation["operationId"]
        for path, methods in paths.items()
        if path.startswith("/api/inventory/")
        for operation in methods.values()
    }
    assert found == {
        "getAvailability", "getStock", "correctStock", "listMovements", "receiveStock"
    }  # fmt: skip
