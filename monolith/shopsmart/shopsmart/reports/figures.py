"""What a sales report is made of. Values only: nothing here asks the database."""

from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.utils import timezone

MAX_DAYS = 366
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
ZERO = Decimal(0)


class Dimension(StrEnum):
    """What the rows are; the values are the words of the API."""

    DAY = "day"
    CATEGORY = "category"
    BRAND = "brand"
    COUNTRY = "country"
    PROMOTION = "promotion"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from the first to the last, both included, in the shop's time zone."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date | None = None) -> "Period":
        """The thirty days that end with `last`, or today."""
        last = last or timezone.localdate()
        month = timedelta(days=29)
        return cls(max(last, EARLIEST + month) - month, last)

    def check(self) -> None:
        """Raises ValidationError, by field, for days that make no period or a very long one."""
        for name, day in (("last", self.last), ("first", self.first)):
            if not EARLIEST <= day <= LATEST:
                raise ValidationError({name: f"A day from {EARLIEST} to {LATEST} is required."})
        if self.last < self.first:
            raise ValidationError({"last": "This is before the first day."})
        if len(self.days) > MAX_DAYS:
            raise ValidationError({"last": f"A report is about {MAX_DAYS} days at most."})

    @property
    def begin(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time.min))

    @property
    def end(self) -> datetime:
        """The moment after the last one."""
        return timezone.make_aware(datetime.combine(self.last + timedelta(days=1), time.min))

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass(slots=True)
class Figures:
    """What was sold, what of it was given back, and what is left."""

    orders: int = 0
    shoppers: int = 0
    new_shoppers: int = 0  # whose account was made in the period
    units: int = 0
    goods: Decimal = ZERO  # before the discount
    discount: Decimal = ZERO
    shipping: Decimal = ZERO
    refunded: Decimal = ZERO

    @property
    def charged(self) -> Decimal:
        """What the shoppers paid."""
        return self.goods - self.discount + self.shipping

    @property
    def net(self) -> Decimal:
        """What the shop keeps of it."""
        return self.charged - self.refunded


COUNTED = tuple(field.name for field in fields(Figures))


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one day, category, brand, country or promotion."""

    key: str  # for programs: a date, slug, two letters or a code; empty for what has none
    label: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class SalesReport:
    """Rows and their totals. Two rows may share orders and shoppers, so these don't add up."""

    period: Period
    by: Dimension
    currency: str
    rows: list[Row]
    totals: Figures
    paid: Decimal  # the same as the totals' `charged`, by what the payments say

    @property
    def adds_up(self) -> bool:
        """Whether orders and payments tell the same; if not, somebody wrote past the shop."""
        return self.totals.charged == self.paid
