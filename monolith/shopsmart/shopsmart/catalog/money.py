"""An amount never travels without its currency, and is never a float."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def to_cents(amount: Decimal) -> Decimal:
    """`amount` with two places, halves rounded away from zero, as shoppers do it."""
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, always with two places, of a currency (three letters, ISO 4217)."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"Money is made of Decimal, not {type(self.amount).__name__}.")
        object.__setattr__(self, "amount", to_cents(self.amount))

    def __str__(self) -> str:
        return f"{self.amount:,.2f} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        self._check_same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._check_same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._check_same_currency(other)
        return self.amount < other.amount

    def times(self, factor: Decimal | int) -> "Money":
        """This money multiplied, rounded to cents."""
        return Money(self.amount * factor, self.currency)

    def _check_same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self} and {other} can't be reckoned together.")


def written(price: Money) -> str:
    """€1,234.50; currencies without a sign here keep their three letters."""
    if price.currency in SYMBOLS:
        return f"{SYMBOLS[price.currency]}{price.amount:,.2f}"
    return f"{price.amount:,.2f}{NO_BREAK_SPACE}{price.currency}"


def share_out(amount: Decimal, by: Sequence[Decimal]) -> list[Decimal]:
    """`amount` in shares as large as `by` says, each in whole cents, that add up to it exactly.

    No share is larger than its entry of `by` as long as `amount` is not larger than their sum.
    """
    whole = sum(by, Decimal(0))
    shares, before, passed = [], Decimal(0), Decimal(0)
    for part in by:
        passed += part
        # Reckoned from the running sum, so that what rounding leaves over is never lost or doubled.
        upto = to_cents(amount * passed / whole) if whole else before
        shares.append(upto - before)
        before = upto
    return shares
