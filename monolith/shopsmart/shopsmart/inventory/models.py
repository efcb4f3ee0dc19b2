"""How many of each variant there are, who has spoken for some, and how they came and went."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from shopsmart.catalog.models import Variant
from shopsmart.orders.models import Order


class MovementKind(models.TextChoices):
    """Why the number on hand changed."""

    RECEIVED = "received", "received"
    SOLD = "sold", "sold"
    RETURNED = "returned", "returned"
    CORRECTED = "corrected", "corrected"


class ReservationState(models.TextChoices):
    """`held` until the payment is known, then `taken` (sold) or `released`."""

    HELD = "held", "held"
    TAKEN = "taken", "taken"
    RELEASED = "released", "released"


class StockItem(models.Model):
    """How many of a variant lie in the store, and how many of these are spoken for.

    `on_hand` is the sum of the variant's movements, `reserved` that of its held reservations. A variant
    that was never stocked has no row, and none to sell.
    """

    variant = models.OneToOneField(Variant, models.CASCADE, related_name="stock")
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)
    low_below = models.PositiveIntegerField(
        default=5, help_text="Fewer available than this are called low."
    )

    class Meta:
        ordering = ["variant_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__gte=0, reserved__lte=F("on_hand")),
                name="inventory_reserved_is_on_hand",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.variant_id}: {self.available} of {self.on_hand}"

    @property
    def available(self) -> int:
        """How many can still be sold."""
        return self.on_hand - self.reserved


class Reservation(models.Model):
    """What an order holds of a variant's stock."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="reservations")
    variant = models.ForeignKey(Variant, models.PROTECT, related_name="reservations")
    quantity = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10, choices=ReservationState.choices, default=ReservationState.HELD.value
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "variant"], name="inventory_one_reservation_each"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1), name="inventory_reservation_is_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.variant_id} for {self.order_id}: {self.state}"


class Movement(models.Model):
    """One change of the number on hand. Rows are only ever added, by `services`."""

    variant = models.ForeignKey(Variant, models.PROTECT, related_name="movements")
    delta = models.IntegerField()
    kind = models.CharField(max_length=10, choices=MovementKind.choices)
    reference = models.CharField(max_length=80, help_text="An order, a delivery note or a reason.")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["variant", "-at", "-id"], name="inventory_movement_newest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["received", "returned"], delta__gt=0)
                | Q(kind="sold", delta__lt=0)
                | (Q(kind="corrected") & ~Q(delta=0)),
                name="inventory_movement_goes_its_way",
            ),
            models.CheckConstraint(
                condition=~Q(reference=""), name="inventory_movement_has_a_reference"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delta:+d} of {self.variant_id}: {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the movement; raises TypeError for one that was saved before."""
        if not self._state.adding:
            raise TypeError("A movement is history. Write another that corrects it.")
        super().save(*args, **kwargs)
