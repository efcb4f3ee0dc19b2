"""Addresses and forms with characters that no key of ours holds. PostgreSQL refuses to be asked about a NUL."""

import pytest
from django.test import Client

from shopsmart.catalog.tests.make import make_user

pytestmark = pytest.mark.django_db

GET = [
    "/api/inventory/{}/",
    "/api/inventory/{}/stock/",
    "/api/inventory/{}/movements/",
    "/api/orders/{}/",
    "/api/orders/{}/returns/",
    "/api/payments/?order={}",
    "/api/catalog/products/{}/",
    "/api/reports/sales/?currency={}",
    "/orders/{}/",
    "/orders/{}/payment/",
    "/orders/{}/return/",
    "/desk/{}/",
    "/product/{}/",
    "/category/{}/",
]
FORGIVING = [  # a page that says what it can't find, or leads to one
    "/desk/?number={}",
    "/search/?q={}",
    "/reports/sales/?currency={}",
]
SENT = [
    ("post", "/api/inventory/{}/movements/", {"quantity": 1}),
    ("put", "/api/inventory/{}/stock/", {"on_hand": 1}),
    ("patch", "/api/cart/lines/{}/", {"quantity": 1}),
    ("delete", "/api/cart/lines/{}/", {}),
    ("post", "/api/cart/lines/", {"sku": "\0"}),
    ("put", "/api/cart/promotion/", {"promotion_code": "\0"}),
    ("post", "/api/orders/{}/cancel/", {}),
    ("post", "/api/orders/{}/ship/", {}),
    ("post", "/desk/{}/ship/", {}),
    ("post", "/orders/{}/cancel/", {}),
]


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("character", ["%00", "a%0A"])
@pytest.mark.parametrize("path", GET)
def test_there_is_nothing_at_such_an_address(boss: Client, path: str, character: str) -> None:
    status = boss.get(path.format(character)).status_code
    # A filter that nothing fits gives an empty list.
    assert status in (400, 404) or (status == 200 and "?order=" in path and character != "%00")


@pytest.mark.parametrize("path", FORGIVING)
def test_a_search_for_it_finds_nothing(boss: Client, path: str) -> None:
    answer = boss.get(path.format("%00"), follow=True)
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize(("method", "path", "body"), SENT)
def test_nothing_is_done_with_it(
    boss: Client, method: str, path: str, body: dict[str, object]
) -> None:
    answer = getattr(boss, method)(path.format("%00"), body, content_type="application/json")
    assert answer.status_code in (400, 404)


@pytest.mark.parametrize("form", [{"sku": "\0"}, {"sku": "\0", "quantity": "1"}])
@pytest.mark.parametrize("path", ["/cart/remove/", "/cart/quantity/"])
def test_a_cart_form_with_it_changes_nothing(
    client: Client, path: str, form: dict[str, str]
) -> None:
    assert client.post(path, form, follow=True).status_code == 200


def test_a_code_with_it_is_no_code(client: Client) -> None:
    answer = client.post("/cart/code/", {"promotion_code": "\0"})
    assert answer.status_code == 200
    assert "is in use" not in answer.content.decode()
