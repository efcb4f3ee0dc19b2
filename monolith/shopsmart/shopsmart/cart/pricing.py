"""What a cart costs: one reckoning, for whoever looks at it and for the checkout that charges it."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import TextChoices

from shopsmart.catalog.models import Product, Variant
from shopsmart.catalog.money import Money
from shopsmart.inventory.selectors import Availability
from shopsmart.promotions.services import Discount

SHIPPING = Decimal("4.90")
FREE_SHIPPING_FROM = Decimal("50.00")


class ProblemKind(TextChoices):
    """Why a cart can't be bought as it is."""

    NOT_SOLD = "not_sold", "no longer sold"
    STOCK = "stock", "not enough left"
    CURRENCY = "currency", "in another currency than the rest"
    CODE = "code", "the code does not hold"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is in the way of buying; `sku` is empty where it is about the whole cart."""

    kind: ProblemKind
    message: str
    sku: str = ""


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """So many of one variant at the price of this moment."""

    variant: Variant
    quantity: int
    unit_price: Money
    line_total: Money
    discount: Money
    availability: Availability

    @property
    def product(self) -> Product:
        """What the variant is one of."""
        return self.variant.product


@dataclass(frozen=True, slots=True)
class CartSummary:
    """A cart with everything a shopper wants to know before buying it."""

    lines: tuple[SummaryLine, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    total: Money
    promotion_code: str = ""
    applied: Discount | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def quantity(self) -> int:
        """How many things are in it."""
        return sum(line.quantity for line in self.lines)


def shipping_for(goods: Money) -> Money:
    """What sending costs, for goods that cost so much after the discount; nothing costs nothing."""
    free = goods.amount >= FREE_SHIPPING_FROM
    return Money(Decimal(0) if free else SHIPPING, goods.currency)
