"""The money three times: what customers were told, what the shop's orders say, and what the card gateway's ledger holds.

The ledger is the witness: the gateway is another process, which knows nothing of the shop. It is asked by order, so that what
somebody else buys meanwhile, or bought in an earlier demo, is not mixed in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests

from demo.customers import Books, Told, told_of

WITHIN_S = 10


@dataclass(frozen=True)
class Money:
    """By order number; a number is missing where that account knows no such order."""

    told: Mapping[str, Told]
    shop: Mapping[str, Told]
    ledger: Mapping[str, Told]
    outcomes: Mapping[str, int]

    def accounts(self) -> list[tuple[str, Told]]:
        """The sums of each."""
        return [
            ("customers were told", _total(self.told)),
            ("the shop's orders say", _total(self.shop)),
            ("the gateway's ledger holds", _total(self.ledger)),
        ]

    def problems(self) -> list[str]:
        """Every order on which the three disagree; empty when they are one."""
        found = []
        for number in sorted(self.told.keys() | self.shop.keys()):
            told, shop, ledger = (
                account.get(number) for account in (self.told, self.shop, self.ledger)
            )
            if not told == shop == ledger:
                found.append(f"{number}: told {told}, in the shop {shop}, in the ledger {ledger}")
        return found


def count_money(books: Books, read_order: Callable[[str], Any], gateway: str) -> Money:
    """Ask the shop, as its customers, and the gateway for every order in the books."""
    numbers = sorted(books.orders)
    return Money(
        dict(books.orders),
        {number: told_of(read_order(number)) for number in numbers},
        {number: _in_ledger(gateway, number) for number in numbers},
        dict(books.outcomes),
    )


def _in_ledger(gateway: str, number: str) -> Told:
    answer = requests.get(f"{gateway}/ledger", {"reference": number}, timeout=WITHIN_S)
    answer.raise_for_status()
    sums = answer.json()["sums"].values()
    return Told(
        sum((Decimal(each["charged"]) for each in sums), Decimal(0)),
        sum((Decimal(each["refunded"]) for each in sums), Decimal(0)),
    )


def _total(account: Mapping[str, Told]) -> Told:
    return Told(
        sum((each.charged for each in account.values()), Decimal(0)),
        sum((each.refunded for each in account.values()), Decimal(0)),
    )
