from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Model

from shopsmart.catalog.models import (
    Brand,
    Category,
    PriceChange,
    Product,
    ProductImage,
    Review,
    Variant,
)
from shopsmart.catalog.tests.make import (
    make_category,
    make_product,
    make_review,
    make_user,
    make_variant,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> None:
    """One row of everything."""
    product = make_product("Teapot", "10.00")
    Brand.objects.create(name="Pannikin", slug="pannikin")
    make_review(product, make_user())
    variant = product.variants.get()
    PriceChange.objects.create(
        variant=variant, old_amount=9, new_amount=10, currency="EUR", reason="x"
    )
    ProductImage.objects.create(
        product=product, image="a.webp", width=1, height=1, alt="A pot", position=0
    )


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Brand, {"name": ""}),
        (Category, {"name": ""}),
        (Category, {"parent": F("id")}),
        (PriceChange, {"currency": "EU"}),
        (PriceChange, {"new_amount": -1}),
        (PriceChange, {"new_amount": F("old_amount")}),
        (PriceChange, {"old_amount": -1}),
        (Product, {"name": ""}),
        (Product, {"rating_average": None}),
        (Product, {"rating_average": 6}),
        (Product, {"rating_count": 0}),
        (ProductImage, {"alt": ""}),
        (Review, {"rating": 0}),
        (Review, {"rating": 6}),
        (Review, {"title": ""}),
        (Variant, {"compare_at_amount": 10}),
        (Variant, {"currency": ""}),
        (Variant, {"price_amount": -1}),
        (Variant, {"sku": ""}),
    ],
)
def test_the_database_refuses(model: type[Model], change: dict[str, Any]) -> None:
    assert model._default_manager.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        model._default_manager.update(**change)


@pytest.mark.usefixtures("shop")
def test_the_database_refuses_a_second_row_of_what_is_unique() -> None:
    for model in (Brand, Category, Product, ProductImage, Review, Variant):
        row = model._default_manager.get()
        row.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)


@pytest.mark.usefixtures("shop")
def test_a_shelf_with_goods_on_it_is_not_deleted() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Category.objects.get().delete()


def test_saving_a_product_derives_what_it_is_searched_and_sorted_by() -> None:
    product = make_product("Crème BRÛLÉE Set", description="Für  zwei")
    product.refresh_from_db()
    assert product.name_key == "creme brulee set"
    assert product.search_text == "creme brulee set\nfur zwei"
    before = product.updated_at
    product.name = "Ramekins"
    product.save(update_fields=["name"])
    product.refresh_from_db()
    assert product.name_key == "ramekins"
    assert product.updated_at > before


def test_a_name_that_grows_when_folded_is_cut_to_its_column() -> None:
    product = make_product("ﷺ" * 160, slug="long")  # 18 letters each when written out
    product.refresh_from_db()
    assert len(product.name_key) == 320


def test_names_sort_by_code_point_whatever_the_locale() -> None:
    for name in ("b", "A", "é", "a", "Z", "_"):
        Brand.objects.create(name=name, slug=f"s-{ord(name)}")
    assert list(Brand.objects.order_by("name").values_list("name", flat=True)) == [
        "A", "Z", "_", "a", "b", "é",
    ]  # fmt: skip


def test_the_collation_is_pinned_in_the_column() -> None:
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, "catalog_product")
    collation = {column.name: column.collation for column in columns}["name_key"]
    assert collation in {"C", "BINARY", None}  # SQLite reports its own default, BINARY, as None


def test_a_category_is_not_put_below_itself() -> None:
    top = make_category("Top")
    middle = make_category("Middle", top)
    low = make_category("Low", middle)
    top.parent = low
    with pytest.raises(ValidationError, match="below itself"):
        top.full_clean()


def test_a_circle_that_was_made_past_the_model_does_not_catch_its_checks() -> None:
    top = make_category("Top")
    low = make_category("Low", top)
    Category.objects.filter(pk=top.pk).update(parent=low)
    with pytest.raises(ValidationError, match="below itself"):
        Category(name="New", slug="new", parent=Category.objects.get(pk=low.pk)).full_clean()


def test_a_variant_is_called_by_its_product_and_its_option() -> None:
    product = make_product("Teapot")
    assert str(make_variant(product)) == "Teapot"
    assert str(make_variant(product, name="Large")) == "Teapot – Large"
