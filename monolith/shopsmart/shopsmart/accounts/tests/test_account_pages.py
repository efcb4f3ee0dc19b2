"""Addresses, API tokens and the inbox as a browser without JavaScript meets them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from shopsmart.accounts.models import Address, ApiToken, User
from shopsmart.accounts.services import add_address, create_token
from shopsmart.notifications.models import Notification
from shopsmart.storefront.tests.reading import said, tag_of, text

pytestmark = pytest.mark.django_db

ADDRESSES, TOKENS, INBOX = "/account/addresses/", "/account/tokens/", "/account/inbox/"
VIENNA = {
    "name": "Ada Lovelace",
    "line1": "12 St James’s Square",
    "line2": "",
    "postcode": "1010",
    "city": "Vienna",
    "country": "AT",
}


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.org", "x", display_name="Ada")


@pytest.fixture
def ben() -> User:
    return User.objects.create_user("ben", "ben@example.org", "x")


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def news(user: User, **fields: Any) -> Notification:
    told = {"kind": "order_paid", "title": "Your order is paid", "body": "Thank you."}
    return Notification.objects.create(user=user, **{**told, **fields})


@pytest.mark.parametrize("path", [ADDRESSES, f"{ADDRESSES}new/", TOKENS, INBOX])
def test_strangers_are_sent_to_the_login_and_back(client: Client, path: str) -> None:
    assert client.get(path)["Location"] == f"/account/login/?next={path}"


@pytest.mark.parametrize("path", [ADDRESSES, f"{ADDRESSES}new/", TOKENS, INBOX, "/orders/"])
def test_no_cache_keeps_what_is_somebodys_own(as_ada: Client, path: str) -> None:
    page = as_ada.get(path)
    assert "no-store" in page["Cache-Control"]
    assert 'aria-label="Your account"' in page.content.decode()


def test_everything_that_changes_is_a_post_with_a_token(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    address, message = add_address(user=ada, **VIENNA), news(ada)
    token, _ = create_token(user=ada, name="script")
    paths = {
        "default-address": [address.pk],
        "delete-address": [address.pk],
        "revoke-token": [token.pk],
        "open-notification": [message.pk],
        "read-all": [],
    }
    for name, args in paths.items():
        url = reverse(f"accounts:{name}", args=args)
        assert strict.get(url).status_code == 405, name
        assert strict.post(url).status_code == 403, name


# Addresses ----------------------------------------------------------------------------------


def test_an_empty_book_says_so(as_ada: Client) -> None:
    assert "No address yet" in text(as_ada.get(ADDRESSES))


def test_an_address_is_added_changed_suggested_first_and_deleted(as_ada: Client) -> None:
    for city in ("Vienna", "Graz"):
        response = as_ada.post(f"{ADDRESSES}new/", {**VIENNA, "city": city})
        assert (response.status_code, response["Location"]) == (302, ADDRESSES)
    vienna, graz = Address.objects.order_by("pk")
    assert "Suggested first Ada Lovelace" in text(as_ada.get(ADDRESSES))
    assert 'value="Graz"' in as_ada.get(f"{ADDRESSES}{graz.pk}/").content.decode()
    as_ada.post(f"{ADDRESSES}{graz.pk}/", {**VIENNA, "city": "Linz", "line2": "c/o Byron"})
    as_ada.post(f"{ADDRESSES}{graz.pk}/default/")
    graz.refresh_from_db()
    assert (graz.city, graz.line2, graz.is_default) == ("Linz", "c/o Byron", True)
    response = as_ada.post(f"{ADDRESSES}{vienna.pk}/delete/")
    assert said(response)[-1] == "The address is deleted."
    assert list(Address.objects.all()) == [graz]


@pytest.mark.parametrize("place", ["new/", "1/"])
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"line1": "x" * 121}, "line1"),
        ({"postcode": " "}, "postcode"),
        ({"city": "a\x00b"}, "city"),
        ({"country": ""}, "country"),
        ({"country": "XX"}, "country"),
    ],
)
def test_a_refused_address_is_kept_with_the_error_beside_its_field(
    as_ada: Client, ada: User, place: str, changes: dict[str, str], field: str
) -> None:
    if place == "1/":
        place = f"{add_address(user=ada, **{**VIENNA, 'city': 'Graz'}).pk}/"
    page = as_ada.post(ADDRESSES + place, {**VIENNA, **changes})
    assert page.status_code == 200
    assert list(page.context["form"].errors) == [field]
    assert "<title>Error:" in page.content.decode()
    tag = tag_of(page, field)
    assert 'aria-invalid="true"' in tag
    assert " autofocus" in tag
    assert f'aria-describedby="id_{field}_error"' in tag
    assert "12 St James’s Square" in page.content.decode() or field == "line1"
    assert not Address.objects.filter(city="Vienna").exists()


def test_only_the_first_refused_field_takes_the_focus(as_ada: Client) -> None:
    page = as_ada.post(f"{ADDRESSES}new/", {**VIENNA, "line1": "", "city": ""})
    assert " autofocus" in tag_of(page, "line1")
    assert page.content.decode().count(" autofocus") == 1
    assert " autofocus" not in as_ada.get(f"{ADDRESSES}new/").content.decode()


def test_a_full_book_says_so(as_ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopsmart.accounts.services.MAX_ADDRESSES", 0)
    assert "You have 0 addresses" in text(as_ada.post(f"{ADDRESSES}new/", VIENNA))


def test_other_peoples_addresses_are_not_found(as_ada: Client, ben: User) -> None:
    theirs = add_address(user=ben, **VIENNA)
    for way in ("", "default/", "delete/"):
        assert as_ada.post(f"{ADDRESSES}{theirs.pk}/{way}", VIENNA).status_code == 404, way
    assert as_ada.get(f"{ADDRESSES}{theirs.pk}/").status_code == 404
    assert as_ada.get(f"{ADDRESSES}{'9' * 40}/").status_code == 404
    assert "Vienna" not in text(as_ada.get(ADDRESSES))
    assert Address.objects.get() == theirs


# API tokens ---------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_opens_the_api(as_ada: Client, ada: User) -> None:
    response = as_ada.post(TOKENS, {"name": "stock script", "lasts": "30"})
    assert (response.status_code, response["Location"]) == (302, TOKENS)
    (token,) = said(response)
    assert token not in response.content.decode()
    page = as_ada.get(TOKENS)
    assert token in text(page)
    assert "it is shown this once and never again" in text(page)
    assert token not in text(as_ada.get(TOKENS))
    stored = ApiToken.objects.get()
    assert (stored.user, stored.name) == (ada, "stock script")
    assert stored.expires_at is not None
    assert abs(stored.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    program = Client(headers={"Authorization": f"Token {token}"})
    assert program.get("/api/account/").json()["username"] == "ada"
    as_ada.post(f"{TOKENS}{stored.pk}/revoke/")
    assert program.get("/api/account/").status_code == 401
    assert "ended" in text(as_ada.get(TOKENS))


def test_a_token_may_last_until_it_is_ended(as_ada: Client) -> None:
    as_ada.post(TOKENS, {"name": "script", "lasts": "ever"})
    assert ApiToken.objects.get().expires_at is None
    assert "works until you end it" in text(as_ada.get(TOKENS))


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "", "lasts": "30"}, "name"),
        ({"name": "x" * 61, "lasts": "30"}, "name"),
        ({"name": "script", "lasts": ""}, "lasts"),
        ({"name": "script", "lasts": "31"}, "lasts"),
    ],
)
def test_a_refused_token_is_said_beside_its_field(
    as_ada: Client, form: dict[str, str], field: str
) -> None:
    page = as_ada.post(TOKENS, form)
    assert list(page.context["form"].errors) == [field]
    assert 'aria-invalid="true"' in tag_of(page, field)
    assert not ApiToken.objects.exists()


def test_whoever_makes_too_many_tokens_waits(as_ada: Client, settings: Settings) -> None:
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "token": "1/h"}
    as_ada.post(TOKENS, {"name": "one", "lasts": "30"})
    page = as_ada.post(TOKENS, {"name": "two", "lasts": "30"})
    assert page.status_code == 429
    assert int(page["Retry-After"]) > 0
    assert "That was a little too often" in text(page)
    assert ApiToken.objects.count() == 1


def test_other_peoples_tokens_are_not_found(as_ada: Client, ben: User) -> None:
    theirs, _ = create_token(user=ben, name="Ben's")
    assert as_ada.post(f"{TOKENS}{theirs.pk}/revoke/").status_code == 404
    assert "Ben" not in text(as_ada.get(TOKENS))
    theirs.refresh_from_db()
    assert theirs.is_usable


# The inbox ----------------------------------------------------------------------------------


def test_an_empty_inbox_says_so(as_ada: Client) -> None:
    assert "Nothing here yet" in text(as_ada.get(INBOX))
    assert "unread" not in text(as_ada.get(INBOX))


def test_opening_a_message_reads_it_and_leads_to_what_it_is_about(
    as_ada: Client, ada: User
) -> None:
    about, bare = news(ada, url="/orders/S-1/"), news(ada, title="Welcome")
    page = as_ada.get(INBOX)
    assert "Inbox 2 unread" in text(page)
    assert text(page).index("Welcome") < text(page).index("Your order is paid")
    assert as_ada.post(f"{INBOX}{about.pk}/")["Location"] == "/orders/S-1/"
    assert as_ada.post(f"{INBOX}{bare.pk}/")["Location"] == INBOX
    assert "unread" not in text(as_ada.get(INBOX))


def test_everything_is_marked_as_read_at_once(as_ada: Client, ada: User, ben: User) -> None:
    for user in (ada, ada, ben):
        news(user)
    assert "Mark all as read" in text(as_ada.get(INBOX))
    assert as_ada.post(f"{INBOX}read/")["Location"] == INBOX
    assert "Mark all as read" not in text(as_ada.get(INBOX))
    assert Notification.objects.filter(read_at=None).get().user == ben


def test_other_peoples_messages_are_not_found(as_ada: Client, ben: User) -> None:
    theirs = news(ben)
    assert as_ada.post(f"{INBOX}{theirs.pk}/").status_code == 404
    theirs.refresh_from_db()
    assert theirs.read_at is None
    assert "Nothing here yet" in text(as_ada.get(INBOX))


def test_words_of_a_message_stay_words(as_ada: Client, ada: User) -> None:
    news(ada, title="<b>x</b>", body="<script>alert(1)</script>\n\nMore.")
    page = as_ada.get(INBOX).content.decode()
    assert "<script>alert" not in page
    assert "<p>More.</p>" in page


def test_lists_ask_as_often_for_many_as_for_one(
    as_ada: Client, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # session, user; unread; cart; categories, counts; and then the page's own
    around = 2 + 1 + 1 + 2
    own = {ADDRESSES: 1, TOKENS: 1, INBOX: 3}
    for _ in range(3):
        add_address(user=ada, **{**VIENNA, "city": f"City {Address.objects.count()}"})
        create_token(user=ada, name="script")
        news(ada)
        for path, queries in own.items():
            with django_assert_num_queries(around + queries):
                as_ada.get(path)


def test_a_long_inbox_comes_in_pages(as_ada: Client, ada: User) -> None:
    Notification.objects.bulk_create(
        Notification(user=ada, kind="welcome", title=f"News {n}") for n in range(21)
    )
    assert len(as_ada.get(INBOX).context["page"]) == 20
    assert len(as_ada.get(INBOX, {"page": "2"}).context["page"]) == 1
    assert as_ada.get(INBOX, {"page": "3"}).status_code == 404
