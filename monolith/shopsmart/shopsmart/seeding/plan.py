"""Thinks up what was bought in the past: who, what, when, for how much, and how it ended.

Each order draws from a generator of its own, seeded with its number, and nothing here looks at the
clock. Every one of them is past its thirty days: nothing about it can be changed any more.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from random import Random
from uuid import UUID

from shopsmart.cart.pricing import shipping_for
from shopsmart.catalog.money import Money, to_cents
from shopsmart.catalog.seeding.plan import LAST_DAY, OLDEST_DAY, SEED
from shopsmart.seeding.goods import Good, Shelved
from shopsmart.seeding.promotions import OFFERS, Till

# An order of the last of these days arrives, comes back and is refunded before the seed's "now".
FIRST_SALE = OLDEST_DAY + timedelta(days=60)
LAST_SALE = LAST_DAY - timedelta(days=75)
CARDS = (("visa", "4242"), ("mastercard", "4444"), ("amex", "0005"))
DECLINE_CODES = ("card_declined", "insufficient_funds", "insufficient_funds", "expired_card")
RETURN_REASONS = (
    "It is smaller than I thought.", "It arrived damaged.", "The colour is not for me.",
    "It was a present, and they have one.", "I ordered it twice.", "It does not fit.",
)  # fmt: skip
CANCEL_REASONS = ("I changed my mind.", "I found it in town.", "Wrong address.")
REFUSED_BECAUSE = "It has been used."


class Fate(Enum):
    """How an order ended."""

    DELIVERED = auto()
    RETURNED = auto()
    PARTLY_RETURNED = auto()
    RETURN_REFUSED = auto()
    CANCELLED = auto()  # after it was paid
    DECLINED = auto()


FATES = (
    (Fate.DELIVERED, 80), (Fate.RETURNED, 6), (Fate.PARTLY_RETURNED, 5),
    (Fate.RETURN_REFUSED, 1), (Fate.CANCELLED, 3), (Fate.DECLINED, 5),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """So many of a good at the price of the day."""

    good: Good
    quantity: int
    unit_price: Decimal
    line_total: Decimal
    discount: Decimal


@dataclass(frozen=True, slots=True)
class PlannedReturn:
    """What was sent back, line by line, and what for."""

    pieces: tuple[int, ...]
    reason: str
    requested_at: datetime
    settled_at: datetime
    refund: Decimal


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """All of a past order; what did not happen is None."""

    shopper: int
    fate: Fate
    lines: tuple[PlannedLine, ...]
    discount: Decimal
    shipping: Decimal
    offer: int | None  # which of OFFERS
    placed_at: datetime
    answered_at: datetime  # by the gateway
    shipped_at: datetime
    delivered_at: datetime
    cancelled_at: datetime
    returned: PlannedReturn | None
    card: tuple[str, str]
    decline_code: str
    cancel_reason: str
    ids: tuple[UUID, UUID, UUID]  # of the client, of the payment, of the refund

    @property
    def subtotal(self) -> Decimal:
        return sum((line.line_total for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount + self.shipping


def plan_orders(
    *, orders: int, shoppers: int, shelved: Sequence[Shelved]
) -> Iterator[PlannedOrder]:
    """So many orders, the oldest first; none where the catalogue has nothing that is old enough."""
    first = max(FIRST_SALE, shelved[0].since + timedelta(days=1)) if shelved else LAST_SALE
    if first >= LAST_SALE:
        return
    till = Till()
    since = [one.since for one in shelved]
    for number in range(orders):
        rng = Random(f"{SEED}:order:{number}")  # noqa: S311 - meant to be guessed
        # More and more over the years; drawn so that each comes after the one before.
        passed = math.sqrt((number + rng.random()) / orders)
        placed_at = first + timedelta(seconds=int((LAST_SALE - first).total_seconds() * passed))
        placed_at += timedelta(microseconds=rng.randrange(1_000_000))
        on_sale = shelved[: bisect_left(since, placed_at - timedelta(hours=1))]
        yield _plan_order(rng, placed_at, shoppers, on_sale, till)


def _plan_order(
    rng: Random, placed_at: datetime, shoppers: int, on_sale: Sequence[Shelved], till: Till
) -> PlannedOrder:
    shopper = int(shoppers * rng.random() ** 1.6)  # some buy more often than others
    fate = rng.choices([fate for fate, _ in FATES], [weight for _, weight in FATES])[0]
    wanted = _choose(rng, on_sale)
    if fate is Fate.PARTLY_RETURNED and sum(quantity for _, quantity in wanted) == 1:
        fate = Fate.RETURNED
    prices = [good.price_at(placed_at) for good, _ in wanted]
    totals = [price * quantity for price, (_, quantity) in zip(prices, wanted, strict=True)]
    offer, shares = _try_a_code(rng, shopper, placed_at, wanted, totals, fate, till)
    lines = tuple(
        PlannedLine(good, quantity, price, total, share)
        for (good, quantity), price, total, share in zip(
            wanted, prices, totals, shares, strict=True
        )
    )
    discount = sum(shares, Decimal(0))
    goods = sum(totals, Decimal(0)) - discount
    shipping = shipping_for(Money(goods, wanted[0][0].currency)).amount
    answered_at = placed_at + _between(rng, 0.4, 4)
    shipped_at = answered_at + _between(rng, 6 * 3600, 3 * 86400)
    delivered_at = shipped_at + _between(rng, 86400, 5 * 86400)
    return PlannedOrder(
        shopper=shopper,
        fate=fate,
        lines=lines,
        discount=discount,
        shipping=shipping,
        offer=offer,
        placed_at=placed_at,
        answered_at=answered_at,
        shipped_at=shipped_at,
        delivered_at=delivered_at,
        cancelled_at=answered_at + _between(rng, 600, 5 * 3600),
        returned=_plan_return(rng, fate, lines, shipping, delivered_at),
        card=rng.choice(CARDS),
        decline_code=rng.choice(DECLINE_CODES),
        cancel_reason=rng.choice(CANCEL_REASONS),
        ids=(_uuid(rng), _uuid(rng), _uuid(rng)),
    )


def _choose(rng: Random, on_sale: Sequence[Shelved]) -> list[tuple[Good, int]]:
    """Different goods and how many of each; what has been on sale for long is bought more often."""
    count = rng.choices((1, 2, 3, 4, 5, 6), (38, 27, 16, 10, 6, 3))[0]
    wanted: dict[int, tuple[Good, int]] = {}
    for _ in range(count):
        good = rng.choice(on_sale[int(len(on_sale) * rng.random() ** 1.5)].goods)
        wanted[good.variant_id] = (good, rng.choices((1, 2, 3, 4), (76, 16, 5, 3))[0])
    currency = next(iter(wanted.values()))[0].currency
    return [pair for pair in wanted.values() if pair[0].currency == currency]


def _try_a_code(
    rng: Random,
    shopper: int,
    at: datetime,
    wanted: Sequence[tuple[Good, int]],
    totals: Sequence[Decimal],
    fate: Fate,
    till: Till,
) -> tuple[int | None, list[Decimal]]:
    """Which of OFFERS an order used, if any, and what it took off each line."""
    number = rng.randrange(len(OFFERS))
    if rng.random() < 0.25:
        goods = [(good.shelves, total) for (good, _), total in zip(wanted, totals, strict=True)]
        shares = till.discount(number, shopper=shopper, at=at, goods=goods)
        if shares is not None:
            if fate not in (Fate.CANCELLED, Fate.DECLINED):
                till.count(number, shopper)
            return number, shares
    return None, [Decimal(0)] * len(wanted)


def _plan_return(
    rng: Random,
    fate: Fate,
    lines: Sequence[PlannedLine],
    shipping: Decimal,
    delivered_at: datetime,
) -> PlannedReturn | None:
    requested_at = delivered_at + _between(rng, 86400, 20 * 86400)
    settled_at = requested_at + _between(rng, 3 * 86400, 9 * 86400)
    reason = rng.choice(RETURN_REASONS)
    if fate not in (Fate.RETURNED, Fate.PARTLY_RETURNED, Fate.RETURN_REFUSED):
        return None
    pieces = [line.quantity for line in lines]
    if fate is Fate.PARTLY_RETURNED:
        which = rng.randrange(len(lines))
        # Something stays with the shopper.
        some = rng.randint(1, pieces[which] - (len(lines) == 1))
        pieces = [some if place == which else 0 for place in range(len(lines))]
    refund = Decimal(0)
    if fate is not Fate.RETURN_REFUSED:
        for line, back in zip(lines, pieces, strict=True):
            refund += to_cents((line.line_total - line.discount) * back / line.quantity)
    if fate is Fate.RETURNED:
        refund += shipping
    return PlannedReturn(tuple(pieces), reason, requested_at, settled_at, refund)


def _between(rng: Random, shortest_s: float, longest_s: float) -> timedelta:
    return timedelta(microseconds=rng.randint(int(shortest_s * 1e6), int(longest_s * 1e6)))


def _uuid(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)
