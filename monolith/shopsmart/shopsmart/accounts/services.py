"""What people do to their accounts. The admin and `seed` write users too; what must hold for all is in the model."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from shopsmart.accounts.avatar import render_avatar
from shopsmart.accounts.models import Address, ApiToken, User
from shopsmart.accounts.tokens import fits, make_token, prefix_of
from shopsmart.notifications.services import notify

MAX_ADDRESSES = 20
ADDRESS_FIELDS = ("name", "line1", "line2", "postcode", "city", "country")
MAX_TOKENS = 20
LAST_USED_STEP = timedelta(minutes=5)


def register_user(*, username: str, email: str, password: str, display_name: str = "") -> User:
    """Create a shopper's account.

    Raises ValidationError, by field, for names or addresses that are taken or malformed and for
    passwords that are too weak.
    """
    user = User(
        username=username,
        email=User.objects.normalize_email(email),
        display_name=display_name.strip() or username,
    )
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from error
    user.set_password(password)
    with _taken_in_between():
        user.full_clean()
        user.save(force_insert=True)
        notify(user=user, kind="welcome", context={})
    return user


def update_profile(*, user: User, display_name: str, email: str) -> User:
    """Change how a user is shown and reached; raises ValidationError by field."""
    user.display_name = display_name.strip()
    user.email = User.objects.normalize_email(email)
    changed = {"display_name", "email"}
    with _taken_in_between():
        # Nobody can mend here what is wrong with the rest of an old account.
        user.full_clean(exclude={field.name for field in User._meta.fields} - changed)
        user.save(update_fields=changed)
    return user


def change_avatar(*, user: User, upload: UploadedFile) -> User:
    """Store a picture, cut square and without its metadata; the one before it is deleted.

    Raises ValidationError where the upload is no picture we take.
    """
    # Before the transaction: on SQLite that would keep every other writer waiting while a photo is unpacked.
    square = ContentFile(render_avatar(upload))
    before = user.avatar.name
    with transaction.atomic():
        user.avatar.save("avatar.webp", square, save=False)
        user.save(update_fields=["avatar"])
        _delete_after_commit(user, before)
    return user


@transaction.atomic
def remove_avatar(*, user: User) -> User:
    """Forget a user's picture and delete its file; harmless where there is none."""
    before = user.avatar.name
    user.avatar = ""
    user.save(update_fields=["avatar"])
    _delete_after_commit(user, before)
    return user


@transaction.atomic
def add_address(*, user: User, make_default: bool = False, **fields: Any) -> Address:
    """Put an address into a user's book; the first one is the default.

    `fields` are name, line1, line2, postcode, city and country. One that is in the book already, to
    the letter, is given instead of a double. Raises ValidationError by field, and for a book that is
    full.
    """
    others = _lock_addresses(user)
    address = Address(user=user)
    _write_address(address, fields)
    for other in others:
        if all(getattr(other, field) == getattr(address, field) for field in ADDRESS_FIELDS):
            return set_default_address(address=other) if make_default else other
    if len(others) >= MAX_ADDRESSES:
        raise ValidationError(f"You have {MAX_ADDRESSES} addresses. Delete one you don't need.")
    address.is_default = not others
    address.save(force_insert=True)
    return set_default_address(address=address) if make_default else address


@transaction.atomic
def change_address(*, address: Address, make_default: bool = False, **fields: Any) -> Address:
    """Write an address anew, as far as `fields` say; raises ValidationError by field."""
    _write_address(address, fields)
    address.save(update_fields=fields)
    return set_default_address(address=address) if make_default else address


@transaction.atomic
def set_default_address(*, address: Address) -> Address:
    """Send to this address unless told otherwise; the default before it is one no longer."""
    for other in _lock_addresses(address.user):
        if other.is_default and other.pk != address.pk:
            other.is_default = False
            other.save(update_fields=["is_default"])
    address.is_default = True
    address.save(update_fields=["is_default"])
    return address


@transaction.atomic
def delete_address(*, address: Address) -> None:
    """Forget an address; of those left the oldest becomes the default where it was that."""
    others = [other for other in _lock_addresses(address.user) if other.pk != address.pk]
    address.delete()
    if others and not any(other.is_default for other in others):
        set_default_address(address=others[0])


@transaction.atomic
def create_token(
    *, user: User, name: str, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make an API token; the second of the pair is what opens the API, known here and never again.

    Raises ValidationError by field, and for a user who has too many usable ones.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if user.api_tokens.filter(usable_tokens()).count() >= MAX_TOKENS:
        raise ValidationError(f"You have {MAX_TOKENS} tokens. Revoke one you don't need.")
    made = make_token()
    token = ApiToken(
        user=user,
        name=name.strip(),
        prefix=made.prefix,
        digest=made.digest,
        expires_at=expires_at,
    )
    if expires_at is not None and expires_at <= token.created_at:
        raise ValidationError({"expires_at": "This is in the past."})
    token.full_clean()
    token.save(force_insert=True)
    return token, made.token


def revoke_token(*, token: ApiToken) -> ApiToken:
    """End a token at once; one that was revoked before keeps its time."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    token.refresh_from_db(fields=["revoked_at"])
    return token


def user_of_token(*, token: str) -> tuple[User, ApiToken] | None:
    """Whom this token lets in, and note its use; None where it opens nothing.

    The use is written at most every five minutes: reading through the API must not write each time.
    """
    prefix = prefix_of(token)
    found = ApiToken.objects.select_related("user").filter(prefix=prefix or "").first()
    if not fits(token, found.digest if found else None) or found is None:
        return None
    if not (found.is_usable and found.user.is_active):
        return None
    now = timezone.now()
    if found.last_used_at is None or found.last_used_at <= now - LAST_USED_STEP:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_STEP)
        ApiToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
    return found.user, found


def usable_tokens() -> Q:
    """The condition under which a token opens anything, as `ApiToken.is_usable` for queries."""
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


def _lock_addresses(user: User) -> list[Address]:
    """A user's addresses, the oldest first; until the transaction ends nobody else changes the book."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return list(Address.objects.filter(user=user).order_by("pk"))


def _write_address(address: Address, fields: Mapping[str, Any]) -> None:
    for field, value in fields.items():
        setattr(address, field, value.strip())
    address.country = address.country.upper()
    address.full_clean(exclude=["user"], validate_constraints=False)


def _delete_after_commit(user: User, name: str | None) -> None:
    if name:
        storage = user.avatar.storage
        transaction.on_commit(lambda: storage.delete(name))


@contextmanager
def _taken_in_between() -> Iterator[None]:
    """One transaction, in which somebody else's same name at the same moment is no server error."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise ValidationError("This name or address was taken a moment ago.") from error
