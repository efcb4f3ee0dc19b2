"""Many at once, two processes on one ledger, and a gateway that is killed: money moves once, and whole."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests
from gateway_process import GatewayProcess

THREADS = 16


def at_once(times: int, what: Callable[[int], requests.Response]) -> list[requests.Response]:
    """Do it so many times at the same moment."""
    barrier = threading.Barrier(times)

    def go(number: int) -> requests.Response:
        barrier.wait()
        return what(number)

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(go, range(times)))


def test_one_key_asked_many_times_at_once_is_one_charge(gateway: GatewayProcess) -> None:
    answers = at_once(THREADS, lambda _: gateway.charge("k"))
    assert sorted(answer.status_code for answer in answers) == [200] * (THREADS - 1) + [201]
    assert len({answer.content for answer in answers}) == 1
    assert gateway.entries() == [("charge", 1250)]


def test_two_gateways_on_one_ledger_agree(gateway: GatewayProcess, tmp_path: Path) -> None:
    with GatewayProcess(tmp_path) as other:
        pair = (gateway, other)
        answers = at_once(THREADS, lambda number: pair[number % 2].charge(f"k{number // 4}"))
    assert sorted(answer.status_code for answer in answers) == [200] * 12 + [201] * 4
    assert gateway.entries() == [("charge", 1250)] * 4


def test_refunds_at_once_never_exceed_the_charge(gateway: GatewayProcess) -> None:
    charge = gateway.charge("k").json()["id"]
    answers = at_once(THREADS, lambda number: gateway.refund(charge, f"r{number}", "5.00"))
    states = sorted(answer.json()["status"] for answer in answers)
    assert states == ["done"] * 2 + ["refused"] * (THREADS - 2)
    assert gateway.entries() == [("charge", 1250), ("refund", -500), ("refund", -500)]


def test_a_yes_and_a_cancellation_at_once_end_in_one_of_them(gateway: GatewayProcess) -> None:
    for round_ in range(10):
        url = gateway.charge(f"k{round_}", "4000000000003220").json()["confirmation_url"]
        cancel = f"{gateway.url}/cancellations/k{round_}"

        def ask(number: int, url: str = url, cancel: str = cancel) -> requests.Response:
            if number:
                return requests.post(url, {"answer": "yes"}, allow_redirects=False, timeout=20)
            return requests.put(cancel, timeout=20)

        at_once(2, ask)
        [charge] = gateway.get("/charges", key=f"k{round_}")["charges"]
        entries = gateway.get("/ledger")["entries"]
        is_charged = charge["id"] in {entry["charge"] for entry in entries}
        assert (charge["status"], is_charged) in {("approved", True), ("cancelled", False)}


def test_entries_can_be_neither_changed_nor_deleted(gateway: GatewayProcess) -> None:
    gateway.charge("k")
    with closing(sqlite3.connect(gateway.ledger)) as db:
        for statement in ("UPDATE entry SET amount = 1", "DELETE FROM entry"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                db.execute(statement)


def test_a_stop_waits_for_nobody_that_is_held(gateway: GatewayProcess) -> None:
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(gateway.charge, "k", "4000000000000341")
        while "holding" not in gateway.log.read_text():
            gateway.get("/ledger")
        assert gateway.stop() == 0
        assert held.exception() is not None or held.result().status_code >= 500


@pytest.mark.slow
def test_a_gateway_that_is_killed_again_and_again_holds_what_it_answered_and_only_whole_entries(
    gateway: GatewayProcess,
) -> None:
    answered: dict[str, str] = {}
    refunded: set[str] = set()
    asked: set[str] = set()
    done = threading.Event()

    def shop(number: int) -> None:
        turn = 0
        while not done.is_set():
            key = f"{number}-{turn}"
            asked.add(key)
            try:
                charge = gateway.charge(key, timeout=5).json()
                answered[key] = charge["id"]
                gateway.refund(charge["id"], f"r{key}", "2.50").json()
                refunded.add(f"r{key}")
            except requests.RequestException:
                if not done.is_set():
                    continue  # the same key again, as an honest shop does
            turn += 1

    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(shop, number) for number in range(8)]
        for _ in range(8):
            seen = len(answered)
            while len(answered) < seen + 20:
                done.wait(0.005)
            gateway.kill()
            gateway.start()
        done.set()
        for one in running:
            one.result()

    with closing(sqlite3.connect(gateway.ledger)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        charges = dict(db.execute("SELECT key, id FROM charge WHERE status = 'approved'"))
        entries = db.execute("SELECT charge, refund, amount FROM entry").fetchall()
        refunds = {key for (key,) in db.execute("SELECT key FROM refund WHERE status = 'done'")}
    assert answered.items() <= charges.items()
    assert refunded <= refunds
    assert set(charges) <= asked
    assert sorted(c for c, refund, _ in entries if refund is None) == sorted(charges.values())
    assert len([1 for _, refund, _ in entries if refund]) == len(refunds)
    assert sum(cents for *_, cents in entries) == 1250 * len(charges) - 250 * len(refunds)
