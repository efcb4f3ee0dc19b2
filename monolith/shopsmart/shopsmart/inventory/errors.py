"""What stock refuses."""

from collections.abc import Sequence
from dataclasses import dataclass

from shopsmart.catalog.models import Variant


@dataclass(frozen=True, slots=True)
class Shortage:
    """A variant of which there are fewer than are wanted."""

    variant: Variant
    wanted: int
    available: int

    def __str__(self) -> str:
        if self.available == 0:
            return f"{self.variant} is sold out."
        verb = "is" if self.available == 1 else "are"
        return f"Only {self.available} of {self.variant} {verb} left."


class OutOfStock(Exception):  # noqa: N818 - says what happened
    """Not all that is wanted is there; nothing was reserved. `lines` says what is short."""

    def __init__(self, lines: Sequence[Shortage]) -> None:
        super().__init__(" ".join(map(str, lines)))
        self.lines = lines
