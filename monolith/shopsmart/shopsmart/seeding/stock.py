"""The store behind past orders: filled before anything is sold, filled again when it runs low, counted at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from shopsmart.catalog.seeding.plan import LAST_DAY, SEED
from shopsmart.inventory.models import MovementKind

STOCKTAKE = LAST_DAY - timedelta(days=20, hours=-7)
STOCKTAKE_REFERENCE = "Stocktake August 2026"


@dataclass(frozen=True, slots=True)
class PlannedMovement:
    """A change of what is on hand, but for those of orders."""

    variant_id: int
    delta: int
    kind: MovementKind
    reference: str
    at: datetime


class Store:
    """How many of each variant are on hand, while orders are told in the order of their days."""

    def __init__(self) -> None:
        self._levels: dict[int, int] = {}
        self._back: dict[int, int] = {}

    def sell(self, variant_id: int, sku: str, quantity: int, at: datetime) -> list[PlannedMovement]:
        """Take so many out; gives the deliveries that had to come before."""
        level = self._levels.get(variant_id)
        if level is None:
            level = first_delivery(sku)
        deliveries = []
        if level < quantity:
            rng = Random(f"{SEED}:delivery:{sku}:{at:%Y%m%d}")  # noqa: S311
            came = quantity + rng.randint(20, 60)
            deliveries = [_delivery(variant_id, came, at - timedelta(hours=rng.randint(2, 30)))]
            level += came
        self._levels[variant_id] = level - quantity
        return deliveries

    def take_back(self, variant_id: int, quantity: int) -> None:
        """Put so many back, of an order; they are sold again at the end only, whenever they came."""
        self._back[variant_id] = self._back.get(variant_id, 0) + quantity

    def close(self, variant_id: int, sku: str, since: datetime) -> Iterator[PlannedMovement]:
        """The movements of a variant that are no order's: its first delivery, and those of the last weeks."""
        first = first_delivery(sku)
        yield _delivery(variant_id, first, since)
        level = self._levels.get(variant_id, first) + self._back.get(variant_id, 0)
        rng = Random(f"{SEED}:stocktake:{sku}")  # noqa: S311
        missing = 0
        chance = rng.random()
        if chance < 0.04:
            missing = level  # the last ones are gone
        elif chance < 0.12:
            missing = min(level, rng.randint(1, 3))
        if missing:
            yield PlannedMovement(
                variant_id, -missing, MovementKind.CORRECTED, STOCKTAKE_REFERENCE, STOCKTAKE
            )
        if chance >= 0.04 and level - missing < 12 and rng.random() < 0.85:
            at = STOCKTAKE + timedelta(hours=rng.randint(24, 400))
            yield _delivery(variant_id, rng.randint(20, 60), at)


def first_delivery(sku: str) -> int:
    """How many came when a variant was new."""
    return Random(f"{SEED}:stock:{sku}").randint(12, 60)  # noqa: S311


def _delivery(variant_id: int, quantity: int, at: datetime) -> PlannedMovement:
    reference = f"Delivery {at:%Y-%m-%d}"
    return PlannedMovement(variant_id, quantity, MovementKind.RECEIVED, reference, at)
