"""What a new config would send elsewhere: every such change is shown, and nothing else."""

from typing import Any

import pytest
from making import make_snapshot

from stranglerfig.routing.difference import Change, routing_difference
from stranglerfig.routing.snapshot import Snapshot

M, C = "monolith at 127.0.0.1:1", "catalog at 127.0.0.1:2"
CANARY = f"catalog: {C} for 10 %, {M} for the rest (journey catalog, by cookie); compared"


def snapshot(*routes: Any, top: dict[str, Any] | None = None, **keys: Any) -> Snapshot:
    return make_snapshot(
        routes=list(routes) or ["GET /a/**"], top=top, **({"stage": "monolith"} | keys)
    )


def changes(old: Snapshot, new: Snapshot) -> list[tuple[str, str, str]]:
    return [(c.requests, c.before, c.after) for c in routing_difference(old, new)]


def test_nothing_changes_between_equals() -> None:
    assert changes(make_snapshot(generation=1), make_snapshot(generation=2)) == []


CHANGES = [
    ({"stage": "canary", "percent": 10}, f"catalog: {M}", CANARY),
    ({"stage": "shadow"}, f"catalog: {M}", f"catalog: {M}; {C} is shadowed"),
    ({"stage": "shadow", "sample": 5}, f"catalog: {M}", f"catalog: {M}; {C} is shadowed, 5 % of sessions"),
    ({"stage": "service"}, f"catalog: {M}", f"catalog: {C}; compared"),
    ({"stage": "service", "compare": False}, f"catalog: {M}", f"catalog: {C}"),
    ({"stage": "canary", "percent": 10, "sticky": "ip", "journey": "shop"}, f"catalog: {M}", CANARY.replace("journey catalog, by cookie", "journey shop, by ip")),
    ({"stage": "canary", "percent": 10, "lists": {"allow": ["x"]}}, f"catalog: {M}", CANARY.replace("cookie", "cookie, allow 1, deny 0")),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "before", "after"), CHANGES)
def test_a_changed_word_is_shown_with_before_and_after(
    keys: dict[str, Any], before: str, after: str
) -> None:
    assert changes(snapshot(), snapshot(**keys)) == [("GET /a/**", before, after)]
    assert changes(snapshot(**keys), snapshot()) == [("GET /a/**", after, before)]


OWN_WRITES = [
    ({"stage": "service"}, "5s", f"catalog: {C}; own writes followed for 5 s; compared"),
    ({"stage": "service"}, "off", f"catalog: {C}; own writes not followed; compared"),
    ({"stage": "canary", "percent": 10}, "off", CANARY.replace("; compared", "; own writes not followed; compared")),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "window", "text"), OWN_WRITES)
def test_how_long_reads_follow_a_write_is_shown_where_it_is_not_as_usual(
    keys: dict[str, Any], window: str, text: str
) -> None:
    [(_, before, after)] = changes(snapshot(**keys), snapshot(read_your_writes=window, **keys))
    assert after == text
    assert "own writes" not in before
    assert changes(snapshot(**keys), snapshot(read_your_writes="2s", **keys)) == []


@pytest.mark.parametrize(
    "keys",
    [
        {"read_your_writes": "off"},
        {"percent": 50},
        {"sample": 5},
        {"compare": False},
        {"journey": "j"},
        {"sticky": "ip"},
    ],
)
def test_what_the_stage_does_not_read_changes_nothing(keys: dict[str, Any]) -> None:
    assert changes(snapshot(), snapshot(**keys)) == []


def test_safe_and_unsafe_methods_of_one_route_are_told_apart() -> None:
    assert changes(snapshot("* /a"), snapshot("* /a", stage="service", compare=False)) == [
        ("GET /a", f"catalog: {M}", f"catalog: {C}")
    ]
    assert changes(snapshot("* /a"), snapshot("* /a", writes="service")) == [
        ("POST,PUT,PATCH,DELETE /a", f"catalog: {M} (owner of the writes)", f"catalog: {C} (owner of the writes)")
    ]  # fmt: skip
    assert [change[0] for change in changes(snapshot("* /a"), snapshot("* /b"))] == [
        "GET /b", "POST,PUT,PATCH,DELETE /b", "GET /a", "POST,PUT,PATCH,DELETE /a",
    ]  # fmt: skip


def test_writes_that_go_by_stage_are_shown_by_stage() -> None:
    old, new = (
        snapshot("POST /a", writes="stage"),
        snapshot("POST /a", writes="stage", stage="service"),
    )
    assert changes(old, new) == [("POST /a", f"catalog: {M}", f"catalog: {C}")]


def test_a_new_route_takes_from_what_claimed_its_requests_before() -> None:
    assert changes(snapshot("GET /a/**"), snapshot("GET /a/**", "POST /b/{id}")) == [
        ("POST /b/{id}", f"{M} (unclaimed)", f"catalog: {M} (owner of the writes)")
    ]
    carved = {"match": "GET /a/x", "stage": "monolith"}
    assert changes(snapshot(stage="service"), snapshot("GET /a/**", carved, stage="service")) == [
        ("GET /a/x", f"catalog: {C}; compared", f"catalog: {M}")
    ]


def test_a_removed_route_leaves_its_requests_to_what_is_below() -> None:
    carved = {"match": "GET /a/x", "stage": "monolith"}
    assert changes(snapshot("GET /a/**", carved, stage="service"), snapshot(stage="service")) == [
        ("GET /a/x", f"catalog: {M}", f"catalog: {C}; compared")
    ]
    assert changes(snapshot("GET /a/**", "GET /b", stage="service"), snapshot(stage="service")) == [
        ("GET /b", f"catalog: {C}; compared", f"{M} (unclaimed)")
    ]


def test_a_moved_upstream_is_a_change_of_all_that_goes_there() -> None:
    top = {"upstreams": {"monolith": "http://127.0.0.1:9", "catalog": "http://127.0.0.1:2"}}
    assert changes(snapshot(), snapshot(top=top)) == [
        ("GET /a/**", f"catalog: {M}", "catalog: monolith at 127.0.0.1:9"),
        ("everything else", f"{M} (unclaimed)", "monolith at 127.0.0.1:9 (unclaimed)"),
    ]


def test_a_fallthrough_of_none_is_shown() -> None:
    new = snapshot(control="monolith", top={"fallthrough": "none"})
    assert changes(snapshot(), new) == [("everything else", f"{M} (unclaimed)", "nobody (404)")]


def test_an_abort_hides_what_the_file_says() -> None:
    old = make_snapshot("canary", aborted=True, percent=10, routes=["GET /a"])
    assert changes(old, make_snapshot("service", aborted=True, routes=["GET /a"])) == []
    assert changes(old, make_snapshot("canary", percent=10, routes=["GET /a"])) == [
        ("GET /a", f"catalog: {M} (aborted)", CANARY)
    ]


def test_a_change_can_be_printed_as_json() -> None:
    assert Change("GET /a", "x", "y").to_dict() == {
        "requests": "GET /a",
        "before": "x",
        "after": "y",
    }
