"""What a service and the proxy get of the shop under `/_chassis/`."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Product, Review, Variant
from shopsmart.catalog.tests.make import make_product, make_review, make_user
from shopsmart.ownership import callers

pytestmark = pytest.mark.django_db(transaction=True)

SERVICE = {"Authorization": "Bearer what-the-catalogue-service-shows"}
PROXY = {"Authorization": "Bearer what-the-proxy-of-the-shop-shows"}

Follow = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def _credentials(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALOG_CREDENTIAL", SERVICE["Authorization"].removeprefix("Bearer "))
    monkeypatch.setenv("PROXY_CREDENTIAL", PROXY["Authorization"].removeprefix("Bearer "))
    settings.CHASSIS = settings.CHASSIS | {"CALLERS": callers()}


@pytest.fixture
def follow(client: Client) -> Follow:
    """Gives what has changed since the last call, by the row's place; the shop sells one teapot before the first."""
    make_review(make_product("Teapot", "12.50"), make_user())
    cursor = ""

    def read() -> dict[str, dict[str, Any]]:
        nonlocal cursor
        _wait_until_settled()
        answer = client.get(f"/_chassis/feed/catalog?after={cursor}", headers=SERVICE)
        page = answer.json()
        assert (answer.status_code, page.get("more")) == (200, False), page
        cursor = page["next"]
        return {event["subject"]: event["data"]["row"] for event in page["events"]}

    _wait_until_settled()
    cursor = client.get("/_chassis/feed/catalog", headers=SERVICE).json()["next"]
    return read


def _wait_until_settled() -> None:
    """PostgreSQL: until no transaction that is older than the last change is open, in any database."""
    give_up = time.monotonic() + 60
    while connection.vendor == "postgresql" and time.monotonic() < give_up:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT max(xid) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint "
                "FROM chassis_ownership_change"
            )
            if cursor.fetchone() != (False,):
                return
        time.sleep(0.02)


def test_price_shows_however_it_is_changed(follow: Follow) -> None:
    variant = Variant.objects.get()
    place = f"catalog_variant/{variant.pk}"
    variant.price_amount = Decimal("11.00")
    variant.save()
    assert follow()[place]["price_amount"] == "11.00"
    Variant.objects.update(price_amount=Decimal("10.00"))
    assert follow()[place]["price_amount"] == "10.00"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_variant SET price_amount = 9")
    assert follow()[place]["price_amount"] == "9.00"
    assert follow() == {}


def test_renamed_shopper_shows_beside_his_reviews(follow: Follow) -> None:
    review = Review.objects.get()
    User.objects.update(last_login=None, email="other@example.com")
    assert follow() == {}
    User.objects.update(display_name="Countess")
    assert next(iter(follow().values()))["author_name"] == "Countess"
    User.objects.filter(pk=review.author_id).delete()
    assert follow()[f"catalog_review/{review.pk}"] is None


def test_deleted_product_takes_what_is_its_own(follow: Follow) -> None:
    Product.objects.all().delete()
    assert {place.partition("/")[0] for place, row in follow().items() if row is None} == {
        "catalog_product",
        "catalog_variant",
        "catalog_review",
    }


def test_proxy_learns_how_far_the_service_is_and_no_rows(follow: Follow, client: Client) -> None:
    follow()
    status = client.get("/_chassis/ownership/catalog", headers=PROXY).json()
    assert (status["owner"], status["captured"]) == ("monolith", True)
    assert [reader["caller"] for reader in status["readers"]] == ["catalog-service"]
    for path in ("feed/catalog", "rows/catalog?table=catalog_brand"):
        assert client.get(f"/_chassis/{path}", headers=PROXY).status_code == 403


def test_shop_is_ready(client: Client) -> None:
    checks = client.get("/_chassis/readyz").json()["checks"]
    assert {name for name, check in checks.items() if check["ok"]} == {
        "database.default",
        "migrations.default",
        "capture",
    }
