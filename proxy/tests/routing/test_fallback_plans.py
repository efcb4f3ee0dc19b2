"""Who is asked when the service fails, and what `fig explain` says of it."""

from typing import Any

import pytest
from making import make_facts, make_snapshot, wrote

from stranglerfig.routing.decide import decide
from stranglerfig.routing.explanation import explain_request
from stranglerfig.routing.plan import Plan, Side


def plan(method: str = "GET", target: str = "/api/x", stage: str = "service", *, facts: dict[str, Any] | None = None, **keys: Any) -> Plan:  # fmt: skip
    keys = {"fallback": "monolith"} | keys
    return decide(make_facts(method, target, **(facts or {})), make_snapshot(stage, **keys))


def told(method: str = "GET", target: str = "/api/x", stage: str = "service", *, facts: dict[str, Any] | None = None, **keys: Any) -> str | None:  # fmt: skip
    keys = {"fallback": "monolith"} | keys
    explanation = explain_request(
        target.encode(), make_facts(method, target, **(facts or {})), make_snapshot(stage, **keys)
    )
    says = {step.about: step.says for step in explanation.steps}
    assert explanation.plan is not None
    assert (explanation.plan.fallback is not None) is says.get("fallback", "none").startswith(
        "monolith"
    )
    return says.get("fallback")


THERE = "monolith, asked once if catalog gives no answer, 502, 503 or 504"
TABLE: list[tuple[dict[str, Any], str | None]] = [
    ({}, THERE),
    ({"method": "HEAD"}, THERE),
    ({"method": "POST", "target": "/api/search"}, THERE),
    ({"stage": "canary", "percent": 100}, THERE),
    ({"writes": "stage"}, THERE),
    ({"fallback": "none"}, "none: fallback is none"),
    ({"writes": "service"}, "none: with writes: service the monolith lacks what the service was given"),
    ({"target": "/api/touch", "writes": "stage"}, "none: unsafe requests have none"),
    ({"method": "POST", "writes": "stage"}, "none: unsafe requests have none"),
    ({"method": "POST", "writes": "service"}, "none: unsafe requests have none"),
    ({"facts": {"forced": {"catalog": Side.SERVICE}}}, "none: who forces a side gets what it answers"),
    ({"facts": {"forced": {"catalog": Side.MONOLITH}}}, "none: it is for the service's answers"),
    ({"method": "POST"}, "none: it is for the service's answers"),
    ({"stage": "canary", "percent": 0}, "none: it is for the service's answers"),
    ({"stage": "shadow"}, "none: it is for the service's answers"),
    ({"stage": "monolith"}, "none: it is for the service's answers"),
    ({"aborted": True}, "none: it is for the service's answers"),
    ({"stage": "monolith", "fallback": "none"}, None),
    ({"target": "/other"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "says"), TABLE)
def test_table(request_: dict[str, Any], says: str | None) -> None:
    assert told(**request_) == says


def test_who_wrote_to_the_service_is_not_sent_to_the_monolith() -> None:
    facts = {"recent": wrote(0.5, "s")}
    assert plan(writes="stage", facts=facts).fallback is None
    assert told(writes="stage", facts=facts) == "none: the monolith may lack what this user wrote"


def test_the_control_is_asked_where_it_is_another_than_the_fallthrough() -> None:
    upstreams = {
        "monolith": "http://127.0.0.1:1", "catalog": "http://127.0.0.1:2", "old": "http://127.0.0.1:3",
    }  # fmt: skip
    assert plan(control="old", top={"upstreams": upstreams}).fallback == "old"


def test_what_may_arrive_twice_is_safe_or_said_to() -> None:
    routes = [{"match": "PUT /api/x", "retry": True}, "PUT,POST /api/y", "GET /api/**"]
    assert plan("PUT", "/api/x", routes=routes).repeatable
    assert not plan("PUT", "/api/y", routes=routes).repeatable
    assert not plan("POST", "/api/y", routes=routes).repeatable
    assert plan("GET", "/api/y", routes=routes).repeatable
    assert not plan("GET", "/api/touch").repeatable
    assert plan("POST", "/api/search").repeatable
