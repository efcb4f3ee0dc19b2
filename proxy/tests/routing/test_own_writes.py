"""Read your own writes: whose reads stay where, for how long, and which writes are worth remembering."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import JOURNEY, NOW_S, make_facts, make_snapshot, recent, user, wrote

from stranglerfig.config.model import Stage
from stranglerfig.routing.decide import decide
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.plan import Plan, Reason, Side
from stranglerfig.routing.recent import Lag, RecentWrites
from stranglerfig.routing.snapshot import Snapshot
from stranglerfig.signing.wrote import KEPT_S, Pin, Taker, Wrote, scope_of

MONOLITH, SERVICE = Side.MONOLITH, Side.SERVICE
CONTROL, CANDIDATE = scope_of("upstream", "monolith"), scope_of("upstream", "catalog")


def plan_after(write: RecentWrites | None, stage: str = "service", *, method: str = "GET", target: str = "/api/x", facts: dict[str, Any] | None = None, **keys: Any) -> Plan:  # fmt: skip
    return decide(
        make_facts(method, target, recent=write, **(facts or {})), make_snapshot(stage, **keys)
    )


def summary(plan: Plan) -> tuple[str, str]:
    return plan.side.value, plan.reason.value


# --- whose reads stay where

STAGES = [
    # stage, percent, who took the write -> side, reason
    ("service", 0, "m", ("monolith", "wrote")),
    ("service", 0, "s", ("service", "wrote")),
    ("canary", 100, "m", ("monolith", "wrote")),
    ("canary", 0, "s", ("service", "wrote")),
    # Also where the bucket says the same, or the writers among those that it sends to one side would be missing.
    ("canary", 0, "m", ("monolith", "wrote")),
    ("canary", 100, "s", ("service", "wrote")),
    ("shadow", 100, "s", ("monolith", "stage")),
    ("monolith", 100, "s", ("monolith", "stage")),
]


@pytest.mark.parametrize(("stage", "percent", "taker", "expected"), STAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_stay_with_the_side_that_took_the_write(
    stage: str, percent: int, taker: Taker, expected: tuple[str, str], method: str
) -> None:
    plan = plan_after(wrote(1, taker), stage, percent=percent, method=method)
    assert summary(plan) == expected
    assert plan.upstream == ("catalog" if plan.side is SERVICE else "monolith")
    assert plan.pin is None


@pytest.mark.parametrize("compare", [True, False])
@pytest.mark.parametrize("stage", ["canary", "service"])
def test_such_reads_are_no_evidence_and_not_compared_and_that_is_counted(
    stage: str, compare: bool
) -> None:
    plan = plan_after(wrote(1), stage, percent=50, compare=compare, sample=0)
    assert (plan.evidence, plan.other, plan.sampled) == (False, None, False)
    assert plan.skip == ("wrote" if compare else None)
    assert (plan.bucket, plan.unit, plan.set_cookie) == (None, None, None)


@pytest.mark.parametrize(
    ("scope", "taker", "side"),
    [
        (JOURNEY, "m", "monolith"),
        (JOURNEY, "s", "service"),
        (CONTROL, "u", "monolith"),
        (CANDIDATE, "u", "service"),
        (scope_of("journey", "payments"), "m", None),
        (scope_of("upstream", "payments"), "u", None),
        (scope_of("journey", "monolith"), "m", None),
    ],
)
def test_a_write_counts_for_its_journey_or_for_every_journey_of_its_upstream(
    scope: str, taker: Taker, side: str | None
) -> None:
    plan = plan_after(wrote(1, taker, scope), "canary", percent=50, facts={"cookie": user(1)})
    assert (plan.reason is Reason.WROTE) is (side is not None)
    assert side is None or plan.side == side


def at(ago_s: float, taker: Taker) -> Wrote:
    return Wrote(taker, round((NOW_S - ago_s) * 1000))


@pytest.mark.parametrize(
    ("known", "side"),
    [
        ({JOURNEY: at(1, "s"), CONTROL: at(0.5, "u")}, "monolith"),
        ({JOURNEY: at(0.5, "s"), CONTROL: at(1, "u")}, "service"),
        ({CANDIDATE: at(0.5, "u"), CONTROL: at(1, "u")}, "service"),
        ({CANDIDATE: at(1, "u"), CONTROL: at(0.5, "u")}, "monolith"),
        ({JOURNEY: at(0.5, "m"), CANDIDATE: at(1, "u")}, "monolith"),
        ({JOURNEY: at(1, "m"), CANDIDATE: at(0.5, "u")}, "service"),
        ({JOURNEY: at(1, "s"), CONTROL: at(1, "u")}, "monolith"),
        ({JOURNEY: at(1, "m"), CANDIDATE: at(1, "u")}, "monolith"),
        ({CONTROL: at(1, "u"), CANDIDATE: at(1, "u")}, "monolith"),
    ],
)
def test_of_several_writes_the_last_one_counts_and_of_two_at_once_the_monoliths(
    known: dict[str, Wrote], side: str
) -> None:
    assert summary(plan_after(recent(known))) == (side, "wrote")


def test_capabilities_of_one_journey_follow_each_others_writes() -> None:
    both = {
        "catalog": {"upstream": "catalog", "stage": "service", "journey": "shop", "routes": ["* /a"]},
        "cart": {"upstream": "catalog", "stage": "service", "journey": "shop", "routes": ["* /b"]},
        "blog": {"upstream": "catalog", "stage": "service", "routes": ["* /c"]},
    }  # fmt: skip
    snapshot = make_snapshot(top={"capabilities": both})
    pin = decide(make_facts("POST", "/a"), snapshot).pin
    assert pin == Pin(scope_of("journey", "shop"), "m")
    write = wrote(1, pin.taker, pin.scope)
    sides = [decide(make_facts(target=path, recent=write), snapshot).side for path in ("/a", "/b", "/c")]  # fmt: skip
    assert sides == [MONOLITH, MONOLITH, SERVICE]


# --- for how long

WINDOWS = [
    # read_your_writes, (lag, age of its measurement), age of the write -> it stays
    ("2s", None, 0, True),
    ("2s", None, 2, True),
    ("2s", None, 2.1, False),
    ("500ms", None, 0.4, True),
    ("500ms", None, 0.6, False),
    ("off", None, 0, False),
    ("0s", None, 0, False),
    ("off", (30.0, 0.0), 1, False),  # never means never
    ("2s", (0.0, 0.0), 1.9, True),  # the longer of the two
    ("2s", (0.2, 0.5), 2.1, False),
    ("2s", (5.0, 0.0), 4.9, True),
    ("2s", (5.0, 0.0), 5.1, False),
    # What was written since the measurement may be missing too.
    ("2s", (5.0, 3.0), 7.9, True),
    ("2s", (5.0, 3.0), 8.1, False),
    ("2s", (0.0, 9.0), 8.9, True),
    ("2s", (0.0, 9.0), 9.1, False),
    ("2s", (3000.0, 0.0), 2999, True),
    # An old measurement counts with its age, up to an hour; one of a clock that was set back is one of this moment.
    ("2s", (5.0, 59.0), 63.9, True),
    ("2s", (5.0, 61.0), 65.9, True),
    ("2s", (5.0, 61.0), 66.1, False),
    ("2s", (5.0, 86400.0), 3599, True),
    ("2s", (5.0, -100.0), 4.9, True),
    ("2s", (5.0, -100.0), 5.1, False),
    # A write of a clock that is a little ahead is one of this moment.
    ("2s", None, -4, True),
]


@pytest.mark.parametrize(("window", "lag", "ago_s", "stays"), WINDOWS)
def test_reads_stay_for_the_window_or_the_measured_lag_if_that_is_longer(
    window: str, lag: tuple[float, float] | None, ago_s: float, stays: bool
) -> None:
    write = wrote(ago_s, **({"catalog": lag} if lag else {}))
    plan = plan_after(write, read_your_writes=window)
    assert summary(plan) == (("monolith", "wrote") if stays else ("service", "stage"))


def test_a_write_of_a_clock_that_is_a_little_ahead_is_one_of_this_moment() -> None:
    claim = make_snapshot("service").table.match("GET", "/api/x")
    assert claim is not None
    own = wrote(-4).last(claim)
    assert own is not None
    assert (own.age_s, own.is_recent) == (0.0, True)


def test_the_lag_of_another_capability_says_nothing() -> None:
    assert plan_after(wrote(5, payments=(30.0, 0.0))).reason is Reason.STAGE


def test_the_lag_behind_the_monolith_says_nothing_of_what_the_service_took() -> None:
    late = wrote(5, "s", catalog=(30.0, 0.0))
    assert plan_after(late, "canary", percent=0).reason is Reason.BUCKET


def test_a_lag_may_have_grown_since_it_was_measured() -> None:
    assert Lag(1.5, 100.0).at_most_s(102.0) == 3.5
    assert Lag(1.5, 100.0).at_most_s(99.0) == 1.5


def test_a_lag_that_is_measured_no_more_grows_on_until_no_cookie_is_that_old() -> None:
    lag = Lag(300.0, 1000.0)
    assert (lag.at_most_s(1059.0), lag.at_most_s(1061.0)) == (359.0, 361.0)
    assert (lag.at_most_s(4299.0), lag.at_most_s(4301.0), lag.at_most_s(1e9)) == (
        3599.0,
        KEPT_S,
        KEPT_S,
    )


# --- precedence

FIRST = {"allow": ["a" * 22], "deny": ["d" * 22]}
PRECEDENCE = [
    # aborted, forced, who took the write, listed, percent -> side, reason
    (True, "service", "s", "allow", 100, ("monolith", "aborted")),
    (True, None, "s", "allow", 100, ("monolith", "aborted")),
    (False, "service", "m", "deny", 0, ("service", "forced")),
    (False, "monolith", "s", "allow", 100, ("monolith", "forced")),
    (False, None, "m", "allow", 100, ("monolith", "wrote")),
    (False, None, "s", "deny", 0, ("service", "wrote")),
]


@pytest.mark.parametrize(("aborted", "forced", "taker", "listed", "percent", "expected"), PRECEDENCE)  # fmt: skip
def test_abort_and_force_come_before_and_lists_and_buckets_after(
    aborted: bool,
    forced: str | None,
    taker: Taker,
    listed: str,
    percent: int,
    expected: tuple[str, str],
) -> None:
    facts: dict[str, Any] = {"cookie": f"fig_user={listed[0] * 22}"}
    if forced:
        facts["forced"] = {"catalog": Side(forced)}
    plan = plan_after(wrote(1, taker), "canary", aborted=aborted, percent=percent, lists=FIRST, facts=facts)  # fmt: skip
    assert summary(plan) == expected


@pytest.mark.parametrize("writes", ["monolith", "service", "stage"])
def test_unsafe_requests_follow_no_earlier_one(writes: str) -> None:
    for taker in ("m", "s"):
        for method, target in (("POST", "/api/x"), ("GET", "/api/touch")):
            plan = plan_after(wrote(1, taker), writes=writes, method=method, target=target)  # type: ignore[arg-type]
            assert plan.reason is (Reason.STAGE if writes == "stage" else Reason.OWNER)
            assert plan.side == ("monolith" if writes == "monolith" else "service")


def test_a_route_says_what_is_a_read() -> None:
    assert plan_after(wrote(1), method="POST", target="/api/search").reason is Reason.WROTE


def test_a_route_held_below_canary_never_goes_to_the_service() -> None:
    plan = plan_after(wrote(1, "s"), target="/api/limited/x")
    assert (plan.side, plan.reason, plan.other) == (MONOLITH, Reason.STAGE, "catalog")


def test_the_cookie_is_read_only_where_it_may_decide() -> None:
    def read() -> dict[str, Wrote]:
        pytest.fail("the cookie was read")

    unread = RecentWrites(read, {}, NOW_S)
    for stage, method, target, keys in (
        ("monolith", "GET", "/api/x", {}),
        ("shadow", "GET", "/api/x", {}),
        ("service", "GET", "/other", {}),
        ("service", "POST", "/other", {}),
        ("service", "POST", "/api/x", {}),
        ("service", "GET", "/api/x", {"read_your_writes": "off"}),
        ("service", "GET", "/api/x", {"aborted": True}),
    ):
        decide(make_facts(method, target, recent=unread), make_snapshot(stage, **keys))  # type: ignore[arg-type]


# --- which writes are remembered

M_PIN, S_PIN = Pin(JOURNEY, "m"), Pin(JOURNEY, "s")
M_UPSTREAM, S_UPSTREAM = Pin(CONTROL, "u"), Pin(CANDIDATE, "u")
REMEMBERED = [
    # stage, keys -> after a write that the monolith took, after one that the service took
    ("monolith", {}, None, None),
    ("shadow", {"percent": 50}, None, None),
    ("canary", {"percent": 50}, "m", "s"),
    ("canary", {"percent": 0}, None, "s"),
    ("canary", {"percent": 100}, "m", None),
    ("canary", {"percent": 0, "lists": {"allow": ["x"]}}, "m", "s"),
    ("canary", {"percent": 100, "lists": {"deny": ["x"]}}, "m", "s"),
    ("service", {}, "m", None),
    ("service", {"read_your_writes": "off"}, None, None),
    ("canary", {"percent": 50, "read_your_writes": "off"}, None, None),
    ("service", {"aborted": True}, None, None),
    ("service", {"routes": ["POST /api/**"]}, None, None),  # nobody reads anything
    ("service", {"routes": ["POST /api/**", {"match": "GET /api/x", "safe": False}]}, None, None),
    ("service", {"routes": ["POST /api/**", {"match": "PUT /api/x", "safe": True}]}, "m", None),
    ("service", {"routes": ["POST /api/**", {"match": "GET /api/x", "stage": "shadow"}]}, None, None),
    ("service", {"routes": ["POST /api/**", {"match": "GET /api/x", "stage": "canary"}], "percent": 50}, "m", "s"),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "keys", "monolith", "service"), REMEMBERED)
def test_only_a_write_is_remembered_after_which_a_read_could_go_elsewhere(
    stage: str, keys: dict[str, Any], monolith: str | None, service: str | None
) -> None:
    for writes, taker in (("monolith", monolith), ("service", service)):
        plan = plan_after(None, stage, method="POST", writes=writes, **keys)
        assert plan.pin == (Pin(JOURNEY, taker) if taker else None)  # type: ignore[arg-type]
        snapshot = with_fallthrough("catalog" if writes == "service" else "monolith", stage, **keys)
        pin = decide(make_facts("POST", "/elsewhere"), snapshot).pin
        expected = M_UPSTREAM if writes == "monolith" else S_UPSTREAM
        assert pin == (expected if taker else None)


def with_fallthrough(name: str, stage: str, **keys: Any) -> Snapshot:
    """The one capability between monolith and catalog, whoever answers what it does not claim."""
    plain = make_snapshot(stage, control="monolith", **keys)
    capability = plain.config.capabilities["catalog"].model_dump(mode="json")
    return make_snapshot(
        aborted=bool(keys.get("aborted")),
        top={"fallthrough": name, "capabilities": {"catalog": capability}},
    )


def test_a_write_that_nobody_claims_counts_for_the_upstream_that_took_it() -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert decide(make_facts(method, "/product/1/"), make_snapshot("service")).pin == M_UPSTREAM
    for method in ("GET", "HEAD", "OPTIONS"):
        assert decide(make_facts(method, "/product/1/"), make_snapshot("service")).pin is None
    nobody = make_snapshot("service", control="monolith", top={"fallthrough": "none"})
    assert decide(make_facts("POST", "/product/1/"), nobody).pin is None


def test_an_upstream_on_no_side_of_anything_is_not_remembered() -> None:
    third = {"upstreams": {"monolith": "http://127.0.0.1:1", "catalog": "http://127.0.0.1:2",
                           "legacy": "http://127.0.0.1:3"}}  # fmt: skip
    snapshot = make_snapshot("service", control="legacy", top=third)
    assert decide(make_facts("POST", "/elsewhere"), snapshot).pin is None
    assert decide(make_facts("POST"), snapshot).pin == M_PIN


def test_reads_and_what_a_route_calls_safe_are_not_remembered() -> None:
    for method, target, pin in (
        ("GET", "/api/x", None),
        ("POST", "/api/search", None),
        ("POST", "/api/x", M_PIN),
        ("GET", "/api/touch", M_PIN),
        ("POST", "/api/limited/x", M_PIN),  # of the same journey
    ):
        assert plan_after(None, method=method, target=target).pin == pin


def test_under_writes_stage_the_side_that_answers_is_remembered() -> None:
    sides = set()
    for number in range(20):
        facts = {"cookie": user(number)}
        plan = plan_after(None, "canary", method="POST", writes="stage", percent=50, facts=facts)
        assert plan.pin == (S_PIN if plan.side is SERVICE else M_PIN)
        sides.add(plan.side)
    assert len(sides) == 2
    minted = plan_after(None, "canary", method="POST", writes="stage", percent=50)
    assert minted.set_cookie is not None
    assert minted.pin is not None


# --- whatever the request and the config

known_writes = st.dictionaries(
    st.sampled_from([JOURNEY, CONTROL, CANDIDATE, scope_of("journey", "x")]),
    st.builds(at, st.floats(-5, 3600), st.sampled_from("msu")),
)
lags = st.dictionaries(
    st.sampled_from(["catalog", "other"]), st.tuples(st.floats(0, 100), st.floats(-5, 100))
)
targets = st.sampled_from(["/api/x", "/api/search", "/api/touch", "/api/limited/y", "/other"])
requests = st.builds(
    make_facts,
    st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "DELETE"]),
    targets,
    forced=st.dictionaries(st.just("catalog"), st.sampled_from(list(Side)), max_size=1),
    recent=st.builds(lambda known, lags: recent(known, **lags), known_writes, lags),
    cookie=st.sampled_from([user(1), user(2), "fig_user=" + "a" * 22, "x=y"]),
)
configs: dict[str, Any] = {
    "stage": st.sampled_from(list(Stage)),
    "aborted": st.booleans(),
    "percent": st.sampled_from([0, 50, 100]),
    "writes": st.sampled_from(["monolith", "service", "stage"]),
    "compare": st.booleans(),
    "lists": st.sampled_from([{}, FIRST]),
}
snapshots = st.builds(make_snapshot, read_your_writes=st.sampled_from(["off", "2s", "1h"]), **configs)  # fmt: skip


@settings(max_examples=400)
@given(requests, snapshots)
def test_a_write_moves_a_read_to_where_it_was_taken_and_changes_nothing_else(
    facts: Facts, snapshot: Snapshot
) -> None:
    plan = decide(facts, snapshot)
    without = Facts(facts.method, facts.path, facts.headers, facts.address, facts.mint, forced=facts.forced)  # fmt: skip
    if plan.reason is not Reason.WROTE:
        assert plan == decide(without, snapshot)
        return
    assert facts.recent is not None
    claim = snapshot.table.match(facts.method, facts.path)
    assert claim is not None
    own = facts.recent.last(claim)
    assert own is not None
    assert own.side is plan.side
    assert own.age_s <= max(own.window_s, claim.window_s)
    assert plan.stage in (Stage.CANARY, Stage.SERVICE)
    assert (plan.safe, plan.sampled, plan.evidence, plan.set_cookie) == (True, False, False, None)
    capability = snapshot.config.capabilities["catalog"]
    assert (plan.skip == "wrote") is capability.compare
    assert capability.read_your_writes_s
    assert not facts.forced


@settings(max_examples=300)
@given(requests, st.data())
def test_off_is_as_if_there_were_no_cookie(facts: Facts, data: st.DataObject) -> None:
    keys = {name: data.draw(values) for name, values in configs.items()}
    snapshot = make_snapshot(**keys, read_your_writes="off")
    without = Facts(facts.method, facts.path, facts.headers, facts.address, facts.mint, forced=facts.forced)  # fmt: skip
    plan = decide(facts, snapshot)
    assert plan == decide(without, snapshot)
    assert plan.pin is None


@settings(max_examples=300)
@given(snapshots, st.sampled_from(["POST", "DELETE"]), targets, targets)
def test_what_is_read_right_after_a_write_comes_from_where_it_was_taken_or_nobody_goes_elsewhere(
    snapshot: Snapshot, method: str, written: str, read: str
) -> None:
    """The promise as the user sees it: without a cookie it holds by itself, with one it is kept."""
    taken = decide(make_facts(method, written, cookie=user(1)), snapshot)
    write = None if taken.pin is None else wrote(0.1, taken.pin.taker, taken.pin.scope)
    claim = snapshot.table.match("GET", read)
    plan = decide(make_facts(target=read, cookie=user(1), recent=write), snapshot)
    may_move = claim is not None and bool(claim.window_s) and plan.safe
    if not may_move or taken.safe:
        return
    if taken.pin is not None:
        assert plan.upstream == taken.upstream
    else:
        everybody = {
            decide(make_facts(target=read, cookie=f"fig_user={who}"), snapshot).upstream
            for who in ("a" * 22, "d" * 22, *(f"{number:022}" for number in range(20)))
        }
        assert everybody == {taken.upstream}
