"""Each endpoint's answer, whole. That it is also the shop's is shown by the parity cases in the repository's tests/."""

from typing import Any

import pytest
from django.test import Client

from shopsmart_catalog.models import Product

pytestmark = pytest.mark.usefixtures("catalogue")

CREPE_PAN = {
    "slug": "crepe-pan",
    "name": "Crêpe Pan",
    "category": {"slug": "pans", "name": "Pans"},
    "brand": {"slug": "acme", "name": "acme"},
    "price": {"amount": "19.50", "currency": "EUR"},
    "compare_at": {"amount": "25.00", "currency": "EUR"},
    "image": {
        "url": "http://testserver/media/products/crepe%20pan/0.jpg",
        "alt": "View 0",
        "width": 640,
        "height": 480,
    },
    "rating": {"average": "4.50", "count": 2},
    "created_at": "2026-01-02T03:04:05.678901Z",
}


def get(client: Client, path: str) -> Any:
    answer = client.get(f"/api/catalog{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def slugs(client: Client, query: str) -> list[str]:
    return [product["slug"] for product in get(client, f"/products/?{query}")["results"]]


def test_categories_come_as_a_tree_with_counts_of_what_is_sold(client: Client) -> None:
    assert get(client, "/categories/") == [
        category("garden", "Garden", None, 0, 1),
        category("home", "Home", None, 0, 3),
        category("kitchen", "Kitchen", "home", 1, 3),
        category("pans", "Pans", "kitchen", 2, 2),
    ]


def test_category_tells_its_place(client: Client) -> None:
    kitchen = get(client, "/categories/kitchen/")
    assert kitchen == category("kitchen", "Kitchen", "home", 1, 3) | {
        "description": "",
        "breadcrumb": [
            {"slug": "home", "name": "Home"},
            {"slug": "kitchen", "name": "Kitchen"},
        ],
        "children": [{"slug": "pans", "name": "Pans"}],
    }


def test_brands_sort_by_code_point(client: Client) -> None:
    assert get(client, "/brands/") == [
        {"slug": "zeta", "name": "Zeta", "product_count": 0},
        {"slug": "acme", "name": "acme", "product_count": 2},
    ]


def test_product_in_a_list_and_in_full(client: Client) -> None:
    listed = get(client, "/products/?brand=acme&category=pans")
    short = CREPE_PAN | {"id": Product.objects.get(slug="crepe-pan").pk}
    assert listed == {"count": 1, "next": None, "previous": None, "results": [short]}
    full = get(client, "/products/crepe-pan/")
    first, second = full["variants"]
    assert (first["sku"], first["compare_at"], first["weight_grams"]) == ("crepe-pan-0", None, None)
    assert second == {
        "id": first["id"] + 1,
        "sku": "crepe-pan-1",
        "name": "",
        "price": {"amount": "19.50", "currency": "EUR"},
        "compare_at": {"amount": "25.00", "currency": "EUR"},
        "weight_grams": 900,
    }
    assert full == short | {
        "description": "Thin pancakes.",
        "breadcrumb": [{"slug": s, "name": s.title()} for s in ("home", "kitchen", "pans")],
        "variants": [first, second],
        "images": [
            short["image"],
            CREPE_PAN["image"]
            | {"url": "http://testserver/media/products/crepe%20pan/1.jpg", "alt": "View 1"},
        ],
        "updated_at": "2026-01-02T03:04:05.678901Z",
    }


def test_product_without_anything_has_nulls(client: Client) -> None:
    product = get(client, "/products/pan-without-price/")
    assert (product["price"], product["compare_at"], product["image"]) == (None, None, None)
    assert (product["brand"], product["rating"]) == (None, {"average": None, "count": 0})


def test_reviews_show_the_published_ones_newest_first(client: Client) -> None:
    page = get(client, "/products/crepe-pan/reviews/?page_size=1")
    assert (page["count"], page["previous"]) == (2, None)
    assert page["next"] == (
        "http://testserver/api/catalog/products/crepe-pan/reviews/?page=2&page_size=1"
    )
    [review] = page["results"]
    assert review == {
        "id": review["id"],
        "rating": 4,
        "title": "By Bo",
        "body": "",
        "author": "Bo",
        "created_at": "2026-01-03T03:04:05.678901Z",
    }


def test_prices_tell_how_they_went(client: Client) -> None:
    changes = get(client, "/products/crepe-pan/prices/")["results"]
    assert [change["old_amount"] for change in changes] == ["21.00", "20.00"]
    assert changes[0] == {
        "sku": "crepe-pan-1",
        "old_amount": "21.00",
        "new_amount": "19.50",
        "currency": "EUR",
        "changed_at": "2026-01-03T03:04:05.678901Z",
        "reason": "season",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["crepe-pan", "pan-without-price", "rake", "wok"]),
        ("ordering=price", ["crepe-pan", "rake", "wok", "pan-without-price"]),
        ("ordering=-price", ["wok", "crepe-pan", "rake", "pan-without-price"]),
        ("ordering=newest", ["pan-without-price", "wok", "rake", "crepe-pan"]),
        ("ordering=rating", ["crepe-pan", "wok", "pan-without-price", "rake"]),
        ("category=home", ["crepe-pan", "pan-without-price", "wok"]),
        ("category=garden", ["rake"]),
        ("brand=zeta", []),
        ("min_price=19.51", ["wok"]),
        ("max_price=19.50", ["crepe-pan", "rake"]),
        ("rating=3", ["crepe-pan", "wok"]),
        ("rating=4", ["crepe-pan"]),
        ("q=PAN", ["crepe-pan", "pan-without-price"]),
        ("q=crepe", ["crepe-pan"]),
        ("q=pancakes thin", ["crepe-pan"]),
        ("q=%25", []),
    ],
)
def test_products_are_filtered_and_ordered(client: Client, query: str, expected: list[str]) -> None:
    assert slugs(client, query) == expected


def test_suggestions_begin_with_what_begins_so(client: Client) -> None:
    found = get(client, "/suggest/?q=pan")
    assert [product["slug"] for product in found["products"]] == ["pan-without-price", "crepe-pan"]
    assert found["categories"] == [{"slug": "pans", "name": "Pans"}]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/products/none/", 404, {"detail": "Not found."}),
        ("/products/old-pan/", 404, {"detail": "Not found."}),
        ("/products/old-pan/reviews/", 404, {"detail": "Not found."}),
        ("/products/none/prices/", 404, {"detail": "Not found."}),
        ("/categories/none/", 404, {"detail": "Not found."}),
        ("/nowhere/", 404, {"detail": "Not found."}),
        ("/products/?page=9", 404, {"detail": "Invalid page."}),
        ("/products/?page=x", 400, {"page": ["A whole number from 1 is required."]}),
        ("/products/?page_size=101", 400, {"page_size": ["This is at most 100."]}),
        ("/products/?category=none", 400, {"category": ["There is no such category."]}),
        ("/products/?brand=none", 400, {"brand": ["There is no such brand."]}),
        (
            "/products/?min_price=2&max_price=1",
            400,
            {"max_price": ["This is less than min_price."]},
        ),
        ("/suggest/", 400, {"q": ["This field is required."]}),
    ],
)
def test_refusals_say_why(client: Client, path: str, status: int, body: Any) -> None:
    answer = client.get(f"/api/catalog{path}")
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer["Content-Type"] == "application/json"


def test_answer_is_tagged_by_its_bytes_and_not_sent_twice(client: Client) -> None:
    first = client.get("/api/catalog/brands/")
    again = client.get("/api/catalog/brands/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    packed = client.get("/api/catalog/products/", headers={"Accept-Encoding": "gzip"})
    assert packed["ETag"] == f"W/{client.get('/api/catalog/products/')['ETag']}"
    assert packed["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("HEAD", "/products/", 200, "GET, HEAD"),
        ("OPTIONS", "/products/", 405, "GET, HEAD"),
        ("POST", "/products/", 405, "GET, HEAD"),
        ("GET", "/products/crepe-pan/reviews/", 200, "GET, HEAD, POST"),
        ("POST", "/products/crepe-pan/reviews/", 501, "GET, HEAD, POST"),
    ],
)
def test_methods(client: Client, method: str, path: str, status: int, allow: str) -> None:
    answer = client.generic(method, f"/api/catalog{path}")
    assert (answer.status_code, answer["Allow"]) == (status, allow)


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/categories/", 2),
        ("/categories/pans/", 2),
        ("/brands/", 1),
        ("/products/", 4),  # count, products, variants, images
        ("/products/?category=home&brand=acme&q=pan&min_price=1&ordering=price", 7),
        ("/products/crepe-pan/", 5),
        ("/products/crepe-pan/reviews/", 5),
        ("/products/crepe-pan/prices/", 5),
        ("/suggest/?q=pan", 3),
    ],
)
def test_number_of_queries_does_not_grow_with_rows(
    client: Client, django_assert_num_queries: Any, path: str, queries: int
) -> None:
    with django_assert_num_queries(queries):
        get(client, path)


def test_host_and_scheme_are_the_shoppers(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    answer = client.get(
        "/api/catalog/products/?page_size=1", headers={"Host": "shop.example"}, secure=True
    )
    assert answer.json()["next"] == (
        "https://shop.example/api/catalog/products/?page=2&page_size=1"
    )
    assert client.get("/api/catalog/products/", headers={"Host": "other"}).status_code == 400


def test_health_is_answered(client: Client) -> None:
    assert client.get("/_chassis/livez").status_code == 200
    assert client.get("/_chassis/readyz").json()["status"] == "ok"


def category(slug: str, name: str, parent: str | None, depth: int, count: int) -> dict[str, Any]:
    return {"slug": slug, "name": name, "parent": parent, "depth": depth, "product_count": count}
