"""What the account pages read. They reach into the catalogue, as the rest of the shop does."""

from unicodedata import normalize

from django.db.models import QuerySet

from shopsmart.accounts.models import Address, ApiToken, User
from shopsmart.catalog.models import Review


def reviews_by(user: User) -> QuerySet[Review]:
    """A user's own reviews, newest first, hidden ones too, with product, brand and shelf at hand."""
    return (
        Review.objects.filter(author=user)
        .select_related("product__brand", "product__category")
        .order_by("-created_at", "-id")
    )


def list_addresses(*, user: User) -> QuerySet[Address]:
    """A user's addresses, the default first, then the oldest."""
    return Address.objects.filter(user=user).order_by("-is_default", "id")


def get_address(*, user: User, pk: int) -> Address:
    """One of a user's own addresses; raises Address.DoesNotExist for other people's too."""
    return Address.objects.get(user=user, pk=pk)


def default_address(*, user: User) -> Address | None:
    """Where to send unless told otherwise; None for a user without addresses."""
    return list_addresses(user=user).first()


def list_tokens(*, user: User) -> QuerySet[ApiToken]:
    """A user's API tokens, the newest first, those that open nothing any more too."""
    return ApiToken.objects.filter(user=user).order_by("-created_at", "-id")


def get_token(*, user: User, pk: int) -> ApiToken:
    """One of a user's own tokens; raises ApiToken.DoesNotExist for other people's too."""
    return ApiToken.objects.get(user=user, pk=pk)


def account_named(typed: str) -> str:
    """The same text for every way to type one account's name or address; nothing to look it up by.

    Logging in reads a name as NFKC too, and an address as its account's name.
    """
    name = normalize("NFKC", typed).strip()
    if "@" in name and name.isprintable():
        address = User.objects.normalize_email(name)
        known = User.objects.filter(email=address).values_list("username", flat=True).first()
        name = known or name
    return name.casefold()
