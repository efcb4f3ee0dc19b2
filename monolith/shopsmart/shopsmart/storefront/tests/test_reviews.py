"""Writing a review: who may, what is refused, and that nobody's words become markup."""

import pytest
from django.test import Client
from django.urls import reverse

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Product, Review
from shopsmart.storefront.tests.conftest import MakeProduct

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>{{ 7|add:7 }} javascript:alert(1)'


@pytest.fixture
def product(make_product: MakeProduct) -> Product:
    return make_product()


def review_url(product: Product) -> str:
    return reverse("storefront:review", args=[product.slug])


def said(**changes: str) -> dict[str, str]:
    return {"rating": "4", "title": "Cuts", "body": "It cuts.", **changes}


def test_a_shopper_reviews_once(as_shopper: Client, shopper: User, product: Product) -> None:
    page = f"/product/{product.slug}/"
    response = as_shopper.post(review_url(product), said())
    assert (response.status_code, response["Location"]) == (302, f"{page}#reviews")
    review = Review.objects.get()
    assert (review.author, review.product, review.rating) == (shopper, product, 4)
    shown = as_shopper.get(page).content.decode()
    assert "Your review is published." in shown
    assert "You gave this product 4 of 5." in shown
    assert "Publish review" not in shown
    again = as_shopper.post(review_url(product), said(rating="1"))
    assert again.status_code == 200
    assert Review.objects.get().rating == 4


def test_strangers_are_sent_to_the_login_and_back_to_the_product(
    client: Client, product: Product
) -> None:
    response = client.post(review_url(product), said())
    assert response["Location"] == f"/account/login/?next=/product/{product.slug}/%23reviews"
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rating": ""}, "rating"),
        ({"rating": "0"}, "rating"),
        ({"rating": "6"}, "rating"),
        ({"rating": "4.5"}, "rating"),
        ({"rating": "٤"}, "rating"),
        ({"title": ""}, "title"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"body": "x" * 4001}, "body"),
    ],
)
def test_what_is_refused_is_said_beside_the_field_and_kept(
    as_shopper: Client, product: Product, changes: dict[str, str], field: str
) -> None:
    response = as_shopper.post(review_url(product), said(**changes))
    assert response.status_code == 200
    page = response.content.decode()
    assert list(response.context["review_form"].errors) == [field]
    assert f'id="id_{field}_error"' in page
    assert f'aria-describedby="id_{field}_error"' in page
    assert "<title>Error:" in page
    if field != "body":
        assert "It cuts." in page
    assert not Review.objects.exists()


def test_author_and_publication_are_not_for_the_sender_to_choose(
    as_shopper: Client, shopper: User, product: Product
) -> None:
    other = User.objects.create_user("eve", "eve@example.org", "x")
    form = said(author=str(other.pk), is_published="", product="999")
    as_shopper.post(review_url(product), form)
    review = Review.objects.get()
    assert (review.author, review.product, review.is_published) == (shopper, product, True)


def test_hostile_text_stays_text_everywhere(
    as_shopper: Client, shopper: User, product: Product
) -> None:
    User.objects.update(display_name=HOSTILE[:60])
    as_shopper.post(review_url(product), said(title=HOSTILE[:120], body=HOSTILE))
    assert Review.objects.get().body == HOSTILE
    for path in (f"/product/{product.slug}/", "/account/", f"/search/?q={HOSTILE[:50]}"):
        page = as_shopper.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "&lt;script&gt;" in page, path
        assert "14" not in page.partition("<footer")[0].partition("alert(1)")[2][:12], path


@pytest.mark.parametrize("slug", ["nowhere", "inactive"])
def test_only_what_is_sold_is_reviewed(
    as_shopper: Client, make_product: MakeProduct, slug: str
) -> None:
    product = make_product(is_active=False)
    Product.objects.filter(pk=product.pk).update(slug="inactive")
    assert as_shopper.post(f"/product/{slug}/reviews/", said()).status_code == 404


def test_a_review_is_a_post_with_a_token(as_shopper: Client, product: Product) -> None:
    assert as_shopper.get(review_url(product)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(review_url(product), said()).status_code == 403
