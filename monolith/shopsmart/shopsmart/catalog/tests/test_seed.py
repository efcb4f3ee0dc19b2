import io
import itertools
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from shopsmart.accounts.models import User
from shopsmart.catalog.models import (
    Brand,
    Category,
    PriceChange,
    Product,
    ProductImage,
    Review,
    Variant,
)
from shopsmart.catalog.seeding import write
from shopsmart.catalog.seeding.pictures import draw_picture
from shopsmart.catalog.seeding.plan import LAST_DAY, OLDEST_DAY, plan_products, shopper_name
from shopsmart.catalog.services import refresh_ratings
from shopsmart.catalog.tests.make import make_product


def seed(*arguments: str) -> str:
    said = io.StringIO()
    call_command("seed", *arguments, stdout=said, stderr=io.StringIO())
    return said.getvalue()


def contents() -> dict[str, list[dict[str, Any]]]:
    models = (Category, Brand, Product, Variant, PriceChange, ProductImage, Review)
    return {
        model.__name__: list(model._default_manager.order_by("id").values()) for model in models
    }


def test_the_plan_is_the_same_each_time() -> None:
    plan = list(plan_products(products=200, shoppers=50, reviews=1000))
    assert plan == list(plan_products(products=200, shoppers=50, reviews=1000))
    assert sum(len(product.reviews) for product in plan) == 1000
    assert all(OLDEST_DAY <= product.created_at <= LAST_DAY for product in plan)


def test_names_stay_different_at_any_scale() -> None:
    slugs = [product.slug for product in plan_products(products=25_000, shoppers=1, reviews=0)]
    assert len(set(slugs)) == len(slugs)
    names = [shopper_name(number) for number in range(3_000)]
    assert len(set(names)) == len(names)


def test_more_reviews_than_shoppers_can_write_are_left_out() -> None:
    plan = list(plan_products(products=3, shoppers=2, reviews=100))
    assert [len(product.reviews) for product in plan] == [2, 2, 2]


def test_a_price_history_ends_at_the_price_and_has_no_gap() -> None:
    for product in plan_products(products=100, shoppers=1, reviews=0):
        for variant in product.variants:
            steps = variant.changes
            assert all(a.new == b.old and a.at <= b.at for a, b in itertools.pairwise(steps))
            assert not steps or steps[-1].new == variant.price
            assert variant.compare_at is None or variant.compare_at > variant.price


def test_a_picture_is_the_same_each_time() -> None:
    first = draw_picture(shelf="Cookware", number=0, hue=18)
    assert first == draw_picture(shelf="Cookware", number=0, hue=18)
    assert first != draw_picture(shelf="Cookware", number=1, hue=18)
    assert len(first) < 20_000


@pytest.mark.django_db
def test_the_default_shop_is_as_large_as_promised(media: Path, client: Client) -> None:
    said = seed()
    assert "1000 products" in said
    counts = [m._default_manager.count() for m in (Product, Category, Review, User)]
    assert counts == [1_000, 40, 5_000, 305]
    assert len(set(User.objects.values_list("password", flat=True))) == 1
    assert {image.image.name for image in ProductImage.objects.all()} <= {
        str(path.relative_to(media)) for path in media.rglob("*.webp")
    }
    assert client.login(username="shopper001", password=write.PASSWORD)
    assert client.login(username="admin", password=write.PASSWORD)
    assert client.get("/admin/").status_code == 200

    seeded = {p.pk: (p.rating_average, p.rating_count) for p in Product.objects.all()}
    refresh_ratings(product_ids=seeded)
    assert seeded == {p.pk: (p.rating_average, p.rating_count) for p in Product.objects.all()}
    text = {p.pk: (p.name_key, p.search_text) for p in Product.objects.all()[:50]}
    for product in Product.objects.filter(pk__in=text):
        product.derive_text()
        assert text[product.pk] == (product.name_key, product.search_text)


@pytest.mark.django_db
def test_a_second_seed_changes_nothing_and_reset_begins_anew() -> None:
    seed("--products", "40", "--reset")
    first = contents()
    assert "already" in seed("--products", "70")
    assert contents() == first
    seed("--products", "40", "--reset")
    assert contents() == first  # ids and times too
    assert User.objects.count() == 305


@pytest.mark.django_db
def test_what_was_made_by_hand_is_not_seeded_over() -> None:
    make_product("By Hand")
    assert "already" in seed()
    assert Product.objects.get().name == "By Hand"


@pytest.mark.django_db
def test_accounts_that_exist_are_left_as_they_are() -> None:
    User.objects.create_user("shopper002", "own@example.com", "own-password", display_name="Own")
    seed("--products", "64")
    own = User.objects.get(username="shopper002")
    assert (own.email, own.display_name, own.check_password("own-password")) == (
        "own@example.com", "Own", True
    )  # fmt: skip
    assert User.objects.count() == 305


@pytest.mark.django_db(transaction=True)
def test_an_address_that_somebody_else_has_is_told_and_nothing_changes() -> None:
    User.objects.create_user("boss", "admin@example.com", "own-password")
    with pytest.raises(CommandError, match=r"in the way: .*email.* Nothing was changed"):
        seed("--products", "40")
    assert not write.is_seeded()
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_seed_that_is_stopped_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(write, "_reviews", stop)
    with pytest.raises(KeyboardInterrupt):
        seed("--products", "40")
    assert not write.is_seeded()
    assert not User.objects.exists()
    monkeypatch.undo()
    assert "Seeded 40" in seed("--products", "40")


@pytest.mark.parametrize(
    "arguments", [("--scale", "0"), ("--scale", "x"), ("--products", "-5"), ("--scale", "9999")]
)
def test_a_count_that_cannot_be_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="is no whole number from 1 to"):
        seed(*arguments)


@pytest.mark.django_db
def test_without_tables_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.introspection, "table_names", list)
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        seed()
