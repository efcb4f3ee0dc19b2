"""What the gateway refuses, in which words, and what it never repeats."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from gateway_process import APPROVED, GatewayProcess

CARD = {"number": APPROVED, "expiry": "04/39", "cvc": "987"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "0.00"}, "amount"),
        ({"amount": "12.5"}, "amount"),
        ({"amount": 12.5}, "amount"),
        ({"amount": "-1.00"}, "amount"),
        ({"amount": "١.00"}, "amount"),
        ({"amount": "99999999.00"}, "amount"),
        ({"amount": None}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"reference": ""}, "reference"),
        ({"reference": "a\nb"}, "reference"),
        ({"reference": "x" * 121}, "reference"),
        ({"return_url": "javascript:alert(1)"}, "return_url"),
        ({"return_url": "http://a b/"}, "return_url"),
        ({"return_url": "http://shop.example;evil/"}, "return_url"),
        ({"return_url": "http://x@shop.example/"}, "return_url"),
        ({"return_url": "/back"}, "return_url"),
        ({"card": CARD | {"number": "4242424242424241"}}, "card.number"),
        ({"card": CARD | {"number": 4242424242424242}}, "card.number"),
        ({"card": CARD | {"expiry": "13/39"}}, "card.expiry"),
        ({"card": CARD | {"expiry": "04/20"}}, "card.expiry"),
        ({"card": CARD | {"cvc": "12"}}, "card.cvc"),
        ({"card": CARD | {"pin": "1234"}}, "card.pin"),
        ({"card": APPROVED}, "card"),
        ({"tip": "1.00"}, "tip"),
    ],
)
def test_a_mistake_is_told_by_field_and_nothing_sent_is_repeated(
    gateway: GatewayProcess, change: dict[str, Any], field: str
) -> None:
    answer = gateway.charge("k", **change)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()["errors"]) == {field}
    assert answer.json()["type"] == "/problems/invalid"
    assert "4242" not in answer.text
    assert "987" not in answer.text
    assert gateway.get("/ledger")["entries"] == []


@pytest.fixture(scope="module")
def gateway_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """One that is asked by two names."""
    names = ("--hosts", "gateway", "--url", "http://bank.example:8190")
    with GatewayProcess(tmp_path_factory.mktemp("host"), *names) as running:
        yield running


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("[::1]:8190", 200),
        ("192.0.2.1", 200),
        ("Gateway:8190", 200),
        ("bank.example", 200),
        ("rebound.example", 403),
        ("gateway.rebound.example", 403),
        ("127.0.0.1@rebound.example", 403),
        ("[rebound.example]", 403),
        ("", 403),
    ],
)
def test_only_its_own_names_and_addresses_are_answered(
    gateway_host: GatewayProcess, asked: str, status: int
) -> None:
    answer = requests.get(f"{gateway_host.url}/ledger", headers={"Host": asked}, timeout=20)
    assert answer.status_code == status
    if status == 403:
        assert "CARD_GATEWAY_HOSTS" in answer.json()["detail"]
        assert "entries" not in answer.json()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_no_charge_at_all_is_refused(gateway: GatewayProcess, body: bytes) -> None:
    answer = requests.post(
        f"{gateway.url}/charges", body, headers={"Idempotency-Key": "k"}, timeout=20
    )
    assert answer.status_code in (400, 413, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "x" * 81, "a b"])
def test_a_key_is_needed(gateway: GatewayProcess, key: str) -> None:
    answer = gateway.charge(key)
    assert (answer.status_code, "key" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/charges", 400),
        ("GET", "/charges/ch_none", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/charges", 405),
        ("GET", "/ledger?after=x", 400),
        ("POST", "/charges/ch_none/refunds", 404),
    ],
)
def test_what_is_not_there_is_a_problem_too(
    gateway: GatewayProcess, method: str, path: str, status: int
) -> None:
    answer = requests.request(
        method,
        gateway.url + path,
        json={"amount": "1.00"},
        headers={"Idempotency-Key": "k"},
        timeout=20,
    )
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_no_card_is_kept_anywhere(gateway: GatewayProcess) -> None:
    for key, change in (("a", {}), ("b", {"amount": "x"}), ("a", {"amount": "9.99"})):
        gateway.charge(key, card=CARD, **change)
    assert gateway.stop() == 0
    kept = b"".join(file.read_bytes() for file in gateway.ledger.parent.iterdir())
    assert b"4242" in kept  # the last four digits are
    assert b"42424242" not in kept
    assert b'"987"' not in kept
    assert b"cvc" not in kept


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "card_gateway", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "shop.sqlite3"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE product (id)")
    before = other.read_bytes()
    failed = start("--port", "0", "--ledger", str(other))
    assert failed.returncode == 2
    assert "is a database of something else" in failed.stderr
    assert other.read_bytes() == before


@pytest.mark.parametrize("kind", ["a folder that is not there", "no database"])
def test_a_ledger_that_cannot_be_is_named(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "ledger.sqlite3"
    if kind == "no database":
        file.write_text("just text, and long enough to be looked at as a database header " * 20)
    else:
        file = tmp_path / "nowhere" / "ledger.sqlite3"
    failed = start("--port", "0", "--ledger", str(file))
    assert (failed.returncode, "Traceback" in failed.stderr) == (2, False)
    assert str(file) in failed.stderr


def test_a_port_that_is_taken_is_named(gateway: GatewayProcess, tmp_path: Path) -> None:
    port = gateway.url.rpartition(":")[2]
    failed = start("--port", port, "--ledger", str(tmp_path / "other.sqlite3"))
    assert failed.returncode == 2
    assert f"127.0.0.1:{port}" in failed.stderr
