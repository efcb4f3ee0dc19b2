"""Shoppers pause between requests, so that what they counted is what the server answered."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from demo.pages import CATALOG, PAGE, Shelf
from demo.shoppers import Shoppers


class _Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            type(self).served += 1
        status = 500 if self.path.startswith("/product/broken") else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[str]:
    _Shop.served = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_after_a_pause_the_tally_is_exactly_what_was_served(shop: str) -> None:
    shoppers = Shoppers(shop, Shelf(("lamp",), ("home",)), count=5)
    shoppers.start()
    shoppers.resume()
    assert shoppers.wait_for_answers(CATALOG, 30, within_s=30)
    shoppers.pause()
    tally, served = shoppers.take(), _Shop.served
    assert tally.answers[CATALOG] + tally.answers[PAGE] == served
    assert not tally.errors
    assert tally.visitors >= 5
    shoppers.stop()
    assert _Shop.served == served, "nobody asks while paused"


def test_a_failed_answer_is_counted_as_an_error_with_its_path(shop: str) -> None:
    shoppers = Shoppers(shop, Shelf(("broken",), ("home",)), count=5)
    shoppers.start()
    shoppers.resume()
    assert shoppers.wait_for_answers(PAGE, 15, within_s=30)
    shoppers.pause()
    errors = shoppers.take().errors
    shoppers.stop()
    assert set(errors) == {"500 /product/broken/"}
