import io
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models.signals import post_save

from shopsmart.catalog.models import PriceChange, Variant
from shopsmart.catalog.tests.make import make_category, make_product

pytestmark = pytest.mark.django_db


def reprice(*arguments: str) -> str:
    said = io.StringIO()
    call_command("reprice", *arguments, stdout=said)
    return said.getvalue()


def prices() -> list[str]:
    return [str(v.price_amount) for v in Variant.objects.order_by("product__slug", "id")]


def test_all_prices_move_and_are_rounded_to_cents() -> None:
    make_product("Pot", "10.00", "0.99", "3.33")
    assert "Moved 3 prices by 12.5 %" in reprice("--percent", "12.5")
    assert prices() == ["11.25", "1.11", "3.75"]


def test_a_category_moves_with_what_stands_below_it() -> None:
    top = make_category("Kitchen")
    make_product("A", "10", category=make_category("Pans", top))
    make_product("B", "10", category=make_category("Garden"))
    reprice("--percent=-50", "--category", "kitchen")
    assert prices() == ["5.00", "10.00"]


def test_a_former_price_is_dropped_when_it_is_no_longer_higher() -> None:
    low, high = make_product("Pot", "10", "10").variants.all()
    Variant.objects.filter(pk=low.pk).update(compare_at_amount=11)
    Variant.objects.filter(pk=high.pk).update(compare_at_amount=12)
    reprice("--percent", "10")
    low.refresh_from_db()
    high.refresh_from_db()
    assert (low.compare_at_amount, high.compare_at_amount) == (None, Decimal(12))


def test_nothing_that_watches_hears_of_it() -> None:
    product = make_product("Pot", "10")
    heard: list[object] = []

    def listener(**kwargs: object) -> None:
        heard.append(kwargs)

    post_save.connect(listener)
    try:
        reprice("--percent", "10")
    finally:
        post_save.disconnect(listener)
    assert prices() == ["11.00"]
    assert not heard
    assert not PriceChange.objects.exists()
    before = product.updated_at
    product.refresh_from_db()
    assert product.updated_at == before


@pytest.mark.parametrize("percent", ["0", "x", "91", "-91", "NaN", "Infinity"])
def test_a_percentage_that_cannot_be_is_refused(percent: str) -> None:
    make_product("Pot", "10")
    with pytest.raises(CommandError, match="is no percentage"):
        reprice(f"--percent={percent}")
    assert prices() == ["10.00"]


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(CommandError, match="no category 'attic'"):
        reprice("--percent", "5", "--category", "attic")
