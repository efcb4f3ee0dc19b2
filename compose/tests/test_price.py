"""The time that a price takes is that from its commit to the service's first answer with it."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from demo import price
from demo.failure import DemoError
from demo.price import change_a_price


class _Service(BaseHTTPRequestHandler):
    """Answers with the shop's price, a few answers late."""

    shop: Path
    answers = 0
    late = 0

    def do_GET(self) -> None:
        type(self).answers += 1
        with closing(sqlite3.connect(self.shop)) as db:
            sku, now = db.execute("SELECT sku, price_amount FROM catalog_variant").fetchone()
        if self.answers <= self.late:
            now = 10
        variant = {"sku": sku, "price": {"amount": f"{now:.2f}", "currency": "EUR"}}
        body = json.dumps({"variants": [variant]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    _Service.shop, _Service.answers, _Service.late = tmp_path / "shop.sqlite3", 0, 0
    with closing(sqlite3.connect(_Service.shop)) as db, db:
        db.execute("CREATE TABLE catalog_variant (sku, price_amount, compare_at_amount)")
        db.execute("INSERT INTO catalog_variant VALUES ('lamp-1', 10, 11)")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_it_is_asked_again_until_the_new_price_is_there(service: str) -> None:
    _Service.late = 5
    change = change_a_price(_Service.shop, service, "lamp")
    assert (change.sku, change.before, change.after) == ("lamp-1", Decimal(10), Decimal(11))
    assert _Service.answers == 6
    assert change.arrived_after_ms >= 4 * 5


def test_a_price_that_does_not_arrive_ends_the_demo_with_a_sentence(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _Service.late = 10**6
    monkeypatch.setattr(price, "WITHIN_S", 0.1)
    with pytest.raises(DemoError, match="lamp-1"):
        change_a_price(_Service.shop, service, "lamp")
