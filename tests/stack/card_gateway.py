"""The card gateway as a process with a ledger of its own: where tests read money."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from stack.listening import Listening

APPROVED = "4242424242424242"


class CardGateway(Listening):
    """Takes requests when the constructor returns."""

    def __init__(self, *, folder: Path, logs: Path) -> None:
        super().__init__(
            "card gateway",
            [sys.executable, "-m", "card_gateway", "--ledger", str(folder / "ledger.sqlite3")],
            folder=folder,
            log=logs / "card_gateway.log",
            environment={},
        )

    def words_for(self, descriptor: int) -> list[str]:
        return ["--fd", str(descriptor)]

    def balance(self, currency: str = "EUR") -> Decimal:
        """What was charged and not given back."""
        sums: dict[str, Any] = requests.get(f"{self.url}/ledger", timeout=30).json()["sums"]
        return Decimal(sums[currency]["balance"]) if currency in sums else Decimal(0)
