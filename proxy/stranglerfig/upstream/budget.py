"""How many requests of one upstream may be on a further attempt at once: pure counting, by one worker.

Without a bound an upstream that fails under load gets more load for it. A share of the requests alone would come to
nothing where there are few of them, so a floor is always free: as Envoy's retry budget does it.
"""

from typing import Final

PERCENT: Final = 20
FLOOR: Final = 3


class RetryBudget:
    """Counts the requests of one upstream under way, and those of them that are on a further attempt."""

    __slots__ = ("active", "retrying")

    def __init__(self) -> None:
        self.active = 0
        """Requests under way, those that are being sent again among them. Counted by who has them."""
        self.retrying = 0

    @property
    def allowed(self) -> int:
        """How many may be on a further attempt now."""
        return max(FLOOR, self.active * PERCENT // 100)

    def take(self) -> bool:
        """Take leave for one further attempt; False: there is none. What was taken must be given back by ``give``."""
        if self.retrying >= self.allowed:
            return False
        self.retrying += 1
        return True

    def give(self) -> None:
        """Give back what ``take`` gave: that attempt is over."""
        self.retrying -= 1
