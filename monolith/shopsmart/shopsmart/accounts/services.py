"""What people do to their accounts. The admin and `seed` write users too; what must hold for all is in the model."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction

from shopsmart.accounts.avatar import render_avatar
from shopsmart.accounts.models import User


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
