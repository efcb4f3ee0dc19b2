"""Shoppers who browse: threads that open pages and call the API as a browser would, each visitor with a cookie jar.

They never stop for an error; they count it. ``pause`` lets every visitor end the request under way, so that
counts can be compared with the access logs while nothing moves.
"""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import requests

from demo.pages import Shelf

REQUESTS_A_VISIT = 8
THINKING_S = (0.005, 0.03)


@dataclass
class Tally:
    """What the shoppers saw: answers by kind of request, and everything that was not as it should be."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    visitors: int = 0


class Shoppers:
    """``count`` shoppers against ``base``; deterministic in what they open, by ``seed``."""

    def __init__(self, base: str, shelf: Shelf, count: int, seed: int = 7) -> None:
        self._base = base
        self._shelf = shelf
        self._tally = Tally()
        self._state = threading.Condition()
        self._paused = True
        self._stopped = False
        self._busy = 0
        self._threads = [
            threading.Thread(target=self._shop, args=(random.Random(seed + i),), daemon=True)
            for i in range(count)
        ]

    def start(self) -> None:
        """Start them; they wait until ``resume``."""
        for thread in self._threads:
            thread.start()

    def resume(self) -> None:
        """Let them browse."""
        with self._state:
            self._paused = False
            self._state.notify_all()

    def pause(self) -> None:
        """Return when no request is under way any more."""
        with self._state:
            self._paused = True
            self._state.wait_for(lambda: self._busy == 0)

    def stop(self) -> None:
        """End them."""
        with self._state:
            self._stopped = True
            self._paused = False
            self._state.notify_all()
        for thread in self._threads:
            thread.join()

    def take(self) -> Tally:
        """Return what was counted since the last ``take``."""
        with self._state:
            taken, self._tally = self._tally, Tally()
            return taken

    def wait_for_answers(self, kind: str, number: int, within_s: float) -> bool:
        """Wait until ``number`` answers of ``kind`` were counted since the last ``take``."""
        with self._state:
            return self._state.wait_for(lambda: self._tally.answers[kind] >= number, within_s)

    def _shop(self, choice: random.Random) -> None:
        while not self._stopped:
            visitor = requests.Session()
            visitor.headers["X-Shopper"] = "1"  # tells them from people in the access logs
            with self._state:
                self._tally.visitors += 1
            try:
                for _ in range(REQUESTS_A_VISIT):
                    if not self._may_go_on():
                        return
                    self._open(visitor, *self._shelf.choose(choice))
                    time.sleep(choice.uniform(*THINKING_S))
            finally:
                visitor.close()

    def _may_go_on(self) -> bool:
        with self._state:
            self._state.wait_for(lambda: not self._paused)
            if self._stopped:
                return False
            self._busy += 1
            return True

    def _open(self, visitor: requests.Session, kind: str, path: str) -> None:
        error = None
        try:
            answer = visitor.get(self._base + path, timeout=30)
            if answer.status_code != 200:
                error = f"{answer.status_code} {path}"
        except requests.RequestException as failed:
            error = f"{type(failed).__name__} {path}"
        with self._state:
            self._tally.answers[kind] += 1
            if error:
                self._tally.errors[error] += 1
            self._busy -= 1
            self._state.notify_all()
