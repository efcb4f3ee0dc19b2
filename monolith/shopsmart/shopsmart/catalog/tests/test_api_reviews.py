"""Reviews over HTTP: anybody reads them, shoppers write them, and no other site does it for them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Product, Review
from shopsmart.catalog.tests.make import make_product, make_review, make_user

pytestmark = pytest.mark.django_db

URL = "/api/catalog/products/teapot/reviews/"
GOOD = {"rating": 5, "title": "Good", "body": "It pours."}


@pytest.fixture
def teapot() -> Product:
    return make_product("Teapot")


@pytest.fixture
def ada(client: Client) -> User:
    ada = make_user("ada", "Ada L.")
    client.force_login(ada)
    return ada


def post(client: Client, body: Any, **headers: str) -> Any:
    return client.post(URL, body, content_type="application/json", headers=headers)


def test_reviews_are_listed_newest_first_by_the_names_of_their_authors(
    client: Client, teapot: Product
) -> None:
    make_review(teapot, make_user("ben", "Ben"), 3)
    latest = make_review(teapot, make_user("cleo", "Cleo Ü."), 5, title="Yes", body="So good")
    make_review(teapot, make_user("dora", "Dora"), 1, is_published=False)
    answer = client.get(URL).json()
    assert answer["count"] == 2
    assert [review["author"] for review in answer["results"]] == ["Cleo Ü.", "Ben"]
    assert answer["results"][0] == {
        "id": latest.pk,
        "rating": 5,
        "title": "Yes",
        "body": "So good",
        "author": "Cleo Ü.",
        "created_at": latest.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def test_a_shopper_reviews_a_product(client: Client, teapot: Product, ada: User) -> None:
    answer = post(client, GOOD)
    assert answer.status_code == 201
    review = Review.objects.get()
    assert (review.product, review.author, review.rating, review.body) == (
        teapot, ada, 5, "It pours."
    )  # fmt: skip
    assert answer.json()["author"] == "Ada L."
    assert client.get(URL).json()["results"] == [answer.json()]
    teapot.refresh_from_db()
    assert teapot.rating_count == 1


@pytest.mark.usefixtures("teapot", "ada")
def test_a_second_review_is_refused(client: Client) -> None:
    post(client, GOOD)
    answer = post(client, GOOD)
    assert answer.status_code == 400
    assert answer.json() == {"non_field_errors": ["You have reviewed this product already."]}
    assert Review.objects.count() == 1


@pytest.mark.usefixtures("teapot", "ada")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": "five"}, "rating"),
        ({"rating": None}, "rating"),
        ({"title": ""}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": "\x00"}, "title"),
        ({"body": "x" * 4001}, "body"),
        ({"body": ["a", "list"]}, "body"),
    ],
)
def test_a_bad_review_is_refused_by_field(
    client: Client, change: dict[str, Any], field: str
) -> None:
    answer = post(client, {**GOOD, **change})
    assert answer.status_code == 400
    assert set(answer.json()) == {field}
    assert not Review.objects.exists()


@pytest.mark.usefixtures("teapot", "ada")
@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', "\ud800"])
def test_what_is_no_review_at_all_is_a_400(client: Client, body: str) -> None:
    sent = body.encode("utf-8", "surrogatepass")
    answer = client.post(URL, sent, content_type="application/json")
    assert answer.status_code == 400
    assert not Review.objects.exists()


@pytest.mark.usefixtures("teapot", "ada")
def test_a_form_is_not_taken_for_json(client: Client) -> None:
    assert client.post(URL, GOOD).status_code == 415


@pytest.mark.usefixtures("teapot")
def test_a_stranger_reviews_nothing(client: Client) -> None:
    assert post(client, GOOD).status_code == 403
    assert not Review.objects.exists()


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("make", [lambda: None, lambda: make_product("Teapot", is_active=False)])
def test_what_is_not_sold_is_not_reviewed(client: Client, make: Callable[[], object]) -> None:
    make()
    assert post(client, GOOD).status_code == 404


@pytest.mark.usefixtures("teapot")
def test_another_site_reviews_nothing_in_a_shoppers_name() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())
    assert post(client, GOOD).status_code == 403
    client.get("/account/login/")  # a page with a form, which brings the token
    token = client.cookies.get("csrftoken")
    if token is None:
        client.get("/admin/login/")
        token = client.cookies["csrftoken"]
    assert post(client, GOOD, **{"X-CSRFToken": token.value}).status_code == 201
