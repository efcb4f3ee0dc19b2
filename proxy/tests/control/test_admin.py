"""The admin server: who may speak to it, and what it says."""

import json
import socket
from collections.abc import Callable

import pytest
from fig_process import Fig, wait_until
from prometheus_client.parser import text_string_to_metric_families

from stranglerfig.config.scalar import Address
from stranglerfig.control.guard import Guard

LOOPBACK = Address("127.0.0.1", 8001)
EVERYWHERE = Address("0.0.0.0", 8001)
JSON = {"content-type": "application/json"}
OWN = {"host": "127.0.0.1:8001"}


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8001", True),
        ("127.0.0.1", True),
        ("localhost:8001", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("[::1]:8001", True),
        ("fig.internal:8001", True),
        ("evil.example:8001", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("10.1.2.3", False),
        ("", False),
        ("[::1", False),
        ("[::1]evil", False),
        ("127.0.0.1:8001:1", False),
        ("user@127.0.0.1", False),
    ],
)
def test_only_its_own_names_are_answered(host: str, allowed: bool) -> None:
    guard = Guard(LOOPBACK, None, frozenset({"Fig.Internal"}))
    denial = guard.denial("GET", "/api/status", {"host": host})
    assert (denial is None) is allowed
    assert denial is None or denial.status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"origin": "http://127.0.0.1:8001"}, None),
        ({"origin": "http://127.0.0.1:8001", "sec-fetch-site": "same-origin"}, None),
        ({"sec-fetch-site": "none"}, None),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://127.0.0.1:8001", "sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, None),
        ({"content-type": ""}, 415),
    ],
)
def test_a_change_from_another_site_or_of_another_type_is_refused(
    headers: dict[str, str], status: int | None
) -> None:
    denial = Guard(LOOPBACK, None, frozenset()).denial(
        "POST", "/api/set", {**OWN, **JSON, **headers}
    )
    assert (denial and denial.status) == status


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/api/status", None, 401),
        ("/api/status", "Bearer wrong", 401),
        ("/api/status", "Basic correct", 401),
        ("/api/status", "Bearer ", 401),
        ("/api/status", "Bearer correc\udce9", 401),
        ("/api/status", "Bearer correct", None),
        ("/api/status", "bearer correct", None),
        ("/metrics", None, 401),
        ("/livez", None, None),
        ("/readyz", None, None),
        ("/readyz/", None, 401),
    ],
)
def test_off_loopback_a_token_is_asked_for(
    path: str, authorization: str | None, status: int | None
) -> None:
    headers = {"host": "10.1.2.3:8001"}
    if authorization is not None:
        headers["authorization"] = authorization
    denial = Guard(EVERYWHERE, "correct", frozenset()).denial("GET", path, headers)
    assert (denial and denial.status) == status


def test_names_are_checked_off_loopback_too() -> None:
    guard = Guard(EVERYWHERE, "correct", frozenset())
    headers = {"host": "evil.example", "authorization": "Bearer correct"}
    denial = guard.denial("GET", "/api/status", headers)
    assert denial is not None
    assert denial.status == 403


def test_the_guard_stands_before_the_running_server(fig: Fig) -> None:
    before = fig.generation
    body = {"capability": "catalog", "stage": "service", "why": "x"}
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "text/plain"},
    ):
        status, answer, content = fig.admin("POST", "/api/set", body, headers)
        assert status in (403, 415), headers
        assert answer["content-type"] == "application/problem+json"
        assert json.loads(content)["mend"]
    assert fig.admin("GET", "/api/set")[0] == 405
    assert fig.admin("GET", "/api/nothing")[0] == 404
    assert fig.admin("POST", "/api/status", {})[0] == 405
    assert fig.generation == before


def test_the_index_lists_every_path_and_a_wrong_path_leads_to_it(fig: Fig) -> None:
    status, _, body = fig.admin("GET", "/")
    paths = json.loads(body)["paths"]
    assert status == 200
    assert all(item["about"] for item in paths)
    for item in paths:
        path = item["path"].replace("ID", "1")
        other = "GET" if item["method"] == "POST" else "POST"
        assert fig.admin(other, path, {} if other == "POST" else None)[0] == 405, item
    assert {"/api/set", "/api/diffs/ID", "/metrics"} <= {item["path"] for item in paths}
    status, _, body = fig.admin("GET", "/api/")
    assert status == 404
    assert "GET / lists the paths" in json.loads(body)["mend"]
    assert fig.admin("GET", "/", headers={"Host": "evil.example"})[0] == 403


def test_garbage_on_the_admin_port_is_nobodys_problem(fig: Fig) -> None:
    host, _, port = fig.facts()["admin"].rpartition(":")
    for garbage in (
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"\0" * 9000,
    ):
        with socket.create_connection((host, int(port)), timeout=5) as sock:
            sock.sendall(garbage)
            sock.shutdown(socket.SHUT_WR)
            sock.recv(100)
    assert fig.admin("GET", "/livez")[2] == b"ok\n"


def test_metrics_are_what_prometheus_reads(fig: Fig) -> None:
    fig.set("catalog", "service")
    for _ in range(3):
        fig.get("/api/catalog/1")
    fig.get("/elsewhere")
    text = ""

    def counted() -> float:
        nonlocal text
        text = fig.admin("GET", "/metrics")[2].decode()
        wanted = {"capability": "catalog", "stage": "service", "side": "service", "status": "2xx"}
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "fig_requests_total" and sample.labels == wanted
        )

    wait_until(lambda: counted() == 3, explain=lambda: text)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["fig_generation"].samples[0].value == fig.generation
    assert families["fig_workers_up"].samples[0].value == 1
    assert families["fig_config_bad"].samples[0].value == 0
    assert families["fig_comparer_up"].samples[0].value == 1
    stages = {
        sample.labels["stage"]: sample.value for sample in families["fig_capability_stage"].samples
    }
    assert stages == {"monolith": 0, "shadow": 0, "canary": 0, "service": 1}
    durations = [
        sample
        for sample in families["fig_request_duration_seconds"].samples
        if sample.labels.get("side") == "service"
    ]
    buckets = [sample.value for sample in durations if sample.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == next(s.value for s in durations if s.name.endswith("_count")) >= 3
    assert {s.labels["upstream"] for s in families["fig_upstream_info"].samples} == {
        "monolith",
        "catalog",
    }


def test_status_tells_what_was_counted_since_the_last_change(fig: Fig) -> None:
    fig.set("catalog", "monolith")
    fig.get("/api/catalog/1")
    fig.set("catalog", "canary", 100)
    for _ in range(4):
        fig.get("/api/catalog/1")

    def since() -> dict[str, int]:
        found: dict[str, int] = fig.status()["capabilities"][0]["requests_since_change"]
        return found

    wait_until(lambda: sum(since().values()) >= 4, explain=since)
    capability = fig.status()["capabilities"][0]
    assert capability["stage"] == "canary"
    assert capability["percent"] == 100
    assert capability["requests_since_change"]["service"] == 4
    assert capability["requests"]["monolith"] >= 1
    assert capability["latency_ms"]["service"]["p99"] > 0
    assert capability["last_change"]["why"] == "a test"
    assert capability["comparison"]["asked"] >= 4


def test_config_is_what_runs_and_can_be_written_again(fig: Fig) -> None:
    found = json.loads(fig.admin("GET", "/api/config")[2])
    assert found["generation"] == fig.generation
    assert found["digest"] == fig.status()["digest"]
    assert found["config"]["capabilities"]["catalog"]["stage"] == "monolith"
    assert found["overrides"] == {}


def test_differences_can_be_read(fig: Fig) -> None:
    fig.set("catalog", "shadow")
    # It may be up before the worker has found it, and what is asked until then is never compared.
    wait_until(lambda: fig.status()["comparer"]["state"].get("workers"))
    fig.get("/api/catalog/differs")

    def clusters() -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(
            fig.admin("GET", "/api/diffs?capability=catalog")[2]
        )["clusters"]
        return found

    wait_until(clusters)
    number = clusters()[0]["id"]
    assert (clusters()[0]["state"], clusters()[0]["is_settled"]) == ("open", False)
    status, _, body = fig.admin("GET", f"/api/diffs/{number}")
    assert status == 200
    assert json.loads(body)["examples"]
    assert fig.admin("GET", "/api/diffs/999999999999999999999999")[0] == 404
    for since in ("yesterday", "nan", "inf"):
        assert fig.admin("GET", f"/api/diffs?since={since}")[0] == 400
    assert json.loads(fig.admin("GET", "/api/diffs?capability=none")[2]) == {"clusters": []}


def test_off_loopback_serve_refuses_to_start_without_a_token(
    make_fig: Callable[..., Fig],
) -> None:
    fig = make_fig()
    fig.edit("admin: 127.0.0.1:0", "admin: 0.0.0.0:0")
    refused = fig.command("serve")
    assert refused.returncode == 2
    assert "FIG_ADMIN_TOKEN" in refused.stderr
    assert not fig.state_dir.exists()


@pytest.mark.slow
def test_commands_send_the_token(make_fig: Callable[..., Fig]) -> None:
    fig = make_fig()
    fig.edit("admin: 127.0.0.1:0", "admin: 0.0.0.0:0")
    (fig.folder / "token").write_text("a long token\n")
    fig.environment["FIG_ADMIN_TOKEN_FILE"] = str(fig.folder / "token")
    fig.start()
    assert fig.command("status").returncode == 0
    assert fig.admin("GET", "/api/status")[0] == 401
    request = {"requests": [{"method": "GET", "path": "/"}]}
    assert fig.admin("POST", "/api/explain", request)[0] == 401
    with_token = {"Authorization": "Bearer a long token"}
    assert fig.admin("POST", "/api/explain", request, with_token)[0] == 200
    assert fig.admin("GET", "/readyz")[0] == 200
    (fig.folder / "token").write_text("another token\n")
    refused = fig.command("status")
    assert refused.returncode == 1
    assert "token is missing or wrong" in refused.stderr
    fig.environment["FIG_ADMIN_TOKEN_FILE"] = str(fig.config)
    refused = fig.command("status")
    assert refused.returncode == 2
    assert "one line" in refused.stderr
    assert "catalog" not in refused.stderr
    assert "a long token" not in fig.log()
