from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from shopsmart.accounts import selectors, services
from shopsmart.accounts.models import Address, User
from shopsmart.catalog.tests.make import make_user

pytestmark = pytest.mark.django_db

HOME = {
    "name": "Ada L.",
    "line1": "St. James’s Square 12",
    "postcode": "10115",
    "city": "Köln",
    "country": "DE",
}


@pytest.fixture
def ada() -> User:
    return make_user("ada")


def add(user: User, **changes: Any) -> Address:
    return services.add_address(user=user, **{**HOME, **changes})


def book(user: User) -> list[tuple[str, bool]]:
    return [(entry.name, entry.is_default) for entry in selectors.list_addresses(user=user)]


def test_the_first_address_is_the_default_and_the_next_one_is_not(ada: User) -> None:
    add(ada, name="home")
    add(ada, name="work")
    assert book(ada) == [("home", True), ("work", False)]
    assert selectors.default_address(user=ada).name == "home"
    assert selectors.default_address(user=make_user("ben")) is None


def test_what_is_typed_is_kept_without_the_white_space_around_it(ada: User) -> None:
    address = add(ada, name=" Ada ", country="de", line2=" c/o Byron ")
    address.refresh_from_db()
    assert (address.name, address.country, address.line2) == ("Ada", "DE", "c/o Byron")
    assert address.country_name == "Germany"


def test_there_is_one_default_whatever_is_asked(ada: User) -> None:
    add(ada, name="home")
    add(ada, name="work", make_default=True)
    assert book(ada) == [("work", True), ("home", False)]
    home = Address.objects.get(name="home")
    services.set_default_address(address=home)
    services.set_default_address(address=home)
    assert book(ada) == [("home", True), ("work", False)]
    services.change_address(
        address=Address.objects.get(name="work"), make_default=True, city="Bonn"
    )
    assert book(ada) == [("work", True), ("home", False)]


def test_another_persons_default_is_left_alone(ada: User) -> None:
    ben = make_user("ben")
    add(ada)
    add(ben)
    services.delete_address(address=add(ada, name="work", make_default=True))
    assert book(ada) == [("Ada L.", True)]
    assert book(ben) == [("Ada L.", True)]


def test_after_the_default_the_oldest_takes_its_place(ada: User) -> None:
    home, _, _ = (add(ada, name=name) for name in ("home", "work", "away"))
    services.delete_address(address=home)
    assert book(ada) == [("work", True), ("away", False)]
    for address in Address.objects.all():
        services.delete_address(address=address)
    assert book(ada) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 81),
        ("name", "Ada\nBcc: all@example.org"),
        ("line1", ""),
        ("line2", "a\x00b"),
        ("postcode", ""),
        ("postcode", "1" * 17),
        ("city", ""),
        ("city", "Bonn\r\n"),
        ("country", ""),
        ("country", "XX"),
        ("country", "Germany"),
    ],
)
def test_what_is_wrong_is_said_by_field_and_nothing_is_written(
    ada: User, field: str, value: str
) -> None:
    if (field, value) == ("city", "Bonn\r\n"):
        assert add(ada, city=value).city == "Bonn"  # white space at the ends is taken off first
        return
    with pytest.raises(ValidationError) as refused:
        add(ada, **{field: value})
    assert list(refused.value.message_dict) == [field]
    address = add(ada)
    with pytest.raises(ValidationError) as refused:
        services.change_address(address=address, **{field: value})
    assert list(refused.value.message_dict) == [field]
    address.refresh_from_db()
    assert {name: getattr(address, name) for name in HOME} == HOME


def test_a_book_is_full_some_time(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_ADDRESSES", 2)
    add(ada)
    add(ada, name="work")
    with pytest.raises(ValidationError, match="2 addresses"):
        add(ada, name="away")
    assert len(book(ada)) == 2


def test_the_same_address_again_is_no_second_one(ada: User) -> None:
    """As when a form with a new address is sent twice by a double click."""
    first, other = add(ada), add(ada, name="work")
    assert add(ada, city=f" {HOME['city']} ") == first
    assert add(ada, name="work", make_default=True) == other
    assert book(ada) == [("work", True), ("Ada L.", False)]


def test_other_peoples_addresses_are_not_there(ada: User) -> None:
    address = add(make_user("ben"))
    with pytest.raises(Address.DoesNotExist):
        selectors.get_address(user=ada, pk=address.pk)


@pytest.mark.parametrize(
    "changes", [{"is_default": True}, {"name": ""}, {"country": "D"}, {"city": ""}]
)
def test_the_database_holds_the_rules_too(ada: User, changes: dict[str, Any]) -> None:
    add(ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        Address.objects.filter(pk=add(ada, name="work").pk).update(**changes)
