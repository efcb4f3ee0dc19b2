"""Makes promotions; what a test does not name is of no matter."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shopsmart.promotions.models import Promotion, PromotionKind


def make_promotion(code: str = "WELCOME10", percent: str = "10", **fields: Any) -> Promotion:
    """A code that takes a share off everything; `amount="5.00"` makes it an amount."""
    fields.setdefault("starts_at", datetime(2026, 1, 1, tzinfo=UTC))
    amount = fields.pop("amount", None)
    kind = PromotionKind.AMOUNT if amount else PromotionKind.PERCENT
    return Promotion.objects.create(
        code=code, kind=kind, value=Decimal(amount or percent), **fields
    )
