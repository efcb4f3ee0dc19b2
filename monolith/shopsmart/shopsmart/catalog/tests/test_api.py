"""The catalogue over HTTP, reading. Exact answers: a service has to give the same ones."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from shopsmart.catalog.models import ProductImage
from shopsmart.catalog.services import change_price
from shopsmart.catalog.tests.make import (
    make_brand,
    make_category,
    make_product,
    make_review,
    make_user,
    make_variant,
)

pytestmark = pytest.mark.django_db

PRODUCTS = "/api/catalog/products/"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def get(client: Client, url: str, **query: Any) -> Any:
    answer = client.get(url, query, HTTP_HOST="localhost:8000")
    assert answer.status_code == 200, answer.content
    return answer.json()


def names(client: Client, **query: Any) -> list[str]:
    return [product["name"] for product in get(client, PRODUCTS, **query)["results"]]


def test_one_product_has_all_that_is_known_of_it(client: Client) -> None:
    home = make_category("Home")
    shelf = make_category("Tea & Coffee", home)
    product = make_product(
        "Pot", category=shelf, brand=make_brand(), description="Pours.", created_at=AT
    )
    small = make_variant(product, "10", sku="P-1", name="Small", weight_grams=500)
    large = make_variant(product, "20", sku="P-2", compare_at_amount=25, position=1)
    ProductImage.objects.create(
        product=product, image="products/pot.webp", width=4, height=3, alt="A pot", position=0
    )
    product.refresh_from_db()
    answer = get(client, f"{PRODUCTS}pot/")
    assert answer.pop("updated_at") == product.updated_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    image = {
        "url": "http://localhost:8000/media/products/pot.webp",
        "alt": "A pot",
        "width": 4,
        "height": 3,
    }
    assert answer == {
        "id": product.pk,
        "slug": "pot",
        "name": "Pot",
        "category": {"slug": "tea-coffee", "name": "Tea & Coffee"},
        "brand": {"slug": "pannikin", "name": "Pannikin"},
        "price": {"amount": "10.00", "currency": "EUR"},
        "compare_at": None,
        "image": image,
        "rating": {"average": None, "count": 0},
        "created_at": "2026-01-02T03:04:05.000000Z",
        "description": "Pours.",
        "breadcrumb": [
            {"slug": "home", "name": "Home"},
            {"slug": "tea-coffee", "name": "Tea & Coffee"},
        ],
        "variants": [
            {
                "id": small.pk,
                "sku": "P-1",
                "name": "Small",
                "price": {"amount": "10.00", "currency": "EUR"},
                "compare_at": None,
                "weight_grams": 500,
            },
            {
                "id": large.pk,
                "sku": "P-2",
                "name": "",
                "price": {"amount": "20.00", "currency": "EUR"},
                "compare_at": {"amount": "25.00", "currency": "EUR"},
                "weight_grams": None,
            },
        ],
        "images": [image],
    }


def test_a_product_without_variants_pictures_and_brand_is_shown_without(client: Client) -> None:
    make_product("Bare")
    (bare,) = get(client, PRODUCTS)["results"]
    assert (bare["price"], bare["compare_at"], bare["image"], bare["brand"]) == (None,) * 4


def test_a_list_shows_the_cheapest_variant(client: Client) -> None:
    product = make_product("Pot", "30.00", "20.00")
    product.variants.filter(price_amount=20).update(compare_at_amount=22)
    (pot,) = get(client, PRODUCTS)["results"]
    assert pot["price"]["amount"] == "20.00"
    assert pot["compare_at"]["amount"] == "22.00"


def test_categories_come_as_a_tree_laid_flat(client: Client) -> None:
    second = make_category("Garden", position=2)
    first = make_category("Kitchen", position=1)
    below = make_category("Pans", first)
    make_product("Pan", category=below)
    make_product("Gone", category=below, is_active=False)
    make_product("Whisk", category=first)
    make_product("Rake", category=second)
    assert [
        (c["slug"], c["parent"], c["depth"], c["product_count"])
        for c in get(client, "/api/catalog/categories/")
    ] == [("kitchen", None, 0, 2), ("pans", "kitchen", 1, 1), ("garden", None, 0, 1)]
    assert get(client, "/api/catalog/categories/kitchen/") == {
        "slug": "kitchen",
        "name": "Kitchen",
        "parent": None,
        "depth": 0,
        "product_count": 2,
        "description": "",
        "breadcrumb": [{"slug": "kitchen", "name": "Kitchen"}],
        "children": [{"slug": "pans", "name": "Pans"}],
    }


def test_brands_come_by_name_with_what_they_have(client: Client) -> None:
    zeta, alpha = make_brand("Zeta"), make_brand("Alpha")
    make_product("A", brand=zeta)
    make_product("B", brand=zeta, is_active=False)
    assert get(client, "/api/catalog/brands/") == [
        {"slug": "alpha", "name": alpha.name, "product_count": 0},
        {"slug": "zeta", "name": zeta.name, "product_count": 1},
    ]


def test_filters_narrow_the_list_together(client: Client) -> None:
    kitchen = make_category("Kitchen")
    pans = make_category("Pans", kitchen)
    brand = make_brand()
    make_product("Whisk", "5", category=kitchen)
    make_product("Copper Pan", "50", category=pans, brand=brand, description="Für Crêpes")
    make_product("Iron Pan", "30", category=pans)
    make_product("Rake", "30", category=make_category("Garden"), brand=brand)
    make_product("Old Pan", "30", category=pans, is_active=False)
    assert names(client) == ["Copper Pan", "Iron Pan", "Rake", "Whisk"]
    assert names(client, category="kitchen") == ["Copper Pan", "Iron Pan", "Whisk"]
    assert names(client, category="kitchen", brand="pannikin") == ["Copper Pan"]
    assert names(client, min_price="30", max_price="30.00") == ["Iron Pan", "Rake"]
    assert names(client, q="PAN") == ["Copper Pan", "Iron Pan"]
    assert names(client, q="crepes pan") == ["Copper Pan"]
    assert names(client, q="pan rake") == []
    assert names(client, q="%") == []
    assert names(client, q="", category="", rating="", page="") == names(client)


def test_a_price_filter_looks_at_the_cheapest_variant(client: Client) -> None:
    make_product("Pot", "10", "90")
    assert names(client, min_price=50) == []
    assert names(client, max_price=50) == ["Pot"]


def test_ratings_filter_and_sort(client: Client) -> None:
    ada, ben = make_user("ada"), make_user("ben")
    for name, stars in (("Fair", (3, 4)), ("Good", (5, 4)), ("Best", (5,)), ("Unrated", ())):
        product = make_product(name)
        for author, given in zip((ada, ben), stars, strict=False):
            make_review(product, author, given)
    assert names(client, ordering="rating") == ["Best", "Good", "Fair", "Unrated"]
    assert names(client, rating=4) == ["Best", "Good"]
    (best,) = get(client, PRODUCTS, rating=5)["results"]
    assert best["rating"] == {"average": "5.00", "count": 1}


def test_every_ordering_is_total(client: Client) -> None:
    for name, price in (("b", "2"), ("a", "2"), ("c", "1"), ("A", "2"), ("none", None)):
        make_product(name, *([price] if price else []), slug=f"p-{ord(name[0])}", created_at=AT)
    assert names(client, ordering="price") == ["c", "a", "A", "b", "none"]
    assert names(client, ordering="-price") == ["a", "A", "b", "c", "none"]
    assert names(client, ordering="newest") == ["none", "A", "c", "a", "b"]
    assert names(client, ordering="name") == ["a", "A", "b", "c", "none"]
    assert names(client, ordering="rating") == ["a", "A", "b", "c", "none"]


def test_pages_link_to_each_other_on_the_host_that_was_asked(client: Client) -> None:
    for number in range(5):
        make_product(f"P{number}")
    page = get(client, PRODUCTS, page=2, page_size=2, ordering="name")
    assert page["count"] == 5
    assert [p["name"] for p in page["results"]] == ["P2", "P3"]
    assert page["next"] == f"http://localhost:8000{PRODUCTS}?ordering=name&page=3&page_size=2"
    assert page["previous"] == f"http://localhost:8000{PRODUCTS}?ordering=name&page_size=2"
    assert get(client, page["next"])["next"] is None


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("category=no", {"category"}),
        ("brand=no", {"brand"}),
        ("min_price=x", {"min_price"}),
        ("min_price=NaN&max_price=-1", {"min_price", "max_price"}),
        ("min_price=2&max_price=1", {"max_price"}),
        ("max_price=1.001", {"max_price"}),
        ("max_price=1e30", {"max_price"}),
        ("rating=0", {"rating"}),
        ("rating=9&ordering=slug&q=" + "x" * 101, {"rating", "ordering", "q"}),
        ("q=%00", {"q"}),
        ("page=0", {"page"}),
        ("page=x", {"page"}),
        ("page=٣", {"page"}),
        ("page=" + "9" * 5000, {"page"}),
        ("page_size=101", {"page_size"}),
        ("page_size=-1", {"page_size"}),
    ],
)
def test_what_cannot_be_understood_is_named(client: Client, query: str, fields: set[str]) -> None:
    answer = client.get(f"{PRODUCTS}?{query}")
    assert answer.status_code == 400
    assert set(answer.json()) == fields
    assert all(isinstance(said, str) for errors in answer.json().values() for said in errors)


@pytest.mark.parametrize(
    "path",
    [
        "products/nothing/",
        "products/gone/",
        "products/nothing/reviews/",
        "products/gone/prices/",
        "products/?page=2",
        "products/no%20slug/",
        "products/%00/",
        "categories/nothing/",
        "nothing/",
        "nothing",
    ],
)
def test_what_is_not_there_is_a_404_in_json(client: Client, path: str) -> None:
    make_product("Gone", is_active=False)
    answer = client.get(f"/api/catalog/{path}")
    assert answer.status_code == 404
    assert set(answer.json()) == {"detail"}


def test_a_missing_slash_is_added(client: Client) -> None:
    answer = client.get("/api/catalog/products?q=x")
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{PRODUCTS}?q=x")


def test_reading_looks_at_no_cookie(client: Client, django_assert_num_queries: Any) -> None:
    product = make_product("Pot", "1")
    make_review(product, make_user("ben"))
    client.force_login(make_user())
    for path in ("", "pot/", "pot/reviews/", "pot/prices/"):
        answer = client.get(PRODUCTS + path)
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert "Set-Cookie" not in answer.headers
    with django_assert_num_queries(2):  # no session, no user
        client.get("/api/catalog/categories/")


def test_head_gives_the_headers_of_get(client: Client) -> None:
    make_product("Pot", "1")
    head, whole = client.head(PRODUCTS), client.get(PRODUCTS)
    assert head.content == b""
    # Django makes tags for GET only.
    assert {**head.headers, "ETag": whole.headers["ETag"]} == dict(whole.headers)


def test_an_answer_that_is_known_is_not_sent_again(client: Client) -> None:
    make_product("Pot", "1")
    tag = client.get(PRODUCTS).headers["ETag"]
    again = client.get(PRODUCTS, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    make_product("Pan", "1")
    assert client.get(PRODUCTS, headers={"If-None-Match": tag}).status_code == 200


def test_the_tag_of_a_compressed_answer_is_that_of_the_plain_bytes(client: Client) -> None:
    for number in range(9):
        make_product(f"Pot {number}", "1")
    plain = client.get(PRODUCTS)
    packed = client.get(PRODUCTS, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"
    assert gzip.decompress(packed.content) == plain.content


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_only_reading_is_offered(client: Client, method: str) -> None:
    answer = getattr(client, method)(PRODUCTS)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_nothing_but_json_is_offered(client: Client) -> None:
    answer = client.get(PRODUCTS, headers={"Accept": "text/html"})
    assert answer.status_code == 406
    assert answer.headers["Content-Type"] == "application/json"


def test_prices_tell_how_they_came_about(client: Client) -> None:
    product = make_product("Pot", "10")
    variant = product.variants.get()
    for day, amount in ((1, "12"), (2, "9.5")):
        at = AT.replace(day=day)
        change_price(variant=variant, amount=Decimal(amount), reason=f"Day {day}", at=at)
    latest, first = get(client, f"{PRODUCTS}pot/prices/")["results"]
    assert (first["old_amount"], first["new_amount"]) == ("10.00", "12.00")
    assert latest == {
        "sku": variant.sku,
        "old_amount": "12.00",
        "new_amount": "9.50",
        "currency": "EUR",
        "changed_at": "2026-01-02T03:04:05.000000Z",
        "reason": "Day 2",
    }


def test_a_search_box_is_offered_names_that_begin_so_first(client: Client) -> None:
    make_category("Pots & Planters")
    for name in ("Tea Pot", "Pot Rack", "Café Pot", "Pan", "Pot Gone"):
        make_product(name, is_active=name != "Pot Gone")
    offered = get(client, "/api/catalog/suggest/", q=" PÖT")
    assert [p["name"] for p in offered["products"]] == ["Pot Rack", "Café Pot", "Tea Pot"]
    assert offered["categories"] == [{"slug": "pots-planters", "name": "Pots & Planters"}]
    assert offered["products"][0] == {"slug": "pot-rack", "name": "Pot Rack"}
    assert client.get("/api/catalog/suggest/").json() == {"q": ["This field is required."]}


def test_the_number_of_queries_does_not_grow_with_the_shop(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_category("Kitchen")
    ada, ben = make_user("ada"), make_user("ben")
    for number in range(12):
        product = make_product(f"Pot {number}", "3", "2", brand=make_brand(f"B{number}"))
        make_review(product, ada)
        make_review(product, ben)
        for variant in product.variants.all():
            change_price(variant=variant, amount=Decimal(9), reason="x")
    for queries, path in (
        (4, "products/"),  # count, products, variants, images
        (4, "products/?ordering=price&min_price=1&q=pot"),
        (7, "products/?category=kitchen&brand=b1"),  # … and the tree (2), the brand
        (5, "products/pot-3/"),  # product, variants, images, the tree (2)
        (5, "products/pot-3/reviews/"),  # product (3), count, reviews with authors
        (5, "products/pot-3/prices/"),
        (2, "categories/"),
        (2, "categories/kitchen/"),
        (1, "brands/"),
        (3, "suggest/?q=pot"),
    ):
        with django_assert_num_queries(queries):
            assert client.get(f"/api/catalog/{path}").status_code == 200
