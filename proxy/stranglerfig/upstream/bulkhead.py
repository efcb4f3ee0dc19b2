"""How many requests an upstream gets at once, and who waits for a place: pure.

First come, first served. A place belongs to one request from ``enter``, or from the ``leave`` of another that gave it, until
its own ``leave``.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

W = TypeVar("W", bound=Hashable)


def share_of(count: int, workers: int) -> int:
    """One worker's part of what the whole proxy may have: rounded down, for a limit must hold, but at least one."""
    return max(count // workers, 1)


class Bulkhead(Generic[W]):
    """The places of one upstream, in one process."""

    __slots__ = ("_waiting", "places", "room", "taken")

    def __init__(self, places: int, room: int) -> None:
        self.places = places
        self.room = room
        """How many may wait."""
        self.taken = 0
        # A dict keeps the order of insertion and forgets any entry at once.
        self._waiting: dict[W, None] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self) -> bool:
        """Take a place, if there is one that nobody waits for."""
        if self.taken >= self.places or self._waiting:
            return False
        self.taken += 1
        return True

    def wait(self, who: W) -> bool:
        """Let ``who`` wait for a place behind all others; False if too many do."""
        if len(self._waiting) >= self.room:
            return False
        self._waiting[who] = None
        return True

    def give_up(self, who: W) -> None:
        """Let ``who`` wait no longer."""
        self._waiting.pop(who, None)

    def leave(self) -> list[W]:
        """Give a place back; gives who has one now."""
        self.taken -= 1
        return self._admit()

    def resize(self, places: int, room: int) -> list[W]:
        """Change the limits; gives who has a place now. Nobody loses a place, or the right to wait, by it."""
        self.places, self.room = places, room
        return self._admit()

    def _admit(self) -> list[W]:
        admitted: list[W] = []
        while self._waiting and self.taken < self.places:
            who = next(iter(self._waiting))
            del self._waiting[who]
            self.taken += 1
            admitted.append(who)
        return admitted
