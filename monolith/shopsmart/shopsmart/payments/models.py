"""What was asked of shoppers' cards, what came of it, and what was given back.

The money itself is the card gateway's: a row here says what the shop knows of it. Of the card there
is its brand and its last four digits, and nothing else anywhere.
"""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from shopsmart.catalog.models import check_currency, default_currency
from shopsmart.catalog.money import Money
from shopsmart.orders.models import Order
from shopsmart.payments.states import (
    LIVE,
    REFUND_UNSETTLED,
    UNSETTLED,
    PaymentState,
    RefundState,
)

_UNSETTLED = sorted(UNSETTLED)
_REFUND_UNSETTLED = sorted(REFUND_UNSETTLED)


class Payment(models.Model):
    """One charge for an order. Its key makes it one at the gateway too, however often that is asked.

    `refunded` is the sum of its refunds that were not refused. It is kept here so that the database
    can hold it against the amount.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default=default_currency, validators=[check_currency])
    refunded = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0))
    state = models.CharField(
        max_length=20, choices=PaymentState.choices, default=PaymentState.PENDING.value
    )
    gateway_id = models.CharField("id at the gateway", max_length=64, blank=True)
    card_brand = models.CharField(max_length=20, blank=True)
    card_last4 = models.CharField("last four digits", max_length=4, blank=True)
    decline_code = models.CharField(max_length=60, blank=True)
    confirmation_url = models.CharField(
        "confirmation URL", max_length=500, blank=True, help_text="Where the card holder says yes."
    )
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(
        default=0, help_text="How often the gateway was asked to charge it."
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["created_at", "id"],
                condition=Q(state__in=_UNSETTLED),
                name="payments_payment_unsettled",
            ),
            models.Index(fields=["-created_at", "-id"], name="payments_payment_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state__in=sorted(LIVE)),
                name="payments_order_is_charged_once",
                violation_error_message="This order has been paid, or is being paid, already.",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="payments_payment_amount_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("amount")),
                name="payments_refunds_fit_the_payment",
            ),
            models.CheckConstraint(
                condition=Q(refunded=0) | Q(state="approved"),
                name="payments_only_what_was_paid_is_refunded",
            ),
            models.CheckConstraint(
                condition=Exact(Length("currency"), 3),
                name="payments_payment_currency_has_3_letters",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "unknown"], settled_at=None, decline_code="")
                | (
                    Q(state="needs_confirmation", settled_at=None, decline_code="")
                    & ~Q(confirmation_url="")
                )
                | (
                    Q(state="approved", settled_at__isnull=False, decline_code="")
                    & ~Q(gateway_id="")
                )
                | (Q(state="declined", settled_at__isnull=False) & ~Q(decline_code=""))
                | Q(state="cancelled", settled_at__isnull=False, decline_code=""),
                name="payments_payment_fits_its_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} for {self.order_id}: {self.state}"

    @property
    def money(self) -> Money:
        """What the card is charged."""
        return Money(self.amount, self.currency)

    @property
    def refundable(self) -> Money:
        """What can still be given back."""
        paid = self.amount if self.state == PaymentState.APPROVED else Decimal(0)
        return Money(paid - self.refunded, self.currency)

    @property
    def is_settled(self) -> bool:
        """Whether its outcome is known and final."""
        return self.state not in UNSETTLED


class Refund(models.Model):
    """Money given back, all of a payment or some. Its key makes it one at the gateway too."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    state = models.CharField(
        max_length=10, choices=RefundState.choices, default=RefundState.PENDING.value
    )
    reason = models.CharField(max_length=120)
    gateway_id = models.CharField("id at the gateway", max_length=64, blank=True)
    refusal_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(
        default=0, help_text="How often the gateway was asked to give it back."
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["created_at", "id"],
                condition=Q(state__in=_REFUND_UNSETTLED),
                name="payments_refund_unsettled",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="payments_refund_amount_is_positive"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="payments_refund_has_a_reason"),
            models.CheckConstraint(
                condition=Q(state__in=_REFUND_UNSETTLED, settled_at=None, refusal_code="")
                | (Q(state="done", settled_at__isnull=False, refusal_code="") & ~Q(gateway_id=""))
                | (Q(state="refused", settled_at__isnull=False) & ~Q(refusal_code="")),
                name="payments_refund_fits_its_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} of payment {self.payment_id}: {self.state}"

    @property
    def money(self) -> Money:
        """What is given back, in the payment's currency."""
        return Money(self.amount, self.payment.currency)

    @property
    def is_settled(self) -> bool:
        """Whether its outcome is known and final."""
        return self.state not in REFUND_UNSETTLED
