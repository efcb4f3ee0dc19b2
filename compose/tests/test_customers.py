"""Customers log in, buy, confirm, cancel and send back; what they were told of the money is written down by order."""

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
import requests

from demo.asking import Leaving, Question
from demo.customers import (
    APPROVED,
    CONFIRMED,
    DECLINED,
    SECOND_THOUGHTS,
    Account,
    Books,
    Customer,
    OrderDesk,
    Told,
    told_of,
)
from demo.money import Money
from demo.pages import CHECKOUT, ORDERS, Shelf

TOTAL = Decimal("25.00")


def order(state: str, refunded: str | None = None, payment: str = "approved") -> dict[str, Any]:
    refunds = [{"state": "done", "amount": {"amount": refunded}}] if refunded else []
    return {
        "number": "S-2026-000001",
        "state": state,
        "lines": [{"sku": "a", "quantity": 2}],
        "payments": [{"state": payment, "amount": {"amount": "25.00"}, "refunds": refunds}],
    }


class Shop:
    """Answers as the shop does; `asked` is what came, in order."""

    def __init__(self, *, closes_before: str = "", sold_out: bool = False) -> None:
        self.asked: list[Question] = []
        self._sold_out = sold_out
        self._closes_before = closes_before

    def ask(self, visitor: requests.Session, question: Question) -> requests.Response | None:
        if self._closes_before and question.path.endswith(self._closes_before):
            raise Leaving
        self.asked.append(question)
        status, body = self._answer(question)
        visitor.cookies.set("csrftoken", "a-token")
        assert status in question.fine
        answer = requests.Response()
        answer.status_code = status
        answer.json = lambda **_: body  # type: ignore[method-assign]
        return answer

    def _answer(self, question: Question) -> tuple[int, Any]:
        match question.method, question.path:
            case "POST", "/account/login/":
                return 302, None
            case "GET", "/api/cart/":
                return 200, {"lines": [{"sku": "a"}, {"sku": "b"}]}
            case "POST", "/api/orders/" if self._sold_out:
                return 409, {"cart": ["Lamp: 2 are wanted, 1 is left."]}
            case "POST", "/api/orders/":
                card = question.json["card"]["number"]
                if card == DECLINED:
                    return 402, order("cancelled", payment="declined")
                return (201, order("paid")) if card == APPROVED else (202, order("placed"))
            case "POST", path if path.endswith("/cancel/"):
                return 200, order("cancelled", refunded="25.00")
            case "POST", path if path.endswith("/returns/"):
                return 201, {"id": 7}
            case "POST", path if path.endswith("/returns/7/receive/"):
                return 200, {"refund_amount": "20.00"}
        return 200, {}

    def paths(self) -> list[str]:
        return [question.path for question in self.asked]


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes every customer take this card, and think this of it afterwards."""

    def choose(card: str, thought: str) -> None:
        monkeypatch.setattr("demo.customers.CARDS", {card: 1})
        assert thought in SECOND_THOUGHTS
        monkeypatch.setattr("demo.customers.SECOND_THOUGHTS", {thought: 1})

    return choose


def customer(shop: Shop, books: Books) -> Customer:
    account = Account("ada", requests.Session(), shop.ask)
    desk = OrderDesk(Account("staff", requests.Session(), shop.ask))
    return Customer(account, desk, Shelf((), (), ("a", "b")), books, random.Random(1))


@pytest.mark.parametrize(
    ("card", "thought", "outcomes", "told"),
    [
        (APPROVED, "kept", {"paid": 1}, Told(TOTAL, Decimal(0))),
        (APPROVED, "cancelled", {"paid": 1, "cancelled": 1}, Told(TOTAL, TOTAL)),
        (APPROVED, "returned", {"paid": 1, "returned": 1}, Told(TOTAL, Decimal("20.00"))),
        (DECLINED, "kept", {"declined": 1}, Told(Decimal(0), Decimal(0))),
    ],
)
def test_what_came_of_it_and_the_money_stand_in_the_books(
    only: Any, card: str, thought: str, outcomes: dict[str, int], told: Told
) -> None:
    only(card, thought)
    shop, books = Shop(), Books()
    customer(shop, books)()
    assert books.outcomes == Counter(outcomes)
    assert books.orders == {"S-2026-000001": told}
    (checkout,) = [question for question in shop.asked if question.kind == CHECKOUT]
    assert len(checkout.headers["Idempotency-Key"]) == 32
    assert checkout.headers["X-CSRFToken"] == "a-token"


def test_somebody_logs_in_once_however_often_they_buy(only: Any) -> None:
    only(APPROVED, "kept")
    shop = Shop()
    buys = customer(shop, Books())
    buys()
    buys()
    assert shop.paths().count("/account/login/") == 2  # the page and the form
    assert shop.paths().count(ORDERS) == 2


def test_whoever_must_go_before_the_money_is_back_has_been_told_of_none(only: Any) -> None:
    only(APPROVED, "cancelled")
    shop, books = Shop(closes_before="/cancel/"), Books()
    with pytest.raises(Leaving):
        customer(shop, books)()
    assert books.orders == {"S-2026-000001": Told(TOTAL, Decimal(0))}


def test_who_comes_too_late_for_the_last_one_empties_the_cart(only: Any) -> None:
    only(APPROVED, "kept")
    shop, books = Shop(sold_out=True), Books()
    customer(shop, books)()
    taken_out = [question.path for question in shop.asked if question.method == "DELETE"]
    assert taken_out == ["/api/cart/lines/a/", "/api/cart/lines/b/"]
    assert books.orders == {}


def test_only_what_was_charged_and_what_came_back_is_money() -> None:
    assert told_of(order("placed", payment="unknown")) == Told()
    pending = order("cancelled")
    pending["payments"][0]["refunds"] = [{"state": "pending", "amount": {"amount": "25.00"}}]
    assert told_of(pending) == Told(TOTAL, Decimal(0))


def test_cards_that_are_to_be_confirmed_are_among_those_that_customers_have() -> None:
    from demo.customers import CARDS

    assert {APPROVED, DECLINED, CONFIRMED} == set(CARDS)


def test_three_accounts_that_agree_have_no_problem_and_any_that_is_off_is_named() -> None:
    one, off = {"S-1": Told(TOTAL, Decimal(0))}, {"S-1": Told(TOTAL, Decimal(1))}
    assert Money(one, one, one, {}).problems() == []
    for accounts in ((off, one, one), (one, off, one), (one, one, off), (one, one, {})):
        (problem,) = Money(*accounts, {}).problems()
        assert problem.startswith("S-1: ")
