"""What may be asked of the gateway; whatever else comes is a mistake by field, told without repeating a card number."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from card_gateway.cards import passes_luhn

MAX_CENTS = 10**9  # ten million; a mistyped amount rather than a sale
MAX_URL_LENGTH = 500


def _two_places(value: Any) -> Any:
    """Amounts are texts: a JSON number is read as a float by most clients, and money is none."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,8}\.\d{2}", value, re.ASCII):
        raise ValueError('an amount is a text with two places, as in "12.50"')
    return Decimal(value)


Amount = Annotated[Decimal, BeforeValidator(_two_places), Field(gt=0, le=Decimal(MAX_CENTS) / 100)]
Line = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AskedCard(_Asked):
    """The card of a charge. Its number and code are kept nowhere."""

    number: SecretStr
    expiry: str
    cvc: SecretStr

    @field_validator("number")
    @classmethod
    def _check_number(cls, value: SecretStr) -> SecretStr:
        digits = value.get_secret_value().replace(" ", "")
        if not re.fullmatch(r"\d{12,19}", digits, re.ASCII) or not passes_luhn(digits):
            raise ValueError("this is no card number")
        return SecretStr(digits)

    @field_validator("expiry")
    @classmethod
    def _check_expiry(cls, value: str) -> str:
        found = re.fullmatch(r"(0[1-9]|1[0-2])/(\d{2})", value, re.ASCII)
        if not found:
            raise ValueError("an expiry is a month and a year, as in 04/29")
        now = datetime.now(UTC)
        if (2000 + int(found[2]), int(found[1])) < (now.year, now.month):
            raise ValueError("the card has expired")
        return value

    @field_validator("cvc")
    @classmethod
    def _check_cvc(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"\d{3,4}", value.get_secret_value(), re.ASCII):
            raise ValueError("a security code has three or four digits")
        return value


class AskedCharge(_Asked):
    """``POST /charges``."""

    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    card: AskedCard
    reference: Annotated[Line, Field(min_length=1)]
    return_url: Annotated[str, Field(max_length=MAX_URL_LENGTH)]

    @field_validator("return_url")
    @classmethod
    def _check_return_url(cls, value: str) -> str:
        if not re.fullmatch(r"[\x21-\x7e]+", value):
            raise ValueError("a URL holds no blanks and no control characters")
        parts = urlsplit(value)
        # The host ends up in a Content-Security-Policy.
        is_plain_host = re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc)
        if parts.scheme not in ("http", "https") or not is_plain_host:
            raise ValueError("the card holder returns to an http or https URL")
        return value


class AskedRefund(_Asked):
    """``POST /charges/{id}/refunds``."""

    amount: Amount
    reason: Line = ""
