"""What ``fig status`` says of addresses."""

from typing import Any

import pytest
from rich.console import Console, Group

from stranglerfig.cli.addresses import address_notes, addresses_table, is_worth_showing
from stranglerfig.config.model import Config
from stranglerfig.control.upstream_view import upstreams_of

CONFIG = Config.model_validate(
    {
        "upstreams": {
            "monolith": "http://127.0.0.1:8100",
            "shop": {
                "urls": ["http://127.0.0.1:1", "http://127.0.0.1:2"],
                "health": {"path": "/up"},
                "concurrency": 8,
            },
        }
    }
)


def address(port: int, **more: Any) -> dict[str, Any]:
    known = {"under_way": 1, "idle": 2, "breaker": "closed", "health": "unknown"}
    return {"address": f"127.0.0.1:{port}", **known, **more}


def state(*shop: dict[str, Any], waiting: int = 0, monolith: str = "closed") -> dict[str, Any]:
    upstreams = {"monolith": [address(8100, breaker=monolith)], "shop": list(shop)}
    places = {"shop": {"limit": 4, "taken": len(shop), "waiting": waiting}}
    return {"upstream_connections": {"upstreams": upstreams, "places": places}}


def shown(upstreams: list[dict[str, Any]]) -> list[str]:
    console = Console(width=100, force_terminal=False)
    with console.capture() as captured:
        console.print(Group(addresses_table(upstreams), *address_notes(upstreams)))
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def test_workers_are_added_up_and_the_worst_of_them_is_told() -> None:
    sick = {"health": "unhealthy", "health_why": "status 503", "health_for_s": 7.0}
    left = {"breaker": "open", "breaker_why": "connect_failed", "breaker_for_s": 3.0}
    first = state(address(1, health="healthy"), address(2, **left))
    second = state(address(1, **sick), address(2), waiting=3)
    monolith, shop = upstreams_of(CONFIG, [first, second, {}])
    assert monolith["addresses"] == [address(8100, under_way=2, idle=4)]
    assert shop["addresses"] == [
        address(1, under_way=2, idle=4, **sick),
        address(2, under_way=2, idle=4, **left),
    ]
    assert shop["places"] == {"limit": 8, "taken": 4, "waiting": 3}
    assert shown([shop]) == [
        "upstream address under way idle breaker health places",
        "shop 127.0.0.1:1 2 4 closed unhealthy 4/8, 3 wait",
        "127.0.0.1:2 2 4 open unknown",
        "shop at 127.0.0.1:1: unhealthy for 7.0 s: status 503",
        "shop at 127.0.0.1:2: left alone for 3.0 s: connect failed",
    ]


@pytest.mark.parametrize(
    ("breaker", "refuses", "is_shown"),
    [("closed", True, False), ("half_open", True, True), ("half_open", False, False)],
)
def test_of_an_upstream_with_one_address_only_what_keeps_requests_away_is_shown(
    breaker: str, refuses: bool, is_shown: bool
) -> None:
    monolith, shop = upstreams_of(CONFIG, [state(monolith=breaker)])
    assert not monolith["refuses"]
    assert is_worth_showing({**monolith, "refuses": refuses}) is is_shown
    assert is_worth_showing(shop)


def test_before_any_worker_said_anything_there_are_no_addresses() -> None:
    monolith, shop = upstreams_of(CONFIG, [{}])
    assert (monolith["addresses"], monolith["places"]) == ([], None)
    assert shop["checked"]
