"""The seeded shop's promotions, and what their codes took off past orders."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from shopsmart.catalog.models import Category
from shopsmart.catalog.money import share_out, to_cents
from shopsmart.catalog.seeding.plan import OLDEST_DAY
from shopsmart.promotions.models import Promotion, PromotionKind


@dataclass(frozen=True, slots=True)
class Offer:
    """A promotion as it is written down here; `shelf` is the slug of a category, or empty."""

    code: str
    kind: PromotionKind
    value: Decimal
    starts_at: datetime
    ends_at: datetime | None = None
    minimum: Decimal = Decimal(0)
    usage_limit: int | None = None
    per_user_limit: int | None = None
    shelf: str = ""


PERCENT, AMOUNT = PromotionKind.PERCENT, PromotionKind.AMOUNT
OFFERS = (
    Offer("WELCOME10", PERCENT, Decimal(10), OLDEST_DAY, per_user_limit=1),
    Offer("FIRST100", AMOUNT, Decimal(8), OLDEST_DAY, minimum=Decimal(30), usage_limit=100),
    Offer(
        "AUTUMN24",
        PERCENT,
        Decimal(15),
        datetime(2024, 9, 20, tzinfo=UTC),
        datetime(2024, 11, 1, tzinfo=UTC),
    ),
    Offer(
        "GARDEN20",
        PERCENT,
        Decimal(20),
        datetime(2025, 3, 15, tzinfo=UTC),
        datetime(2025, 6, 1, tzinfo=UTC),
        shelf="garden",
    ),
    Offer(
        "THANKS5", AMOUNT, Decimal(5), datetime(2025, 1, 1, tzinfo=UTC), minimum=Decimal(40)
    ),
    Offer(
        "BOOKS3",
        AMOUNT,
        Decimal(3),
        datetime(2024, 4, 1, tzinfo=UTC),
        minimum=Decimal(15),
        per_user_limit=2,
        shelf="books",
    ),
)  # fmt: skip


def write_promotions() -> list[Promotion]:
    """The promotions, in the order of OFFERS."""
    shelves = {category.slug: category for category in Category.objects.all()}
    return Promotion.objects.bulk_create(
        Promotion(
            code=offer.code,
            kind=offer.kind,
            value=offer.value,
            minimum=offer.minimum,
            starts_at=offer.starts_at,
            ends_at=offer.ends_at,
            usage_limit=offer.usage_limit,
            per_user_limit=offer.per_user_limit,
            category=shelves[offer.shelf] if offer.shelf else None,
        )
        for offer in OFFERS
    )


@dataclass(slots=True)
class Till:
    """Takes codes as the shop does: in time, within their limits, for goods that they are for."""

    uses: Counter[int] = field(default_factory=Counter)
    uses_of: Counter[tuple[int, int]] = field(default_factory=Counter)

    def discount(
        self,
        number: int,
        *,
        shopper: int,
        at: datetime,
        goods: Sequence[tuple[frozenset[str], Decimal]],
    ) -> list[Decimal] | None:
        """What OFFERS[number] takes off each of the goods (shelves they stand on, amount); None: it is refused."""
        offer = OFFERS[number]
        if at < offer.starts_at or (offer.ends_at is not None and at >= offer.ends_at):
            return None
        if offer.usage_limit is not None and self.uses[number] >= offer.usage_limit:
            return None
        if (
            offer.per_user_limit is not None
            and self.uses_of[number, shopper] >= offer.per_user_limit
        ):
            return None
        amounts = [
            amount if not offer.shelf or offer.shelf in shelves else Decimal(0)
            for shelves, amount in goods
        ]
        whole = sum(amounts, Decimal(0))
        if whole == 0 or whole < offer.minimum:
            return None
        by_share = offer.kind == PromotionKind.PERCENT
        off = to_cents(whole * offer.value / 100) if by_share else min(offer.value, whole)
        return share_out(off, amounts)

    def count(self, number: int, shopper: int) -> None:
        """Count a use; one that an order gave back later is not counted here."""
        self.uses[number] += 1
        self.uses_of[number, shopper] += 1
