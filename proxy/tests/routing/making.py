"""Requests and snapshots in few words, for the tests of this room."""

from collections.abc import Mapping
from typing import Any

from stranglerfig.config.model import Config
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.override import Override
from stranglerfig.routing.path import wsgi_path
from stranglerfig.routing.plan import Side
from stranglerfig.routing.recent import Lag, RecentWrites
from stranglerfig.routing.snapshot import Snapshot, compile_snapshot
from stranglerfig.signing.wrote import Taker, Wrote, scope_of

ABORTED = Override("catalog", 1.0, "me", "it burns")
NOW_S = 1_800_000_000.0
JOURNEY = scope_of("journey", "catalog")


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
    recent: RecentWrites | None = None,
    **headers: str,
) -> Facts:
    """A request; headers by keyword, with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = wsgi_path(target.encode())
    return Facts(method, path, named, address, lambda: minted, forced=forced or {}, recent=recent)


def user(number: int) -> str:
    """The cookie header of one of many users."""
    return f"fig_user={number:022}"


def wrote(
    ago_s: float, taker: Taker = "m", scope: str = JOURNEY, **lags: tuple[float, float]
) -> RecentWrites:
    """One write so long ago; ``lags`` by capability: how far behind it was, and how long ago that was found."""
    known = {scope: Wrote(taker, round((NOW_S - ago_s) * 1000))}
    return recent(known, **lags)


def recent(known: Mapping[str, Wrote], **lags: tuple[float, float]) -> RecentWrites:
    """Writes as a cookie tells them."""
    measured = {name: Lag(lag_s, NOW_S - age_s) for name, (lag_s, age_s) in lags.items()}
    return RecentWrites(lambda: known, measured, NOW_S)
