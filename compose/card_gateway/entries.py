"""The entries of the ledger: money that moved, a charge as a plus and a refund as a minus."""

import sqlite3
from typing import Any

from card_gateway.showing import to_text

ENTRIES_PER_PAGE = 1_000


def enter(
    db: sqlite3.Connection, charge: sqlite3.Row, amount: int, at: str, refund: str | None = None
) -> None:
    """Add an entry for a charge or, with a negative amount, for a refund of it."""
    db.execute(
        "INSERT INTO entry (at, kind, charge, refund, reference, amount, currency)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(at, "refund" if refund else "charge", charge["id"], refund, charge["reference"]),
            *(amount, charge["currency"]),
        ),
    )


def balance(db: sqlite3.Connection, charge_id: str) -> int:
    """What of a charge was not given back."""
    row = db.execute("SELECT coalesce(sum(amount), 0) FROM entry WHERE charge = ?", (charge_id,))
    return int(row.fetchone()[0])


def read_entries(db: sqlite3.Connection, *, reference: str | None, after: int) -> dict[str, Any]:
    """A page of the entries after ``after``, and the sums of all, or of all of one reference."""
    asked = {"reference": reference, "after": after, "limit": ENTRIES_PER_PAGE + 1}
    rows = db.execute(
        "SELECT * FROM entry WHERE (:reference IS NULL OR reference = :reference) AND id > :after"
        " ORDER BY id LIMIT :limit",
        asked,
    ).fetchall()
    sums = db.execute(
        "SELECT currency, coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0) AS charged,"
        " coalesce(-sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded,"
        " sum(amount) AS balance FROM entry WHERE :reference IS NULL OR reference = :reference"
        " GROUP BY currency ORDER BY currency",
        {"reference": reference},
    ).fetchall()
    page = rows[:ENTRIES_PER_PAGE]
    return {
        "entries": [dict(row) | {"amount": to_text(row["amount"])} for row in page],
        "next": page[-1]["id"] if len(rows) > len(page) else None,
        "sums": {
            row["currency"]: {
                name: to_text(row[name]) for name in ("charged", "refunded", "balance")
            }
            for row in sums
        },
    }
