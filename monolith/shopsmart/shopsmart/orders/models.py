"""What was bought, by whom, and how far it has come.

An order keeps what it was about in its own words: names, prices and the address are copied, since
the catalogue and the address book go on changing. Its variant, its shopper and the stock it holds
are foreign keys into three other parts.
"""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Round
from django.db.models.lookups import Exact
from django.utils import timezone

from shopsmart.cart.models import MAX_QUANTITY
from shopsmart.catalog.models import Variant, check_currency, default_currency
from shopsmart.catalog.money import Money
from shopsmart.orders.states import OrderState, ReturnState


def _amount(**options: object) -> models.DecimalField:
    return models.DecimalField(max_digits=10, decimal_places=2, **options)


class Order(models.Model):
    """One purchase. Amounts are in its one currency; the goods' sum less the discount plus shipping is the total."""

    number = models.CharField(max_length=40, unique=True, help_text="As in S-2026-000123.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders")
    state = models.CharField(
        max_length=10, choices=OrderState.choices, default=OrderState.PLACED.value
    )
    currency = models.CharField(max_length=3, default=default_currency, validators=[check_currency])
    subtotal = _amount()
    discount = _amount(default=Decimal(0))
    shipping = _amount(default=Decimal(0))
    total = _amount()
    promotion_code = models.CharField(max_length=40, blank=True)
    ship_name = models.CharField("name", max_length=80)
    ship_line1 = models.CharField("address", max_length=120)
    ship_line2 = models.CharField("address, second line", max_length=120, blank=True)
    ship_postcode = models.CharField("postcode", max_length=16)
    ship_city = models.CharField("city", max_length=80)
    ship_country = models.CharField("country", max_length=2, help_text="Two letters, as in DE.")
    placed_at = models.DateTimeField(default=timezone.now)
    paid_at = models.DateTimeField(null=True, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(
        max_length=64, help_text="What the shopper's client calls this purchase."
    )

    class Meta:
        ordering = ["-placed_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-placed_at", "-id"], name="orders_order_of_a_shopper"),
            models.Index(fields=["state", "-placed_at", "-id"], name="orders_order_by_state"),
            models.Index(fields=["-placed_at", "-id"], name="orders_order_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "idempotency_key"], name="orders_one_order_for_a_key"
            ),
            models.CheckConstraint(
                condition=Q(subtotal__gte=0, discount__gte=0, shipping__gte=0, total__gte=0),
                name="orders_order_amounts_are_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(discount__lte=F("subtotal")), name="orders_order_discount_is_no_gift"
            ),
            models.CheckConstraint(
                # SQLite reckons in binary; both sides rounded alike are equal where cents are.
                condition=Exact(
                    Round(F("subtotal") - F("discount") + F("shipping"), 2), Round(F("total"), 2)
                ),
                name="orders_order_adds_up",
            ),
            models.CheckConstraint(
                condition=Exact(Length("currency"), 3), name="orders_order_currency_has_3_letters"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="placed",
                    paid_at=None,
                    shipped_at=None,
                    delivered_at=None,
                    cancelled_at=None,
                )
                | Q(
                    state="paid",
                    paid_at__isnull=False,
                    shipped_at=None,
                    delivered_at=None,
                    cancelled_at=None,
                )
                | Q(
                    state="shipped",
                    paid_at__isnull=False,
                    shipped_at__isnull=False,
                    delivered_at=None,
                    cancelled_at=None,
                )
                | Q(
                    state="delivered",
                    paid_at__isnull=False,
                    shipped_at__isnull=False,
                    delivered_at__isnull=False,
                    cancelled_at=None,
                )
                | Q(
                    state="cancelled",
                    shipped_at=None,
                    delivered_at=None,
                    cancelled_at__isnull=False,
                )
                | Q(
                    state="returned",
                    paid_at__isnull=False,
                    shipped_at__isnull=False,
                    cancelled_at=None,
                ),
                name="orders_order_times_fit_its_state",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def total_money(self) -> Money:
        """What is paid for all of it."""
        return Money(self.total, self.currency)


class OrderLine(models.Model):
    """So many of one variant, as they were named and priced when they were bought."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, models.PROTECT, related_name="order_lines")
    sku = models.CharField(max_length=40, verbose_name="SKU")
    product_name = models.CharField(max_length=160)
    variant_name = models.CharField(max_length=80, blank=True)
    category_name = models.CharField(max_length=80)
    quantity = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_QUANTITY)]
    )
    unit_price = _amount()
    line_total = _amount(help_text="Before the discount.")
    discount = _amount(default=Decimal(0), help_text="This line's share of the order's discount.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "variant"], name="orders_line_variants_differ"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=MAX_QUANTITY),
                name="orders_line_quantity_is_1_to_99",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0, discount__gte=0, discount__lte=F("line_total")),
                name="orders_line_amounts_fit",
            ),
            models.CheckConstraint(
                condition=Exact(
                    Round(F("unit_price") * F("quantity"), 2), Round(F("line_total"), 2)
                ),
                name="orders_line_adds_up",
            ),
        ]

    def __str__(self) -> str:
        name = (
            f"{self.product_name} – {self.variant_name}" if self.variant_name else self.product_name
        )
        return f"{self.quantity} × {name}"

    @property
    def paid(self) -> Decimal:
        """What the shopper paid for the line: its total less its share of the discount."""
        return self.line_total - self.discount


class OrderEvent(models.Model):
    """One step of an order. Rows are only ever added."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    state = models.CharField(max_length=10, choices=OrderState.choices)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["order", "at", "id"], name="orders_event_of_an_order")]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.state}"


class Return(models.Model):
    """What a shopper sends back, all of it or some; what is given back for it stands here once it has come."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="returns")
    state = models.CharField(
        max_length=10, choices=ReturnState.choices, default=ReturnState.REQUESTED.value
    )
    reason = models.CharField(max_length=200)
    refund_amount = _amount(default=Decimal(0))
    note = models.CharField(max_length=200, blank=True, help_text="Why it was refused.")
    requested_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at", "-id"]
        indexes = [models.Index(fields=["state", "requested_at"], name="orders_return_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="requested", settled_at=None, refund_amount=0)
                | Q(state="received", settled_at__isnull=False, refund_amount__gte=0)
                | Q(state="refused", settled_at__isnull=False, refund_amount=0),
                name="orders_return_fits_its_state",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="orders_return_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"return {self.pk} of {self.order_id}"


class ReturnLine(models.Model):
    """So many of one line of the order."""

    parent = models.ForeignKey(Return, models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, models.CASCADE, related_name="return_lines")
    quantity = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "order_line"], name="orders_return_lines_differ"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1), name="orders_return_line_has_a_quantity"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"
