"""A price that was changed in the shop, in whatever way, stands in the service's answer within two seconds."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
from chaos.live_data import the_consumer
from crowd.accounts import wait_until
from journeys.transcript import Visitor
from stack import SeededData, Stack

pytestmark = pytest.mark.slow

WITHIN_S = 2.0
ADMIN = {"username": "admin", "password": "shopsmart"}

#: Changes the price of the first variant of product 1; gives when it was committed, by the clock of all processes.
Change = Callable[[Stack, str], float]


def in_the_admin(stack: Stack, price: str) -> float:
    """As staff do it: through the proxy, logged in, in the product's form."""
    with closing(Visitor(stack.proxy_url)) as staff:
        login = staff.submit("/admin/login/?next=/admin/", "username", ADMIN)
        assert login.status == 302
        form = "/admin/catalog/product/1/change/"
        changed = {"variants-0-price_amount": price, "variants-0-compare_at_amount": ""}
        saved = staff.submit(form, "variants-0-price_amount", changed | {"_save": "Save"})
        assert saved.status == 302, saved.body.decode()
    return time.monotonic()


def by_update(stack: Stack, price: str) -> float:
    """`QuerySet.update()` in a process of its own: no signal is sent, no `save()` called."""
    return _committed(
        stack,
        "from shopsmart.catalog.models import Variant; "
        f"Variant.objects.filter(pk={VARIANT}).update(price_amount='{price}', compare_at_amount=None)",
    )


def by_bulk_update(stack: Stack, price: str) -> float:
    return _committed(
        stack,
        "from shopsmart.catalog.models import Variant; "
        f"one = Variant.objects.get(pk={VARIANT}); one.price_amount = '{price}'; one.compare_at_amount = None; "
        "Variant.objects.bulk_update([one], ['price_amount', 'compare_at_amount'])",
    )


def by_raw_sql(stack: Stack, price: str) -> float:
    """Past Django altogether."""
    stack.data.monolith.run(
        f"UPDATE catalog_variant SET price_amount = {price}, compare_at_amount = NULL WHERE id = {VARIANT}"  # noqa: S608
    )
    return time.monotonic()


def _committed(stack: Stack, statements: str) -> float:
    script = f"{statements}; import time; print(time.monotonic())"
    return float(stack.manage_monolith("shell", "-v", "0", "-c", script))


VARIANT = 1
CHANGES: tuple[Change, ...] = (in_the_admin, by_update, by_bulk_update, by_raw_sql)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, seeded_on: SeededData) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("prices") / "stack"
    with Stack.start(folder, data=seeded_on, live=True) as stack:
        stack.fig("set", "catalog", "service", "--why", "prices are to be live")
        yield stack


def lag(stack: Stack) -> dict[str, Any]:
    """As `fig status` tells it of the catalogue."""
    (found,) = json.loads(stack.fig("status", "--json").stdout)["capabilities"]
    told: dict[str, Any] = found["lag"]
    return told


def shown(url: str, slug: str) -> str:
    """The price that this side tells."""
    answer = requests.get(f"{url}/api/catalog/products/{slug}/", timeout=10)
    assert answer.status_code == 200, answer.text
    (variant,) = [each for each in answer.json()["variants"] if each["id"] == VARIANT]
    price: str = variant["price"]["amount"]
    return price


@pytest.mark.parametrize("change", CHANGES)
def test_it_stands_in_the_services_answer_within_two_seconds(change: Change, shop: Stack) -> None:
    slug = shop.data.monolith.rows(
        f"SELECT p.slug FROM catalog_product p, catalog_variant v WHERE v.id = {VARIANT} AND p.id = v.product_id"  # noqa: S608
    )[0][0]
    price = f"{10 + CHANGES.index(change)}.37"
    assert shown(shop.service_url, slug) != price
    committed = change(shop, price)
    wait_until(lambda: shown(shop.service_url, slug) == price, within_s=10)
    assert time.monotonic() - committed < WITHIN_S
    assert shown(shop.monolith_url, slug) == shown(shop.proxy_url, slug) == price


def test_fig_status_shows_how_far_the_service_is_behind(shop: Stack) -> None:
    wait_until(lambda: lag(shop)["lag_s"] == 0, lambda: lag(shop))
    assert " lag" in shop.fig("status").stdout
    the_consumer(shop).send(signal.SIGSTOP)
    try:
        by_raw_sql(shop, "20.37")
        wait_until(lambda: (lag(shop)["lag_s"] or 0) > WITHIN_S, lambda: lag(shop))
        assert (lag(shop)["reader"], lag(shop)["captured"]) == ("catalog-service", True)
    finally:
        the_consumer(shop).send(signal.SIGCONT)
    wait_until(lambda: lag(shop)["lag_s"] == 0, lambda: lag(shop))
