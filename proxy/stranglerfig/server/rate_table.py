"""How fast each client asks, over all workers: the generic cell rate algorithm (GCRA), one number a client.

The number is the theoretical arrival time: when the client would be at its rate again if it sent nothing more. A request
may come if that lies less than a burst ahead. A client whose time has passed is as good as unknown, so the table forgets
it for nothing: it is a fixed number of places in a file that all workers map, four to choose from for each client.
Only when all four hold clients that are ahead of their rate is one forgotten too early: the one that is nearest to its
rate, which is counted. Which places a client has depends on a secret, so that nobody can push out whom he wants.

Workers write without a lock. When two count the same client in the same instant one of the two requests is not counted.
Times are the system's monotonic clock, which all processes share. After a reboot it begins anew, so a supervisor that finds
no workers removes the file. Nobody is further ahead than a burst: a smaller one, or a faster rate, holds at once for those
who had used another.
"""

import hashlib
import mmap
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

SETS: Final = 16384
WAYS: Final = 4
_PLACE_CELLS: Final = 2  # who, and the theoretical arrival time in nanoseconds
_SET_CELLS: Final = WAYS * _PLACE_CELLS
SIZE_BYTES: Final = SETS * _SET_CELLS * 8
_LONGEST_KEY: Final = 64  # of blake2


class RateTable:
    """The clients and their times."""

    def __init__(self, mapped: mmap.mmap, key: bytes, on_evicted: Callable[[], None]) -> None:
        """``key`` is the secret by which clients are spread, the same in all workers.

        ``on_evicted`` is told of each client that is forgotten while it is ahead of its rate.
        """
        self._map = mapped
        self._cells = memoryview(mapped).cast("Q")
        self._key = key[:_LONGEST_KEY]
        self._on_evicted = on_evicted
        self._place_of = lru_cache(maxsize=4096)(self._find_place)

    @classmethod
    def open(cls, path: Path, key: bytes, on_evicted: Callable[[], None]) -> "RateTable":
        """Map the table at ``path``; where no file can be made, one of this worker's own, which is logged."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # Room is taken now: a page that finds none when it is first written would kill the process (SIGBUS).
                os.posix_fallocate(fd, 0, SIZE_BYTES)
                return cls(mmap.mmap(fd, SIZE_BYTES, mmap.MAP_SHARED), key, on_evicted)
            finally:
                os.close(fd)
        except OSError as error:
            log.error("rates_counted_per_worker", path=str(path), error=str(error))
            return cls(mmap.mmap(-1, SIZE_BYTES), key, on_evicted)

    def ask(self, client: str, now_ns: int, period_ns: int, burst: int) -> int:
        """Count a request of ``client`` and give 0, or give the nanoseconds after which it may ask again."""
        cells = self._cells
        who, base = self._place_of(client)
        furthest = now_ns + period_ns * burst
        chosen, soonest = base, 0
        for at in range(base, base + _SET_CELLS, _PLACE_CELLS):
            arrival = min(max(cells[at + 1], now_ns), furthest)
            if cells[at] == who:
                ahead_ns = arrival - now_ns - period_ns * (burst - 1)
                if ahead_ns > 0:
                    if cells[at + 1] > furthest:
                        # Of a slower rate or a larger burst: cut once, or each refusal would begin the wait anew.
                        cells[at + 1] = furthest
                    return ahead_ns
                cells[at + 1] = arrival + period_ns
                return 0
            if at == base or arrival < soonest:
                chosen, soonest = at, arrival
        if soonest > now_ns:
            self._on_evicted()
        cells[chosen] = who
        cells[chosen + 1] = now_ns + period_ns
        return 0

    def close(self) -> None:
        """Unmap the table."""
        self._cells.release()
        self._map.close()

    def _find_place(self, client: str) -> tuple[int, int]:
        digest = hashlib.blake2b(client.encode(), key=self._key, digest_size=16).digest()
        number = int.from_bytes(digest[:8]) % SETS
        return int.from_bytes(digest[8:]) or 1, number * _SET_CELLS
