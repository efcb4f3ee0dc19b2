"""A service that fails, in every way and at every stage: what shoppers get, and that a shadow never matters.

In monolith and shadow they get the monolith's answers, at the monolith's pace. In canary the monolith's users do; the
service's users, and everybody in stage service, get what the service gave, or 502 or 504 within the time-outs. With the
service well again, the very next request is answered.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import pytest
from chaos import candidate as faults
from chaos.candidate import Candidate, Fault
from crowd.accounts import metrics, settled
from crowd.shoppers import Crowd
from crowd.visitor import CUT, Asked, Visitor, debug_header
from stack import SeededData, Stack

CONNECT_S: Final = 0.5
RESPONSE_S: Final = 2.0
IDLE_S: Final = 2.0
# A deadline is looked at every tenth of a second; the rest is for a machine that has much else to do.
SLACK_S: Final = 1.5
TIMEOUTS: Final = {"connect": "500ms", "response": "2s", "idle": "2s"}
PATHS: Final = (
    "/api/catalog/products/?page_size=12",
    "/api/catalog/categories/",
    "/api/catalog/products/?q=lamp",
    "/api/catalog/brands/",
)


@dataclass(frozen=True)
class Case:
    """A fault, what the service's users get, and what a comparison makes of it."""

    name: str
    fails: Callable[[Candidate], AbstractContextManager[None]]
    status: int | str
    """The status, or CUT for an answer whose end is missing."""
    result: str
    reason: str | None = None
    """Why there was no answer to compare."""
    within_s: float = 0.0
    """Time-outs that pass before the shopper is told."""


def by(fault: Fault) -> Callable[[Candidate], AbstractContextManager[None]]:
    return lambda candidate: candidate.answering_by(fault)


NONE: Final = "no_answer"
CASES: Final = (
    Case("refuses connections", Candidate.refusing, 502, NONE, "connect_failed"),
    Case("takes no connection", Candidate.taking_no_connection, 504, NONE, "connect_timeout", CONNECT_S),
    Case("hangs", by(faults.hangs), 504, NONE, "response_timeout", RESPONSE_S),
    Case("answers after the time-out", by(faults.is_late), 504, NONE, "response_timeout", RESPONSE_S),
    Case("answers slowly", by(faults.is_slow), 200, "equal", within_s=faults.SLOW_S),
    Case("answers 500", by(faults.answers_500), 500, "different"),
    Case("dies unheard", by(faults.dies_unheard), 502, NONE, "closed_early"),
    Case("resets the connection", by(faults.resets), 502, NONE, "closed_early"),
    Case("dies in the head", by(faults.dies_in_the_head), 502, NONE, "closed_early"),
    Case("dies mid-body", by(faults.dies_mid_body), CUT, NONE, "cut_response"),
    Case("dies mid-chunks", by(faults.dies_mid_chunks), CUT, NONE, "cut_response"),
    Case("stalls mid-body", by(faults.stalls_mid_body), CUT, NONE, "body_stalled", IDLE_S),
    Case("talks garbage", by(faults.talks_garbage), 502, NONE, "bad_response"),
    Case("talks garbage in chunks", by(faults.talks_garbage_in_chunks), CUT, NONE, "cut_response"),
)  # fmt: skip


@dataclass
class Shop:
    """A stack whose catalogue is moved to a service that fails when told to."""

    stack: Stack
    candidate: Candidate
    right: Mapping[str, bytes]
    """The monolith's own bodies."""
    debug: str

    def visitor(self) -> Visitor:
        return Visitor(self.stack.proxy_url, self.debug)

    def visitors(self, stage: str) -> list[Visitor]:
        """Four, who have all been here before; in canary two of each side."""
        if stage != "canary":
            known = [self.visitor() for _ in range(4)]
            assert self.ask(known, PATHS[:1]) != []
            return known
        by_side: dict[str, list[Visitor]] = {"monolith": [], "service": []}
        while min(map(len, by_side.values())) < 2:
            visitor = self.visitor()
            by_side[visitor.get(PATHS[0]).side].append(visitor)
        for visitor in (*by_side["monolith"][2:], *by_side["service"][2:]):
            visitor.leave()
        return [*by_side["monolith"][:2], *by_side["service"][:2]]

    def ask(self, visitors: list[Visitor], paths: tuple[str, ...]) -> list[Asked]:
        """All visitors at once, each one path after the other."""
        with ThreadPoolExecutor(len(visitors)) as pool:
            each = pool.map(lambda visitor: [visitor.get(path) for path in paths], visitors)
            return [asked for several in each for asked in several]

    def assert_right(self, asked: Asked) -> None:
        """Answered by either side, as the monolith answers."""
        assert (asked.status, asked.error) == (200, ""), str(asked)
        assert asked.body == self.right[asked.path], asked.path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, seeded: SeededData) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("failing") / "stack"
    with Stack.start(folder, data=seeded, with_proxy=False) as stack:
        candidate = Candidate(stack.service_url)
        try:
            service = {"url": candidate.url, "timeouts": TIMEOUTS}
            upstreams = {"monolith": stack.monolith_url, "catalog": service}
            stack.start_proxy(config={"upstreams": upstreams})
            past_the_proxy = Visitor(stack.monolith_url, None)
            right = {path: past_the_proxy.get(path).body for path in PATHS}
            past_the_proxy.leave()
            yield Shop(stack, candidate, right, debug_header(stack.secret))
        finally:
            candidate.close()


@pytest.fixture(scope="module", params=["monolith", "shadow", "canary", "service"])
def stage(request: pytest.FixtureRequest, shop: Shop) -> str:
    chosen: str = request.param
    share = ["50"] if chosen == "canary" else []
    shop.stack.fig("set", "catalog", chosen, *share, "--why", "what if it fails")
    return chosen


@pytest.fixture
def visitors(stage: str, shop: Shop) -> Iterator[list[Visitor]]:
    visitors = shop.visitors(stage)
    yield visitors
    for visitor in visitors:
        visitor.leave()


def gained(before: dict[str, Any], after: dict[str, Any]) -> Counter[str]:
    """What an account gained, its reasons as `skipped upstream_failed`; without the questions it took to settle."""
    found: Counter[str] = Counter()
    for account, sign in ((after, 1), (before, -1)):
        for name, value in account.items():
            if name == "asked_again":
                continue
            if isinstance(value, dict):
                for reason, count in value.items():
                    found[f"{name} {reason}"] += sign * count
            else:
                found[name] += sign * value
    return Counter({name: count for name, count in found.items() if count})


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_service_fails(case: Case, stage: str, shop: Shop, visitors: list[Visitor]) -> None:
    account, reasons = settled(shop.stack), metrics(shop.stack, "fig_compare_no_answer")
    came_before = shop.candidate.requests

    with case.fails(shop.candidate):
        # Where nothing has to be waited for, every visitor asks twice: also on a connection that has seen a failure.
        answers = shop.ask(visitors, PATHS[:1] if case.within_s else PATHS[:2])
        settled(shop.stack)  # while it still fails
    for answer in shop.ask(visitors, PATHS[2:3]):
        shop.assert_right(answer)
    healed = len(visitors)

    by_monolith = [asked for asked in answers if asked.side == "monolith"]
    by_service = [asked for asked in answers if asked.side == "service"]
    expected_sides = {"canary": (2, 2), "service": (0, 4)}.get(stage, (4, 0))
    each = len(answers) // len(visitors)
    assert (len(by_monolith), len(by_service)) == tuple(each * n for n in expected_sides)
    for asked in by_monolith:
        shop.assert_right(asked)
        assert asked.elapsed_s < RESPONSE_S, str(
            asked
        )  # far less than any wait for a service that hangs
    for asked in by_service:
        assert (asked.error or asked.status) == case.status, str(asked)
        assert case.within_s * 0.9 <= asked.elapsed_s < case.within_s + SLACK_S, str(asked)
        if case.status == 200:
            shop.assert_right(asked)

    found = gained(account, settled(shop.stack))
    if stage == "monolith":
        assert found == Counter()
        assert shop.candidate.requests == came_before
        return
    expected = Counter({"asked": len(answers) + healed, "teed": healed, "equal": healed})
    expected += Counter({"teed": len(by_monolith), case.result: len(by_monolith)})
    if case.status in (200, 500):
        expected += Counter({"teed": len(by_service), case.result: len(by_service)})
    else:
        expected["not_teed upstream_failed"] = len(by_service)
    assert found == +expected
    because = metrics(shop.stack, "fig_compare_no_answer") - reasons
    assert sum(because.values()) == found["no_answer"]
    assert {reason for _, reason in because} <= {case.reason}


@pytest.mark.slow
def test_shoppers_do_not_notice_a_shadow_that_hangs(shop: Shop) -> None:
    """More is shadowed than a service that hangs can take: what waits is bounded, the rest counted."""
    shop.stack.fig("set", "catalog", "shadow", "--why", "it hangs")
    crowd = Crowd(shop.stack)
    before = settled(shop.stack)
    with crowd.browsing():
        with shop.candidate.answering_by(faults.hangs):
            crowd.wait_for(300)
        hung = list(crowd.asked)
        crowd.wait_for(100)
    assert crowd.failed == [], crowd.summary()
    assert {asked.side for asked in crowd.asked} == {"monolith"}
    assert sorted(asked.elapsed_s for asked in hung)[len(hung) // 2] < RESPONSE_S / 2
    found = gained(before, settled(shop.stack))
    assert found["asked"] == len(crowd.catalogued)
    assert found["no_answer"] > 0
    assert found["equal"] >= 100 - 20  # since it is well again
    assert found["different"] == 0
