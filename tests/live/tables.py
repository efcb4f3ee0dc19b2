"""The service's tables beside the monolith's: every declared column of every row, read by plain SQL."""

from dataclasses import dataclass
from typing import Any

import requests
from stack import Stack
from stack.database import select

TABLES = (
    "catalog_category",
    "catalog_brand",
    "catalog_product",
    "catalog_variant",
    "catalog_pricechange",
    "catalog_productimage",
    "catalog_review",
)
# Declared columns that the monolith's table does not have itself.
REACHED = {
    ("catalog_review", "author_name"): (
        "(SELECT display_name FROM accounts_user WHERE accounts_user.id = author_id)"
    )
}


@dataclass(frozen=True)
class Unlike:
    """One row that is not the same on both sides; None: it is missing there."""

    table: str
    key: Any
    monolith: tuple[Any, ...] | None
    service: tuple[Any, ...] | None


def declared(stack: Stack) -> dict[str, list[str]]:
    """The columns of each table, as the monolith itself hands them out."""
    found = {}
    for table in TABLES:
        answer = requests.get(
            f"{stack.monolith_url}/_chassis/rows/catalog",
            params={"table": table, "limit": 1},
            headers={"Authorization": f"Bearer {stack.credential}"},
            timeout=30,
        )
        answer.raise_for_status()
        found[table] = [column["name"] for column in answer.json()["columns"]]
    return found


def unlike(stack: Stack, columns: dict[str, list[str]]) -> list[Unlike]:
    """Every row that differs, is missing or is too much; empty when the service holds what the monolith holds."""
    found = []
    for table, names in columns.items():
        expressions = [REACHED.get((table, name), name) for name in names]
        mine = {row[0]: row for row in stack.data.monolith.rows(select(table, expressions))}
        its = {row[0]: row for row in stack.data.service.rows(select(table, names))}
        found += [
            Unlike(table, key, mine.get(key), its.get(key))
            for key in sorted(mine.keys() | its.keys())
            if mine.get(key) != its.get(key)
        ]
    return found
