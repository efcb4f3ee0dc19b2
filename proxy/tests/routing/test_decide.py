"""Who answers, who is asked too, and why: the rules as tables."""

from typing import Any

import pytest
from making import make_facts, make_snapshot, user

from stranglerfig.config.model import Stage
from stranglerfig.routing.bucket import bucket, fingerprint
from stranglerfig.routing.decide import decide
from stranglerfig.routing.facts import Facts, read_cookie
from stranglerfig.routing.plan import Plan, Reason, Side, Unit
from stranglerfig.routing.snapshot import Snapshot

MONOLITH, SERVICE = Side.MONOLITH, Side.SERVICE


def summary(plan: Plan) -> tuple[str, str, str | None]:
    return plan.side.value, plan.reason.value, plan.other


# --- what the stage says of safe requests

STAGES = [
    # stage, percent, compare -> side, reason, who is asked too
    ("monolith", 100, True, ("monolith", "stage", None)),
    ("shadow", 100, True, ("monolith", "stage", "catalog")),
    ("shadow", 100, False, ("monolith", "stage", "catalog")),  # compare says nothing in shadow
    ("canary", 100, True, ("service", "bucket", "monolith")),
    ("canary", 100, False, ("service", "bucket", None)),
    ("canary", 0, True, ("monolith", "bucket", "catalog")),
    ("canary", 0, False, ("monolith", "bucket", None)),
    ("service", 0, True, ("service", "stage", "monolith")),
    ("service", 0, False, ("service", "stage", None)),
]


@pytest.mark.parametrize(("stage", "percent", "compare", "expected"), STAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_requests_go_where_the_stage_says(
    stage: str, percent: int, compare: bool, expected: tuple[str, str, str | None], method: str
) -> None:
    snapshot = make_snapshot(stage, percent=percent, compare=compare)
    plan = decide(make_facts(method), snapshot)
    assert summary(plan) == expected
    assert plan.upstream == ("catalog" if plan.side is SERVICE else "monolith")
    assert plan.sampled is (plan.other is not None)
    assert (plan.skip, plan.safe, plan.evidence) == (None, True, True)
    assert (plan.capability, plan.route, plan.generation) == ("catalog", "* /api/**", 7)
    assert plan.stage == stage


# --- one owner for unsafe requests

UNSAFE = [
    # writes, stage, percent -> side, reason
    *[("monolith", stage, 100, "monolith", "owner") for stage in Stage],
    *[("service", stage, 0, "service", "owner") for stage in Stage],
    ("stage", "monolith", 100, "monolith", "stage"),
    ("stage", "shadow", 100, "monolith", "stage"),
    ("stage", "canary", 100, "service", "bucket"),
    ("stage", "canary", 0, "monolith", "bucket"),
    ("stage", "service", 0, "service", "stage"),
]


@pytest.mark.parametrize(("writes", "stage", "percent", "side", "reason"), UNSAFE)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_unsafe_requests_go_to_their_owner_and_nobody_is_asked_too(
    writes: str, stage: str, percent: int, side: str, reason: str, method: str
) -> None:
    plan = decide(make_facts(method), make_snapshot(stage, percent=percent, writes=writes))
    assert summary(plan) == (side, reason, None)
    assert (plan.safe, plan.sampled, plan.skip) == (False, False, None)
    assert (plan.set_cookie is not None) is (reason == "bucket")


def test_a_route_says_what_is_safe_whatever_the_method() -> None:
    snapshot = make_snapshot("service", writes="monolith")
    assert summary(decide(make_facts("POST", "/api/search"), snapshot)) == ("service", "stage", "monolith")  # fmt: skip
    assert summary(decide(make_facts("GET", "/api/touch"), snapshot)) == ("monolith", "owner", None)
    assert summary(decide(make_facts("HEAD", "/api/touch"), snapshot)) == ("monolith", "owner", None)  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "effective"),
    [("monolith", "monolith"), ("shadow", "shadow"), ("canary", "shadow"), ("service", "shadow")],
)
def test_the_lower_stage_of_route_and_capability_counts(stage: str, effective: str) -> None:
    plan = decide(make_facts(target="/api/limited/x"), make_snapshot(stage, percent=100))
    assert (plan.stage, plan.side) == (effective, "monolith")
    assert plan.route == "* /api/limited/**"


# --- what no capability claims


@pytest.mark.parametrize(("method", "safe"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_what_is_unclaimed_falls_through(method: str, safe: bool) -> None:
    plan = decide(make_facts(method, "/other"), make_snapshot())
    assert plan == Plan(
        7, upstream="monolith", reason=Reason.FALLTHROUGH, safe=safe, repeatable=safe
    )


def test_without_a_fallthrough_what_is_unclaimed_goes_nowhere() -> None:
    snapshot = make_snapshot(control="monolith", top={"fallthrough": "none"})
    plan = decide(make_facts(target="/other"), snapshot)
    assert (plan.upstream, plan.reason) == (None, Reason.NOWHERE)
    assert decide(make_facts(), snapshot).upstream == "monolith"


def test_an_unclaimed_request_costs_no_look_at_its_headers() -> None:
    class Untouchable(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            pytest.fail(f"{name} was read")

        def get(self, name: str, default: Any = None) -> Any:
            pytest.fail(f"{name} was read")

    facts = Facts("GET", "/other", Untouchable(), "", lambda: pytest.fail("minted"))
    decide(facts, make_snapshot())
    claimed = Facts("GET", "/api/x", Untouchable(), "", lambda: pytest.fail("minted"))
    decide(claimed, make_snapshot("shadow"))


# --- precedence: abort, Fig-Force, lists, bucket

LISTS = {"allow": ["a" * 22], "deny": ["d" * 22]}
PRECEDENCE = [
    # aborted, forced, listed, percent -> side, reason
    (True, "service", "allow", 100, "monolith", "aborted"),
    (True, None, None, 100, "monolith", "aborted"),
    (False, "service", "deny", 0, "service", "forced"),
    (False, "monolith", "allow", 100, "monolith", "forced"),
    (False, None, "allow", 0, "service", "listed"),
    (False, None, "deny", 100, "monolith", "listed"),
    (False, None, None, 100, "service", "bucket"),
    (False, None, None, 0, "monolith", "bucket"),
]


@pytest.mark.parametrize(("aborted", "forced", "listed", "percent", "side", "reason"), PRECEDENCE)
def test_the_first_rule_that_says_something_wins(
    aborted: bool, forced: str | None, listed: str | None, percent: int, side: str, reason: str
) -> None:
    snapshot = make_snapshot(aborted=aborted, percent=percent, lists=LISTS)
    cookie = {"allow": "fig_user=" + "a" * 22, "deny": "fig_user=" + "d" * 22, None: user(1)}[
        listed
    ]
    facts = make_facts(cookie=cookie, forced={"catalog": Side(forced)} if forced else None)
    plan = decide(facts, snapshot)
    assert (plan.side, plan.reason) == (side, reason)
    assert (plan.bucket is not None) is (reason == "bucket")


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("writes", ["monolith", "stage"])
def test_an_abort_makes_every_stage_the_monolith_without_shadow(stage: str, writes: str) -> None:
    snapshot = make_snapshot(stage, aborted=True, percent=100, writes=writes)
    for method in ("GET", "POST"):
        plan = decide(make_facts(method), snapshot)
        assert (plan.side, plan.other, plan.set_cookie, plan.skip) == (MONOLITH, None, None, None)
        assert plan.stage is Stage.MONOLITH


def test_an_abort_never_changes_who_owns_the_writes() -> None:
    snapshot = make_snapshot("service", aborted=True, writes="service")
    assert summary(decide(make_facts("POST"), snapshot)) == ("service", "owner", None)
    assert summary(decide(make_facts("GET"), snapshot)) == ("monolith", "aborted", None)


def test_an_abort_of_another_capability_changes_nothing() -> None:
    other = {"catalog": {"upstream": "catalog", "stage": "service", "routes": ["GET /api/**"]},
             "search": {"upstream": "catalog", "stage": "service", "routes": ["GET /search"]}}  # fmt: skip
    snapshot = make_snapshot(aborted=True, top={"capabilities": other})
    assert decide(make_facts(target="/search"), snapshot).side is SERVICE
    assert decide(make_facts(target="/api/x"), snapshot).side is MONOLITH


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("side", list(Side))
def test_forced_requests_are_no_evidence_and_ask_nobody_else(stage: str, side: Side) -> None:
    plan = decide(make_facts(forced={"catalog": side}), make_snapshot(stage))
    assert (plan.side, plan.reason, plan.evidence) == (side, Reason.FORCED, False)
    assert (plan.other, plan.sampled, plan.set_cookie, plan.unit) == (None, False, None, None)
    assert plan.skip == (None if stage == "monolith" else "forced")


def test_force_of_another_capability_says_nothing() -> None:
    plan = decide(make_facts(forced={"payments": SERVICE}), make_snapshot("monolith"))
    assert (plan.side, plan.reason) == (MONOLITH, Reason.STAGE)


def test_force_never_moves_a_write_away_from_its_owner() -> None:
    forced = make_facts("POST", forced={"catalog": SERVICE})
    assert summary(decide(forced, make_snapshot("canary"))) == ("monolith", "owner", None)
    assert decide(forced, make_snapshot("canary", writes="stage")).side is SERVICE


@pytest.mark.parametrize("stage", ["monolith", "shadow", "service"])
def test_lists_are_read_in_canary_only(stage: str) -> None:
    snapshot = make_snapshot(stage, lists=LISTS)
    for letter in "ad":
        assert decide(make_facts(cookie=f"fig_user={letter * 22}"), snapshot).reason is Reason.STAGE


# --- who the user is

TOKEN = "Token abc"
USERS = [
    # sticky, headers -> unit that is hashed, kind, cookie set
    ("cookie", {"cookie": user(1)}, f"{1:022}", Unit.COOKIE, False),
    ("cookie", {"cookie": f"a=b; {user(1)};c=d"}, f"{1:022}", Unit.COOKIE, False),
    ("cookie", {"cookie": f"{user(1)}; {user(2)}"}, f"{2:022}", Unit.COOKIE, False),  # as in Django
    ("cookie", {"cookie": user(1), "authorization": TOKEN}, f"{1:022}", Unit.COOKIE, False),
    ("cookie", {"authorization": TOKEN}, fingerprint(TOKEN), Unit.AUTHORIZATION, False),
    ("cookie", {}, "m" * 22, Unit.MINTED, True),
    ("cookie", {"cookie": "sessionid=abc"}, "m" * 22, Unit.MINTED, True),
    ("cookie", {"cookie": "fig_user="}, "m" * 22, Unit.MINTED, True),
    ("cookie", {"cookie": "fig_user=short"}, "m" * 22, Unit.MINTED, True),
    ("cookie", {"cookie": "fig_user=" + "x" * 23}, "m" * 22, Unit.MINTED, True),
    ("cookie", {"cookie": "fig_user=" + "x" * 21 + "é"}, "m" * 22, Unit.MINTED, True),
    ("cookie", {"cookie": 'fig_user="' + "x" * 22 + '"'}, "m" * 22, Unit.MINTED, True),
    ("cookie", {"cookie": "FIG_USER=" + "x" * 22}, "m" * 22, Unit.MINTED, True),
    ("header X-User", {"x_user": " bob "}, "bob", Unit.HEADER, False),
    ("header X-User", {"x_user": "bob", "cookie": user(1)}, "bob", Unit.HEADER, False),
    ("header X-User", {"x_user": " ", "cookie": user(1)}, f"{1:022}", Unit.COOKIE, False),
    ("header X-User", {}, "m" * 22, Unit.MINTED, True),
    ("ip", {"cookie": user(1)}, "192.0.2.1", Unit.IP, False),
]  # fmt: skip


@pytest.mark.parametrize(("sticky", "headers", "unit", "kind", "minted"), USERS)
def test_a_user_is_recognised_by_what_sticky_says(
    sticky: str, headers: dict[str, str], unit: str, kind: Unit, minted: bool
) -> None:
    plan = decide(make_facts(**headers), make_snapshot(sticky=sticky, percent=50))
    assert (plan.unit, plan.bucket) == (kind, bucket("catalog", unit))
    assert plan.set_cookie == ("m" * 22 if minted else None)


@pytest.mark.parametrize("stage", ["monolith", "shadow", "service"])
def test_outside_canary_no_cookie_is_set_and_nobody_is_recognised(stage: str) -> None:
    snapshot = make_snapshot(stage, sample=50)
    plan = decide(make_facts(), snapshot)
    assert (plan.set_cookie, plan.unit, plan.bucket) == (None, None, None)


def test_a_route_held_below_canary_sets_no_cookie() -> None:
    snapshot = make_snapshot("canary")
    assert decide(make_facts(target="/api/limited/x"), snapshot).set_cookie is None


def test_the_first_answer_counts() -> None:
    """The cookie that is set leads to the side that answered, in the next request and on every worker."""
    for number in range(200):
        minted = f"{number:022}"
        first = decide(make_facts(minted=minted), make_snapshot(percent=50))
        assert first.set_cookie == minted
        again = decide(make_facts(cookie=f"fig_user={minted}"), make_snapshot(percent=50))
        assert (again.side, again.bucket, again.set_cookie) == (first.side, first.bucket, None)


def test_login_changes_nothing() -> None:
    before = decide(make_facts(cookie=user(1)), make_snapshot(percent=50))
    after = decide(make_facts(cookie=f"sessionid=new; {user(1)}", authorization=TOKEN), make_snapshot(percent=50))  # fmt: skip
    assert after == before


def test_capabilities_of_one_journey_agree_about_every_user() -> None:
    both = {
        "catalog": {"upstream": "catalog", "stage": "canary", "percent": 50, "journey": "shop", "routes": ["GET /a"]},
        "cart": {"upstream": "catalog", "stage": "canary", "percent": 50, "journey": "shop", "routes": ["GET /b"]},
    }  # fmt: skip
    snapshot = make_snapshot(top={"capabilities": both})
    for number in range(300):
        sides = {decide(make_facts(target=path, cookie=user(number)), snapshot).side for path in ("/a", "/b")}  # fmt: skip
        assert len(sides) == 1


# --- the sample


def sampled(snapshot: Snapshot, **headers: str) -> bool:
    plan = decide(make_facts(**headers), snapshot)
    assert plan.skip == (None if plan.sampled else "sampled_out")
    assert (plan.other is not None) is plan.sampled
    return plan.sampled


@pytest.mark.parametrize("stage", ["shadow", "canary", "service"])
@pytest.mark.parametrize(("sample", "expected"), [(0, 0), (25, 250), (100, 1000)])
def test_a_share_of_the_sessions_is_asked_of_both_sides(
    stage: str, sample: int, expected: int
) -> None:
    snapshot = make_snapshot(stage, sample=sample, percent=50)
    count = sum(sampled(snapshot, cookie=user(number)) for number in range(1000))
    assert abs(count - expected) <= (60 if sample == 25 else 0)


def test_a_session_is_sampled_whole_by_the_best_that_is_known_of_it() -> None:
    snapshot = make_snapshot("shadow", sample=50)

    def chosen(unit: str) -> bool:
        return bucket("catalog.", unit) < 5000

    for number in range(50):
        session, token = f"s{number}", f"Token {number}"
        cookie = f"sessionid={session}"
        assert sampled(snapshot, cookie=f"{user(number)}; {cookie}") is chosen(f"{number:022}")
        assert sampled(snapshot, cookie=cookie, authorization=token) is chosen(session)
        assert sampled(snapshot, authorization=token) is chosen(token)
        plan = decide(make_facts(address=f"192.0.2.{number}"), snapshot)
        assert plan.sampled is chosen(f"192.0.2.{number}")


def test_a_new_user_of_a_canary_is_sampled_by_the_cookie_that_is_set() -> None:
    snapshot = make_snapshot("canary", sample=50, percent=50)
    for number in range(100):
        minted = f"{number:022}"
        first = decide(make_facts(minted=minted, cookie="sessionid=a"), snapshot)
        again = decide(make_facts(cookie=f"sessionid=a; fig_user={minted}"), snapshot)
        assert first.sampled is again.sampled


# --- cookies


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2 ; c = 3", {"a": "1", "b": "2", "c": "3"}),
        ("a=1; a=2", {"a": "2"}),
        ("a=x=y", {"a": "x=y"}),
        ("a; =1; b=", {"": "1", "b": ""}),
        (";;;", {}),
        ("aa=1; ba=2; b=a; xa", {"aa": "1", "b": "a"}),
    ],
)
def test_cookies_are_read_without_complaint(header: str, cookies: dict[str, str]) -> None:
    known = {name: read_cookie(header, name) for name in ("", "a", "b", "c", "aa")}
    assert {name: value for name, value in known.items() if value is not None} == cookies
