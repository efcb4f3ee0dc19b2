"""The guide's visitors: the same requests for the same seed, every failure seen, and who answered whom."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from demo import visitors
from demo.pages import API

SLUGS = [f"lamp-{number}" for number in range(9)]


class Shop:
    """A shop whose answers bear Fig-Plan for who asks for it; visitors with an even number are the service's."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.users: Counter[str] = Counter()
        self.broken = "no path holds this"
        self.flips = False
        lock = threading.Lock()
        shop = self
        known: dict[tuple[str, int], int] = {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with lock:
                    shop.asked[self.path] += 1
                    shop.users[self.headers["Cookie"] or ""] += 1
                    visitor = known.setdefault(self.client_address, len(known))
                    if shop.flips:
                        visitor = shop.asked.total()
                self.send_response(502 if shop.broken in self.path else 200)
                if self.headers["Fig-Debug"]:
                    side = ("service", "monolith")[visitor % 2]
                    self.send_header("Fig-Plan", f"generation=1; side={side}; upstream=x")
                body = json.dumps(
                    {"results": [{"slug": slug} for slug in SLUGS]}
                    if "page_size=100" in self.path
                    else [{"slug": "lighting"}]
                ).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr("demo.visiting.THINKING_S", 0)
    running = Shop()
    yield running
    running.close()


def let_in(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["visitors", *arguments])
    return visitors.main()


def test_the_same_seed_makes_the_same_requests_however_many_come_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    for at_once in ("1", "8"):
        shop.asked.clear()
        assert let_in(monkeypatch, "--at", shop.url, "--requests", "60", "--at-once", at_once) == 0
        asked.append(dict(shop.asked))
    assert asked[0] == asked[1]
    assert sum(asked[0].values()) == 60 + 2  # and the shelf
    assert "8 visitors, 60 answers in" in capsys.readouterr().out
    shop.asked.clear()
    let_in(monkeypatch, "--at", shop.url, "--requests", "60", "--seed", "8")
    assert dict(shop.asked) != asked[0]


def test_an_answer_that_fails_is_counted_and_ends_with_1(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.broken = f"{API}products/lamp"
    healthy = Shop()
    try:
        arguments = ["--at", shop.url, "--shelf", healthy.url, "--requests", "80"]
        assert let_in(monkeypatch, *arguments) == 1
        broken = sum(count for path, count in shop.asked.items() if shop.broken in path)
        told = capsys.readouterr().out
        assert f"{broken} answers were not as they should be:\n  {broken} x 502 {API}…\n" in told
        assert let_in(monkeypatch, *arguments, "--json") == 1
        assert sum(json.loads(capsys.readouterr().out)["errors"].values()) == broken
    finally:
        healthy.close()


def test_who_answered_is_told_by_visitor_where_the_proxy_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--at", shop.url, "--requests", "160", "--header", "Fig-Debug: signed"]
    assert let_in(monkeypatch, *arguments) == 0
    assert ", 0 both\n" in capsys.readouterr().out
    shop.flips = True
    assert let_in(monkeypatch, *arguments, "--at-once", "1") == 0
    assert ", 0 both\n" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "nowhere"], "no URL"),
        (["--at", "http://127.0.0.1:9"], "can't be read at http://127.0.0.1:9"),
        (["--at", "http://127.0.0.1:9", "--requests", "-1"], "no whole number"),
        (["--at", "http://127.0.0.1:9", "--header", "x"], "NAME:VALUE"),
    ],
)
def test_a_mistake_in_the_call_ends_with_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    try:
        code: object = let_in(monkeypatch, *arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert said in capsys.readouterr().err


def test_known_visitors_are_the_same_users_each_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = []
    for at_once in ("1", "8"):
        shop.users.clear()
        let_in(monkeypatch, "--at", shop.url, "--requests", "60", "--known", "--at-once", at_once)
        users.append({user for user in shop.users if user})
    assert users[0] == users[1]
    assert len(users[0]) == 8
    assert all(re.fullmatch(r"fig_user=[A-Za-z0-9_-]{22}", user) for user in users[0])
    shop.users.clear()
    let_in(monkeypatch, "--at", shop.url, "--requests", "60")
    assert set(shop.users) == {""}
