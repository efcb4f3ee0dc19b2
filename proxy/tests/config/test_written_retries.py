"""`retries`, `retry` and `fallback` as they are written."""

import pytest

from stranglerfig.config.load import parse
from stranglerfig.config.model import Config, Retries
from stranglerfig.config.problem import ConfigError, Problem
from stranglerfig.config.retries import When

BOTH = "retries: {when: [connect, early_close]}"


def text(upstream: str = "", capability: str = "", route: str = "GET /x") -> str:
    return f"""\
upstreams:
  monolith: http://127.0.0.1:8100
  catalog:
    url: http://127.0.0.1:8211
    {upstream}
capabilities:
  c:
    upstream: catalog
    {capability}
    routes:
      - {route}
"""


def problem(**parts: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        parse(text(**parts), "fig.yaml")
    (found,) = caught.value.problems
    return found


READ = [
    ("", Retries(attempts=1, when=(When.CONNECT,))),
    ("retries: {attempts: 0}", Retries(attempts=0)),
    ("retries: {attempts: 5}", Retries(attempts=5)),
    ("retries: {when: [early_close, connect]}", Retries(when=(When.CONNECT, When.EARLY_CLOSE))),
    ("retries: {when: [early_close]}", Retries(when=(When.EARLY_CLOSE,))),
]


@pytest.mark.parametrize(("written", "read"), READ)
def test_retries_are_read_and_arrive_at_the_workers(written: str, read: Retries) -> None:
    config = parse(text(written), "fig.yaml").config
    assert config.upstreams["catalog"].retries == read
    sent = Config.model_validate(config.model_dump(mode="json"))
    assert sent == config


MISTAKES = [
    ("retries: 1", "", "", ""),
    ("retries: {attempts: -1}", ".attempts", "too few", "0 or more"),
    ("retries: {attempts: 6}", ".attempts", "too many", "5 or fewer"),
    ("retries: {attempts: '1'}", ".attempts", "", ""),
    ("retries: {attempts: true}", ".attempts", "", ""),
    ("retries: {attempts: 1.5}", ".attempts", "", ""),
    ("retries: {when: connect}", ".when", "", ""),
    ("retries: {when: []}", ".when", "the list is empty", "attempts: 0"),
    ("retries: {when: [connect, connect]}", ".when", "named twice", "once"),
    ("retries: {when: [conect]}", ".when[0]", "not one of connect, early_close", "did you mean connect?"),
    ("retries: {when: [5xx]}", ".when[0]", "not one of connect, early_close", "write connect or early_close"),
    ("retries: {on: [connect]}", ".on", "unknown", "known keys are attempts, when"),
    ("retries: {budget: 10}", ".budget", "unknown", "known keys are attempts, when"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "where", "message", "mend"), MISTAKES)
def test_mistakes_in_retries(written: str, where: str, message: str, mend: str) -> None:
    found = problem(upstream=written)
    assert found.where == f"upstreams.catalog.retries{where}"
    assert found.line == 5
    assert message in found.message
    assert mend in found.mend


ALLOWED = [
    "{match: PUT /x, retry: true}",
    "{match: 'DELETE,PUT /x', retry: true}",
    "{match: 'GET,PUT /x', retry: true}",
    "{match: POST /x, retry: false}",
    "{match: POST /x, safe: true, retry: true}",
]
REFUSED = [
    ("{match: POST /x, retry: true}", "POST must not arrive twice"),
    ("{match: 'PUT,PATCH,POST /x', retry: true}", "PATCH and POST must not arrive twice"),
    ("{match: POST /x, safe: false, retry: true}", "POST must not arrive twice"),
    ("{match: '* /x', retry: true}", "* takes in POST and PATCH"),
    ("{match: MKCOL /x, retry: true}", "MKCOL must not arrive twice"),
]


@pytest.mark.parametrize("route", ALLOWED)
def test_what_may_arrive_twice_may_be_tried_again(route: str) -> None:
    config = parse(text(BOTH, "", route), "fig.yaml").config
    (read,) = config.capabilities["c"].routes
    assert read.retry is ("retry: true" in route)
    assert Config.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(("route", "message"), REFUSED)
def test_what_must_not_arrive_twice_is_refused_with_the_reason(route: str, message: str) -> None:
    found = problem(route=route)
    assert found.where == "capabilities.c.routes[0].retry"
    assert found.line == 11
    assert message in found.message
    assert "route of their own" in found.mend


DOUBTS = [
    ("", "fallback: monolith", "GET /x", ()),
    ("", "writes: service\n    stage: service\n    fallback: monolith", "GET /x", ("capabilities.c.fallback",)),
    ("", "writes: stage\n    fallback: monolith", "GET /x", ()),
    (BOTH, "", "{match: PUT /x, retry: true}", ()),
    ("", "", "{match: PUT /x, retry: true}", ("capabilities.c.routes[0].retry",)),
    (BOTH, "", "{match: GET /x, retry: true}", ("capabilities.c.routes[0].retry",)),
    (BOTH, "", "{match: PUT /x, safe: true, retry: true}", ("capabilities.c.routes[0].retry",)),
]  # fmt: skip


@pytest.mark.parametrize(("upstream", "capability", "route", "doubts"), DOUBTS)
def test_what_says_nothing_is_doubted(
    upstream: str, capability: str, route: str, doubts: tuple[str, ...]
) -> None:
    loaded = parse(text(upstream, capability, route), "fig.yaml")
    assert tuple(warning.where for warning in loaded.warnings) == doubts
