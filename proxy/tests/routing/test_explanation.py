"""Explanations say what was decided, step by step."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import make_facts, make_snapshot, user, wrote

from stranglerfig.config.model import Stage
from stranglerfig.routing.decide import decide
from stranglerfig.routing.explanation import Explanation, explain_request
from stranglerfig.routing.plan import Side


def explain(target: str = "/api/x", method: str = "GET", stage: str = "canary", *, facts: dict[str, Any] | None = None, **keys: Any) -> Explanation:  # fmt: skip
    return explain_request(
        target.encode(), make_facts(method, target, **(facts or {})), make_snapshot(stage, **keys)
    )


def says(explanation: Explanation) -> dict[str, str]:
    return {step.about: step.says for step in explanation.steps}


def test_every_step_to_a_bucket_is_told() -> None:
    explanation = explain("/api/limited/%41?x", percent=25, facts={"cookie": user(1)})
    assert [(step.about, step.says) for step in explanation.steps] == [
        ("path", "Django reads '/api/limited/A'"),
        ("route", "* /api/limited/** of capability catalog"),
        ("beats", "* /api/** of capability catalog, which is less specific"),
        ("method", "GET is safe: the stage decides"),
        ("stage", "shadow: the lower of canary and the route's shadow"),
        ("abort", "none"),
        ("Fig-Force", "none"),
        ("side", "monolith: in stage shadow for every user"),
        ("answer", "from monolith, the monolith side"),
        ("asked too", "catalog (shadow), never awaited; the answers are compared"),
    ]
    told = says(explain(percent=100, facts={"cookie": user(1)}))
    assert told["user"] == "recognised by the cookie fig_user"
    assert told["lists"] == "the user is in none"
    assert told["bucket"].endswith(
        "of 10000 in journey catalog, below 10000 (100 percent): service"
    )


def test_options_beats_the_other_methods_of_its_path_for_no_lack_of_them() -> None:
    routes = ["GET /api/x", "POST /api/x", "* /api/**"]
    explanation = explain("/api/x", "OPTIONS", routes=routes)
    assert [step.says for step in explanation.steps if step.about == "beats"] == [
        "POST /api/x of capability catalog, which is for other methods",
        "* /api/** of capability catalog, which is less specific",
    ]


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"target": "/x/../y"}, "answer", "400 from the proxy: dot segment in the path"),
    ({"target": "/%5fchassis/x"}, "answer", "404 from the proxy: /_chassis is never reachable from outside"),
    ({"target": "/other"}, "route", "no route claims it"),
    ({"target": "/other"}, "answer", "from monolith"),
    ({"target": "/other", "top": {"fallthrough": "none"}}, "answer", "404 from the proxy: fallthrough is none"),
    ({"method": "POST"}, "method", "POST is unsafe; writes: monolith, so the monolith answers whatever the stage is"),
    ({"method": "POST", "writes": "stage"}, "method", "POST is unsafe; writes: stage, so the stage decides"),
    ({"method": "POST"}, "asked too", "nobody: unsafe requests are not"),
    ({"method": "POST", "target": "/api/search"}, "method", "the route says safe: the stage decides"),
    ({"aborted": True}, "stage", "monolith, for me aborted catalog (it burns); the file says canary"),
    ({"aborted": True}, "abort", "is in force, and comes before all else"),
    ({"facts": {"forced": {"catalog": Side.SERVICE}}}, "Fig-Force", "sends it to the service, as no evidence"),
    ({"facts": {"forced": {"catalog": Side.SERVICE}}}, "asked too", "nobody: forced requests are no evidence"),
    ({"lists": {"deny": [f"{1:022}"]}, "facts": {"cookie": user(1)}}, "lists", "the user is in deny"),
    ({"lists": {"allow": [f"{1:022}"]}, "facts": {"cookie": user(1)}}, "lists", "the user is in allow"),
    ({"sticky": "ip"}, "user", "recognised by the address 192.0.2.1"),
    ({"sticky": "header X-User", "facts": {"x_user": "bob"}}, "user", "recognised by the header x-user"),
    ({"facts": {"authorization": "T"}}, "user", "recognised by a hash of Authorization, for there is no fig_user"),
    ({}, "user", f"new: gets fig_user={'m' * 22}, another one each time it comes without"),
    ({"facts": {"cookie": "fig_user=bob"}}, "user", f"'bob' is no value of fig_user, so the user is new: gets fig_user={'m' * 22}, another one each time it comes without"),
    ({"facts": {"recent": wrote(1)}}, "wrote", "1 s ago, taken by the monolith: it stays there, as no evidence (for 2 s)"),
    ({"facts": {"recent": wrote(1.25, "s", catalog=(9.0, 0.5))}}, "wrote", "1.25 s ago, taken by the service: it stays there, as no evidence (for 2 s)"),
    ({"facts": {"recent": wrote(5, catalog=(9.0, 0.5))}}, "wrote", "5 s ago, taken by the monolith: it stays there, as no evidence (for 9.5 s)"),
    ({"facts": {"recent": wrote(5)}}, "wrote", "5 s ago, taken by the monolith: after 2 s it says nothing any more"),
    ({"read_your_writes": "off", "facts": {"recent": wrote(1)}}, "wrote", "not looked at: read_your_writes is off"),
    ({"stage": "service"}, "wrote", "no write is known; after one, reads stay with the side that took it for 2 s, or for the measured lag (--wrote 1s supposes one)"),
    ({"facts": {"recent": wrote(1)}}, "asked too", "nobody: the other side may lack what was written"),
    ({"compare": False, "facts": {"recent": wrote(1)}}, "asked too", "nobody: compare is false"),
    ({"method": "POST", "percent": 50}, "then", "this user's reads of journey catalog stay with the monolith for a while"),
    ({"target": "/other", "method": "POST", "percent": 50, "top": {}}, "then", "this user's reads stay with monolith for a while, wherever it is one of the sides"),
    ({"stage": "monolith"}, "asked too", "nobody in stage monolith"),
    ({"stage": "service", "compare": False}, "asked too", "nobody: compare is false"),
    ({"stage": "service"}, "asked too", "monolith (compare), never awaited; the answers are compared"),
    ({"stage": "shadow", "sample": 0}, "asked too", "nobody: this session is not in the sample of 0 percent"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "about", "text"), CASES)
def test_each_rule_is_told_in_words(keys: dict[str, Any], about: str, text: str) -> None:
    if "top" in keys:
        keys = keys | {"control": "monolith"}
    assert says(explain(**keys))[about] == text


def test_of_many_beaten_routes_a_few_are_named() -> None:
    routes = ["GET /a", "GET /a/**", "GET /{x}", "GET /{x}/**", "GET /a*", "GET /a*/**", "GET /**"]
    steps = explain("/a", routes=routes).steps
    assert [step.says for step in steps if step.about == "beats"][-1] == "1 more"


@settings(max_examples=200)
@given(
    st.sampled_from(list(Stage)),
    st.sampled_from(["GET", "POST", "OPTIONS"]),
    st.sampled_from(["/api/x", "/api/search", "/api/limited/x", "/other", "/x/..", "/_chassis"]),
    st.booleans(),
    st.sampled_from(["monolith", "service", "stage"]),
    st.sampled_from([None, Side.SERVICE]),
    st.sampled_from([None, 1.0, 3.0]),
)
def test_the_plan_that_is_explained_is_the_plan_that_is_made(
    stage: str,
    method: str,
    target: str,
    aborted: bool,
    writes: str,
    forced: Side | None,
    ago_s: float | None,
) -> None:
    facts: dict[str, Any] = {"cookie": user(3), "forced": {"catalog": forced} if forced else {}}
    facts["recent"] = None if ago_s is None else wrote(ago_s)
    keys: dict[str, Any] = {"aborted": aborted, "writes": writes, "percent": 50}
    explanation = explain(target, method, stage, facts=facts, **keys)
    assert (explanation.plan is None) is (explanation.status in (400, 404))
    if explanation.plan is not None:
        made = decide(make_facts(method, target, **facts), make_snapshot(stage, **keys))
        assert explanation.plan == made
        assert str(made.upstream) in says(explanation)["answer"]
