"""Limits, through the doors they stand at. Time stands still, so that no window ends in between."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from shopsmart.accounts import services, throttling
from shopsmart.accounts.models import User
from shopsmart.accounts.rates import changed_rates, read_rate
from shopsmart.accounts.throttling import count
from shopsmart.catalog.tests.make import make_product, make_user

pytestmark = pytest.mark.django_db

NOON = 1_800_000_000.0  # a multiple of every window below
LOGIN = "/account/login/"
CLIENTS = {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time as the limits see it; tests may move it."""
    now = [NOON + 10]
    monkeypatch.setattr(throttling, "time", lambda: now[0])
    return now


@pytest.fixture
def rates(settings: Settings) -> dict[str, str]:
    settings.THROTTLE_RATES = dict(settings.THROTTLE_RATES)
    return settings.THROTTLE_RATES


def attempt(client: Client, name: str, typed: str = "wrong", address: str = "203.0.113.9") -> int:
    form = {"username": name, "password": typed}
    return client.post(LOGIN, form, HTTP_X_FORWARDED_FOR=address).status_code


# The API ------------------------------------------------------------------------------------


def test_too_many_requests_are_a_429_in_json_that_says_how_long(
    client: Client, rates: dict[str, str]
) -> None:
    rates["api"] = "2/m"
    client.force_login(make_user())
    url = reverse("accounts-api:profile")
    assert [client.get(url).status_code for _ in range(2)] == [200, 200]
    refused = client.get(url)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "50"  # ten seconds of the minute have gone
    assert refused["Content-Type"] == "application/json"
    assert "50 seconds" in refused.json()["detail"]


def test_another_minute_and_another_user_have_room(
    client: Client, rates: dict[str, str], clock: list[float]
) -> None:
    rates["api"] = "1/m"
    url = reverse("accounts-api:profile")
    client.force_login(make_user())
    assert [client.get(url).status_code for _ in range(2)] == [200, 429]
    other = Client()
    other.force_login(make_user("ben"))
    assert other.get(url).status_code == 200
    clock[0] += 50
    assert client.get(url).status_code == 200


def test_a_user_is_one_whether_by_cookie_or_by_token(client: Client, rates: dict[str, str]) -> None:
    rates["api"] = "1/m"
    user = make_user()
    _, token = services.create_token(user=user, name="till")
    url = reverse("accounts-api:profile")
    client.force_login(user)
    assert client.get(url).status_code == 200
    by_token = Client(headers={"Authorization": f"Token {token}"})
    assert by_token.get(url).status_code == 429


def test_the_catalogue_is_never_limited_and_counts_nothing(
    client: Client, rates: dict[str, str]
) -> None:
    for scope in rates:
        rates[scope] = "1/d"
    make_product("Teapot", "10.00")
    client.force_login(make_user())
    for path in ("brands/", "categories/", "products/", "products/teapot/", "suggest/?q=tea"):
        for _ in range(3):
            assert client.get(f"/api/catalog/{path}").status_code == 200
    for _ in range(3):
        assert client.get("/api/catalog/products/teapot/reviews/").status_code == 200
    review = {"rating": 5, "title": "Fine"}
    codes = [
        client.post("/api/catalog/products/teapot/reviews/", review, "application/json").status_code
        for _ in range(3)
    ]
    assert codes == [201, 400, 400]
    assert not cache._cache


def test_making_tokens_has_a_limit_of_its_own(client: Client, rates: dict[str, str]) -> None:
    rates["token"] = "1/h"
    client.force_login(make_user())
    url = reverse("accounts-api:tokens")
    codes = [client.post(url, {"name": "x"}, "application/json").status_code for _ in range(2)]
    assert codes == [201, 429]
    assert client.get(url).status_code == 200
    assert client.post(reverse("accounts:tokens"), {"name": "x"}).status_code == 429  # the page too


def test_requests_sent_at_once_do_not_all_see_room(rates: dict[str, str]) -> None:
    rates["api"] = "10/m"
    with ThreadPoolExecutor(20) as threads:
        allowed = list(threads.map(lambda _: count("api", "ada").is_allowed, range(100)))
    assert sum(allowed) == 10


@pytest.mark.parametrize("broken", ["add", "incr"])
def test_a_cache_that_is_down_limits_nothing_and_says_so(
    rates: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    def down(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no cache")

    rates["api"] = "1/m"
    monkeypatch.setattr(LocMemCache, broken, down)
    assert all(count("api", "ada").is_allowed for _ in range(3))
    assert "nothing is limited" in caplog.text


# Forms --------------------------------------------------------------------------------------


def test_guessing_one_accounts_password_ends_in_a_page_that_says_when(client: Client) -> None:
    make_user("ada")
    assert [attempt(client, "ada") for _ in range(10)] == [200] * 10
    refused = client.post(LOGIN, {"username": "ada", "password": "pw"}, **CLIENTS)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "890"
    assert "Try again in 15 minutes" in refused.content.decode()
    assert refused["Content-Type"].startswith("text/html")
    # The right password from there does not help now; somebody else's login does.
    make_user("ben")
    assert attempt(client, "ben", "pw") == 302


def test_who_gets_in_was_not_counted(client: Client) -> None:
    make_user("ada")
    for _ in range(9):
        attempt(client, "ada")
    for _ in range(15):
        assert attempt(Client(), "ada", "pw") == 302
    assert attempt(client, "ada") == 200
    assert attempt(client, "ada") == 429


@pytest.mark.parametrize(
    "other",
    [
        "ADA",
        " ada ",
        "Ada",
        "\uff41\uff44\uff41",
        "\uff21da",
        "ada@example.com",
        "ADA\uff20Example.com",
    ],
)
def test_an_account_is_one_however_its_name_is_written(client: Client, other: str) -> None:
    make_user("ada")
    for _ in range(10):
        attempt(client, "ada")
    assert attempt(client, other) == 429


@pytest.mark.parametrize("name", ["\0", "a@\0", "@", "", "\ud7ff@"])
def test_what_is_no_name_is_counted_too(client: Client, name: str) -> None:
    assert attempt(client, name) == 200


def test_trying_many_accounts_from_one_address_ends_too(
    client: Client, rates: dict[str, str]
) -> None:
    rates["login-address"] = "5/15m"
    assert [attempt(client, f"user{n}") for n in range(6)] == [200] * 5 + [429]
    assert attempt(client, "user9", address="203.0.113.10") == 200


def test_trying_one_account_from_many_addresses_ends_too(
    client: Client, rates: dict[str, str]
) -> None:
    rates["login-name"] = "5/h"
    make_user("ada")
    codes = [attempt(client, "ada", address=f"203.0.113.{n}") for n in range(6)]
    assert codes == [200] * 5 + [429]


def test_one_address_alone_locks_nobody_out(client: Client, rates: dict[str, str]) -> None:
    rates["login-name"] = "20/h"
    make_user("ada")
    for _ in range(60):
        attempt(client, "ada", address="198.51.100.66")
    assert attempt(client, "ada", "pw", address="203.0.113.9") == 302


def test_a_lie_in_x_forwarded_for_gives_nobody_a_fresh_start(
    client: Client, rates: dict[str, str]
) -> None:
    rates["login"] = "3/15m"
    form = {"username": "ada", "password": "wrong"}
    codes = [
        client.post(
            LOGIN, form, REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR=f"198.51.100.{n}"
        ).status_code
        for n in range(4)
    ]
    assert codes == [200, 200, 200, 429]


def test_the_admins_door_counts_with_the_shops(client: Client) -> None:
    make_user("root", is_staff=True, is_superuser=True)
    form = {"username": "root", "password": "wrong", "next": "/admin/"}
    for _ in range(5):
        assert attempt(client, "root") == 200
        assert client.post("/admin/login/", form, **CLIENTS).status_code == 200
    assert client.post("/admin/login/", form, **CLIENTS).status_code == 429
    assert attempt(client, "root", "pw") == 429


def test_being_logged_in_as_somebody_gives_no_free_guesses_at_the_admins_door(
    client: Client,
) -> None:
    make_user("root", is_staff=True)
    client.force_login(make_user("ada"))
    form = {"username": "root", "password": "wrong"}
    codes = [client.post("/admin/login/", form, **CLIENTS).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]


def test_staff_come_in_by_the_admins_door(client: Client) -> None:
    make_user("root", is_staff=True)
    form = {"username": "root", "password": "pw", "next": "/admin/"}
    assert "Log in" in client.get("/admin/login/").content.decode()
    answer = client.post("/admin/login/", form, **CLIENTS)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert Client().get("/admin/")["Location"] == "/admin/login/?next=/admin/"


def test_making_accounts_is_limited_by_address(client: Client, rates: dict[str, str]) -> None:
    rates["register"] = "2/h"
    codes = []
    for n in range(3):
        form = {
            "username": f"new{n}",
            "email": f"new{n}@example.org",
            "password": "quince-Cheese-5-x",
            "password_again": "quince-Cheese-5-x",
        }
        codes.append(Client().post("/account/register/", form, **CLIENTS).status_code)
    assert codes == [302, 302, 429]
    assert User.objects.count() == 2
    assert client.get("/account/register/").status_code == 200


def test_guessing_at_the_old_password_is_limited(client: Client, rates: dict[str, str]) -> None:
    rates["password"] = "2/h"
    client.force_login(make_user("ada"))
    new = "quince-Cheese-5-x"
    form = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    codes = [client.post("/account/password/", form).status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_looking_at_a_form_counts_nothing(client: Client) -> None:
    for _ in range(15):
        assert client.get(LOGIN).status_code == 200
    assert not cache._cache


# Rates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/m", (10, 60)),
        ("1/s", (1, 1)),
        ("10/15m", (10, 900)),
        ("5/2h", (5, 7200)),
        ("3/d", (3, 86400)),
        ("off", None),
    ],
)
def test_rates_are_read(text: str, rate: tuple[int, int] | None) -> None:
    assert read_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "10", "0/m", "10/0m", "-1/m", "10/w", "10/m ", "10/min", "1.5/m", "٣/m", "10/m\n"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is no rate"):
        read_rate(text)


def test_the_environment_changes_rates_by_name() -> None:
    known = {"api": "600/m", "login": "10/15m"}
    assert changed_rates(known, []) == known
    assert changed_rates(known, ["api=5/s"]) == {"api": "5/s", "login": "10/15m"}
    assert changed_rates(known, ["off"]) == {"api": "off", "login": "off"}
    assert changed_rates(known, ["off", "login=1/d"]) == {"api": "off", "login": "1/d"}
    for wrong in ("logins=1/m", "api", "api=", "api=1/w", "=1/m"):
        with pytest.raises(ImproperlyConfigured):
            changed_rates(known, [wrong])
