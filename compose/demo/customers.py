"""Customers: shoppers with an account and a card, who buy, and some of whom change their minds."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

from demo.asking import OK, Ask, Question
from demo.pages import CART, CHECKOUT, ORDERS, SHOPPING, Shelf

PASSWORD = "shopsmart"  # noqa: S105 - of everybody that the seed makes
LOGIN = "/account/login/"
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 Long Lane",
    "postcode": "1050",
    "city": "Copenhagen",
    "country": "DK",
}
APPROVED, DECLINED, CONFIRMED = "4242424242424242", "4000000000000002", "4000000000003220"
CARDS = {APPROVED: 7, DECLINED: 1, CONFIRMED: 2}
SECOND_THOUGHTS = {"kept": 5, "cancelled": 2, "returned": 3}
GATEWAY_WITHIN_S = 10


@dataclass(frozen=True)
class Told:
    """What was told of the money in one order."""

    charged: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)


@dataclass
class Books:
    """What all customers were told, by order number; filled from their threads."""

    orders: dict[str, Told] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def note(self, outcome: str, number: str, told: Told) -> None:
        """Write down what came of an order, and the money in it by now."""
        with self._lock:
            self.orders[number] = told
            self.outcomes[outcome] += 1


def told_of(order: Mapping[str, Any]) -> Told:
    """The money in the shop's JSON of an order."""
    payments = [payment for payment in order["payments"] if payment["state"] == "approved"]
    refunds = [refund for payment in payments for refund in payment["refunds"]]
    return Told(
        _sum(payment["amount"] for payment in payments),
        _sum(refund["amount"] for refund in refunds if refund["state"] == "done"),
    )


def _sum(amounts: Iterable[Mapping[str, str]]) -> Decimal:
    return sum((Decimal(each["amount"]) for each in amounts), Decimal(0))


class Account:
    """Somebody who is logged in, and whose unsafe requests bear the CSRF token."""

    # A password costs the shop half a second of one core on purpose; five at once would hold up everybody.
    _one_logs_in = threading.Lock()

    def __init__(self, name: str, visitor: requests.Session, ask: Ask) -> None:
        self._name = name
        self._visitor = visitor
        self._ask = ask
        self._is_logged_in = False

    def get(self, path: str) -> Any:
        """Log in where that is still to be done; the JSON of the answer, None where it is not fine."""
        if not self._is_logged_in:
            self._log_in()
        answer = self._ask(self._visitor, Question(SHOPPING, path))
        return None if answer is None else answer.json()

    def post(
        self,
        path: str,
        json: Any,
        fine: frozenset[int] = OK,
        kind: str = SHOPPING,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response | None:
        """Log in where that is still to be done, and send."""
        if not self._is_logged_in:
            self._log_in()
        headers = {"X-CSRFToken": self._token, **(headers or {})}
        question = Question(kind, path, "POST", json=json, headers=headers, fine=fine)
        return self._ask(self._visitor, question)

    def delete(self, path: str) -> None:
        """Take something away; for who is logged in."""
        headers = {"X-CSRFToken": self._token}
        self._ask(self._visitor, Question(SHOPPING, path, "DELETE", headers=headers))

    @property
    def _token(self) -> str:
        return self._visitor.cookies.get("csrftoken") or ""

    def _log_in(self) -> None:
        with self._one_logs_in:
            self._ask(self._visitor, Question(SHOPPING, LOGIN))
            form = {
                "username": self._name,
                "password": PASSWORD,
                "csrfmiddlewaretoken": self._token,
            }
            question = Question(SHOPPING, LOGIN, "POST", form=form, fine=frozenset({302}))
            self._is_logged_in = self._ask(self._visitor, question) is not None


class OrderDesk:
    """The shop's staff: ships, and takes back what is returned. One at a time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()

    def ship(self, number: str) -> bool:
        with self._lock:
            return self._account.post(f"{ORDERS}{number}/ship/", {}) is not None

    def look_at(self, number: str) -> Any:
        """What the shop says of anybody's order."""
        return self._account.get(f"{ORDERS}{number}/")

    def receive(self, number: str, returned: int) -> Decimal | None:
        """Take a return in; gives what the shopper gets back for it."""
        with self._lock:
            path = f"{ORDERS}{number}/returns/{returned}/receive/"
            answer = self._account.post(path, {})
        return None if answer is None else Decimal(answer.json()["refund_amount"])


class Customer:
    """Buys something each time that it is called."""

    def __init__(
        self, account: Account, desk: OrderDesk, shelf: Shelf, books: Books, choice: random.Random
    ) -> None:
        self._account = account
        self._desk = desk
        self._shelf = shelf
        self._books = books
        self._choice = choice

    def __call__(self) -> None:
        """Fill the cart, pay, and perhaps think again."""
        if not self._fill_the_cart():
            return
        (card,) = self._choice.choices(list(CARDS), list(CARDS.values()))
        answer = self._account.post(
            ORDERS,
            {"address": ADDRESS, "card": {"number": card, "expiry": "12/39", "cvc": "123"}},
            frozenset({201, 202, 402, 409}),
            CHECKOUT,
            {"Idempotency-Key": uuid.uuid4().hex},
        )
        if answer is None:
            return
        if answer.status_code == 409:  # somebody else took the last one
            self._empty_the_cart()
            return
        order = answer.json()
        if answer.status_code == 402:
            self._books.note("declined", order["number"], told_of(order))
            return
        if answer.status_code == 202:
            order = self._confirm(order)
        if order is not None and order["state"] == "paid":
            self._think_again(order)

    def _fill_the_cart(self) -> bool:
        """Whether there is something in it."""
        answers = [
            # 400: sold out, or as many in the cart as there may be.
            self._account.post(
                f"{CART}lines/", {"sku": sku, "quantity": 1}, frozenset({200, 201, 400})
            )
            for sku in self._choice.sample(self._shelf.skus, self._choice.randint(1, 2))
        ]
        return any(answer is not None and answer.status_code != 400 for answer in answers)

    def _empty_the_cart(self) -> None:
        cart = self._account.get(CART)
        for line in cart["lines"] if cart is not None else ():
            self._account.delete(f"{CART}lines/{line['sku']}/")

    def _confirm(self, order: dict[str, Any]) -> Any:
        """Say yes on the gateway's page, which leads back to the shop."""
        page = order["payments"][-1]["confirmation_url"]
        requests.post(
            page, {"answer": "yes"}, allow_redirects=False, timeout=GATEWAY_WITHIN_S
        ).raise_for_status()
        return self._account.get(f"{ORDERS}{order['number']}/")

    def _think_again(self, order: dict[str, Any]) -> None:
        number, told = order["number"], told_of(order)
        self._books.note("paid", number, told)
        (thought,) = self._choice.choices(list(SECOND_THOUGHTS), list(SECOND_THOUGHTS.values()))
        if thought == "cancelled":
            cancelled = self._account.post(f"{ORDERS}{number}/cancel/", {})
            if cancelled is not None:
                self._books.note(thought, number, told_of(cancelled.json()))
        elif thought == "returned" and self._desk.ship(number):
            refunded = self._send_back(order)
            if refunded is not None:
                self._books.note(thought, number, Told(told.charged, refunded))

    def _send_back(self, order: dict[str, Any]) -> Decimal | None:
        """One line of it; gives what came back for it."""
        number, line = order["number"], order["lines"][0]
        wanted = {
            "lines": [{"sku": line["sku"], "quantity": line["quantity"]}],
            "reason": "It looked larger in the picture.",
        }
        answer = self._account.post(f"{ORDERS}{number}/returns/", wanted, frozenset({201}))
        return None if answer is None else self._desk.receive(number, answer.json()["id"])
