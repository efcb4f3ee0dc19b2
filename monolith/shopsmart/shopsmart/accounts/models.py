"""Who shops here. Every other app of the shop points at this user, as in most monoliths."""

import uuid
from pathlib import PurePath
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower

USERNAME_MAX_LENGTH = 40
DISPLAY_NAME_MAX_LENGTH = 60


def avatar_path(user: "User", filename: str) -> str:
    """Name an avatar by chance: the uploader's file name is never a path, a URL or a collision."""
    return f"avatars/{uuid.uuid4().hex}{PurePath(filename).suffix.lower()}"


class UserManager(DjangoUserManager):
    """Stores e-mail addresses in lower case, so that one mailbox is one account."""

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        return super().normalize_email(email).strip().lower()

    def create_user(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> "User":
        """Create a user; the display name is the user name where none is given."""
        extra_fields.setdefault("display_name", username)
        return super().create_user(username, email, password, **extra_fields)

    def create_superuser(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> "User":
        """Create a user who may do everything in the admin."""
        extra_fields.setdefault("display_name", username)
        return super().create_superuser(username, email, password, **extra_fields)


class User(AbstractUser):
    """A shopper or a member of staff.

    A user name holds no `@`: login takes either name or address, and nobody may register
    somebody else's address as a name.
    """

    username = models.CharField(
        max_length=USERNAME_MAX_LENGTH,
        unique=True,
        validators=[
            RegexValidator(r"^[\w.+-]+\Z", "Use letters, digits and . + - _ only."),
        ],
        error_messages={"unique": "This user name is taken."},
    )
    email = models.EmailField(
        "e-mail address",
        unique=True,
        error_messages={"unique": "There is an account with this e-mail address already."},
    )
    display_name = models.CharField(
        max_length=DISPLAY_NAME_MAX_LENGTH, help_text="Shown beside your reviews."
    )
    avatar = models.ImageField(upload_to=avatar_path, blank=True)

    objects = UserManager()

    REQUIRED_FIELDS = ["email"]

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(username__contains="@"), name="accounts_user_name_has_no_at"
            ),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="accounts_user_email_is_lower_case"
            ),
            models.CheckConstraint(
                condition=~models.Q(display_name=""), name="accounts_user_has_a_display_name"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username
