"""A running proxy that compares: its account, a request whose comparison is waited for, rules for two sides that tell their names."""

import json
from typing import Any

from fig_process import Fig, wait_until

from stranglerfig.compare.account import Account, read_accounts

RULES = """
rules:
  - name: who-answered
    action: ignore
    capability: catalog
    where: body
    path: $.upstream
    reason: the two sides tell their names
    owner: the tests
    expires: 2099-12-31
"""


def account(fig: Fig) -> Account:
    """Of the catalogue."""
    return read_accounts(fig.state_dir).get("catalog", Account())


def is_comparing(fig: Fig) -> bool:
    """Whether the comparer is up and has found its workers."""
    comparer = fig.status()["comparer"]
    return bool(comparer["up"] and comparer["state"].get("workers"))


def ask(fig: Fig, path: str = "/api/catalog/?page=2") -> dict[str, Any]:
    """One request whose comparison is waited for; gives the user's answer."""
    before = account(fig).asked
    status, _, body = fig.get(path)
    assert status == 200
    wait_until(
        lambda: account(fig).asked == before + 1 and account(fig).waiting == 0,
        20,
        lambda: f"{account(fig)}\n{fig.log()}",
    )
    found: dict[str, Any] = json.loads(body)
    return found
