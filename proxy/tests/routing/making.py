"""Requests and snapshots in few words, for the tests of this room."""

from collections.abc import Mapping
from typing import Any

from stranglerfig.config.model import Config
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.override import Override
from stranglerfig.routing.path import wsgi_path
from stranglerfig.routing.plan import Side
from stranglerfig.routing.snapshot import Snapshot, compile_snapshot

ABORTED = Override("catalog", 1.0, "me", "it burns")


def make_snapshot(
    stage: str = "canary",
    *,
    aborted: bool = False,
    top: Mapping[str, Any] | None = None,
    generation: int = 7,
    **keys: Any,
) -> Snapshot:
    """One capability, ``catalog``, with some routes."""
    capability = {
        "upstream": "catalog",
        "stage": stage,
        "routes": [
            "* /api/**",
            {"match": "POST /api/search", "safe": True},
            {"match": "GET /api/touch", "safe": False},
            {"match": "* /api/limited/**", "stage": "shadow"},
        ],
    } | keys
    config = Config.model_validate(
        {
            "upstreams": {"monolith": "http://127.0.0.1:1", "catalog": "http://127.0.0.1:2"},
            "capabilities": {"catalog": capability},
        }
        | dict(top or {})
    )
    return compile_snapshot(config, {"catalog": ABORTED} if aborted else {}, generation)


def make_facts(
    method: str = "GET",
    target: str = "/api/x",
    *,
    address: str = "192.0.2.1",
    forced: Mapping[str, Side] | None = None,
    minted: str = "m" * 22,
    **headers: str,
) -> Facts:
    """A request; headers by keyword, with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = wsgi_path(target.encode())
    return Facts(method, path, named, address, lambda: minted, forced=forced or {})


def user(number: int) -> str:
    """The cookie header of one of many users."""
    return f"fig_user={number:022}"
