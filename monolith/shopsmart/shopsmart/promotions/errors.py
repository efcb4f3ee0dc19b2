"""What a code that gives nothing says."""

from django.core.exceptions import ValidationError


class CodeRefused(ValidationError):  # noqa: N818
    """The code does not hold for this cart, now, for this shopper; the message is meant for them."""

    def __init__(self, message: str) -> None:
        super().__init__({"promotion_code": message})
        self.reason = message
