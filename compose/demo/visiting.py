"""Visitors whose paths hang on the seed alone: however their threads interleave, the same requests are made.

That is what tells them from ``demo.shoppers``, who come and go for as long as a walk lasts.
"""

import base64
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from hashlib import blake2b

import requests

from demo.asking import Leaving, Question, send
from demo.customers import Account, Books, Customer, OrderDesk
from demo.pages import CATALOG, PAGE, Shelf

REQUESTS_A_VISIT = 8
PURCHASES = 3  # of each buyer
THINKING_S = 0.01
FIRST_BUYER = 101  # shopper101, …
STAFF = "desk"
USER_COOKIE = "fig_user"
PLAN = "Fig-Plan"
"""What the proxy answers who asks with a signed Fig-Debug; demo.visitors reads the side from it."""


@dataclass(frozen=True)
class Visitors:
    """Who comes, and what they bring along."""

    base: str
    shelf: Shelf
    requests: int
    buyers: int = 0
    seed: int = 7
    at_once: int = 8
    headers: Mapping[str, str] = field(default_factory=dict)
    known: bool = False
    """Whether each has the proxy's cookie from an earlier visit; the seed says which."""

    def visits(self) -> list[list[Question]]:
        """What each visitor opens, in order; fewer in the last visit where it does not come out even."""
        planned = []
        for first in range(0, self.requests, REQUESTS_A_VISIT):
            choice = random.Random(self.seed + first // REQUESTS_A_VISIT)
            number = min(REQUESTS_A_VISIT, self.requests - first)
            planned.append([Question(*self.shelf.choose(choice)) for _ in range(number)])
        return planned


@dataclass
class Seen:
    """What came of it all."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    took_s: list[float] = field(default_factory=list)
    sides: list[Counter[str]] = field(default_factory=list)
    """By visitor: who answered, where the proxy says so."""
    books: Books = field(default_factory=Books)
    watch: Callable[[int], None] = lambda looked_at: None
    """Told how much was looked at, after each answer."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def note(self, kind: str, error: str | None, took_s: float) -> None:
        """Count one answer."""
        with self._lock:
            self.answers[kind] += 1
            self.took_s.append(took_s)
            if error:
                self.errors[error] += 1
            self.watch(self.answers[CATALOG] + self.answers[PAGE])

    def note_sides(self, sides: Counter[str]) -> None:
        """Write down who answered one visitor."""
        if sides:
            with self._lock:
                self.sides.append(sides)

    @property
    def total(self) -> int:
        """Answers of every kind, those that failed too."""
        return sum(self.answers.values())

    def slowest(self, share: float) -> float | None:
        """So many seconds, or more, took this share of the answers."""
        ordered = sorted(self.took_s)
        return ordered[int(len(ordered) * (1 - share))] if ordered else None


def let_in(visitors: Visitors, seen: Seen) -> None:
    """Let them in and return when the last one has gone. On Ctrl-C nobody begins anything new."""
    _Door(visitors, seen).open()


class _Door:
    def __init__(self, visitors: Visitors, seen: Seen) -> None:
        self._visitors = visitors
        self._seen = seen
        self._closed = threading.Event()

    def open(self) -> None:
        visitors = self._visitors
        with ThreadPoolExecutor(visitors.at_once + visitors.buyers) as pool:
            buyers = [pool.submit(self._buy, number) for number in range(visitors.buyers)]
            lookers = [
                pool.submit(self._look_around, number, visit)
                for number, visit in enumerate(visitors.visits())
            ]
            try:
                self._wait([*buyers, *lookers])
            except BaseException:
                self._closed.set()
                pool.shutdown(cancel_futures=True)
                raise

    @staticmethod
    def _wait(errands: Sequence[Future[None]]) -> None:
        for errand in wait(errands, return_when=FIRST_EXCEPTION).done:
            errand.result()

    def _ask(self, visitor: requests.Session, question: Question) -> requests.Response | None:
        if self._closed.is_set():
            raise Leaving
        error, answer, begun = None, None, time.perf_counter()
        try:
            answer = send(visitor, self._visitors.base, question)
            if answer.status_code not in question.fine:
                error = f"{answer.status_code} {question.path}"
        except requests.RequestException as failed:
            error = f"{type(failed).__name__} {question.path}"
        self._seen.note(question.kind, error, time.perf_counter() - begun)
        return None if error else answer

    def _look_around(self, number: int, visit: Sequence[Question]) -> None:
        sides: Counter[str] = Counter()
        with self._somebody(str(number)) as visitor:
            for question in visit:
                try:
                    answer = self._ask(visitor, question)
                except Leaving:
                    return
                if answer is not None and question.kind == CATALOG:
                    sides.update(_side(answer))
                time.sleep(THINKING_S)
        self._seen.note_sides(sides)

    def _buy(self, number: int) -> None:
        choice = random.Random(f"buyer {self._visitors.seed} {number}")
        buyer, desk = f"buyer {number}", f"desk {number}"
        with self._somebody(buyer) as visitor, self._somebody(desk) as staff:
            buys = Customer(
                Account(f"shopper{FIRST_BUYER + number:03}", visitor, self._ask),
                OrderDesk(Account(STAFF, staff, self._ask)),
                self._visitors.shelf,
                self._seen.books,
                choice,
            )
            try:
                for _ in range(PURCHASES):
                    buys()
                    # Who has bought goes on looking: the catalogue too, right after a write of theirs.
                    for _ in range(REQUESTS_A_VISIT // 2):
                        self._ask(visitor, Question(*self._visitors.shelf.choose(choice)))
            except Leaving:
                return

    def _somebody(self, name: str) -> requests.Session:
        visitor = requests.Session()
        visitor.headers.update({"X-Shopper": "1", **self._visitors.headers})
        if self._visitors.known:
            visitor.cookies.set(USER_COOKIE, _cookie_of(f"{self._visitors.seed}/{name}"))
        return visitor


def _cookie_of(name: str) -> str:
    """A value as the proxy makes them: 22 characters of base64url."""
    digest = blake2b(name.encode(), digest_size=16).digest()
    return base64.urlsafe_b64encode(digest).decode()[:22]


def _side(answer: requests.Response) -> list[str]:
    """The side that the proxy names, in a list; none where it says nothing."""
    for part in answer.headers.get(PLAN, "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "side":
            return [value]
    return []
