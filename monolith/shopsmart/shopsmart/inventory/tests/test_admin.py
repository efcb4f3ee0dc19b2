"""Stock in the admin: a number that staff type is a movement like any other."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.models import Movement, StockItem
from shopsmart.inventory.services import reserve
from shopsmart.inventory.tests.make import (
    assert_books_agree,
    make_order,
    make_stocked,
    stock_of,
)

pytestmark = pytest.mark.django_db

STOCK = "/admin/inventory/stockitem/"


def change(staff: Client, item: StockItem, **fields: object) -> int:
    sent = {"on_hand": item.on_hand, "low_below": item.low_below, "reason": "", **fields}
    return staff.post(f"{STOCK}{item.pk}/change/", sent).status_code


def test_a_count_is_a_correction_by_whom_made_it(admin_client: Client) -> None:
    pot = make_stocked("Pot", 10)
    assert "Pot" in admin_client.get(f"{STOCK}{pot.stock.pk}/change/").content.decode()
    assert change(admin_client, pot.stock, on_hand=8, reason="Two broke.", low_below=3) == 302
    movement = Movement.objects.get(kind="corrected")
    assert (movement.delta, movement.reference) == (-2, "Two broke.")
    assert movement.by == User.objects.get(is_superuser=True)
    assert (stock_of(pot), StockItem.objects.get().low_below) == ((8, 0), 3)
    assert_books_agree()


def test_what_is_not_changed_moves_nothing(admin_client: Client) -> None:
    pot = make_stocked("Pot", 10)
    assert change(admin_client, pot.stock, low_below=9) == 302
    assert StockItem.objects.get().low_below == 9
    assert Movement.objects.count() == 1


@pytest.mark.parametrize(
    ("on_hand", "reason", "said"),
    [(8, "", "Say why"), (1, "x", "2 are reserved"), (-1, "x", "greater than or equal to 0")],
)
def test_a_count_that_cannot_be_is_said_in_the_form(
    admin_client: Client, on_hand: int, reason: str, said: str
) -> None:
    pot = make_stocked("Pot", 10)
    reserve(order=make_order(make_user()), lines={pot: 2})
    sent = {"on_hand": on_hand, "low_below": 5, "reason": reason}
    page = admin_client.post(f"{STOCK}{pot.stock.pk}/change/", sent).content.decode()
    assert said in page
    assert stock_of(pot) == (10, 2)


def test_what_runs_out_is_found(admin_client: Client) -> None:
    make_stocked("Pot", 10), make_stocked("Cup", 4)
    page = admin_client.get(STOCK, {"low": "1"}).content.decode()
    assert "Cup" in page
    assert "Pot" not in page
    assert "Pot" in admin_client.get(STOCK, {"q": "pOt"}).content.decode()


def test_history_is_looked_at(admin_client: Client) -> None:
    pot = make_stocked("Pot", 10)
    reserve(order=make_order(make_user()), lines={pot: 2})
    for page, row in (
        ("movement", Movement.objects.get()),
        ("reservation", pot.reservations.get()),
    ):
        url = f"/admin/inventory/{page}/"
        assert "Pot" in admin_client.get(url).content.decode()
        assert admin_client.get(f"{url}{row.pk}/change/").status_code == 200
        assert admin_client.post(f"{url}{row.pk}/change/", {"delta": 1}).status_code == 403
        assert admin_client.get(f"{url}{row.pk}/delete/").status_code == 403
        assert admin_client.get(f"{url}add/").status_code == 403


def test_stock_is_neither_added_nor_deleted_by_hand(admin_client: Client) -> None:
    pot = make_stocked("Pot", 10)
    assert admin_client.get(f"{STOCK}add/").status_code == 403
    assert admin_client.get(f"{STOCK}{pot.stock.pk}/delete/").status_code == 403


@pytest.mark.parametrize("page", ["stockitem", "movement", "reservation"])
def test_a_list_costs_the_same_however_long(
    admin_client: Client, page: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    counts = []
    user = make_user()
    for number in (1, 8):
        for n in range(number):
            reserve(order=make_order(user), lines={make_stocked(f"Pot {n}", 10): 2})
        with django_assert_max_num_queries(10) as seen:
            assert admin_client.get(f"/admin/inventory/{page}/").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
