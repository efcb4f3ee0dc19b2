"""A shopper with an account and a card, who buys over the shop's API as a browser's script would."""

import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import requests
from stack.card_gateway import APPROVED

PASSWORD: Final = "shopsmart"  # of everybody that the seed makes
ADDRESS: Final = {
    "name": "Ada Lovelace",
    "line1": "12 Long Lane",
    "postcode": "1050",
    "city": "Copenhagen",
    "country": "DK",
}
_WITHIN_S: Final = 60.0


@dataclass(frozen=True)
class Bought:
    """What came of a checkout."""

    status: int
    took_s: float
    order: dict[str, Any]

    @property
    def total(self) -> Decimal:
        return Decimal(self.order["total"]["amount"])


class Buyer:
    """Logged in when the constructor returns; the session is good at every address of the same shop."""

    def __init__(self, url: str, name: str) -> None:
        self._session = requests.Session()
        page = f"{url}/account/login/"
        self._session.get(page, timeout=_WITHIN_S)
        form = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": self._token}
        answer = self._session.post(page, form, allow_redirects=False, timeout=_WITHIN_S)
        assert answer.status_code == 302, f"{name} can't log in: {answer.status_code}"

    def __enter__(self) -> "Buyer":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def put_in_cart(self, url: str, sku: str, quantity: int = 1) -> None:
        answer = self._post(f"{url}/api/cart/lines/", {"sku": sku, "quantity": quantity})
        assert answer.status_code in (200, 201), answer.text

    def buy(self, url: str, card: str = APPROVED) -> Bought:
        """The checkout of what is in the cart: the order, the payment, and what the card gateway says."""
        wanted = {"address": ADDRESS, "card": {"number": card, "expiry": "12/39", "cvc": "123"}}
        began = time.monotonic()
        answer = self._post(f"{url}/api/orders/", wanted, {"Idempotency-Key": uuid.uuid4().hex})
        return Bought(answer.status_code, time.monotonic() - began, answer.json())

    @property
    def _token(self) -> str:
        return str(self._session.cookies["csrftoken"])

    def _post(
        self, url: str, content: object, headers: dict[str, str] | None = None
    ) -> requests.Response:
        headers = {"X-CSRFToken": self._token, **(headers or {})}
        return self._session.post(url, json=content, headers=headers, timeout=_WITHIN_S)
