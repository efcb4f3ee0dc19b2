"""Thinks up the assortment: what there is, not how it gets into the database.

Each product draws from a generator of its own, seeded with its number. So product 17 is the same
product whatever is seeded before it, at any scale, and nothing here looks at the clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from django.utils.text import slugify

from shopsmart.catalog.money import to_cents
from shopsmart.catalog.seeding.assortment import (
    CLOSINGS,
    DEPARTMENTS,
    FIRST_NAMES,
    LAST_NAMES,
    LINES,
    OPENINGS,
    OPINIONS,
    PRICE_REASONS,
    Department,
    Shelf,
)

SEED = "shopsmart"
# "Now", as far as the seed knows: everything in it happened in the three years before.
LAST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
OLDEST_DAY = LAST_DAY - timedelta(days=3 * 365)

SHELVES: tuple[tuple[Department, Shelf], ...] = tuple(
    (department, shelf) for department in DEPARTMENTS for shelf in department.shelves
)


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A step in a price's history."""

    old: Decimal
    new: Decimal
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedVariant:
    sku: str
    name: str
    price: Decimal
    compare_at: Decimal | None
    grams: int
    changes: tuple[PlannedChange, ...]  # oldest first; the last one ends at `price`


@dataclass(frozen=True, slots=True)
class PlannedReview:
    shopper: int  # 0 is the first shopper
    rating: int
    title: str
    body: str
    at: datetime
    is_published: bool


@dataclass(frozen=True, slots=True)
class PlannedProduct:
    shelf: Shelf
    brand: str | None
    name: str
    slug: str
    description: str
    is_active: bool
    created_at: datetime
    updated_at: datetime
    pictures: tuple[int, ...]  # which of the shelf's two, in this order
    variants: tuple[PlannedVariant, ...]
    reviews: tuple[PlannedReview, ...] = field(repr=False)


def plan_products(*, products: int, shoppers: int, reviews: int) -> Iterator[PlannedProduct]:
    """The first `products` products, with exactly `reviews` reviews by `shoppers` among them.

    No product has more reviews than there are shoppers; what does not fit is left out.
    """
    shares = _review_shares(products, reviews, shoppers)
    for number in range(products):
        yield _plan_product(number, shares[number], shoppers)


def shopper_name(number: int) -> str:
    """The display name of a shopper, 0 being the first; names are different."""
    turn, place = divmod(number, len(FIRST_NAMES) * len(LAST_NAMES))
    # 27 has no divisor in common with 650: every pair comes up once before any comes again.
    first, last = divmod(place * 27 % (len(FIRST_NAMES) * len(LAST_NAMES)), len(LAST_NAMES))
    name = f"{FIRST_NAMES[first]} {LAST_NAMES[last]}"
    return f"{name} {turn + 1}" if turn else name


def _plan_product(number: int, review_count: int, shoppers: int) -> PlannedProduct:
    rng = Random(f"{SEED}:{number}")  # noqa: S311 - meant to be guessed
    department, shelf = SHELVES[number % len(SHELVES)]
    make, thing, name = _name(shelf, number // len(SHELVES))
    brand = None if rng.random() < 0.06 else rng.choice(department.brands)
    created_at = _moment(rng, OLDEST_DAY, LAST_DAY - timedelta(days=30))
    reviews = _reviews(rng, review_count, shoppers, created_at)
    return PlannedProduct(
        shelf=shelf,
        brand=brand,
        name=name,
        slug=slugify(name),
        description=_description(rng, shelf, make, thing, brand),
        is_active=rng.random() >= 0.02,
        created_at=created_at,
        updated_at=_moment(rng, created_at, LAST_DAY),
        pictures=rng.choice(((0,), (1,), (0, 1), (1, 0))),
        variants=_variants(rng, shelf, number, created_at),
        reviews=reviews,
    )


def _name(shelf: Shelf, turn: int) -> tuple[str, str, str]:
    """The make, thing and full name of a shelf's product number `turn`; no two are the same."""
    makes, things = len(shelf.makes), len(shelf.things)
    pairs = makes * things
    edition, place = divmod(turn, pairs * len(LINES))
    # 7 and the number of pairs, and of lines, have no common divisor: neighbours differ in all.
    line = LINES[(place * 7 + place // pairs) % len(LINES)]
    make, thing = divmod(place * 7 % pairs, things)
    name = shelf.naming.format(line=line, make=shelf.makes[make], thing=shelf.things[thing])
    return shelf.makes[make], shelf.things[thing], f"{name} {edition + 1}" if edition else name


def _description(rng: Random, shelf: Shelf, make: str, thing: str, brand: str | None) -> str:
    opening = rng.choice(OPENINGS).format(
        praise=rng.choice(shelf.praise),
        thing=shelf.called or thing.lower(),
        brand=brand or "A small workshop",
    )
    kind = "" if shelf.called else f" {make}, as the name says."
    return f"{opening}{kind} {rng.choice(CLOSINGS)}"


def _variants(
    rng: Random, shelf: Shelf, number: int, created_at: datetime
) -> tuple[PlannedVariant, ...]:
    low, high = shelf.prices
    middle = low * (high / low) ** rng.random()  # cheap things are more common than dear ones
    grams = rng.randint(*shelf.grams)
    reduced = rng.random() < 0.12
    variants = []
    for place, (option, factor) in enumerate(_some(rng, shelf.options)):
        price = _shop_price(rng, middle * factor)
        variants.append(
            PlannedVariant(
                sku=f"SS-{number + 1:06d}-{place + 1}",
                name=option,
                price=price,
                compare_at=to_cents(price * Decimal(rng.choice(("1.15", "1.25", "1.40"))))
                if reduced
                else None,
                grams=round(grams * factor),
                changes=_changes(rng, price, created_at),
            )
        )
    return tuple(variants)


def _some(rng: Random, options: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    """All of the options or, now and then, the first few."""
    return options if rng.random() < 0.7 else options[: rng.randint(1, len(options))]


def _shop_price(rng: Random, amount: float) -> Decimal:
    """A price that ends as prices do."""
    return Decimal(int(amount)) + Decimal(rng.choice(("0.95", "0.99", "0.50", "0.99")))


def _changes(rng: Random, price: Decimal, created_at: datetime) -> tuple[PlannedChange, ...]:
    """Told backwards, from today's price to what it was in the beginning."""
    changes: list[PlannedChange] = []
    latest, new = LAST_DAY, price
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        old = to_cents(new * Decimal(rng.randint(82, 122)) / 100)
        at = _moment(rng, created_at, latest)
        if old != new:
            changes.append(PlannedChange(old, new, at, rng.choice(PRICE_REASONS)))
        latest, new = at, old
    return tuple(reversed(changes))


def _reviews(
    rng: Random, count: int, shoppers: int, created_at: datetime
) -> tuple[PlannedReview, ...]:
    quality = rng.choice((2, 3, 4, 4, 5, 5))
    weights = [1 + 6 * max(0, 3 - abs(quality - stars)) for stars in (1, 2, 3, 4, 5)]
    reviews = []
    for shopper in rng.sample(range(shoppers), count):
        rating = rng.choices((1, 2, 3, 4, 5), weights)[0]
        titles, bodies = OPINIONS[rating - 1]
        reviews.append(
            PlannedReview(
                shopper=shopper,
                rating=rating,
                title=rng.choice(titles),
                body=rng.choice(bodies) if rng.random() < 0.85 else "",
                at=_moment(rng, created_at, LAST_DAY),
                is_published=rng.random() >= 0.02,
            )
        )
    return tuple(reviews)


def _review_shares(products: int, reviews: int, shoppers: int) -> list[int]:
    """How many reviews each product has: many have few, few have many; the sum is `reviews`."""
    rng = Random(f"{SEED}:reviews")  # noqa: S311
    wanted = [rng.paretovariate(1.4) for _ in range(products)]
    total = sum(wanted)
    shares = [min(int(weight / total * reviews), shoppers) for weight in wanted]
    missing = reviews - sum(shares)
    room = [number for number in range(products) if shares[number] < shoppers]
    while missing > 0 and room:
        for number in room[:missing]:
            shares[number] += 1
        missing -= min(missing, len(room))
        room = [number for number in room if shares[number] < shoppers]
    return shares


def _moment(rng: Random, start: datetime, end: datetime) -> datetime:
    """Some microsecond from `start` to `end`."""
    return start + timedelta(
        microseconds=rng.randint(0, (end - start) // timedelta(microseconds=1))
    )
