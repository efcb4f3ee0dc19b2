"""Twenty shoppers who browse the shop's pages and the catalogue's API at once, and write down every request."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import requests
from crowd.visitor import HOST, Asked, Visitor, debug_header
from stack import Stack

SHOPPERS: Final = 20
CATALOGUE: Final = "/api/catalog/"
_REQUESTS_A_VISIT: Final = 8
_THINKING_S: Final = (0.005, 0.03)
_WITHIN_S: Final = 60.0
_SEARCHES: Final = ("lamp", "garden", "steel", "wool", "kitchen")
_SORTS: Final = ("price", "-price", "newest", "rating", "name")


@dataclass(frozen=True)
class Shelf:
    """What there is to open in this shop."""

    products: tuple[str, ...]
    categories: tuple[str, ...]

    @classmethod
    def read(cls, stack: Stack) -> "Shelf":
        """From the shop itself, past the proxy."""

        def get(path: str) -> object:
            url = f"{stack.monolith_url}{CATALOGUE}{path}"
            return requests.get(url, headers={"Host": HOST}, timeout=30).json()

        products, categories = get("products/?page_size=100"), get("categories/")
        assert isinstance(products, dict)
        assert isinstance(categories, list)
        return cls(
            tuple(product["slug"] for product in products["results"]),
            tuple(category["slug"] for category in categories),
        )

    def choose(self, choice: random.Random) -> str:
        """A page, or more often an answer of the catalogue."""
        product, category = choice.choice(self.products), choice.choice(self.categories)
        word = choice.choice(_SEARCHES)
        return choice.choices(
            (
                "/",
                f"/category/{category}/",
                f"/product/{product}/",
                f"{CATALOGUE}products/{product}/",
                f"{CATALOGUE}products/{product}/reviews/",
                f"{CATALOGUE}products/?category={category}&ordering={choice.choice(_SORTS)}",
                f"{CATALOGUE}products/?q={word}&page_size=12",
                f"{CATALOGUE}suggest/?q={word[:3]}",
                f"{CATALOGUE}categories/{category}/",
            ),
            weights=(1, 1, 2, 5, 3, 3, 2, 2, 1),
        )[0]


class Crowd:
    """Shoppers in front of the proxy of `stack`; deterministic in what they open. They stop for no error."""

    def __init__(self, stack: Stack, *, shoppers: int = SHOPPERS) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.visitors = 0
        self._url = stack.proxy_url
        self._debug = debug_header(stack.secret)
        self._shelf = Shelf.read(stack)
        self._more = threading.Condition()
        self._leaving = False
        self._threads = [
            threading.Thread(target=self._shop, args=(number,), name=f"shopper {number}")
            for number in range(shoppers)
        ]

    @contextmanager
    def browsing(self) -> "Iterator[Crowd]":
        """They come, and have all gone when it ends, each with its last answer."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._leaving = True
            for thread in self._threads:
                thread.join()

    def wait_for(self, answers: int) -> None:
        """Until so many more requests for the catalogue have ended, well or not."""
        with self._more:
            wanted = self._catalogued + answers
            assert self._more.wait_for(lambda: self._catalogued >= wanted, _WITHIN_S), (
                self.summary()
            )

    @property
    def catalogued(self) -> list[Asked]:
        """The requests that the capability claims."""
        return [asked for asked in self.asked if asked.path.startswith(CATALOGUE)]

    @property
    def failed(self) -> list[Asked]:
        """Requests that did not end as a shopper expects."""
        return [asked for asked in self.asked if asked.has_failed]

    def summary(self) -> str:
        """For a message: how many, and what failed first."""
        first = "\n".join(str(asked) for asked in self.failed[:10])
        return f"{len(self.asked)} requests, {len(self.failed)} failed\n{first}"

    @property
    def _catalogued(self) -> int:
        return len(self.catalogued)

    def _shop(self, number: int) -> None:
        choice = random.Random(number)
        pause = threading.Event()
        visit = 0
        while not self._leaving:
            visit += 1
            visitor = Visitor(self._url, self._debug, f"shopper {number}, visit {visit}")
            for _ in range(_REQUESTS_A_VISIT):
                if self._leaving:
                    break
                asked = visitor.get(self._shelf.choose(choice))
                with self._more:
                    self.asked.append(asked)
                    self._more.notify_all()
                pause.wait(choice.uniform(*_THINKING_S))
            visitor.leave()
            with self._more:
                self.visitors += 1
                self.connections += visitor.connections
