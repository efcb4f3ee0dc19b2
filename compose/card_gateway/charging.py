"""Charges, confirmations, cancellations and refunds: what is decided, and which entry of the ledger comes of it.

The caller's key decides what is the same: a key is charged once, whatever happens to the answer. A key that was cancelled
is never charged, even if its charge was still under way when it was cancelled.
"""

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from card_gateway.asked import AskedCharge, AskedRefund
from card_gateway.cards import CARDS, NOT_A_TEST_CARD, Answer, Card, brand_of
from card_gateway.entries import balance, enter, read_entries
from card_gateway.ledger import Ledger
from card_gateway.showing import (
    Decided,
    KeyReusedError,
    NoSuchChargeError,
    new_id,
    now,
    show_charge,
    show_refund,
    to_cents,
    to_text,
)

NOT_CONFIRMED = "not_confirmed"
EXCEEDS_CHARGE = "exceeds_charge"
NOT_CHARGED = "not_charged"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the card holder is asked."""

    amount: str
    currency: str
    reference: str
    card_brand: str
    card_last4: str
    status: str
    return_url: str


class Charging:
    """Everything that can be done with a ledger. ``url`` is where card holders find the gateway."""

    def __init__(self, ledger: Ledger, url: str) -> None:
        self._ledger = ledger
        self._url = url
        with ledger.reading() as db:
            [self._secret] = db.execute("SELECT value FROM secret WHERE name = 'digest'").fetchone()

    def charge(self, key: str, asked: AskedCharge) -> Decided:
        """Charge the card, or give what the key's first request came to. Raises KeyReusedError."""
        number = asked.card.number.get_secret_value()
        card = CARDS.get(number) or Card(number, brand_of(number), "", NOT_A_TEST_CARD)
        digest = self._digest(
            *(str(asked.amount), asked.currency, asked.reference, asked.return_url),
            *(number, asked.card.expiry, asked.card.cvc.get_secret_value()),
        )
        with self._ledger.writing() as db:
            if known := _one(db, "SELECT * FROM charge WHERE key = ?", key):
                if known["digest"] != digest:
                    raise KeyReusedError
                return Decided(show_charge(db, known, self._url), False, Answer.PROMPT)
            is_cancelled = _one(db, "SELECT 1 FROM cancelled_key WHERE key = ?", key) is not None
            if card.answer is Answer.NEVER and not is_cancelled:
                return Decided({}, True, Answer.NEVER)
            charge_id, at = new_id("ch"), now()
            status, decline_code, confirmation = _decide(card, is_cancelled)
            db.execute(
                "INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(charge_id, key, digest, asked.reference, to_cents(asked.amount)),
                    *(asked.currency, card.brand, number[-4:], status, decline_code),
                    *(card.decline_code if card.needs_confirmation else "", card.refusal_code),
                    *(card.refund_answer, confirmation, asked.return_url, at),
                    None if status == "needs_confirmation" else at,
                ),
            )
            row = _charge(db, charge_id)
            if status == "approved":
                enter(db, row, row["amount"], at)
            return Decided(show_charge(db, row, self._url), True, card.answer)

    def find(self, key: str) -> list[dict[str, Any]]:
        """The charge of a key, or nothing."""
        with self._ledger.reading() as db:
            row = _one(db, "SELECT * FROM charge WHERE key = ?", key)
            return [show_charge(db, row, self._url)] if row else []

    def get(self, charge_id: str) -> dict[str, Any]:
        """A charge with its refunds. Raises NoSuchChargeError."""
        with self._ledger.reading() as db:
            return show_charge(db, _charge(db, charge_id), self._url)

    def cancel(self, key: str) -> dict[str, Any]:
        """See to it that a key is not charged from now on; give its charge, if there is one."""
        with self._ledger.writing() as db:
            at = now()
            db.execute("INSERT INTO cancelled_key VALUES (?, ?) ON CONFLICT DO NOTHING", (key, at))
            db.execute(
                "UPDATE charge SET status = 'cancelled', settled_at = ?"
                " WHERE key = ? AND status = 'needs_confirmation'",
                (at, key),
            )
            row = _one(db, "SELECT * FROM charge WHERE key = ?", key)
            return {"key": key, "charge": show_charge(db, row, self._url) if row else None}

    def refund(self, charge_id: str, key: str, asked: AskedRefund) -> Decided:
        """Give money back, or what the key's first request came to.

        More than is left of the charge is refused, as is a refund of what was never charged.
        Raises KeyReusedError and NoSuchChargeError.
        """
        digest = self._digest(charge_id, str(asked.amount), asked.reason)
        with self._ledger.writing() as db:
            charge = _charge(db, charge_id)
            if known := _one(db, "SELECT * FROM refund WHERE key = ?", key):
                if known["digest"] != digest:
                    raise KeyReusedError
                return Decided(show_refund(known, charge), False, Answer.PROMPT)
            amount, refund_id, at = to_cents(asked.amount), new_id("re"), now()
            if charge["status"] != "approved":
                code = NOT_CHARGED
            elif amount > balance(db, charge_id):
                code = EXCEEDS_CHARGE
            else:
                code = charge["refusal_code"]
            db.execute(
                "INSERT INTO refund VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(refund_id, charge_id, key, digest, amount, asked.reason),
                    *("refused" if code else "done", code, at),
                ),
            )
            if not code:
                enter(db, charge, -amount, at, refund_id)
            row = _one(db, "SELECT * FROM refund WHERE id = ?", refund_id)
            assert row is not None
            return Decided(show_refund(row, charge), True, Answer(charge["refund_answer"]))

    def confirmation(self, token: str) -> Confirmation:
        """What the page with this token asks. Raises NoSuchChargeError."""
        with self._ledger.reading() as db:
            return _confirmation(db, token)

    def confirm(self, token: str, *, yes: bool) -> Confirmation:
        """Take the card holder's answer; the first one stands. Raises NoSuchChargeError."""
        with self._ledger.writing() as db:
            row = _one(db, "SELECT * FROM charge WHERE confirmation = ?", token)
            if row is not None and row["status"] == "needs_confirmation":
                code, at = row["decline_on_yes"] if yes else NOT_CONFIRMED, now()
                db.execute(
                    "UPDATE charge SET status = ?, decline_code = ?, settled_at = ? WHERE id = ?",
                    ("declined" if code else "approved", code, at, row["id"]),
                )
                if not code:
                    enter(db, row, row["amount"], at)
            return _confirmation(db, token)

    def entries(self, *, reference: str | None, after: int) -> dict[str, Any]:
        """A page of the ledger, and its sums."""
        with self._ledger.reading() as db:
            return read_entries(db, reference=reference, after=after)

    def _digest(self, *parts: str) -> bytes:
        """What tells two bodies apart. Keyed: a plain hash of a card number is soon guessed."""
        joined = "\0".join(parts).encode()
        return hashlib.blake2b(joined, key=self._secret, digest_size=32).digest()


def _decide(card: Card, is_cancelled: bool) -> tuple[str, str, str | None]:
    """Status, decline code and confirmation token of a new charge."""
    if is_cancelled:
        return "cancelled", "", None
    if card.needs_confirmation:
        return "needs_confirmation", "", secrets.token_urlsafe(24)
    return ("declined", card.decline_code, None) if card.decline_code else ("approved", "", None)


def _one(db: sqlite3.Connection, query: str, *values: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(query, values).fetchone()
    return row


def _charge(db: sqlite3.Connection, charge_id: str) -> sqlite3.Row:
    row = _one(db, "SELECT * FROM charge WHERE id = ?", charge_id)
    if row is None:
        raise NoSuchChargeError("there is no charge with this id")
    return row


def _confirmation(db: sqlite3.Connection, token: str) -> Confirmation:
    row = _one(db, "SELECT * FROM charge WHERE confirmation = ?", token)
    if row is None:
        raise NoSuchChargeError("there is no such confirmation")
    return Confirmation(
        amount=to_text(row["amount"]),
        currency=row["currency"],
        reference=row["reference"],
        card_brand=row["card_brand"],
        card_last4=row["card_last4"],
        status=row["status"],
        return_url=row["return_url"],
    )
