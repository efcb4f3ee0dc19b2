"""Codes that make a cart cheaper, and who has used them."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone

from shopsmart.catalog.models import Category, check_currency, default_currency
from shopsmart.orders.models import Order

check_code = RegexValidator(r"^[A-Z0-9-]+\Z", "A code is made of capital letters, digits and -.")


class PromotionKind(models.TextChoices):
    """What `value` means."""

    PERCENT = "percent", "percent"
    AMOUNT = "amount", "amount"


class Promotion(models.Model):
    """A code and what it gives: a share or an amount off the goods, of one shelf or of all."""

    code = models.CharField(max_length=40, unique=True, validators=[check_code])
    kind = models.CharField(max_length=10, choices=PromotionKind.choices)
    value = models.DecimalField(
        max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
    )
    currency = models.CharField(
        max_length=3,
        default=default_currency,
        validators=[check_currency],
        help_text="Of amount and minimum; carts in another currency get nothing.",
    )
    minimum = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="What the goods it applies to must cost together.",
    )
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    usage_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="By how many orders in all; empty: any number."
    )
    per_user_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="By how many orders of one shopper; empty: any number."
    )
    category = models.ForeignKey(
        Category,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="promotions",
        help_text="Only what stands here or below; empty: everything.",
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(code=Upper("code")) & ~Q(code=""), name="promotions_code_is_upper_case"
            ),
            models.CheckConstraint(
                condition=Q(kind="amount", value__gt=0)
                | Q(kind="percent", value__gt=0, value__lte=100),
                name="promotions_value_fits_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(minimum__gte=0), name="promotions_minimum_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="promotions_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Redemption(models.Model):
    """A code's use by one order. Given back, the row goes."""

    promotion = models.ForeignKey(Promotion, models.PROTECT, related_name="redemptions")
    order = models.OneToOneField(Order, models.CASCADE, related_name="redemption")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["promotion", "user"], name="promotions_uses_of_a_shopper")]

    def __str__(self) -> str:
        return f"{self.promotion_id} by {self.order_id}"
