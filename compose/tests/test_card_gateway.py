"""What the gateway answers, and what its ledger then holds. Money is read from the ledger, never from an answer."""

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from gateway_process import APPROVED, GatewayProcess

from card_gateway.cards import CARDS, Answer, passes_luhn

README = Path(__file__).resolve().parents[1] / "card_gateway" / "README.md"
CONFIRMS = "4000000000003220"


def test_the_readme_shows_every_card_and_no_other() -> None:
    rows = re.findall(r"^\| `([\d ]+)` \| (\w+) \| ([^|]+?) \|$", README.read_text(), re.MULTILINE)
    shown = {number.replace(" ", ""): (brand, does) for number, brand, does in rows}
    assert shown == {
        card.number: (card.brand, f"{card.about}: `{code}`" if code else card.about)
        for card in CARDS.values()
        for code in [card.decline_code or card.refusal_code]
    }
    assert all(passes_luhn(number) for number in shown)
    assert len({number[-4:] for number in shown}) == len(shown)


@pytest.mark.parametrize(
    "card",
    [card for card in CARDS.values() if card.answer is Answer.PROMPT],
    ids=lambda card: str(card.about).replace(" ", "_"),
)
def test_each_card_does_what_the_table_says(gateway: GatewayProcess, card: Any) -> None:
    answer = gateway.charge("k", card.number)
    assert answer.status_code == 201
    told = answer.json()
    if card.needs_confirmation:
        assert (told["status"], told["decline_code"]) == ("needs_confirmation", "")
        assert told["confirmation_url"].startswith(f"{gateway.url}/confirmations/")
        assert gateway.entries() == []
    elif card.decline_code:
        assert (told["status"], told["decline_code"]) == ("declined", card.decline_code)
        assert gateway.entries() == []
    else:
        assert (told["status"], told["confirmation_url"]) == ("approved", None)
        assert gateway.entries() == [("charge", 1250)]
    assert told["card"] == {"brand": card.brand, "last4": card.number[-4:]}
    assert (told["amount"], told["currency"], told["reference"]) == ("12.50", "EUR", "S-1")
    assert gateway.get(f"/charges/{told['id']}") == told
    assert gateway.get("/charges", key="k") == {"charges": [told]}


def test_a_card_that_is_answered_too_late_is_charged_and_asked_again_at_once(
    gateway: GatewayProcess,
) -> None:
    with pytest.raises(requests.ReadTimeout):
        gateway.charge("k", "4000000000006975", timeout=1)
    while not gateway.get("/charges", key="k")["charges"]:
        pass  # the request is on its way: whoever sent it has just stopped waiting
    assert gateway.entries() == [("charge", 1250)]
    again = gateway.charge("k", "4000000000006975", timeout=10)
    assert (again.status_code, again.json()["status"]) == (200, "approved")
    assert gateway.entries() == [("charge", 1250)]


def test_how_late_is_too_late_can_be_said(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, "--late", "0.2") as gateway:
        answer = gateway.charge("k", "4000000000006975", timeout=20)
        assert (answer.status_code, answer.elapsed.total_seconds() >= 0.2) == (201, True)


def test_a_card_that_is_never_answered_is_not_charged(gateway: GatewayProcess) -> None:
    with pytest.raises(requests.ReadTimeout):
        gateway.charge("k", "4000000000000341", timeout=1)
    assert gateway.entries() == []
    assert gateway.get("/charges", key="k") == {"charges": []}


def test_a_500_may_hide_a_charge(gateway: GatewayProcess) -> None:
    assert gateway.charge("k", "4000000000000119").status_code == 500
    assert gateway.entries() == [("charge", 1250)]
    assert gateway.charge("k", "4000000000000119").json()["status"] == "approved"
    assert gateway.entries() == [("charge", 1250)]


def test_a_card_of_the_real_world_is_declined_and_not_kept(gateway: GatewayProcess) -> None:
    told = gateway.charge("k", "4111 1111 1111 1111").json()
    assert (told["status"], told["decline_code"]) == ("declined", "not_a_test_card")


def test_the_same_key_is_charged_once_and_answered_alike(gateway: GatewayProcess) -> None:
    first, second = gateway.charge("k"), gateway.charge("k")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
    assert gateway.entries() == [("charge", 1250)]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "12.51"},
        {"currency": "USD"},
        {"reference": "S-2"},
        {"card": {"number": APPROVED, "expiry": "05/39", "cvc": "123"}},
        {"card": {"number": "5555555555554444", "expiry": "04/39", "cvc": "123"}},
        {"card": {"number": APPROVED, "expiry": "04/20", "cvc": "123"}},
        {"return_url": "nowhere"},
    ],
)
def test_a_key_belongs_to_one_body(gateway: GatewayProcess, change: dict[str, Any]) -> None:
    gateway.charge("k")
    answer = gateway.charge("k", **change)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/key-reused")
    assert gateway.entries() == [("charge", 1250)]


@pytest.mark.parametrize(
    ("said", "status", "code", "entries"),
    [("yes", "approved", "", [("charge", 1250)]), ("no", "declined", "not_confirmed", [])],
)
def test_the_card_holder_decides(
    gateway: GatewayProcess, said: str, status: str, code: str, entries: list[tuple[str, int]]
) -> None:
    charge = gateway.charge("k", CONFIRMS).json()
    page = requests.get(charge["confirmation_url"], timeout=20)
    assert page.status_code == 200
    assert "12.50 EUR" in page.text
    assert gateway.entries() == []
    for answer in (said, "yes", "no"):  # the first one stands
        sent = requests.post(
            charge["confirmation_url"], {"answer": answer}, allow_redirects=False, timeout=20
        )
        assert (sent.status_code, sent.headers["Location"]) == (303, "http://127.0.0.1:8100/back")
        told = gateway.get(f"/charges/{charge['id']}")
        assert (told["status"], told["decline_code"]) == (status, code)
    assert gateway.entries() == entries
    again = requests.get(charge["confirmation_url"], timeout=20).text
    assert "<form" not in again
    assert 'href="http://127.0.0.1:8100/back"' in again


def test_a_yes_may_still_be_declined(gateway: GatewayProcess) -> None:
    charge = gateway.charge("k", "4000008400001629").json()
    requests.post(charge["confirmation_url"], {"answer": "yes"}, allow_redirects=False, timeout=20)
    assert gateway.get(f"/charges/{charge['id']}")["decline_code"] == "insufficient_funds"
    assert gateway.entries() == []


def test_a_confirmation_without_an_answer_or_a_charge_is_a_page_that_says_so(
    gateway: GatewayProcess,
) -> None:
    url = gateway.charge("k", CONFIRMS).json()["confirmation_url"]
    missing = requests.post(url, {"answer": "perhaps"}, timeout=20)
    assert (missing.status_code, "<h1>Your answer is missing" in missing.text) == (400, True)
    for method in ("GET", "POST"):
        nothing = requests.request(
            method, f"{gateway.url}/confirmations/x", data={"answer": "yes"}, timeout=20
        )
        assert (nothing.status_code, "<h1>Nothing to confirm" in nothing.text) == (404, True)


def test_the_confirmation_page_runs_nothing_and_shows_what_was_sent_as_text(
    gateway: GatewayProcess,
) -> None:
    url = gateway.charge("k", CONFIRMS, reference="<b>S-1</b>").json()["confirmation_url"]
    page = requests.get(url, timeout=20)
    assert "&lt;b&gt;S-1" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    # Browsers hold the redirect after a form against this too.
    assert "form-action 'self' http://127.0.0.1:8100;" in policy


def test_a_cancelled_key_is_never_charged(gateway: GatewayProcess) -> None:
    assert requests.put(f"{gateway.url}/cancellations/k", timeout=20).json() == {
        "key": "k",
        "charge": None,
    }
    late = gateway.charge("k")
    assert (late.status_code, late.json()["status"]) == (201, "cancelled")
    assert gateway.entries() == []


def test_cancelling_tells_of_a_charge_that_was_faster(gateway: GatewayProcess) -> None:
    charge = gateway.charge("k").json()
    told = requests.put(f"{gateway.url}/cancellations/k", timeout=20).json()
    assert told == {"key": "k", "charge": charge}
    assert gateway.entries() == [("charge", 1250)]


def test_a_charge_that_was_cancelled_can_no_longer_be_confirmed(gateway: GatewayProcess) -> None:
    charge = gateway.charge("k", CONFIRMS).json()
    told = requests.put(f"{gateway.url}/cancellations/k", timeout=20).json()
    assert told["charge"]["status"] == "cancelled"
    assert "cancelled" in requests.get(charge["confirmation_url"], timeout=20).text
    requests.post(charge["confirmation_url"], {"answer": "yes"}, allow_redirects=False, timeout=20)
    assert gateway.entries() == []


def test_refunds_never_exceed_the_charge(gateway: GatewayProcess) -> None:
    charge = gateway.charge("k").json()["id"]
    first = gateway.refund(charge, "r1", "10.00")
    assert (first.status_code, first.json()["status"]) == (201, "done")
    more = gateway.refund(charge, "r2", "2.51").json()
    assert (more["status"], more["refusal_code"]) == ("refused", "exceeds_charge")
    assert gateway.refund(charge, "r3", "2.50").json()["status"] == "done"
    assert gateway.entries() == [("charge", 1250), ("refund", -1000), ("refund", -250)]


def test_a_refund_is_done_once_for_its_key(gateway: GatewayProcess) -> None:
    charge = gateway.charge("k").json()["id"]
    first, second = gateway.refund(charge, "r", "5.00"), gateway.refund(charge, "r", "5.00")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
    assert gateway.refund(charge, "r", "4.00").status_code == 422
    assert gateway.entries() == [("charge", 1250), ("refund", -500)]


@pytest.mark.parametrize(
    ("number", "code"),
    [("4000000000005126", "card_closed"), ("4000000000000002", "not_charged")],
)
def test_some_refunds_are_refused(gateway: GatewayProcess, number: str, code: str) -> None:
    charge = gateway.charge("k", number).json()["id"]
    told = gateway.refund(charge, "r", "1.00").json()
    assert (told["status"], told["refusal_code"]) == ("refused", code)
    assert [kind for kind, _ in gateway.entries() if kind == "refund"] == []


def test_a_500_may_hide_a_refund(gateway: GatewayProcess) -> None:
    charge = gateway.charge("k", "4000000000007726").json()["id"]
    assert gateway.refund(charge, "r", "1.00").status_code == 500
    assert gateway.refund(charge, "r", "1.00").json()["status"] == "done"
    assert gateway.entries() == [("charge", 1250), ("refund", -100)]


def test_the_ledger_adds_up_by_currency_and_by_reference(gateway: GatewayProcess) -> None:
    first = gateway.charge("a").json()["id"]
    gateway.charge("b", currency="USD", amount="3.00")
    gateway.charge("c", reference="S-2", amount="0.01")
    gateway.refund(first, "r", "2.50")
    assert gateway.get("/ledger")["sums"] == {
        "EUR": {"charged": "12.51", "refunded": "2.50", "balance": "10.01"},
        "USD": {"charged": "3.00", "refunded": "0.00", "balance": "3.00"},
    }
    mine = gateway.get("/ledger", reference="S-2")
    assert [(entry["amount"], entry["kind"]) for entry in mine["entries"]] == [("0.01", "charge")]
    assert mine["sums"] == {"EUR": {"charged": "0.01", "refunded": "0.00", "balance": "0.01"}}
    assert [e["id"] for e in gateway.get("/ledger", after="3")["entries"]] == [4]
    assert gateway.get("/ledger", reference="nobody's") == {
        "entries": [], "next": None, "sums": {}
    }  # fmt: skip
