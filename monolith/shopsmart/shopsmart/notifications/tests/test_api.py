"""The inbox over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from pytest_django.fixtures import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.accounts.services import create_token
from shopsmart.catalog.tests.make import make_user
from shopsmart.notifications.models import Notification
from shopsmart.notifications.services import notify

pytestmark = pytest.mark.django_db

INBOX = "/api/notifications/"


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def welcome(user: User, minutes_ago: int = 0, *, read: bool = False) -> Notification:
    told = notify(user=user, kind="welcome", context={})
    at = timezone.now() - timedelta(minutes=minutes_ago)
    Notification.objects.filter(pk=told.pk).update(created_at=at, read_at=at if read else None)
    return told


def test_strangers_get_a_401(client: Client) -> None:
    assert client.get(INBOX).status_code == 401
    assert client.post(f"{INBOX}read/").status_code == 401
    assert client.post(f"{INBOX}1/read/").status_code == 401


def test_ones_inbox_the_newest_first(as_ada: Client, ada: User) -> None:
    old, new = welcome(ada, 9), welcome(ada, 1)
    welcome(make_user("ben"))
    told = as_ada.get(INBOX).json()
    assert [entry["id"] for entry in told["results"]] == [new.pk, old.pk]
    assert told["results"][0] == {
        "id": new.pk,
        "kind": "welcome",
        "title": "Welcome to ShopSmart",
        "body": new.body,
        "url": "/account/",
        "created_at": told["results"][0]["created_at"],
        "read_at": None,
    }


def test_only_what_was_not_read(as_ada: Client, ada: User) -> None:
    welcome(ada, 9, read=True)
    new = welcome(ada, 1)
    assert as_ada.get(INBOX, {"unread": "true"}).json()["results"][0]["id"] == new.pk
    assert as_ada.get(INBOX, {"unread": "true"}).json()["count"] == 1
    assert as_ada.get(INBOX, {"unread": "false"}).json()["count"] == 2
    refused = as_ada.get(INBOX, {"unread": "perhaps"})
    assert (refused.status_code, list(refused.json())) == (400, ["unread"])


def test_reading_one_and_reading_all(as_ada: Client, ada: User) -> None:
    first, _, _ = welcome(ada), welcome(ada), welcome(ada)
    ben = make_user("ben")
    welcome(ben)
    read = as_ada.post(f"{INBOX}{first.pk}/read/")
    assert read.status_code == 200
    assert read.json()["read_at"] is not None
    assert as_ada.post(f"{INBOX}{first.pk}/read/").json() == read.json()
    assert as_ada.post(f"{INBOX}read/").json() == {"read": 2}
    assert as_ada.post(f"{INBOX}read/").json() == {"read": 0}
    assert Notification.objects.filter(user=ben, read_at=None).count() == 1


def test_other_peoples_news_are_not_there(as_ada: Client) -> None:
    told = welcome(make_user("ben"))
    for pk in (told.pk, 999_999):
        answer = as_ada.post(f"{INBOX}{pk}/read/")
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/json"
    told.refresh_from_db()
    assert told.read_at is None


def test_a_session_needs_the_csrf_token(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(f"{INBOX}read/").status_code == 403


@pytest.mark.parametrize("number", [0, 1, 30])
def test_the_inbox_costs_the_same_however_full_it_is(
    ada: User, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    program = Client(headers={"Authorization": f"Token {create_token(user=ada, name='t')[1]}"})
    for _ in range(number):
        welcome(ada)
    program.get(INBOX)
    with django_assert_num_queries(3 if number else 2):  # the token, the count, the page
        assert len(program.get(INBOX).json()["results"]) == min(number, 24)


def test_every_operation_is_in_the_schema() -> None:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    names = {
        operation["operationId"]
        for path, methods in schema["paths"].items()
        if path.startswith(INBOX)
        for operation in methods.values()
    }
    assert names == {"listNotifications", "readNotification", "readAllNotifications"}
