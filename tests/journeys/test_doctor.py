"""The shop's URLconf beside a real proxy: what the doctor says is what the proxy does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stack import SeededData, Stack

pytestmark = pytest.mark.slow

CAPABILITIES = {
    "catalog": {
        "upstream": "catalog",
        "stage": "canary",
        "percent": 25,
        "routes": ["GET /api/catalog/**", "GET /api/katalog/**"],
    },
    "stock": {
        "upstream": "catalog",
        "stage": "service",
        "routes": ["GET /api/inventory/{sku}/", "POST /api/inventory/{sku}/movements/"],
    },
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, seeded: SeededData) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("doctor")
    with Stack.start(folder, data=seeded, capabilities=CAPABILITIES) as started:
        yield started


def listed(stack: Stack, *arguments: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        stack.manage_monolith("doctor", "--routes", "--json", "--fig", stack.admin_url, *arguments)
    )
    return said


def test_the_urlconf_is_listed_as_the_proxy_routes_it(stack: Stack) -> None:
    said = listed(stack)
    words = {one["pattern"]: one["word"] for one in said["patterns"]}
    catalog = {word for pattern, word in words.items() if pattern.startswith("/api/catalog/")}
    assert catalog == {"claimed", "partly claimed"}  # reviews are written, too
    assert words["/api/inventory/<sku:sku>/"] == "claimed"
    assert words["/api/inventory/<sku:sku>/movements/"] == "partly claimed"
    assert words["/api/inventory/<sku:sku>/stock/"] == "unclaimed"
    internal = {word for pattern, word in words.items() if pattern.startswith("/_chassis/")}
    assert internal == {"unreachable"}
    assert "unknown" not in words.values()
    assert [(one["capability"], one["route"]) for one in said["lead_nowhere"]] == [
        ("catalog", "GET /api/katalog/**")
    ]


def test_every_request_goes_where_fig_explain_says(stack: Stack) -> None:
    for pattern in listed(stack, "--only", "claimed", "--only", "partly")["patterns"]:
        for request in pattern["requests"][:: len(pattern["requests"]) - 1 or 1]:  # first and last
            explained = json.loads(
                stack.fig("explain", request["method"], request["path"], "--json").stdout
            )
            plan = explained["plan"]
            assert (plan["capability"], plan["route"], plan["stage"]) == (
                request["capability"], request["route"], request["stage"]
            ), request  # fmt: skip


def test_it_follows_what_runs_and_finds_nothing_else_wrong(stack: Stack) -> None:
    stack.fig("set", "catalog", "shadow", "--why", "a test")
    said = listed(stack, "--only", "claimed")["patterns"]
    stages = {request["stage"] for one in said for request in one["requests"]}
    assert stages == {"shadow", "service"}
    stack.fig("abort", "stock", "--why", "a test")
    said = listed(stack, "--only", "claimed")["patterns"]
    (stock,) = (one for one in said if one["pattern"] == "/api/inventory/<sku:sku>/")
    assert {request["who"] for request in stock["requests"]} == {"aborted: monolith answers"}
    findings = json.loads(stack.manage_monolith("doctor", "--json", "--fig", stack.admin_url))
    levels = {(one["check"], one["level"]) for one in findings["findings"]}
    assert {check for check, level in levels if level != "ok"} == {"routes"}
