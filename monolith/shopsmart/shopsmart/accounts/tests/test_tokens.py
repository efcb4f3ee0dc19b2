from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import DjangoAssertNumQueries

from shopsmart.accounts import selectors, services, tokens
from shopsmart.accounts.models import ApiToken, User
from shopsmart.catalog.tests.make import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("ada")


def test_what_is_stored_opens_nothing(ada: User) -> None:
    stored, token = services.create_token(user=ada, name=" till ")
    stored.refresh_from_db()
    assert stored.name == "till"
    assert token.startswith(f"shop_{stored.prefix}_")
    assert token not in str(ApiToken.objects.values().get())
    for kept in (stored.digest, stored.prefix, f"shop_{stored.prefix}_{stored.digest}"):
        assert services.user_of_token(token=kept) is None


def test_a_token_lets_its_user_in_and_nobody_else(ada: User) -> None:
    ben = make_user("ben")
    for user in (ada, ben):
        stored, token = services.create_token(user=user, name="till")
        assert services.user_of_token(token=token) == (user, stored)


def test_no_two_tokens_are_alike() -> None:
    made = {tokens.make_token().token for _ in range(1000)}
    assert len(made) == 1000
    assert {len(token) for token in made} == {59}


@given(st.text())
def test_whatever_is_sent_as_a_token_opens_nothing(text: str) -> None:
    assert not tokens.fits(text, None)
    if tokens.prefix_of(text) is None:
        assert services.user_of_token(token=text) is None


@pytest.mark.parametrize("end", ["", "x", " ", "\n"])
def test_a_token_fits_whole_or_not_at_all(ada: User, end: str) -> None:
    _, token = services.create_token(user=ada, name="till")
    assert services.user_of_token(token=token[:-1] + end) is None
    assert services.user_of_token(token=token + end + "y") is None
    other = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert services.user_of_token(token=other) is None
    assert services.user_of_token(token=token.upper()) is None


def test_an_unknown_prefix_costs_a_comparison_too(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the clock tells nobody which prefixes there are."""
    compared: list[str | None] = []
    monkeypatch.setattr(services, "fits", lambda token, digest: bool(compared.append(digest)))
    stored, token = services.create_token(user=ada, name="till")
    services.user_of_token(token=token)
    services.user_of_token(token=tokens.make_token().token)
    services.user_of_token(token="no token")
    assert compared == [stored.digest, None, None]


def test_a_revoked_an_expired_and_a_leavers_token_open_nothing(ada: User) -> None:
    soon = timezone.now() + timedelta(hours=1)
    stored, token = services.create_token(user=ada, name="till", expires_at=soon)
    assert services.user_of_token(token=token) is not None
    assert stored.is_usable

    revoked_at = services.revoke_token(token=stored).revoked_at
    assert services.user_of_token(token=token) is None
    assert services.revoke_token(token=stored).revoked_at == revoked_at

    ApiToken.objects.update(
        revoked_at=None, created_at=soon - timedelta(days=2), expires_at=timezone.now()
    )
    assert services.user_of_token(token=token) is None
    assert not ApiToken.objects.get().is_usable
    assert not ApiToken.objects.filter(services.usable_tokens()).exists()

    ApiToken.objects.update(expires_at=None)
    assert services.user_of_token(token=token) is not None
    User.objects.update(is_active=False)
    assert services.user_of_token(token=token) is None


def test_a_use_is_written_at_most_every_five_minutes(
    ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    stored, token = services.create_token(user=ada, name="till")
    with django_assert_num_queries(2):
        services.user_of_token(token=token)
    stored.refresh_from_db()
    first = stored.last_used_at
    assert first is not None
    with django_assert_num_queries(1):
        services.user_of_token(token=token)
    ApiToken.objects.update(last_used_at=first - services.LAST_USED_STEP - timedelta(seconds=1))
    services.user_of_token(token=token)
    stored.refresh_from_db()
    assert stored.last_used_at >= first
    # What opens nothing is not used.
    ApiToken.objects.update(last_used_at=None, revoked_at=timezone.now())
    services.user_of_token(token=token)
    stored.refresh_from_db()
    assert stored.last_used_at is None


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("name", {"name": "  "}),
        ("name", {"name": "x" * 61}),
        ("name", {"name": "a\nb"}),
        ("expires_at", {"expires_at": timezone.now() - timedelta(seconds=1)}),
    ],
)
def test_what_is_wrong_is_said_by_field(ada: User, field: str, asked: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        services.create_token(user=ada, **{"name": "till", **asked})
    assert list(refused.value.message_dict) == [field]
    assert not ApiToken.objects.exists()


def test_so_many_usable_tokens_and_no_more(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_TOKENS", 2)
    first, _ = services.create_token(user=ada, name="1")
    services.create_token(user=ada, name="2")
    with pytest.raises(ValidationError, match="2 tokens"):
        services.create_token(user=ada, name="3")
    services.revoke_token(token=first)
    services.create_token(user=ada, name="3")
    names = [token.name for token in selectors.list_tokens(user=ada)]
    assert names == ["3", "2", "1"]  # those that were revoked are still shown


def test_other_peoples_tokens_are_not_there(ada: User) -> None:
    stored, _ = services.create_token(user=make_user("ben"), name="till")
    with pytest.raises(ApiToken.DoesNotExist):
        selectors.get_token(user=ada, pk=stored.pk)


@pytest.mark.parametrize(
    "changes", [{"digest": "abc"}, {"name": ""}, {"expires_at": timezone.now() - timedelta(days=9)}]
)
def test_the_database_holds_the_rules_too(ada: User, changes: dict[str, object]) -> None:
    services.create_token(user=ada, name="till")
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.update(**changes)
