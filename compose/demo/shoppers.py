"""Shoppers: threads that open pages and call the API as a browser would; some have an account, and buy.

They never stop for an error; they count it. ``pause`` lets every visitor end the request under way, so that
counts can be compared with the access logs while nothing moves.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

import requests

from demo.asking import Leaving, Question, send
from demo.pages import Shelf

REQUESTS_A_VISIT = 8
THINKING_S = (0.005, 0.03)

#: What a customer does in the shop after looking around.
Errand = Callable[[], None]
#: Makes a customer of somebody with a session; gets also what they choose by.
Welcome = Callable[[requests.Session, random.Random], Errand]


@dataclass
class Tally:
    """What the shoppers saw: answers by kind of request, and everything that was not as it should be."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    visitors: int = 0


class Shoppers:
    """``count`` shoppers against ``base``; deterministic in what they choose, by ``seed``."""

    def __init__(self, base: str, shelf: Shelf, count: int, seed: int = 7) -> None:
        self._base = base
        self._count = count
        self._seed = seed
        self.shelf = shelf
        self._tally = Tally()
        self._state = threading.Condition()
        self._paused = True
        self._stopped = False
        self._busy = 0
        self._threads: list[threading.Thread] = []

    def start(self, welcomes: Sequence[Welcome] = ()) -> None:
        """Start them; they wait until ``resume``. The first are customers, one for each of ``welcomes``."""
        for number, welcome in zip(range(self._count), chain(welcomes, repeat(None)), strict=False):
            choice = random.Random(self._seed + number)
            thread = threading.Thread(target=self._come_and_go, args=(choice, welcome), daemon=True)
            self._threads.append(thread)
            thread.start()

    def resume(self) -> None:
        """Let them in."""
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

    def ask(self, visitor: requests.Session, question: Question) -> requests.Response | None:
        """Ask when it is this visitor's turn, and count the answer; None for one that is not fine.

        Raises Leaving when the shop closes.
        """
        with self._state:
            self._state.wait_for(lambda: not self._paused)
            if self._stopped:
                raise Leaving
            self._busy += 1
        error, answer = None, None
        try:
            answer = send(visitor, self._base, question)
            if answer.status_code not in question.fine:
                error = f"{answer.status_code} {question.path}"
        except requests.RequestException as failed:
            error = f"{type(failed).__name__} {question.path}"
        with self._state:
            self._tally.answers[question.kind] += 1
            if error:
                self._tally.errors[error] += 1
            self._busy -= 1
            self._state.notify_all()
        return None if error else answer

    def _come_and_go(self, choice: random.Random, welcome: Welcome | None) -> None:
        try:
            while True:
                with requests.Session() as visitor:
                    visitor.headers["X-Shopper"] = "1"  # tells them from people in the access logs
                    if welcome is None:
                        self._look_around(visitor, choice)
                        continue
                    errand = welcome(visitor, choice)
                    while True:
                        self._look_around(visitor, choice)
                        errand()
        except Leaving:
            pass

    def _look_around(self, visitor: requests.Session, choice: random.Random) -> None:
        with self._state:
            self._tally.visitors += 1
        for _ in range(REQUESTS_A_VISIT):
            self.ask(visitor, Question(*self.shelf.choose(choice)))
            time.sleep(choice.uniform(*THINKING_S))
