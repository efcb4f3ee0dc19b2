"""Where the seeded shoppers live. Streets are invented, towns are real, and who lives where is chance."""

from dataclasses import dataclass
from random import Random

from shopsmart.catalog.seeding.plan import SEED

STREETS = (
    "Orchard Lane", "Mill Street", "Station Road", "Harbour Walk", "Lime Avenue", "Chapel Hill",
    "Fig Tree Court", "Weaver's Row", "North Quay", "Old Brewery Yard", "Castle View",
    "Primrose Gardens", "Bell Street", "Tanner's Bridge", "Hazel Close", "Lantern Square",
)  # fmt: skip
TOWNS = (
    ("10115", "Berlin", "DE"), ("20095", "Hamburg", "DE"), ("80331", "Munich", "DE"),
    ("50667", "Cologne", "DE"), ("04109", "Leipzig", "DE"), ("1010", "Vienna", "AT"),
    ("8010", "Graz", "AT"), ("1000", "Brussels", "BE"), ("9000", "Ghent", "BE"),
    ("1012", "Amsterdam", "NL"), ("3511", "Utrecht", "NL"), ("75011", "Paris", "FR"),
    ("69001", "Lyon", "FR"), ("44000", "Nantes", "FR"), ("28004", "Madrid", "ES"),
    ("08002", "Barcelona", "ES"), ("1100-148", "Lisbon", "PT"), ("20121", "Milan", "IT"),
    ("40121", "Bologna", "IT"), ("1050", "Copenhagen", "DK"), ("D02 X285", "Dublin", "IE"),
    ("00-001", "Warsaw", "PL"), ("110 00", "Prague", "CZ"), ("8001", "Zurich", "CH"),
)  # fmt: skip
FLOORS = ("", "", "", "", "2nd floor", "Flat 3", "c/o Brandt")


@dataclass(frozen=True, slots=True)
class Place:
    """An address without its name."""

    line1: str
    line2: str
    postcode: str
    city: str
    country: str


def places_of(shopper: int) -> tuple[Place, ...]:
    """Where a shopper (0 is the first) has things sent: the default first, and one more for some."""
    rng = Random(f"{SEED}:places:{shopper}")  # noqa: S311 - meant to be guessed
    return tuple(_place(rng) for _ in range(2 if rng.random() < 0.25 else 1))


def _place(rng: Random) -> Place:
    postcode, city, country = rng.choice(TOWNS)
    return Place(
        line1=f"{rng.randint(1, 120)} {rng.choice(STREETS)}",
        line2=rng.choice(FLOORS),
        postcode=postcode,
        city=city,
        country=country,
    )
