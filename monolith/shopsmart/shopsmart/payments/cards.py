"""A card on its way from the shopper to the gateway: read, checked, handed on, and never kept, logged or shown."""

import re
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.utils import timezone


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A card whose digits, expiry and code were checked. Shown anywhere, it is its last four digits."""

    number: str
    expiry: str  # MM/YY
    cvc: str

    def __repr__(self) -> str:
        return f"<Card …{self.last4}>"

    def __reduce__(self) -> str:
        """Keep it out of caches, sessions and queues."""
        raise TypeError("A card is not to be kept.")

    @property
    def last4(self) -> str:
        """What may be kept of the number."""
        return self.number[-4:]


def read_card(*, number: str, expiry: str, cvc: str) -> Card:
    """The card somebody typed, with or without blanks and hyphens.

    Raises ValidationError for `number`, `expiry` and `cvc`, without repeating any of them.
    """
    mistakes = {}
    digits = re.sub(r"[\s-]", "", number)
    if not re.fullmatch(r"[0-9]{12,19}", digits) or not passes_luhn(digits):
        mistakes["number"] = "This is no card number. Check it for a mistyped digit."
    month_and_year = re.fullmatch(r"\s*([0-9]{1,2})\s*/\s*(?:20)?([0-9]{2})\s*", expiry)
    if month_and_year is None or not 1 <= int(month_and_year[1]) <= 12:
        mistakes["expiry"] = "Write it as it stands on the card: month/year, as in 04/29."
    elif _is_past(month=int(month_and_year[1]), year=2000 + int(month_and_year[2])):
        mistakes["expiry"] = "This card has expired."
    if not re.fullmatch(r"[0-9]{3,4}", cvc.strip()):
        mistakes["cvc"] = "The security code is the three or four digits on the card."
    if mistakes or month_and_year is None:
        raise ValidationError(mistakes)
    return Card(
        number=digits,
        expiry=f"{int(month_and_year[1]):02d}/{month_and_year[2]}",
        cvc=cvc.strip(),
    )


def passes_luhn(digits: str) -> bool:
    """Whether the check digit fits, as it does unless a digit was mistyped."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_past(*, month: int, year: int) -> bool:
    """Whether that month is over, everywhere: somewhere it ends twelve hours after UTC says so."""
    today: date = timezone.now().date()
    return (year, month) < (today.year, today.month)
