"""What holds of every decision, whatever the request and the config."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import make_facts, make_snapshot, user

from stranglerfig.config.model import Stage, Writes
from stranglerfig.config.pattern import SAFE_METHODS
from stranglerfig.routing.decide import decide
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.plan import Plan, Reason, Side
from stranglerfig.routing.snapshot import Snapshot, compile_snapshot

USERS = 10_000


def served(share: float) -> frozenset[int]:
    """The users who get the service at ``share`` percent."""
    snapshot = make_snapshot(percent=share)
    return frozenset(
        number
        for number in range(USERS)
        if decide(make_facts(cookie=user(number)), snapshot).side is Side.SERVICE
    )


SHARES = (0, 1, 10, 50, 100)
SERVED = {share: served(share) for share in SHARES}


@pytest.mark.parametrize("share", SHARES)
def test_the_share_of_users_is_the_one_asked_for(share: int) -> None:
    p = share / 100
    # 4 standard deviations of a binomial: a fair draw is outside once in 16,000 times. At 0 and 100 exact.
    assert abs(len(SERVED[share]) - USERS * p) <= 4 * math.sqrt(USERS * p * (1 - p))


def test_nobody_leaves_when_the_share_rises() -> None:
    for lower, higher in pairwise(SHARES):
        assert SERVED[lower] < SERVED[higher]


def test_the_same_users_come_back_when_the_share_falls() -> None:
    # Up to 50 and down to 10 again: nothing is kept between requests, so a new run must agree.
    assert served(10) == SERVED[10]


def test_the_finest_share_moves_users_too() -> None:
    assert len(served(0.01)) <= 5
    assert SERVED[1] <= served(1.01)


methods = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
targets = st.sampled_from(["/api/x", "/api", "/api/search", "/api/touch", "/api/limited/y", "/other", "/"])  # fmt: skip
cookies = st.sampled_from(["", "fig_user=" + "a" * 22, "fig_user=" + "d" * 22, user(1), user(2), "sessionid=x", "fig_user=bad", ";;=;"])  # fmt: skip
requests = st.builds(
    make_facts,
    methods,
    targets,
    address=st.sampled_from(["192.0.2.1", "2001:db8::1", ""]),
    forced=st.dictionaries(st.sampled_from(["catalog", "other"]), st.sampled_from(list(Side)), max_size=1),
    cookie=cookies,
    authorization=st.sampled_from(["", "Token 1"]),
    x_user=st.sampled_from(["", "bob"]),
)  # fmt: skip
snapshots = st.builds(
    make_snapshot,
    st.sampled_from(list(Stage)),
    aborted=st.booleans(),
    percent=st.sampled_from([0, 1, 50, 100]),
    writes=st.sampled_from(list(Writes)),
    compare=st.booleans(),
    sample=st.sampled_from([0, 50, 100]),
    sticky=st.sampled_from(["cookie", "ip", "header X-User"]),
    lists=st.sampled_from([{}, {"allow": ["a" * 22, "bob"], "deny": ["d" * 22]}]),
)


@settings(max_examples=400)
@given(requests, snapshots)
def test_every_plan_is_consistent(facts: Facts, snapshot: Snapshot) -> None:
    plan = decide(facts, snapshot)
    assert plan.generation == snapshot.generation
    if plan.capability is None:
        assert (plan.reason, plan.upstream) == (Reason.FALLTHROUGH, "monolith")
        return
    assert plan.upstream == {Side.MONOLITH: "monolith", Side.SERVICE: "catalog"}[plan.side]
    assert (plan.other is None) == (not plan.sampled)
    assert plan.other != plan.upstream
    # Nobody is asked about what changes something, about what is forced, nor under an abort.
    if not plan.safe or plan.reason in (Reason.FORCED, Reason.ABORTED, Reason.OWNER):
        assert not plan.sampled
    # The account adds up: what may be compared is compared, or skipped for one reason.
    if plan.safe and plan.stage is not Stage.MONOLITH:
        comparing = plan.stage is Stage.SHADOW or snapshot.config.capabilities["catalog"].compare
        assert comparing == (plan.sampled != (plan.skip is not None))
    # A cookie is set only where a bucket or a list was asked for a user nobody knew.
    if plan.set_cookie is not None:
        assert plan.stage is Stage.CANARY
        assert plan.reason in (Reason.BUCKET, Reason.LISTED)
    assert plan.evidence == (plan.reason is not Reason.FORCED)


@settings(max_examples=300)
@given(requests, snapshots)
def test_one_owner_takes_the_unsafe_requests_whatever_else_is_said(
    facts: Facts, snapshot: Snapshot
) -> None:
    plan = decide(facts, snapshot)
    writes = snapshot.config.capabilities["catalog"].writes
    if plan.capability is None or plan.safe or writes is Writes.STAGE:
        return
    assert plan.side == writes
    assert plan.reason is Reason.OWNER


@settings(max_examples=300)
@given(requests, snapshots)
def test_head_goes_where_get_goes(facts: Facts, snapshot: Snapshot) -> None:
    def plan_of(method: str) -> Plan:
        return decide(
            Facts(
                method, facts.path, facts.headers, facts.address, facts.mint, forced=facts.forced
            ),
            snapshot,
        )

    assert plan_of("HEAD") == plan_of("GET")


@settings(max_examples=200)
@given(requests, snapshots, st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_higher_share_moves_nobody_back(
    facts: Facts, snapshot: Snapshot, one: int, other: int
) -> None:
    low, high = sorted((one, other))

    def side_at(share: int) -> Side:
        config = snapshot.config
        capability = config.capabilities["catalog"].model_copy(update={"percent": share / 100})
        changed = config.model_copy(update={"capabilities": {"catalog": capability}})
        return decide(facts, compile_snapshot(changed, snapshot.overrides, 8)).side

    if side_at(low) is Side.SERVICE:
        assert side_at(high) is Side.SERVICE


@settings(max_examples=200)
@given(requests, snapshots)
def test_a_decision_is_the_same_on_every_worker_and_every_time(
    facts: Facts, snapshot: Snapshot
) -> None:
    again = make_facts(
        facts.method,
        address=facts.address,
        forced=facts.forced,
        **{name.replace("-", "_"): value for name, value in facts.headers.items()},
    )
    again.path = facts.path
    assert decide(again, snapshot) == decide(facts, snapshot)


def test_every_method_is_safe_or_not_as_the_standard_says() -> None:
    assert {"GET", "HEAD", "OPTIONS", "TRACE"} == SAFE_METHODS
