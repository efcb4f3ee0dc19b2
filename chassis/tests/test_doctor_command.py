"""`manage.py doctor`: what it prints, how it ends, and what it says when the proxy can't be asked."""

import json
import socket
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.admin_api import AdminApi, admin_api

pytestmark = pytest.mark.usefixtures("no_environment")

ROUTES = {"books": {"GET /api/books/**": "canary"}}


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIG_ADMIN_URL", "FIG_ADMIN_TOKEN", "FIG_ADMIN_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api() -> AdminApi:
    return AdminApi(ROUTES)


@pytest.fixture
def fig(api: AdminApi) -> Iterator[str]:
    with admin_api(api) as url:
        yield url


@pytest.fixture
def foreign() -> Iterator[None]:
    with override_settings(ROOT_URLCONF="tests.foreign_urls"):
        yield


def doctor(*arguments: str) -> tuple[str, int]:
    """What it printed, and its exit code."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), int(ended.code or 0)
    return out.getvalue(), 0


def refusal(*arguments: str) -> tuple[str, int]:
    with pytest.raises(CommandError) as raised:
        call_command("doctor", *arguments, stdout=StringIO())
    return str(raised.value), raised.value.returncode


def test_without_a_proxy_it_says_so_and_looks_at_the_rest() -> None:
    text, code = doctor()
    assert code == 0
    assert "endpoints: /_chassis/livez is mounted" in text
    assert "No proxy was asked: --fig URL" in text


def test_every_finding_is_there_as_json(fig: str) -> None:
    text, code = doctor("--fig", fig, "--json")
    findings = json.loads(text)["findings"]
    assert {finding["check"] for finding in findings} == {
        "versions", "databases", "endpoints", "hosts", "forwarded", "routes"
    }  # fmt: skip
    assert {finding["level"] for finding in findings} == {"ok", "warning"}
    (stray,) = (finding for finding in findings if finding["level"] == "warning")
    assert "GET /api/books/** of capability books leads nowhere" in stray["what"]
    assert (stray["where"], code) == ("fig.yaml", 0)


def test_a_warning_ends_with_1_only_when_asked_to(fig: str) -> None:
    assert doctor("--fig", fig, "--strict")[1] == 1
    assert doctor("--fig", fig, "--strict", "hosts")[1] == 0


@override_settings(ALLOWED_HOSTS=[])
def test_a_problem_ends_with_1_and_says_where_and_what_to_do() -> None:
    text, code = doctor("hosts")
    assert code == 1
    assert text.splitlines()[:3] == [
        "problem  hosts: every request is answered 400: no host is allowed",
        "         where: settings ALLOWED_HOSTS",
        "         mend: name the site's hosts",
    ]
    assert "0 ok, 0 warnings, 1 problem" in text


@pytest.mark.usefixtures("foreign")
def test_routes_are_listed_by_word_in_a_hundred_columns(api: AdminApi, fig: str) -> None:
    api.routes = {"books": {"GET /api/books/**": "canary", "GET,POST /lambda/": "canary"}}
    text, code = doctor("--routes", "--fig", fig)
    assert max(map(len, text.splitlines())) <= 100
    headings = [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert headings == ["claimed", "partly claimed", "unclaimed", "unreachable", "unknown"]
    assert (
        "books · GET /api/books/** · canary: books answers 10 % of users, monolith the rest" in text
    )
    assert "POST  unclaimed, monolith answers" in text
    assert "a pattern before it in the URLconf takes its requests: /<slug:page>/" in text
    assert text.splitlines()[-1] == (
        "21 patterns: 1 claimed, 3 partly claimed, 11 unclaimed, 3 unreachable, 3 unknown"
    )
    assert code == 0  # all of this may be as it should


@pytest.mark.usefixtures("foreign")
def test_one_word_can_be_asked_for(fig: str) -> None:
    text, _ = doctor("--routes", "--fig", fig, "--only", "unreachable", "--only", "partly")
    assert "/_chassis/livez" in text
    assert "/api/books/<int:pk>/" in text
    assert "/search/" not in text


@pytest.mark.usefixtures("foreign")
def test_routes_as_json_hold_every_request(fig: str) -> None:
    text, _ = doctor("--routes", "--fig", fig, "--only", "partly", "--json")
    said = json.loads(text)
    detail = next(one for one in said["patterns"] if one["name"] == "api:detail")
    assert (detail["word"], detail["methods"]) == ("partly claimed", ["GET", "PUT"])
    requests = {(one["method"], one["path"]): one["word"] for one in detail["requests"]}
    assert requests[("GET", "/api/books/1/")] == "claimed"
    assert requests[("PUT", "/api/books/1/")] == "unclaimed"
    assert said["counts"]["partly claimed"] == len(said["patterns"]) == 3


def test_a_branch_that_fares_alike_is_one_line_unless_all_are_wanted(fig: str) -> None:
    text, _ = doctor("--routes", "--fig", fig)
    assert "/_chassis/…  5 patterns" in text
    text, _ = doctor("--routes", "--fig", fig, "--all")
    assert "/_chassis/feed/<str:capability>" in text


def test_another_urlconf_can_be_asked_for(fig: str) -> None:
    text, _ = doctor("--routes", "--fig", fig, "--urlconf", "tests.foreign_urls", "--json")
    assert len(json.loads(text)["patterns"]) == 21


@pytest.mark.parametrize(
    ("urlconf", "says"),
    [
        ("tests.gone", "ModuleNotFoundError: No module named 'tests.gone'"),
        ("tests.misspelt_urls", "NameError: name 'page' is not defined"),
        ("unfinished_urls", "SyntaxError: '[' was never closed (unfinished_urls.py, line 2)"),
    ],
)
def test_a_urlconf_that_fails_is_told_and_no_traceback(
    fig: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, urlconf: str, says: str
) -> None:
    tmp_path.joinpath("unfinished_urls.py").write_text("\nurlpatterns = [\n")
    monkeypatch.syspath_prepend(tmp_path)
    message, code = refusal("--routes", "--fig", fig, "--urlconf", urlconf)
    assert (code, f"the URLconf can't be imported: {says}" in message) == (2, True), message


def test_the_line_at_which_a_urlconf_fails_is_told(fig: str) -> None:
    message, _ = refusal("--routes", "--fig", fig, "--urlconf", "tests.misspelt_urls")
    assert message.endswith("misspelt_urls.py, line 5)")


def test_url_and_token_come_from_the_environment(
    api: AdminApi, fig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.token = "a token of the tests"
    monkeypatch.setenv("FIG_ADMIN_URL", fig)
    message, code = refusal("--routes")
    assert code == 2
    assert "FIG_ADMIN_TOKEN" in message
    monkeypatch.setenv("FIG_ADMIN_TOKEN", "another")
    assert refusal()[1] == 2
    monkeypatch.setenv("FIG_ADMIN_TOKEN", api.token)
    assert doctor("--routes")[1] == 0


def test_nobody_at_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    message, code = refusal("--fig", f"http://127.0.0.1:{port}")
    assert code == 1
    assert "Connection refused" in message
    assert "fig serve" in message


def test_a_change_while_it_asks_is_no_mixture(api: AdminApi, fig: str) -> None:
    api.generation = 2
    message, code = refusal("--routes", "--fig", fig)
    assert (code, "changed while it was asked" in message) == (1, True)


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ({"paths": []}, "is not the admin address of fig"),
        ("<html>a shop</html>", "is not the admin address of fig"),
        ([], "is not the admin address of fig"),
        (None, "is not the admin address of fig"),
        ({"paths": [{"path": "/api/status"}]}, "is older than this chassis"),
        ({"name": "stranglerfig", "api": 2, "version": "9.0"}, "version 9.0) is newer"),
    ],
)
def test_who_else_answers_is_told_apart(api: AdminApi, fig: str, index: Any, says: str) -> None:
    api.index = index
    message, code = refusal("--fig", fig)
    assert (code, says in message) == (2, True), message


@pytest.mark.parametrize(
    "arguments",
    [
        ("--routes",),
        ("--routes", "--fig", "127.0.0.1:8001"),
        ("--routes", "hosts"),
        ("--only", "claimed"),
        ("nothing",),
    ],
)
def test_nonsense_is_refused(arguments: tuple[str, ...]) -> None:
    assert refusal(*arguments)[1] == 2
