"""Asking the admin server where requests would go."""

import json
from typing import Any

import pytest
from fig_process import Fig

from stranglerfig.control.explaining import MAX_REQUESTS


def explain(fig: Fig, *requests: tuple[str, str]) -> list[dict[str, Any]]:
    body = {"requests": [{"method": method, "path": path} for method, path in requests]}
    status, _, answer = fig.admin("POST", "/api/explain", body)
    assert status == 200, answer
    said = json.loads(answer)
    assert said["generation"] == fig.generation
    explained: list[dict[str, Any]] = said["explained"]
    return explained


def test_each_request_is_explained_in_its_place(fig: Fig) -> None:
    claimed, unclaimed, internal, refused = explain(
        fig,
        ("GET", "/api/catalog/1?page=2"),
        ("post", "/api/catalog/1"),
        ("GET", "/_chassis/livez"),
        ("GET", "/a/../b"),
    )
    assert claimed["plan"]["capability"] == "catalog"
    assert claimed["plan"]["route"] == "GET /api/catalog/**"
    assert claimed["plan"]["upstream"] == "monolith"
    assert (unclaimed["method"], unclaimed["plan"]["capability"]) == ("POST", None)
    assert unclaimed["plan"]["upstream"] == "monolith"
    assert (internal["status"], internal["plan"]) == (404, None)
    assert (refused["status"], refused["plan"]) == (400, None)


def test_it_says_what_fig_explain_says(fig: Fig) -> None:
    for method, path in (
        ("GET", "/api/catalog/straße/1"),
        ("DELETE", "/elsewhere/%2e/"),
        ("OPTIONS", "*"),
    ):
        said = fig.command("explain", method, path, "--json")
        here, there = explain(fig, (method, path))[0], json.loads(said.stdout)
        for one in (here, there):
            (one["plan"] or {}).pop("generation", None)  # a file that does not run has none
        assert here == there


def test_it_tells_of_what_runs_now_and_of_an_abort(fig: Fig) -> None:
    fig.set("catalog", "service")
    assert explain(fig, ("GET", "/api/catalog/"))[0]["plan"]["upstream"] == "catalog"
    fig.admin("POST", "/api/abort", {"capability": "catalog"})
    aborted = explain(fig, ("GET", "/api/catalog/"))[0]["plan"]
    assert (aborted["upstream"], aborted["reason"]) == ("monolith", "aborted")


def test_nothing_is_sent_to_the_upstreams(fig: Fig, monolith: Any, catalog: Any) -> None:
    fig.set("catalog", "shadow")
    before = monolith.requests, catalog.requests
    explain(fig, *[("GET", f"/api/catalog/{number}") for number in range(50)])
    assert (monolith.requests, catalog.requests) == before


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "requests: Field required"),
        ({"requests": []}, "at least 1"),
        ({"requests": [{"method": "GET", "path": "/"}] * (MAX_REQUESTS + 1)}, f"{MAX_REQUESTS}"),
        ({"requests": [{"method": "GET"}]}, "requests.0.path"),
        ({"requests": [{"method": "BREW", "path": "/"}]}, "requests.0.method"),
        ({"requests": [{"method": "TRACE", "path": "/"}]}, "requests.0.method"),
        ({"requests": [{"method": "GET", "path": "api/"}]}, "does not begin with a slash"),
        ({"requests": [{"method": "GET", "path": "http://[::1/"}]}, "requests.0.path"),
        ({"requests": [{"method": "GET", "path": "/\ud800"}]}, "requests.0.path"),
        ({"requests": [{"method": "GET", "path": "/", "user": "x"}]}, "requests.0.user"),
    ],
)
def test_what_cannot_be_explained_is_named_by_its_place(
    fig: Fig, body: dict[str, Any], problem: str
) -> None:
    status, headers, answer = fig.admin("POST", "/api/explain", body)
    assert (status, headers["content-type"]) == (422, "application/problem+json")
    assert any(problem in item for item in json.loads(answer)["problems"]), answer


def test_the_guard_stands_before_it(fig: Fig) -> None:
    body = {"requests": [{"method": "GET", "path": "/"}]}
    assert fig.admin("POST", "/api/explain", body, {"Host": "evil.example"})[0] == 403
    assert fig.admin("POST", "/api/explain", body, {"Origin": "http://evil.example"})[0] == 403
    long = {"requests": [{"method": "GET", "path": "/" + "a" * 70_000}]}
    assert fig.admin("POST", "/api/explain", long)[0] == 413


def test_the_index_says_whose_api_it_is_and_which(fig: Fig) -> None:
    index = json.loads(fig.admin("GET", "/")[2])
    assert (index["name"], index["api"]) == ("stranglerfig", 1)
    assert index["version"] == fig.status()["version"]
