"""The catalogue's admin: what staff do to it must leave the same traces as a service call."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import StreamingHttpResponse
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from shopsmart.catalog import export
from shopsmart.catalog.models import PriceChange, Product, ProductImage, Review
from shopsmart.catalog.tests.make import (
    make_brand,
    make_category,
    make_product,
    make_review,
    make_user,
    make_variant,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user("staff", "Staff", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def teapot() -> Product:
    product = make_product("Teapot", brand=make_brand())
    make_variant(product, "10.00", sku="T-1")
    return product


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (40, 30)).save(out, "PNG")
    return SimpleUploadedFile("Pot Front.PNG", out.getvalue())


def form(product: Product, **changes: object) -> dict[str, object]:
    """What the change form of a product with one variant sends."""
    variant = product.variants.get()
    return {
        "name": product.name,
        "slug": product.slug,
        "category": product.category_id,
        "brand": product.brand_id or "",
        "description": product.description,
        "is_active": "on",
        "variants-TOTAL_FORMS": 1,
        "variants-INITIAL_FORMS": 1,
        "variants-0-id": variant.pk,
        "variants-0-product": product.pk,
        "variants-0-sku": variant.sku,
        "variants-0-name": variant.name,
        "variants-0-price_amount": variant.price_amount,
        "variants-0-compare_at_amount": variant.compare_at_amount or "",
        "variants-0-currency": variant.currency,
        "variants-0-weight_grams": "",
        "variants-0-position": 0,
        "images-TOTAL_FORMS": 0,
        "images-INITIAL_FORMS": 0,
        **changes,
    }


def send(staff: Client, product: Product, **changes: object) -> int:
    url = f"/admin/catalog/product/{product.pk}/change/"
    return staff.post(url, form(product, **changes)).status_code


def test_a_price_set_by_staff_leaves_its_history(staff: Client, teapot: Product) -> None:
    changes = {"variants-0-price_amount": "12.50", "variants-0-name": "Large"}
    assert send(staff, teapot, **changes) == 302
    variant = teapot.variants.get()
    assert (variant.price_amount, variant.name) == (Decimal("12.50"), "Large")
    change = PriceChange.objects.get()
    assert (change.old_amount, change.new_amount) == (Decimal("10.00"), Decimal("12.50"))
    assert change.reason == "Set by Staff"


def test_saving_without_a_new_price_writes_no_history(staff: Client, teapot: Product) -> None:
    assert send(staff, teapot, name="Tea Pot") == 302
    teapot.refresh_from_db()
    assert teapot.name_key == "tea pot"
    assert not PriceChange.objects.exists()


def test_price_and_former_price_are_set_together(staff: Client, teapot: Product) -> None:
    changes = {"variants-0-price_amount": "8", "variants-0-compare_at_amount": "10"}
    assert send(staff, teapot, **changes) == 302
    variant = teapot.variants.get()
    assert (variant.price_amount, variant.compare_at_amount) == (Decimal(8), Decimal(10))


def test_a_variant_that_is_deleted_with_a_new_price_is_just_deleted(
    staff: Client, teapot: Product
) -> None:
    changes = {"variants-0-price_amount": "8", "variants-0-DELETE": "on"}
    assert send(staff, teapot, **changes) == 302
    assert not teapot.variants.exists()


@pytest.mark.parametrize(("price", "former"), [("-1", ""), ("x", ""), ("10", "9"), ("1e9", "")])
def test_a_price_that_cannot_be_is_said_in_the_form(
    staff: Client, teapot: Product, price: str, former: str
) -> None:
    changes = {"variants-0-price_amount": price, "variants-0-compare_at_amount": former}
    assert send(staff, teapot, **changes) == 200
    assert teapot.variants.get().price_amount == Decimal("10.00")
    assert not PriceChange.objects.exists()


def test_an_uploaded_picture_is_kept_and_measured(
    staff: Client, teapot: Product, media: Path
) -> None:
    upload = {
        "images-TOTAL_FORMS": 1,
        "images-0-id": "",
        "images-0-product": teapot.pk,
        "images-0-image": picture(),
        "images-0-alt": "From the front",
        "images-0-position": 0,
    }
    assert send(staff, teapot, **upload) == 302
    image = teapot.images.get()
    assert (image.width, image.height) == (40, 30)
    assert image.image.name == "products/teapot/pot_front.png"
    assert (media / image.image.name).is_file()
    assert staff.get(f"/admin/catalog/product/{teapot.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    "upload",
    [
        SimpleUploadedFile("pot.png", b"no picture"),
        SimpleUploadedFile("pot.png", b""),
        SimpleUploadedFile("pot.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ],
    ids=["text", "nothing", "svg"],
)
def test_what_is_no_picture_is_refused(
    staff: Client, teapot: Product, upload: SimpleUploadedFile
) -> None:
    changes = {
        "images-TOTAL_FORMS": 1,
        "images-0-product": teapot.pk,
        "images-0-image": upload,
        "images-0-alt": "A pot",
        "images-0-position": 0,
    }
    assert send(staff, teapot, **changes) == 200
    assert not ProductImage.objects.exists()


def test_reviews_are_hidden_and_shown_with_their_ratings(staff: Client, teapot: Product) -> None:
    review = make_review(teapot, make_user(), 2)
    for action, count in (("hide", 0), ("publish", 1)):
        staff.post(
            "/admin/catalog/review/",
            {"action": action, "_selected_action": [review.pk], "index": 0},
        )
        teapot.refresh_from_db()
        assert teapot.rating_count == count
        assert Review.objects.get().is_published is bool(count)


def test_a_review_is_not_moved_to_another_product(staff: Client, teapot: Product) -> None:
    review, other = make_review(teapot, make_user(), 2), make_product("Kettle", "1")
    page = f"/admin/catalog/review/{review.pk}/change/"
    sent = {"product": other.pk, "author": review.author_id, "rating": 4, "title": "x", "body": "y"}
    assert staff.post(page, {**sent, "is_published": "on"}).status_code == 302
    review.refresh_from_db()
    teapot.refresh_from_db()
    assert (review.product_id, review.rating) == (teapot.pk, 4)
    assert (teapot.rating_count, teapot.rating_average) == (1, 4)
    assert staff.get("/admin/catalog/review/add/").content.count(b'name="product"') == 1


def test_the_price_list_is_streamed(staff: Client, teapot: Product) -> None:
    answer = staff.get("/admin/catalog/product/export.csv")
    assert isinstance(answer, StreamingHttpResponse)
    assert answer.streaming
    assert "Content-Length" not in answer.headers
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert rows == [
        {
            "sku": "T-1",
            "product": "Teapot",
            "variant": "",
            "category": "Kitchen",
            "brand": "Pannikin",
            "price": "10.00",
            "currency": "EUR",
            "active": "yes",
            "rating": "",
        }
    ]


def test_the_price_list_is_read_in_pieces(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(export, "ROWS_PER_QUERY", 2)
    make_product("Teapot", "1", "2", "3", "4", "5")
    with django_assert_num_queries(1):
        assert len(list(export.price_list_lines())) == 6


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "-2", "+3"])
def test_a_spreadsheet_runs_no_product_name(name: str) -> None:
    make_product(name, "1", slug="x")
    _heading, line = export.price_list_lines()
    assert next(csv.reader([line]))[1] == f"'{name}"


def test_the_price_list_is_for_staff(client: Client) -> None:
    assert client.get("/admin/catalog/product/export.csv").status_code == 302
    client.force_login(make_user("helper", is_staff=True))
    assert client.get("/admin/catalog/product/export.csv").status_code == 403


@pytest.mark.parametrize("query", ["q=TÉAPOT", "q=t-1", "is_active__exact=1", "o=-5"])
def test_staff_find_products(staff: Client, teapot: Product, query: str) -> None:
    make_product("Gone", is_active=False)
    page = staff.get(f"/admin/catalog/product/?{query}").content.decode()
    assert "Teapot" in page
    assert ("Gone" in page) is query.startswith("o=")


@pytest.mark.parametrize("model", ["brand", "category", "pricechange", "review"])
def test_every_list_of_the_catalogue_opens(staff: Client, teapot: Product, model: str) -> None:
    make_category("Garden")
    make_review(teapot, make_user())
    assert staff.get(f"/admin/catalog/{model}/?q=a").status_code == 200


def test_nobody_rewrites_the_history_of_prices(staff: Client, teapot: Product) -> None:
    change = PriceChange.objects.create(
        variant=teapot.variants.get(), old_amount=1, new_amount=2, currency="EUR", reason="x"
    )
    assert staff.get("/admin/catalog/pricechange/add/").status_code == 403
    assert staff.post(f"/admin/catalog/pricechange/{change.pk}/change/", {}).status_code == 403
    assert staff.post(f"/admin/catalog/pricechange/{change.pk}/delete/", {}).status_code == 403
