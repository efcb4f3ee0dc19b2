"""Every page answers, with a number of queries that does not grow with what it shows."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Category, Product
from shopsmart.catalog.services import change_price
from shopsmart.storefront.tests.conftest import MakeProduct, MakeReviews

TREE = 2  # all categories, how many products each has
LIST = 3  # products with category and brand, their variants, their images
SESSION = 2  # the session and its user
STOCK = 1  # of all variants
CART = 1  # that there is none yet; where there is one, one more: how many things are in it
UNREAD = 1  # what waits in the inbox


def text(html: bytes) -> str:
    """What a reader sees, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


@pytest.mark.parametrize(
    "path", ["/", "/search/", "/search/?q=anything", "/account/login/", "/account/register/"]
)
@pytest.mark.django_db
def test_an_empty_shop_still_has_its_pages(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert '<html lang="en">' in response.content.decode()


@pytest.mark.django_db
def test_an_empty_shop_says_so(client: Client) -> None:
    assert "The shelves are empty for now." in text(client.get("/").content)
    assert "There is nothing here yet." in text(client.get("/search/").content)
    assert client.get("/category/kitchen/").status_code == 404


def test_an_empty_category_says_so(client: Client, kitchen: Category) -> None:
    assert "There is nothing here yet." in text(client.get("/category/kitchen/").content)


def test_home_shows_shelves_new_and_best_in_a_fixed_number_of_queries(
    client: Client,
    make_product: MakeProduct,
    make_reviews: MakeReviews,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(12):
        make_reviews(make_product(images=2, prices=("3", "4")), 4, 5)
    with django_assert_num_queries(TREE + LIST + LIST):
        page = client.get("/")
    assert "Kitchen Knives 12 products" in text(page.content)
    assert len(page.context["newest"]) == 8
    assert len(page.context["top_rated"]) == 4


def test_category_shows_what_stands_below_it_too(
    client: Client,
    kitchen: Category,
    make_product: MakeProduct,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(30):
        make_product(images=1)
    make_product(name="Apron", category=kitchen, brand=None)
    with django_assert_num_queries(TREE + 1 + 1 + LIST):  # brands to filter by, the count
        page = client.get("/category/kitchen/")
    assert "31 products, page 1 of 2" in text(page.content)
    assert 'aria-current="page">Kitchen' in page.content.decode()
    assert "30 products" in text(client.get("/category/knives/").content)


def test_product_page_asks_as_often_for_much_as_for_little(
    client: Client,
    make_product: MakeProduct,
    make_reviews: MakeReviews,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """`variant.product.category`, `review.author` and `product.brand` come with their rows."""
    plain = make_product()
    rich = make_product(images=5, prices=("3", "4", "5", "6"))
    make_reviews(rich, *[1, 2, 3, 4, 5] * 3)
    for _ in range(6):
        make_reviews(make_product(images=2), 5)
    pages = TREE + LIST + LIST + STOCK + 1 + 1 + 1  # price history, count of reviews, their shares
    with django_assert_num_queries(pages):  # no reviews: the paginator asks no page of them
        client.get(reverse("storefront:product", args=[plain.slug]))
    with django_assert_num_queries(pages + 1):
        page = client.get(reverse("storefront:product", args=[rich.slug]))
    assert page.content.decode().count('<article class="review">') == 10
    assert len(page.context["related"]) == 4


def test_a_logged_in_shopper_costs_four_queries_more(
    as_shopper: Client,
    make_product: MakeProduct,
    make_reviews: MakeReviews,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    product = make_product()
    make_reviews(product, 5)
    # One product is related to none, so nothing is prefetched for it; then session, user, own review, cart.
    with django_assert_num_queries(TREE + LIST + STOCK + 1 + 1 + 1 + 1 + 1 + SESSION + 1 + CART):
        as_shopper.get(reverse("storefront:product", args=[product.slug]))


def test_the_account_shows_own_reviews_in_a_fixed_number_of_queries(
    as_shopper: Client,
    shopper: User,
    make_product: MakeProduct,
    make_reviews: MakeReviews,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for rating in (1, 2, 3):
        for review in make_reviews(make_product(), rating):
            review.author = shopper
            review.save()
    with django_assert_num_queries(SESSION + 1 + UNREAD + CART + TREE):
        page = as_shopper.get("/account/")
    assert page.content.decode().count('<article class="review">') == 3
    assert "Opinel, Knives" in text(page.content)


def test_product_page_tells_all_about_it(
    client: Client, make_product: MakeProduct, make_reviews: MakeReviews
) -> None:
    product = make_product(
        name="Paring knife", description="Short.\n\nSharp.", prices=("9.00", "1234.50"), images=2
    )
    make_reviews(product, 5, 5, 5, 1)
    change_price(variant=product.variants.last(), amount=Decimal(1200), reason="sale")
    page = client.get(f"/product/{product.slug}/")
    seen = text(page.content)
    assert "Home Kitchen Knives Paring knife" in seen
    assert "from €9.00" in seen
    assert "Size 1 K-1-1 Sold out €1,200.00" in seen
    assert "1234.50 → 1200.00 EUR" in seen
    assert "4.00 of 5, from 4 reviews" in seen
    assert [(s.stars, s.count, s.percent) for s in page.context["shares"]] == [
        (5, 3, 75),
        (4, 0, 0),
        (3, 0, 0),
        (2, 0, 0),
        (1, 1, 25),
    ]
    assert 'alt="Side 0"' in page.content.decode()
    assert "Log in or register to write one." in seen


def test_a_product_without_variants_brand_pictures_and_reviews_has_a_page(
    client: Client, make_product: MakeProduct
) -> None:
    product = make_product(brand=None, prices=())
    page = client.get(f"/product/{product.slug}/")
    assert "Not available now" in text(page.content)
    assert "Nobody has reviewed this yet." in text(page.content)
    assert "Not available now" in text(client.get("/").content)


def test_what_is_not_sold_is_not_found(client: Client, make_product: MakeProduct) -> None:
    product = make_product(is_active=False)
    assert client.get(f"/product/{product.slug}/").status_code == 404
    assert client.get("/").context["newest"] == []
    assert client.get("/search/").context["listing"].page.paginator.count == 0


def test_hidden_reviews_are_not_shown(
    client: Client, make_product: MakeProduct, make_reviews: MakeReviews
) -> None:
    product = make_product()
    (review,) = make_reviews(product, 1)
    review.is_published = False
    review.save()
    seen = text(client.get(f"/product/{product.slug}/").content)
    assert "Said 1" not in seen
    assert "1 review" not in seen


def test_many_reviews_come_in_pages(
    client: Client, make_product: MakeProduct, make_reviews: MakeReviews
) -> None:
    url = f"/product/{(product := make_product()).slug}/"
    make_reviews(product, *[4] * 21)
    assert len(client.get(url, {"reviews": "3"}).context["reviews"]) == 1
    for number in ("0", "4", "-1", "x", "1e3", "٣" * 400):
        assert client.get(url, {"reviews": number}).status_code == 404, number


@pytest.mark.parametrize(
    "path", ["/nowhere/", "/category/nowhere/", "/product/nowhere/", "/robots.txt/", "/product/"]
)
@pytest.mark.django_db
def test_a_missing_page_is_a_404_that_leads_back(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "This shelf is empty" in text(response.content)
    assert 'role="search"' in response.content.decode()


@pytest.mark.django_db
def test_a_broken_page_is_a_500_without_the_database_or_a_trace(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Product.objects, "filter", None)
    client.raise_request_exception = False
    response = client.get("/search/")
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
    assert "NoneType" not in response.content.decode()


def test_robots_are_told_where_to_walk(client: Client) -> None:
    response = client.get("/robots.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert b"Disallow: /account/\n" in response.content


@pytest.mark.parametrize("path", ["/", "/search/", "/category/knives/", "/robots.txt"])
def test_pages_are_read_only(client: Client, make_product: MakeProduct, path: str) -> None:
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)(path).status_code == 405, method
    head = client.head(path)
    assert head.status_code == 200
    assert not head.content


def test_strangers_get_pages_without_cookies(client: Client, make_product: MakeProduct) -> None:
    """So that a cache, or a comparison, finds the same bytes each time."""
    product = make_product()
    for path in ("/", "/search/", "/category/knives/", f"/product/{product.slug}/"):
        first, second = client.get(path), client.get(path)
        assert not first.cookies, path
        assert first.content == second.content, path
        assert client.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
