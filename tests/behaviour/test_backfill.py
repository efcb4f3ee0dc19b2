"""What changes in the shop reaches the service with the next `backfill`, whoever changed it."""

import json
from collections.abc import Iterator

import pytest
from behaviour.asking import Answer, ask
from stack import SeededData, Stack


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory, seeded_on: SeededData) -> Iterator[Stack]:
    """A system of its own, whose rows a test may change."""
    folder = tmp_path_factory.mktemp("changes") / "stack"
    with Stack.start(folder, data=seeded_on, with_proxy=False) as stack:
        yield stack


def both(stack: Stack, path: str) -> tuple[Answer, Answer]:
    path = f"/api/catalog{path}"
    return ask(stack.monolith_url, "GET", path), ask(stack.service_url, "GET", path)


def unsold(stack: Stack) -> int:
    """A product with reviews that no order holds on to."""
    rows = stack.data.monolith.rows(
        "SELECT MAX(product_id) FROM catalog_review WHERE product_id NOT IN (SELECT v.product_id"
        " FROM catalog_variant v JOIN orders_orderline line ON line.variant_id = v.id)"
    )
    return int(rows[0][0])


def deletion_of(product: int) -> list[str]:
    """What deletes it, with all that hangs on it."""
    variants = f"SELECT id FROM catalog_variant WHERE product_id = {product}"  # noqa: S608 - a number
    of_variant = ("catalog_pricechange", "cart_cartline", "inventory_reservation")
    of_variant += ("inventory_movement", "inventory_stockitem")
    of_product = ("catalog_variant", "catalog_productimage", "catalog_review")
    return [
        *(f"DELETE FROM {table} WHERE variant_id IN ({variants})" for table in of_variant),  # noqa: S608
        *(f"DELETE FROM {table} WHERE product_id = {product}" for table in of_product),  # noqa: S608
        f"DELETE FROM catalog_product WHERE id = {product}",  # noqa: S608
    ]


@pytest.mark.slow
def test_changes_past_the_orm_arrive_with_the_next_backfill(shop: Stack) -> None:
    paths = [
        *(f"/products/?page_size=100&ordering={order}" for order in ("name", "-price", "rating")),
        "/products/?page=2",
        "/categories/",
        "/brands/",
    ]
    first, second = json.loads(both(shop, "/products/?page_size=2")[0].body)["results"]
    shop.data.monolith.run(
        "UPDATE catalog_variant SET price_amount = price_amount + 1, compare_at_amount = NULL",
        "UPDATE accounts_user SET display_name = 'Renamed ' || id",
        # Two products change slugs, which are unique; a third goes with all that hangs on it.
        f"UPDATE catalog_product SET slug = 'between' WHERE id = {first['id']}",  # noqa: S608
        f"UPDATE catalog_product SET slug = '{first['slug']}' WHERE id = {second['id']}",  # noqa: S608
        f"UPDATE catalog_product SET slug = '{second['slug']}' WHERE id = {first['id']}",  # noqa: S608
        *deletion_of(unsold(shop)),
    )
    assert all(mine != theirs for mine, theirs in (both(shop, path) for path in paths[:3]))
    summary = json.loads(shop.backfill("--json"))["tables"]
    for table in ("catalog_variant", "catalog_review"):
        assert summary[table]["changed"] == summary[table]["rows_read"] > 0
        assert summary[table]["deleted"] > 0
    assert (summary["catalog_product"]["changed"], summary["catalog_product"]["deleted"]) == (2, 1)
    for product in (first, second):
        paths += [f"/products/{product['slug']}/", f"/products/{product['slug']}/reviews/"]
    for path in paths:
        monolith, service = both(shop, path)
        assert service == monolith
        assert service.status == 200
