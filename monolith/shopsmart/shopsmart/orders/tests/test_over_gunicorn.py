"""The last pieces through a real gunicorn: shoppers send their checkouts at the same moment, over HTTP."""

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import requests

from shopsmart.notifications.tests.own_shop import OwnShop, own_shop
from shopsmart.orders.tests.race import do
from shopsmart.payments.tests.gateway_process import APPROVED, GatewayProcess

# Processes and databases are made and dropped for each; on a busy machine that takes its time.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SHOPPERS = 16
PIECES = 3
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "postcode": "1010",
    "city": "Vienna",
    "country": "AT",
}


@pytest.fixture
def shop(running_gateway: GatewayProcess, tmp_path: Path) -> Iterator[OwnShop]:
    environment = {
        "CARD_GATEWAY_URL": running_gateway.url,
        "CARD_GATEWAY_READ_TIMEOUT": "30",
        "MAIL_AT_ONCE": "0",
    }
    with own_shop(tmp_path, **environment) as shop:
        yield shop


@pytest.fixture
def url(shop: OwnShop, tmp_path: Path) -> Iterator[str]:
    """Where the shop listens."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        (tmp_path / "gunicorn.log").open("wb") as log,
    ):
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "shopsmart.wsgi"),
                *("--bind", f"fd://{listener.fileno()}"),
            ],
            cwd=Path(__file__).resolve().parents[3],
            env=shop.environment,
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = "http://127.0.0.1:{1}".format(*listener.getsockname())
            # The socket listens already: the first request just waits for the first worker.
            requests.get(f"{url}/api/cart/", timeout=60)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)


def test_the_last_pieces_are_sold_once_and_every_form_is_one_order(
    shop: OwnShop, url: str, running_gateway: GatewayProcess
) -> None:
    tokens = do(
        shop,
        f"""
from shopsmart.accounts.services import create_token
pot = make_stocked("Pot", {SHOPPERS}, "60.00")
told = []
for n in range({SHOPPERS}):
    user = make_user(f"shopper{{n}}")
    make_cart(user, {{pot: 1}})
    told.append(create_token(user=user, name="race")[1])
correct(variant=pot, on_hand={PIECES}, by=None, reason="The rest broke.")
""",
    )
    together = Barrier(2 * SHOPPERS)

    def buy(number: int) -> tuple[int, int, Any]:
        """Each shopper is there twice, with the same key: the form was sent by a double click."""
        together.wait()
        answer = requests.post(
            f"{url}/api/orders/",
            json={
                "address": ADDRESS,
                "card": {"number": APPROVED, "expiry": "12/99", "cvc": "123"},
                "seen_total": "60.00",
            },
            headers={
                "Authorization": f"Token {tokens[number // 2]}",
                "Idempotency-Key": f"key-{number // 2}",
            },
            timeout=60,
        )
        return number // 2, answer.status_code, answer.json()

    with ThreadPoolExecutor(2 * SHOPPERS) as threads:
        said = list(threads.map(buy, range(2 * SHOPPERS)))

    assert Counter(code for _, code, _ in said) == {
        201: 2 * PIECES,
        409: 2 * (SHOPPERS - PIECES),
    }
    bought = {(who, answer["number"]) for who, code, answer in said if code == 201}
    assert len(bought) == PIECES
    assert {answer["state"] for _, code, answer in said if code == 201} == {"paid"}
    refused = [answer for _, code, answer in said if code == 409]
    assert refused == [{"cart": ["Pot is sold out."]}] * len(refused)

    keys = do(
        shop,
        "assert_books_agree()\n"
        "assert stock_of(Variant.objects.get()) == (0, 0)\n"
        "told = {p.order.number: str(p.key) for p in Payment.objects.select_related('order')}",
    )
    assert set(keys) == {number for _, number in bought}
    assert [running_gateway.moved(key) for key in keys.values()] == [[6000]] * PIECES
