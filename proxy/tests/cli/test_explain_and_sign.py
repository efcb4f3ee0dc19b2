"""``fig explain`` tells what the proxy does, and ``fig sign`` makes what it believes."""

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fig_process import SECRET, Fig, wait_until
from typer.testing import CliRunner, Result

from stranglerfig.cli.main import app
from stranglerfig.signing import verify
from stranglerfig.signing.wrote import Wrote, scope_of, write_wrote

TEXT = """\
upstreams: {monolith: "http://127.0.0.1:8100", catalog: "http://127.0.0.1:8211"}
capabilities:
  catalog:
    upstream: catalog
    stage: canary
    percent: 30
    routes:
      - GET /api/**
      - GET /api/{name}
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "fig.yaml"
    path.write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIG_SECRET", SECRET)
    return path


def explain(*arguments: str) -> dict[str, Any]:
    done = run("explain", *arguments, "--json")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.usefixtures("file")
def test_a_request_is_explained_step_by_step() -> None:
    done = run("explain", "GET", "/api/x?page=2", "--user", "A" * 22)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "GET /api/x?page=2"
    for words in (
        "path       Django reads '/api/x'",
        "route      GET /api/{name} of capability catalog",
        "beats      GET /api/** of capability catalog",
        "bucket     2250 of 10000 in journey catalog, below 3000 (30 percent): service",
        "answer     from catalog, the service side",
        "asked too  monolith (compare)",
    ):
        assert words in done.stdout


@pytest.mark.usefixtures("file")
def test_json_holds_the_steps_and_the_plan() -> None:
    told = explain("get", "/api/x", "--user", "A" * 22)
    assert (told["method"], told["target"], told["path"]) == ("GET", "/api/x", "/api/x")
    assert told["plan"]["upstream"] == "catalog"
    assert told["plan"]["bucket"] == 2250
    assert {"about": "abort", "says": "none"} in told["steps"]


@pytest.mark.parametrize(
    ("path", "target", "read"),
    [
        ("/api/é x", "/api/%C3%A9%20x", "/api/é x"),
        ("/api/%C3%A9", "/api/%C3%A9", "/api/é"),
        ("http://shop.example/api/x?a=b", "/api/x?a=b", "/api/x"),
        ("http://shop.example", "/", "/"),
        ("/a?next=http://x", "/a?next=http://x", "/a"),
    ],
)
@pytest.mark.usefixtures("file")
def test_a_path_is_taken_as_a_browser_would_send_it(path: str, target: str, read: str) -> None:
    told = explain("GET", path)
    assert (told["target"], told["path"]) == (target, read)


@pytest.mark.usefixtures("file")
def test_headers_are_looked_at() -> None:
    token = explain("GET", "/api/x", "--header", "Authorization: Token 1")["plan"]
    assert token["unit"] == "authorization"
    cookie = explain("GET", "/api/x", "-H", "Cookie: a=b", "-H", f"Cookie: fig_user={'A' * 22}")
    assert cookie["plan"]["bucket"] == 2250


def test_a_user_is_introduced_by_what_sticky_names(file: Path) -> None:
    file.write_text(TEXT + "    sticky: header X-User\n")
    assert explain("GET", "/api/x", "--user", "bob")["plan"]["unit"] == "header"
    file.write_text(TEXT + "    sticky: ip\n")
    assert explain("GET", "/api/x", "--user", "192.0.2.7")["plan"]["unit"] == "ip"
    assert explain("GET", "/other", "--user", "bob")["plan"]["reason"] == "fallthrough"


@pytest.mark.usefixtures("file")
def test_a_user_that_could_not_be_one_is_said_to_be_new() -> None:
    told = explain("GET", "/api/x", "--user", "bob")
    assert told["plan"]["unit"] == "minted"
    assert any("'bob' is no value of fig_user" in step["says"] for step in told["steps"])


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("ago", "reason", "says"),
    [
        ("1s", "wrote", "1 s ago, taken by the monolith: it stays there, as no evidence (for 2 s)"),
        ("3s", "bucket", "3 s ago, taken by the monolith: after 2 s it says nothing any more"),
    ],
)
def test_a_write_can_be_supposed(ago: str, reason: str, says: str) -> None:
    told = explain("GET", "/api/x", "--user", "A" * 22, "--wrote", ago)
    assert told["plan"]["reason"] == reason
    assert {"about": "wrote", "says": says} in told["steps"]
    assert explain("GET", "/elsewhere", "--wrote", ago)["plan"]["reason"] == "fallthrough"


def test_a_supposed_write_is_taken_by_who_owns_the_data(file: Path) -> None:
    file.write_text(TEXT + "    writes: service\n")
    told = explain("GET", "/api/x", "--wrote", "1s")["plan"]
    assert (told["side"], told["reason"]) == ("service", "wrote")


@pytest.mark.usefixtures("file")
def test_a_cookie_of_a_write_is_read_as_the_proxy_would(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ms = int(time.time() * 1000)
    writes = {scope_of("upstream", "monolith"): Wrote("u", now_ms)}
    cookie = f"Cookie: a=b; fig_wrote={write_wrote(writes, SECRET.encode())}"
    assert explain("GET", "/api/x", "-H", cookie)["plan"]["reason"] == "wrote"
    forged = run("explain", "GET", "/api/x", "-H", cookie + "x")
    assert forged.exit_code == 2
    assert "the fig_wrote is malformed, and the proxy would not believe it" in forged.stderr
    monkeypatch.delenv("FIG_SECRET")
    unknown = run("explain", "GET", "/api/x", "-H", cookie)
    assert unknown.exit_code == 2
    assert "without FIG_SECRET no fig_wrote can be verified here" in unknown.stderr


def test_an_abort_in_force_is_told(file: Path) -> None:
    state = file.with_name(".fig")
    state.mkdir()
    override = {"capability": "catalog", "since": 1.0, "who": "ann", "why": "slow"}
    (state / "overrides.json").write_text(json.dumps({"overrides": [override]}))
    assert explain("GET", "/api/x")["plan"]["reason"] == "aborted"
    (state / "overrides.json").write_text("{")
    assert run("explain", "GET", "/api/x").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["GTE", "/x"], "no method"),
        (["GET", "x"], "write /x"),
        (["GET", "/x", "--wrote", "1"], "write a number with its unit"),
        (["GET", "/x", "-H", "nonsense"], "is no header"),
        (["GET", "/x", "-H", "Fig-Force: x"], "malformed"),
        (["GET", "/x", "-c", "missing.yaml"], "no such file"),
    ],
)
@pytest.mark.usefixtures("file")
def test_a_mistake_in_the_call_is_said(arguments: list[str], message: str) -> None:
    done = run("explain", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.usefixtures("file")
def test_what_the_proxy_refuses_is_explained_too() -> None:
    assert explain("GET", "/a/../b")["status"] == 400
    assert explain("GET", "/_chassis/livez")["status"] == 404


# --- sign


@pytest.mark.usefixtures("file")
def test_a_signed_force_is_believed() -> None:
    line = run("sign", "force", "catalog=service", "--for", "10m").stdout
    name, _, value = line.strip().partition(": ")
    expires = int(value.split(";")[1])
    assert name == "Fig-Force"
    assert verify(name, value, SECRET.encode(), expires - 600) == "catalog=service"
    told = explain("GET", "/api/x", "-H", line.strip())
    assert (told["plan"]["reason"], told["plan"]["side"]) == ("forced", "service")


@pytest.mark.usefixtures("file")
def test_json_holds_header_value_and_expiry() -> None:
    told = json.loads(run("sign", "debug", "--json").stdout)
    assert told["header"] == "Fig-Debug"
    assert verify("Fig-Debug", told["value"], SECRET.encode(), told["expires"] - 1) == "plan"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["force"], "Missing argument"),
        (["force", "catalog"], "does not say who goes where"),
        (["force", "catalog=half"], "does not say who goes where"),
        (["force", "catalog=service", "catalog=monolith"], "says it twice"),
        (["force", "catalogue=service"], "no capability 'catalogue'"),
        (["debug", "--for", "5"], "not a duration"),
        (["debug", "--for", "48h"], "out of range"),
    ],
)
@pytest.mark.usefixtures("file")
def test_what_makes_no_sense_is_not_signed(arguments: list[str], message: str) -> None:
    done = run("sign", *arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert "v1;" not in done.output


@pytest.mark.usefixtures("file")
def test_without_a_secret_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIG_SECRET")
    done = run("sign", "debug")
    assert done.exit_code == 2
    assert "FIG_SECRET is not set" in done.stderr


@pytest.mark.usefixtures("file")
def test_a_secret_that_can_be_guessed_signs_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("sign", "debug").stderr == ""
    monkeypatch.setenv("FIG_SECRET", "x" * 15)
    done = run("sign", "debug")
    assert done.exit_code == 0
    assert done.stdout.startswith("Fig-Debug: v1;")
    assert "fewer than 16 characters" in done.stderr


def test_without_a_file_names_are_not_known_and_it_is_signed(file: Path) -> None:
    file.unlink()
    assert run("sign", "force", "catalog=service").exit_code == 0


# --- against the proxy itself


def fig_command(fig: Fig, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "stranglerfig", *arguments],
        cwd=fig.folder, env=fig.environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_explained_and_signed_is_what_the_proxy_does(fig: Fig) -> None:
    force = fig_command(fig, "sign", "force", "catalog=service").strip()
    debug = fig_command(fig, "sign", "debug").strip()
    plan = json.loads(fig_command(fig, "explain", "GET", "/api/catalog/x", "-H", force, "--json"))["plan"]  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", fig.port, timeout=10)
    try:
        headers = dict(line.split(": ", 1) for line in (force, debug))
        connection.request("GET", "/api/catalog/x", headers=headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
    finally:
        connection.close()
    assert body["upstream"] == plan["upstream"] == "catalog"
    shown = dict(pair.split("=", 1) for pair in str(answer.getheader("Fig-Plan")).split("; "))
    assert {key: shown[key] for key in ("capability", "stage", "side", "upstream", "reason")} == {
        key: plan[key] for key in ("capability", "stage", "side", "upstream", "reason")
    }


# --- live


def test_live_without_a_proxy_says_so(file: Path) -> None:
    done = run("explain", "GET", "/api/x", "--live")
    assert done.exit_code == 1
    assert "no fig serve runs here" in done.stderr
    file.write_text("upstreams: {")
    assert run("explain", "GET", "/api/x", "--live").exit_code == 2


@pytest.mark.slow
def test_live_explains_what_runs_and_tells_what_stands_behind_it(fig: Fig) -> None:
    fig.set("catalog", "service")
    for _ in range(3):
        fig.get("/api/catalog/x")
    fig.save(fig.original + "nonsense: 1\n")  # refused: what runs is another
    wait_until(lambda: fig.status()["config_bad"])

    def told() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            fig_command(fig, "explain", "GET", "/api/catalog/x", "--live", "--json")
        )
        return found

    wait_until(lambda: told()["live"]["observed"]["sides"]["service"]["requests"] >= 3)
    explained = told()
    assert explained["plan"]["upstream"] == "catalog"
    assert explained["plan"]["generation"] == explained["live"]["generation"] == fig.generation
    live = explained["live"]
    assert live["capability"] == "catalog"
    assert live["aborted"] is None
    assert live["lag"]["lag_s"] is None
    assert live["measured_lag"] is None
    assert set(live["upstreams"]) == {"monolith", "catalog"}
    service = live["observed"]["sides"]["service"]
    assert service["by_status"] == {"2xx": service["requests"]}
    assert 0 < service["p50_ms"] <= service["p99_ms"]
    wait_until(lambda: told()["live"]["workers"]["0"]["upstream_connections"])
    text = fig_command(fig, "explain", "GET", "/api/catalog/x", "--live")
    assert f"runs      generation {fig.generation}" in text
    assert "upstream connections: " in text
    assert "observed  service, last " in text
    assert "lag       not known" in text
    assert "observed  monolith, last " in text


@pytest.mark.slow
def test_live_tells_of_an_abort_and_of_what_nobody_claims(fig: Fig) -> None:
    fig.set("catalog", "service")
    assert fig.command("abort", "catalog", "--why", "it burns").returncode == 0
    text = fig_command(fig, "explain", "GET", "/api/catalog/x", "--live")
    assert ": it burns" in text
    assert "from monolith, the monolith side" in text
    other = json.loads(fig_command(fig, "explain", "GET", "/other", "--live", "--json"))
    assert other["live"]["capability"] == "-"
    assert other["live"]["lag"] is None
    assert set(other["live"]["upstreams"]) == {"monolith"}
    assert fig.admin("GET", "/api/live/nothing")[0] == 404
