"""Who shops here. Every other app of the shop points at this user, as in most monoliths."""

import uuid
from pathlib import PurePath
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import Exact
from django.utils import timezone

from shopsmart.accounts.countries import check_country, country_name

USERNAME_MAX_LENGTH = 40
DISPLAY_NAME_MAX_LENGTH = 60

# In a mail's head a line break begins another header; on a label it begins another line.
check_one_line = RegexValidator(r"^[^\x00-\x1f\x7f]*\Z", "This has to be one line of plain text.")


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


class Address(models.Model):
    """Where a shopper has things sent. An order copies it: changing one never moves a parcel."""

    user = models.ForeignKey(User, models.CASCADE, related_name="addresses")
    name = models.CharField(
        max_length=80, validators=[check_one_line], help_text="Who takes the parcel."
    )
    line1 = models.CharField("street and number", max_length=120, validators=[check_one_line])
    line2 = models.CharField(
        "floor, company, care of", max_length=120, blank=True, validators=[check_one_line]
    )
    postcode = models.CharField(max_length=16, validators=[check_one_line])
    city = models.CharField(max_length=80, validators=[check_one_line])
    country = models.CharField(max_length=2, validators=[check_country])
    is_default = models.BooleanField("default", default=False)

    class Meta:
        ordering = ["-is_default", "id"]
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(is_default=True), name="accounts_one_default_address"
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(line1="") & ~Q(postcode="") & ~Q(city=""),
                name="accounts_address_is_complete",
            ),
            models.CheckConstraint(
                condition=Exact(Length("country"), 2), name="accounts_address_country_has_2_letters"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.line1}, {self.postcode} {self.city}, {self.country}"

    @property
    def country_name(self) -> str:
        """The country as it is printed."""
        return country_name(self.country)


class ApiToken(models.Model):
    """Lets a program act as a user. The token itself is shown once and never stored.

    What is kept is its beginning, to find it and tell it from others, and a digest of the whole.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(
        max_length=60,
        validators=[check_one_line],
        help_text="What it is for, so that you know it later.",
    )
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(prefix=""), name="accounts_token_has_name_and_prefix"
            ),
            models.CheckConstraint(
                condition=Exact(Length("digest"), 64), name="accounts_token_digest_is_sha256"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="accounts_token_expires_after_its_making",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_usable(self) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and (
            self.expires_at is None or self.expires_at > timezone.now()
        )
