"""A permission alone opens no door for staff: who is no longer staff keeps it by a forgotten role."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from shopsmart.accounts.models import User
from shopsmart.catalog.tests.make import make_product, make_user
from shopsmart.storefront.templatetags.account import ROOMS, STAFF_ROOMS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/desk/",
        "/reports/sales/",
        "/api/reports/sales/",
        "/api/inventory/{sku}/stock/",
        "/api/inventory/{sku}/movements/",
    ],
)
def test_all_ask_for_both(client: Client, path: str) -> None:
    sku = make_product("Teapot", "10.00").variants.get().sku
    # Has every permission there is.
    user = make_user("once", is_staff=True, is_superuser=True)
    client.force_login(user)
    assert client.get(path.format(sku=sku)).status_code == 200
    User.objects.update(is_staff=False)
    assert client.get(path.format(sku=sku)).status_code == 403


def test_no_two_rooms_of_the_account_are_one() -> None:
    urls = [reverse(name) for name, *_ in (*ROOMS, *STAFF_ROOMS)]
    assert len(urls) == len(set(urls))


def test_codes_are_not_guessed_for_ever(client: Client, settings: Settings) -> None:
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {"api": "2/m"}
    codes = [client.post("/cart/code/", {"promotion_code": "X"}).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
