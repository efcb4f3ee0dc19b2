"""Filters, sorting, search and pages of a listing, by their addresses."""

import html
import re

import pytest
from django.test import Client

from shopsmart.storefront.tests.conftest import MakeProduct, MakeReviews


def names(client: Client, query: str, path: str = "/search/") -> list[str]:
    response = client.get(f"{path}?{query}")
    assert response.status_code == 200
    return [product.name for product in response.context["listing"].page]


def links(page: bytes) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', page.decode())]


@pytest.fixture
def _stock(make_product: MakeProduct, make_reviews: MakeReviews) -> None:
    make_reviews(make_product(name="Bread knife", brand="Opinel", prices=("30", "25")), 5)
    make_reviews(make_product(name="Crème knife", brand="Zwilling", prices=("40",)), 4, 3)
    make_reviews(make_product(name="Dagger", brand="Opinel", prices=("99.99",)), 2)
    make_product(name="Axe", brand=None, prices=("60",))


@pytest.mark.usefixtures("_stock")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sort=name", ["Axe", "Bread knife", "Crème knife", "Dagger"]),
        ("sort=price", ["Bread knife", "Crème knife", "Axe", "Dagger"]),
        ("sort=-price", ["Dagger", "Axe", "Crème knife", "Bread knife"]),
        ("sort=newest", ["Axe", "Dagger", "Crème knife", "Bread knife"]),
        ("sort=rating", ["Bread knife", "Crème knife", "Dagger", "Axe"]),
        ("", ["Bread knife", "Crème knife", "Dagger", "Axe"]),
        ("brand=opinel", ["Bread knife", "Dagger"]),
        ("min_price=30&max_price=60&sort=name", ["Axe", "Crème knife"]),
        ("min_price=25&max_price=25", ["Bread knife"]),
        ("rating=3", ["Bread knife", "Crème knife"]),
        ("rating=4", ["Bread knife"]),
        ("q=KNIFE&sort=name", ["Bread knife", "Crème knife"]),
        ("q=creme", ["Crème knife"]),
        ("q=knife+bread", ["Bread knife"]),
        ("q=knife&brand=zwilling", ["Crème knife"]),
        ("q=++", ["Bread knife", "Crème knife", "Dagger", "Axe"]),
        ("q=%25", []),
        ("q=nothing", []),
        (
            "brand=&min_price=&max_price=&rating=&sort=",
            ["Bread knife", "Crème knife", "Dagger", "Axe"],
        ),
    ],
)
def test_a_query_finds(client: Client, query: str, found: list[str]) -> None:
    assert names(client, query) == found


@pytest.mark.usefixtures("_stock")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("min_price=cheap", "min_price"),
        ("min_price=-1", "min_price"),
        ("min_price=NaN", "min_price"),
        ("min_price=Infinity", "min_price"),
        ("max_price=1e999999", "max_price"),
        ("max_price=1.234", "max_price"),
        ("max_price=" + "9" * 1000, "max_price"),
        ("rating=6", "rating"),
        ("rating=%00", "rating"),
        ("brand=nobody", "brand"),
        ("brand=%3Cscript%3E", "brand"),
        ("sort=password", "sort"),
        ("sort=name%00", "sort"),
    ],
)
def test_a_filter_that_makes_no_sense_is_told_and_does_not_narrow(
    client: Client, query: str, field: str
) -> None:
    response = client.get(f"/search/?{query}")
    assert response.status_code == 200
    assert list(response.context["listing"].form.errors) == [field]
    assert response.context["listing"].page.paginator.count == 4
    assert "<script>" not in response.content.decode()
    if field != "sort":
        assert f'id="id_{field}_error"' in response.content.decode()


@pytest.mark.usefixtures("_stock")
def test_prices_the_wrong_way_round_are_told(client: Client) -> None:
    response = client.get("/search/?min_price=50&max_price=10")
    assert "This is below the lowest price." in response.content.decode()
    assert response.context["listing"].wanted.max_price is None


@pytest.mark.usefixtures("_stock")
@pytest.mark.parametrize("query", ["a\x00b", "x" * 101])
def test_a_search_that_makes_no_sense_is_told(client: Client, query: str) -> None:
    response = client.get("/search/", {"q": query})
    assert response.status_code == 200
    assert "The search was not understood" in response.content.decode()


@pytest.mark.usefixtures("_stock")
def test_filters_can_be_taken_off_one_by_one(client: Client) -> None:
    page = client.get("/search/?q=knife&brand=opinel&rating=4&max_price=50&page=1")
    assert "?q=knife&rating=4&max_price=50" in links(page.content)
    assert "?q=knife&brand=opinel&max_price=50" in links(page.content)
    assert "?q=knife&brand=opinel&rating=4" in links(page.content)


@pytest.mark.usefixtures("_stock")
def test_brands_stay_on_offer_while_other_filters_narrow(client: Client) -> None:
    page = client.get("/search/?brand=zwilling&max_price=1").content.decode()
    assert "Opinel (2)" in page
    assert "Zwilling (1)" in page
    assert "Take the filters off" in page
    assert "Opinel" not in client.get("/search/?q=creme").content.decode()


def test_pages_neither_repeat_nor_skip(client: Client, make_product: MakeProduct) -> None:
    for _ in range(50):
        make_product(name="The same")
    seen: list[int] = []
    url: str | None = "/search/?sort=rating"
    walked = 0
    while url:
        page = client.get(url)
        seen += [product.pk for product in page.context["listing"].page]
        following = re.search(r'href="([^"]*)" rel="next"', page.content.decode())
        url = f"/search/{html.unescape(following[1])}" if following else None
        walked += 1
    assert walked == 3
    assert len(seen) == len(set(seen)) == 50


@pytest.mark.parametrize("number", ["0", "3", "-1", "x", "", "1.5", "9" * 5000])
@pytest.mark.parametrize("path", ["/search/", "/category/knives/"])
def test_a_page_out_of_range_is_not_found(
    client: Client, make_product: MakeProduct, path: str, number: str
) -> None:
    for _ in range(25):
        make_product()
    assert client.get(path, {"page": "2"}).status_code == 200
    assert client.get(path, {"page": number}).status_code == 404


def test_page_links_keep_what_was_asked(client: Client, make_product: MakeProduct) -> None:
    for _ in range(60):
        make_product(prices=("10",))
    page = client.get("/search/?q=knife&min_price=1&page=2")
    assert "?q=knife&min_price=1&page=3" in links(page.content)
    assert 'aria-current="page"><span class="aside-text">Page </span>2' in page.content.decode()
