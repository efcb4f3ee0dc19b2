"""How charges and refunds look from outside: what the API answers, the same each time."""

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from card_gateway.cards import Answer


class KeyReusedError(Exception):
    """The key belongs to a request with another body."""


class NoSuchChargeError(Exception):
    """There is no charge, or confirmation, with this id."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A charge or refund as it is shown, whether this very request made it, and how to answer."""

    shown: dict[str, Any]
    is_new: bool
    answer: Answer


def show_charge(db: sqlite3.Connection, row: sqlite3.Row, url: str) -> dict[str, Any]:
    """A charge with its refunds; ``url`` is where card holders find the gateway."""
    refunds = db.execute(
        "SELECT * FROM refund WHERE charge = ? ORDER BY created_at, id", (row["id"],)
    )
    is_open = row["status"] == "needs_confirmation"
    return {
        "id": row["id"],
        "key": row["key"],
        "status": row["status"],
        "decline_code": row["decline_code"],
        "amount": to_text(row["amount"]),
        "currency": row["currency"],
        "reference": row["reference"],
        "card": {"brand": row["card_brand"], "last4": row["card_last4"]},
        "confirmation_url": f"{url}/confirmations/{row['confirmation']}" if is_open else None,
        "created_at": row["created_at"],
        "settled_at": row["settled_at"],
        "refunds": [show_refund(refund, row) for refund in refunds],
    }


def show_refund(row: sqlite3.Row, charge: sqlite3.Row) -> dict[str, Any]:
    """A refund of ``charge``."""
    return {
        "id": row["id"],
        "charge": row["charge"],
        "key": row["key"],
        "status": row["status"],
        "refusal_code": row["refusal_code"],
        "amount": to_text(row["amount"]),
        "currency": charge["currency"],
        "reason": row["reason"],
        "created_at": row["created_at"],
    }


def to_cents(amount: Decimal) -> int:
    """An amount, which has two places at most, as whole cents."""
    return int(amount * 100)


def to_text(cents: int) -> str:
    """Whole cents as an amount with two places."""
    return f"{Decimal(cents) / 100:.2f}"


def new_id(kind: str) -> str:
    """An id that nobody guesses."""
    return f"{kind}_{secrets.token_hex(12)}"


def now() -> str:
    """The time, UTC with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
