"""Which idle connection carries the next request, and which are closed: pure, time is an argument.

The newest is taken first: the old ones then reach their age and go, so the pool shrinks to what the traffic needs.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)
K = TypeVar("K", bound=Hashable)


class Pool(Generic[K, C]):
    """Idle connections by key. Never closes anything: it says what is to be closed."""

    def __init__(self, max_idle_per_key: int) -> None:
        self._max_idle_per_key = max_idle_per_key
        # A dict keeps the order of insertion and forgets any entry at once.
        self._idle: dict[K, dict[C, float]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._idle.values()))

    def idle(self, key: K) -> int:
        """How many connections wait under ``key``."""
        return len(self._idle.get(key, ()))

    def take(self, key: K, now: float) -> C | None:
        """Give the newest idle connection of ``key`` for one use, or None. One that is too old stays for ``expire``."""
        idle = self._idle.get(key)
        if not idle:
            return None
        connection, expires = idle.popitem()
        if expires <= now:
            idle[connection] = expires
            return None
        return connection

    def give(self, key: K, connection: C, expires: float) -> C | None:
        """Keep ``connection`` until ``expires``; gives back the one to close if there are too many: the oldest."""
        idle = self._idle.setdefault(key, {})
        idle[connection] = expires
        if len(idle) <= self._max_idle_per_key:
            return None
        oldest = next(iter(idle))
        del idle[oldest]
        return oldest

    def forget(self, key: K, connection: C) -> None:
        """Take out a connection that is gone; nothing happens if it is not there."""
        idle = self._idle.get(key)
        if idle is not None:
            idle.pop(connection, None)

    def expire(self, now: float) -> list[C]:
        """Take out and give what has been idle for too long, to be closed."""
        due: list[C] = []
        for idle in self._idle.values():
            old = [connection for connection, expires in idle.items() if expires <= now]
            for connection in old:
                del idle[connection]
            due += old
        return due

    def retain(self, is_kept: Callable[[K], bool]) -> list[C]:
        """Take out and give every connection of a key that is not kept, to be closed."""
        gone = [key for key in self._idle if not is_kept(key)]
        return [connection for key in gone for connection in self._idle.pop(key)]
