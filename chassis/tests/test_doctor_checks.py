"""Each check by itself: what it looks at, and what it says of it."""

from typing import Any

import pytest
from django.db import connections
from django.test import override_settings

from chassis.ops.doctor import checks
from chassis.ops.doctor.finding import Finding, Level
from chassis.ops.doctor.proxy import Proxy
from tests.admin_api import AdminApi, admin_api


def findings(name: str, proxy: Proxy | None = None) -> list[Finding]:
    return list(checks.examine([name], proxy))


def one(name: str, **config: Any) -> Finding:
    """The only finding of a check, beside a proxy with this config."""
    with admin_api(AdminApi({}, **config)) as url:
        (finding,) = findings(name, Proxy(url, None))
    assert bool(finding.mend) is (finding.level is not Level.OK)
    return finding


@pytest.mark.parametrize(
    ("allowed", "debug", "listen", "level"),
    [
        (["127.0.0.1"], False, "127.0.0.1:8000", Level.OK),
        ([".example.org"], False, "shop.example.org:80", Level.OK),
        (["*"], False, "10.0.0.1:80", Level.OK),
        (["::1"], False, "[::1]:8000", Level.WARNING),
        (["[::1]"], False, "[::1]:8000", Level.OK),
        (["shop.example.org"], False, "127.0.0.1:8000", Level.WARNING),
        (["shop.example.org"], False, "0.0.0.0:80", Level.OK),
        ([], True, "127.0.0.1:8000", Level.OK),
        ([], True, "10.0.0.1:8000", Level.WARNING),
        ([], False, "127.0.0.1:8000", Level.PROBLEM),
    ],
)
def test_hosts_that_come_through_the_proxy(
    allowed: list[str], debug: bool, listen: str, level: Level
) -> None:
    with override_settings(ALLOWED_HOSTS=allowed, DEBUG=debug):
        assert one("hosts", listen=listen).level is level


TRUSTED = ["10.0.0.0/8"]
PROTO = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.parametrize(
    ("settings", "trusted", "level", "says"),
    [
        ({}, [], Level.OK, "clients come by http"),
        ({}, TRUSTED, Level.WARNING, "if it ends TLS, forms are refused"),
        ({"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}, TRUSTED, Level.OK, "trusted by"),
        ({"SECURE_SSL_REDIRECT": True}, [], Level.WARNING, "without end"),
        ({"SECURE_PROXY_SSL_HEADER": PROTO}, TRUSTED, Level.OK, "X-Forwarded-Proto"),
        ({"SECURE_PROXY_SSL_HEADER": PROTO}, [], Level.WARNING, "always told http"),
        (
            {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_SSL", "on")},
            TRUSTED, Level.PROBLEM, "X-Forwarded-Ssl, which the proxy does not set",
        ),
        (
            {"SECURE_PROXY_SSL_HEADER": ("HTTP_FRONT_END_HTTPS", "on")},
            [], Level.PROBLEM, "and clients can",
        ),
    ],
)  # fmt: skip
def test_the_scheme_that_clients_came_by(
    settings: dict[str, Any], trusted: list[str], level: Level, says: str
) -> None:
    with override_settings(**settings):
        finding = one("forwarded", trusted_proxies=trusted)
    assert (finding.level, says in finding.what) == (level, True), finding


def test_a_database_whose_changes_are_not_captured_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert findings("databases")[0].level is Level.OK
    monkeypatch.setattr(connections["default"], "vendor", "mysql")
    monkeypatch.setattr(connections["default"], "display_name", "MySQL")
    (finding,) = findings("databases")
    assert finding.level is Level.PROBLEM
    assert "default is MySQL" in finding.what


def test_endpoints_that_nobody_would_find_are_a_problem() -> None:
    assert {finding.level for finding in findings("endpoints")} == {Level.OK}
    with override_settings(ROOT_URLCONF="tests.foreign_urls"):
        first, *data = findings("endpoints")
    assert first.level is Level.OK
    assert {finding.what for finding in data} == {
        "nothing answers /_chassis/ownership/lending",
        "nothing answers /_chassis/ownership/archive",
    }
    assert 'include("chassis.ownership.urls")' in data[0].mend


def test_an_endpoint_that_another_view_takes_is_a_problem() -> None:
    with override_settings(ROOT_URLCONF="tests.greedy_urls"):
        first, *_ = findings("endpoints")
    assert first.level is Level.PROBLEM
    assert "is answered by tests.foreign_urls" in first.what


def test_patterns_that_cannot_be_read_are_problems_without_a_proxy_too() -> None:
    with override_settings(ROOT_URLCONF="tests.greedy_urls"):
        found = findings("routes")
    assert [finding.level for finding in found] == [Level.OK, Level.PROBLEM]
    assert "/broken/(unclosed" in found[1].what


def test_a_check_that_fails_is_a_problem_and_the_others_go_on() -> None:
    with override_settings(ROOT_URLCONF="tests.gone"):
        found = list(checks.examine(["routes", "hosts"], None))
    assert [(finding.check, finding.level) for finding in found] == [
        ("routes", Level.PROBLEM),
        ("hosts", Level.OK),
    ]
    assert "No module named 'tests.gone'" in found[0].what


def test_versions_of_django_and_proxy_are_told() -> None:
    with admin_api(AdminApi({})) as url:
        proxy = Proxy(url, None)
    assert [finding.level for finding in findings("versions", proxy)] == [Level.OK, Level.OK]
