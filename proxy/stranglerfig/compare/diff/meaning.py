"""The same meaning written differently: numbers, instants, Unicode forms."""

import re
import unicodedata
from datetime import datetime
from decimal import Decimal, DecimalException

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII
)


def is_same_number(one: str, other: str) -> bool:
    """Whether two numbers as they are written are one, to the last digit."""
    try:
        return Decimal(one) == Decimal(other)
    except DecimalException:  # an exponent beyond every decimal
        return False


def is_same_text(one: str, other: str) -> bool:
    """Whether it is the same characters in another Unicode form, or the same instant in another notation."""
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other):
        return True
    if _INSTANT.fullmatch(one) is None or _INSTANT.fullmatch(other) is None:
        return False
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except ValueError:  # the 31st of February
        return False
