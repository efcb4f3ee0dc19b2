"""The account over HTTP: who is let in, and what is whose."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from pytest_django.fixtures import DjangoAssertNumQueries

from shopsmart.accounts import services
from shopsmart.accounts.models import Address, ApiToken, User
from shopsmart.catalog.tests.make import make_product, make_user

pytestmark = pytest.mark.django_db

PROFILE = "/api/account/"
ADDRESSES = "/api/account/addresses/"
TOKENS = "/api/account/tokens/"
HOME = {
    "name": "Ada L.",
    "line1": "St. James’s Square 12",
    "postcode": "10115",
    "city": "Köln",
    "country": "DE",
}
OPERATIONS = {
    "getProfile",
    "changeProfile",
    "listAddresses",
    "addAddress",
    "getAddress",
    "changeAddress",
    "deleteAddress",
    "listTokens",
    "addToken",
    "revokeToken",
}


@pytest.fixture
def ada() -> User:
    return make_user("ada", "Ada L.")


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def by_token(token: str, **options: Any) -> Client:
    return Client(headers={"Authorization": f"Token {token}"}, **options)


def token_of(user: User) -> str:
    return services.create_token(user=user, name="till")[1]


def send(client: Client, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    return getattr(client, method)(url, body or {}, "application/json")


# Who is let in ------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [PROFILE, ADDRESSES, TOKENS])
def test_strangers_get_a_401_that_says_how_to_come_in(client: Client, url: str) -> None:
    for answer in (client.get(url), send(client, "post", url), send(client, "patch", url)):
        if answer.status_code == 405:
            continue
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == 'Token realm="ShopSmart"'
        assert list(answer.json()) == ["detail"]


@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token ",
        "Token a b",
        "Token shop_0000000000_" + "x" * 43,
        "token x",
        "Token \xff\xfe",
        "Token " + "x" * 5000,
    ],
)
def test_a_token_that_opens_nothing_is_a_401_even_beside_a_good_cookie(
    as_ada: Client, header: str
) -> None:
    answer = as_ada.get(PROFILE, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Token realm="ShopSmart"'


def test_the_unknown_the_expired_and_the_revoked_are_told_the_same(ada: User) -> None:
    token = token_of(ada)
    said = [by_token(token[:-1] + ("A" if token[-1] != "A" else "B")).get(PROFILE).content]
    ApiToken.objects.update(revoked_at=timezone.now())
    said.append(by_token(token).get(PROFILE).content)
    old = timezone.now() - timedelta(days=2)
    ApiToken.objects.update(revoked_at=None, created_at=old, expires_at=old + timedelta(days=1))
    said.append(by_token(token).get(PROFILE).content)
    assert len(set(said)) == 1


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_other_schemes_are_not_ours_and_the_cookie_counts(as_ada: Client, scheme: str) -> None:
    answer = as_ada.get(PROFILE, headers={"Authorization": f"{scheme} x"})
    assert answer.status_code == 200


def test_a_token_needs_no_csrf_token_and_a_cookie_does(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    refused = send(strict, "post", ADDRESSES, HOME)
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]
    assert not Address.objects.exists()
    program = by_token(token_of(ada), enforce_csrf_checks=True)
    assert send(program, "post", ADDRESSES, HOME).status_code == 201
    # A cookie that comes along with a token changes nothing: the token is who asks.
    both = by_token(token_of(make_user("ben")), enforce_csrf_checks=True)
    both.force_login(ada)
    assert both.get(PROFILE).json()["username"] == "ben"


def test_no_cache_keeps_an_answer(as_ada: Client) -> None:
    for answer in (as_ada.get(PROFILE), as_ada.get(TOKENS), Client().get(PROFILE)):
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]


def test_the_catalogue_looks_at_no_token_and_no_cookie(ada: User) -> None:
    make_product("Teapot", "10.00")
    for path in ("brands/", "products/", "products/teapot/", "products/teapot/reviews/"):
        plain = Client().get(f"/api/catalog/{path}")
        strange = by_token("nonsense").get(f"/api/catalog/{path}")
        known = by_token(token_of(ada))
        known.force_login(ada)
        for answer in (strange, known.get(f"/api/catalog/{path}")):
            assert answer.status_code == 200
            assert answer.content == plain.content
            assert "Vary" not in plain or "Cookie" not in plain["Vary"]
            assert answer.headers.get("Vary") == plain.headers.get("Vary")
    assert ApiToken.objects.filter(last_used_at=None).exists()
    # Writing a review is a matter of the session alone, as it was.
    answer = send(by_token(token_of(ada)), "post", "/api/catalog/products/teapot/reviews/")
    assert answer.status_code == 403


# Profile ------------------------------------------------------------------------------------


def test_the_profile_is_shown_and_changed(as_ada: Client, ada: User) -> None:
    assert as_ada.get(PROFILE).json() == {
        "username": "ada",
        "email": "ada@example.com",
        "display_name": "Ada L.",
        "date_joined": ada.date_joined.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    answer = send(as_ada, "patch", PROFILE, {"display_name": "Countess"})
    assert (answer.status_code, answer.json()["display_name"]) == (200, "Countess")
    answer = send(as_ada, "patch", PROFILE, {"email": "New@Example.com", "username": "root"})
    assert answer.json()["email"] == "new@example.com"
    ada.refresh_from_db()
    assert (ada.username, ada.display_name, ada.is_staff) == ("ada", "Countess", False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ben@example.com"),
        ("email", "nobody"),
        ("email", None),
        ("display_name", ""),
        ("display_name", "x" * 61),
        ("display_name", ["a"]),
    ],
)
def test_a_profile_that_can_not_be_is_refused_by_field(
    as_ada: Client, ada: User, field: str, value: object
) -> None:
    make_user("ben")
    answer = send(as_ada, "patch", PROFILE, {field: value})
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    ada.refresh_from_db()
    assert (ada.email, ada.display_name) == ("ada@example.com", "Ada L.")


def test_a_token_does_not_hand_out_the_account(ada: User) -> None:
    program = by_token(token_of(ada))
    assert program.get(PROFILE).status_code == 200
    for method, url in (("patch", PROFILE), ("post", TOKENS)):
        answer = send(program, method, url, {"email": "eve@example.org", "name": "another"})
        assert answer.status_code == 403
        assert "browser" in answer.json()["detail"]
    assert ApiToken.objects.count() == 1


# Addresses ----------------------------------------------------------------------------------


def test_addresses_are_added_changed_and_deleted(as_ada: Client) -> None:
    made = send(as_ada, "post", ADDRESSES, {**HOME, "line2": ""})
    assert made.status_code == 201
    home = made.json()
    assert home == {
        **HOME,
        "id": home["id"],
        "line2": "",
        "country_name": "Germany",
        "is_default": True,
    }
    work = send(as_ada, "post", ADDRESSES, {**HOME, "name": "Work", "is_default": True}).json()
    assert [entry["id"] for entry in as_ada.get(ADDRESSES).json()] == [work["id"], home["id"]]
    url = f"{ADDRESSES}{home['id']}/"
    changed = send(as_ada, "patch", url, {"city": "Bonn", "is_default": True})
    assert (changed.status_code, changed.json()) == (200, {**home, "city": "Bonn"})
    assert as_ada.get(url).json() == changed.json()
    assert as_ada.delete(url).status_code == 204
    assert as_ada.get(url).status_code == 404
    assert [entry["is_default"] for entry in as_ada.get(ADDRESSES).json()] == [True]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("line1", ""),
        ("postcode", "x" * 17),
        ("country", "XX"),
        ("country", "Germany"),
        ("city", "a\nb"),
        ("is_default", "perhaps"),
    ],
)
def test_an_address_that_can_not_be_is_refused_by_field(
    as_ada: Client, field: str, value: object
) -> None:
    answer = send(as_ada, "post", ADDRESSES, {**HOME, field: value})
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Address.objects.exists()


def test_what_is_missing_is_said_all_at_once(as_ada: Client) -> None:
    assert set(send(as_ada, "post", ADDRESSES).json()) == set(HOME)


def test_the_default_is_changed_by_making_another_one_the_default(as_ada: Client) -> None:
    home = send(as_ada, "post", ADDRESSES, HOME).json()
    answer = send(as_ada, "patch", f"{ADDRESSES}{home['id']}/", {"is_default": False})
    assert answer.status_code == 400
    assert list(answer.json()) == ["is_default"]


def test_other_peoples_things_are_not_there(as_ada: Client) -> None:
    ben = make_user("ben")
    address = services.add_address(user=ben, **HOME)
    token, _ = services.create_token(user=ben, name="till")
    for method, url in (
        ("get", f"{ADDRESSES}{address.pk}/"),
        ("patch", f"{ADDRESSES}{address.pk}/"),
        ("delete", f"{ADDRESSES}{address.pk}/"),
        ("delete", f"{TOKENS}{token.pk}/"),
        ("get", f"{ADDRESSES}999999/"),
    ):
        answer = getattr(as_ada, method)(url)
        assert answer.status_code == 404, (method, url)
        assert answer["Content-Type"] == "application/json"
    assert as_ada.get(ADDRESSES).json() == []
    assert as_ada.get(TOKENS).json()["results"] == []
    address.refresh_from_db()
    token.refresh_from_db()
    assert token.is_usable


# Tokens -------------------------------------------------------------------------------------


def test_a_token_is_shown_once_works_and_is_revoked(as_ada: Client) -> None:
    expires_at = "2099-01-01T00:00:00.000000Z"
    made = send(as_ada, "post", TOKENS, {"name": "till", "expires_at": expires_at})
    assert made.status_code == 201
    token = made.json().pop("token")
    shown = made.json()
    assert (shown["name"], shown["expires_at"], shown["is_usable"]) == ("till", expires_at, True)

    assert by_token(token).get(PROFILE).json()["username"] == "ada"
    listed = as_ada.get(TOKENS)
    assert token not in listed.content.decode()
    assert "digest" not in listed.content.decode()
    (entry,) = listed.json()["results"]
    assert entry["last_used_at"] is not None

    url = f"{TOKENS}{entry['id']}/"
    assert as_ada.delete(url).status_code == 204
    assert as_ada.delete(url).status_code == 204
    assert by_token(token).get(PROFILE).status_code == 401
    (entry,) = as_ada.get(TOKENS).json()["results"]
    assert entry["is_usable"] is False


def test_a_token_may_end_itself(ada: User) -> None:
    stored, token = services.create_token(user=ada, name="till")
    assert by_token(token).delete(f"{TOKENS}{stored.pk}/").status_code == 204
    assert by_token(token).get(PROFILE).status_code == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 61),
        ("expires_at", "soon"),
        ("expires_at", "2020-01-01T00:00:00Z"),
    ],
)
def test_a_token_that_can_not_be_is_refused_by_field(
    as_ada: Client, field: str, value: object
) -> None:
    answer = send(as_ada, "post", TOKENS, {"name": "till", field: value})
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not ApiToken.objects.exists()


# Cost and schema ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 19])
def test_lists_cost_the_same_however_long_they_are(
    ada: User, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = token_of(ada)
    program = by_token(token)
    for n in range(number):
        services.add_address(user=ada, **{**HOME, "name": f"place {n}"})
        services.create_token(user=ada, name=f"token {n}")
    program.get(PROFILE)  # the first use of a token is written
    with django_assert_num_queries(1):  # the token
        assert program.get(PROFILE).status_code == 200
    with django_assert_num_queries(2):
        assert len(program.get(ADDRESSES).json()) == number
    with django_assert_num_queries(3):  # the token, the count, the page
        assert program.get(TOKENS).json()["count"] == number + 1


def test_every_operation_is_in_the_schema_with_both_ways_in() -> None:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    operations = [
        operation
        for path, methods in schema["paths"].items()
        if path.startswith(PROFILE)
        for operation in methods.values()
    ]
    assert {operation["operationId"] for operation in operations} == OPERATIONS
    for operation in operations:
        assert operation["security"] == [{"tokenAuth": []}, {"cookieAuth": []}]
    assert schema["components"]["securitySchemes"]["tokenAuth"]["name"] == "Authorization"
    assert reverse("accounts-api:profile") == PROFILE
