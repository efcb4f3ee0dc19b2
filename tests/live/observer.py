"""Somebody who looks at the prices in a database again and again, and notes when each was first seen."""

import threading
import time

from live.price_writer import PRICES
from stack import Database
from stack.database import ask

LOOK_EVERY_S = 0.002


class Observer:
    """Notes when each price of each row was first seen in a database."""

    def __init__(self, database: Database) -> None:
        self.seen: dict[int, list[tuple[float, int]]] = {}
        self.looks = 0
        self._database = database
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Observer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def when(self, variant: int, price: int) -> float | None:
        """When this price or a later one was seen."""
        return next((at for at, seen in self.seen[variant] if seen >= price), None)

    def _look(self) -> None:
        with self._database.connection() as connection:
            while not self._ended.wait(LOOK_EVERY_S):
                prices = ask(connection, PRICES)
                at = time.monotonic()
                self.looks += 1
                for variant, price in prices:
                    known = self.seen.setdefault(variant, [])
                    if not known or known[-1][1] != price:
                        known.append((at, price))
