"""Ten thousand users while a canary grows from 1 to 100 percent and shrinks again, through two real workers.

Who is in the canary is a matter of chance, for the proxy mints random cookies. So the bounds are statistical, each
wide enough that a correct proxy leaves it less than once in a million runs; everything else is exact.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import uvloop
from fig_process import Fig, wait_until
from many_users import Answer, Crowd, NamedUpstream, request_for

from stranglerfig.counters.block import read_block
from stranglerfig.counters.names import REQUESTS

pytestmark = pytest.mark.slow

USERS = 10_000
NEWCOMERS = 2_000
UP = (1, 10, 50, 100)
DOWN = (50, 10, 1)
TAIL = (
    2.5e-7  # the chance of either end of an interval, so an interval fails once in two million runs
)
SIGMAS = 5.0  # 5.7e-7 of a normal distribution lie outside
WORKERS = 2

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: {workers}
upstreams:
  monolith: {monolith}
  service: {service}
capabilities:
  catalog:
    upstream: service
    stage: canary
    percent: 1
    compare: false
    journey: shopping
    routes: [GET /catalog/**]
  search:
    upstream: service
    stage: canary
    percent: 50
    compare: false
    journey: shopping
    routes: [GET /search/**]
  reviews:
    upstream: service
    stage: canary
    percent: 50
    compare: false
    routes: [GET /reviews/**]
  pages:
    upstream: service
    stage: monolith
    routes: [GET /pages/**]
"""

Sides = list[str]


@dataclass
class Walk:
    """What every user saw, in the order in which it was asked."""

    first: list[Answer] = field(default_factory=list)
    """Without a cookie, at 1 percent: half of the users at each worker."""
    rising: dict[int, list[Sides]] = field(default_factory=dict)
    """By percent: what each worker answered each user."""
    falling: dict[int, Sides] = field(default_factory=dict)
    """The same afterwards, half of the users at each worker."""
    restarted: Sides = field(default_factory=list)
    """By new processes, at 10 percent."""
    search: Sides = field(default_factory=list)
    reviews: Sides = field(default_factory=list)
    newcomers: list[Answer] = field(default_factory=list)
    """More users without a cookie, at 50 percent, where a wrong first answer can't hide in a small share."""
    newcomers_again: list[Sides] = field(default_factory=list)
    by_token: list[list[Answer]] = field(default_factory=list)
    """At 50 percent, with Authorization and no cookie: what each worker answered each token."""
    cacheable: list[Answer] = field(default_factory=list)
    elsewhere: list[Answer] = field(default_factory=list)
    """Without a cookie, where nothing is in canary: a capability in stage monolith, and no capability."""
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Answers by capability and upstream, of the first proxy."""
    asked_of_worker: list[int] = field(default_factory=lambda: [0] * WORKERS)
    counted: dict[str, dict[str, int]] = field(default_factory=dict)
    """The same as the proxy counted them: capability -> side -> answers."""
    upstreams_counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    counted_by_worker: list[int] = field(default_factory=list)
    observed_percent: dict[int, float] = field(default_factory=dict)
    metrics: str = ""
    leaked_cookies: int = 0


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("stickiness")
    fig = Fig(folder, "")
    try:
        yield uvloop.run(_walk(fig))
    finally:
        fig.clean_up()


class _Journey:
    """Asks, and keeps the tally of what was seen."""

    def __init__(self, walk: Walk, crowd: Crowd) -> None:
        self.walk = walk
        self.crowd = crowd

    async def ask_each(self, capability: str, requests: Sequence[bytes]) -> list[list[Answer]]:
        answers = await self.crowd.ask_each(requests)
        for worker, of_worker in enumerate(answers):
            self._note(worker, capability, of_worker)
        return answers

    async def ask_halves(self, capability: str, requests: Sequence[bytes]) -> list[Answer]:
        answers = await self.crowd.ask_halves(requests)
        middle = len(answers) // 2
        self._note(0, capability, answers[:middle])
        self._note(1, capability, answers[middle:])
        return answers

    def _note(self, worker: int, capability: str, answers: Sequence[Answer]) -> None:
        self.walk.asked_of_worker[worker] += len(answers)
        self.walk.seen.update((capability, answer.upstream) for answer in answers)


async def _walk(fig: Fig) -> Walk:
    async with NamedUpstream("monolith") as monolith, NamedUpstream("service") as service:
        fig.save(CONFIG.format(workers=WORKERS, monolith=monolith.url, service=service.url))
        fig.start()
        walk = Walk()
        async with Crowd(fig.port, _worker_pids(fig)) as crowd:
            journey = _Journey(walk, crowd)
            walk.first = await journey.ask_halves("catalog", [request_for("/catalog/1")] * USERS)
            users = [_cookie(answer) for answer in walk.first]
            catalog = [request_for("/catalog/1", cookie=user) for user in users]
            for percent in UP:
                fig.set("catalog", "canary", percent)
                walk.rising[percent] = _sides(await journey.ask_each("catalog", catalog))
                if percent == 50:
                    await _look_around(journey, users)
                walk.observed_percent[percent] = _observed_percent(fig)
            for percent in DOWN:
                fig.set("catalog", "canary", percent)
                (walk.falling[percent],) = _sides([await journey.ask_halves("catalog", catalog)])
            _read_counters(fig, walk, (monolith, service))

        assert fig.stop() == 0
        fig.edit("percent: 1\n", "percent: 10\n")
        fig.start()
        async with Crowd(fig.port, _worker_pids(fig)) as crowd:
            (walk.restarted,) = _sides([await crowd.ask_halves(catalog)])
        walk.leaked_cookies = monolith.saw_user_cookie + service.saw_user_cookie
        return walk


def _read_counters(fig: Fig, walk: Walk, upstreams: Sequence[NamedUpstream]) -> None:
    """Note what everybody else counted of the same requests."""

    def counted() -> dict[str, dict[str, int]]:
        return {item["name"]: item["requests"] for item in fig.status()["capabilities"]}

    # An answer is counted just after it was handed over, so the last ones may be a moment late.
    total = sum(walk.seen.values())
    wait_until(lambda: sum(sum(sides.values()) for sides in counted().values()) >= total)
    walk.counted = counted()
    for slot in range(WORKERS):
        counts = read_block(fig.state_dir / "counters" / f"worker-{slot}.cells")
        of_capabilities = (
            count
            for (name, labels), count in counts.items()
            if name == REQUESTS and dict(labels)["capability"] != "-"
        )
        walk.counted_by_worker.append(sum(of_capabilities))
    for upstream in upstreams:
        for capability, count in upstream.requests.items():
            walk.upstreams_counted[capability, upstream.name] += count
    walk.metrics = fig.admin("GET", "/metrics")[2].decode()


async def _look_around(journey: _Journey, users: Sequence[bytes]) -> None:
    """Everything that is asked while all three capabilities send half of the users to the service."""
    walk = journey.walk
    for capability, sides in (("search", walk.search), ("reviews", walk.reviews)):
        requests = [request_for(f"/{capability}/1", cookie=user) for user in users]
        answers = await journey.ask_halves(capability, requests)
        sides += [answer.upstream for answer in answers]
    walk.newcomers = await journey.ask_halves("catalog", [request_for("/catalog/2")] * NEWCOMERS)
    again = [request_for("/catalog/2", cookie=_cookie(answer)) for answer in walk.newcomers]
    walk.newcomers_again = _sides(await journey.ask_each("catalog", again))
    by_token = [
        request_for("/catalog/3", authorization=f"Token {number:032x}")
        for number in range(NEWCOMERS)
    ]
    walk.by_token = await journey.ask_each("catalog", by_token)
    for path in ("/catalog/public", "/catalog/s-maxage"):
        walk.cacheable += await journey.ask_halves("catalog", [request_for(path)] * 100)
    walk.elsewhere += await journey.ask_halves("pages", [request_for("/pages/1")] * 100)
    walk.elsewhere += await journey.crowd.ask_halves([request_for("/about")] * 100)


def _worker_pids(fig: Fig) -> list[int]:
    workers = sorted(fig.status()["workers"], key=lambda worker: worker["slot"])
    return [worker["pid"] for worker in workers]


def _cookie(answer: Answer) -> bytes:
    assert answer.cookie is not None, answer
    return answer.cookie


def _sides(answers: Sequence[Sequence[Answer]]) -> list[Sides]:
    """What each worker answered each user; nobody who has the cookie is given another."""
    assert not any(answer.cookie for of_worker in answers for answer in of_worker)
    return [[answer.upstream for answer in of_worker] for of_worker in answers]


def _observed_percent(fig: Fig) -> float:
    catalog = next(item for item in fig.status()["capabilities"] if item["name"] == "catalog")
    return float(catalog["observed_percent"])


def service_users(sides: Sides) -> set[int]:
    return {number for number, side in enumerate(sides) if side == "service"}


def binomial_interval(n: int, probability: float, tail: float) -> tuple[int, int]:
    """The counts between which a binomial one stays, but for a chance of ``tail`` at each end."""

    def mass(count: int) -> float:
        logarithm = (
            math.lgamma(n + 1)
            - math.lgamma(count + 1)
            - math.lgamma(n - count + 1)
            + count * math.log(probability)
            + (n - count) * math.log1p(-probability)
        )
        return math.exp(logarithm)

    low, below = 0, mass(0)
    while below <= tail:
        low += 1
        below += mass(low)
    high, above = n, mass(n)
    while above <= tail:
        high -= 1
        above += mass(high)
    return low, high


def test_the_interval_is_the_binomial_one() -> None:
    # Of 20 fair coins: P(X <= 3) = 1351 / 2^20 = 0.00129, P(X <= 4) = 6196 / 2^20 = 0.0059.
    assert binomial_interval(20, 0.5, 0.0013) == (4, 16)
    assert binomial_interval(20, 0.5, 0.0012) == (3, 17)


def test_each_share_of_users_is_the_one_that_was_asked_for(walk: Walk) -> None:
    for percent in UP[:-1]:
        low, high = binomial_interval(USERS, percent / 100, TAIL)
        got = len(service_users(walk.rising[percent][0]))
        assert low <= got <= high, f"{percent} percent: {got} users, not {low} to {high}"
    assert service_users(walk.rising[100][0]) == set(range(USERS))


def test_the_first_answer_counts(walk: Walk) -> None:
    assert len({answer.cookie for answer in walk.first}) == USERS
    first = [answer.upstream for answer in walk.first]
    assert "service" in first
    assert [first] * WORKERS == walk.rising[1]

    newcomers = [answer.upstream for answer in walk.newcomers]
    assert [newcomers] * WORKERS == walk.newcomers_again
    low, high = binomial_interval(NEWCOMERS, 0.5, TAIL)
    assert low <= len(service_users(newcomers)) <= high


def test_nobody_leaves_the_service_when_the_share_rises(walk: Walk) -> None:
    for lower, higher in pairwise(UP):
        assert service_users(walk.rising[lower][0]) < service_users(walk.rising[higher][0])


def test_the_very_same_users_are_left_when_the_share_falls(walk: Walk) -> None:
    for percent in DOWN:
        assert walk.falling[percent] == walk.rising[percent][0]


def test_new_processes_send_everybody_where_the_old_ones_did(walk: Walk) -> None:
    assert walk.restarted == walk.rising[10][0]


def test_all_workers_agree_about_every_user(walk: Walk) -> None:
    for sides in (*walk.rising.values(), walk.newcomers_again):
        assert sides[0] == sides[1]
    # The kernel told which worker held which connection; the workers' own counters say the same.
    assert walk.counted_by_worker == walk.asked_of_worker
    assert min(walk.asked_of_worker) > 4 * USERS


def test_capabilities_of_one_journey_share_their_users(walk: Walk) -> None:
    assert walk.search == walk.rising[50][0]


def test_another_journey_has_users_of_its_own(walk: Walk) -> None:
    catalog, reviews = service_users(walk.rising[50][0]), service_users(walk.reviews)
    low, high = binomial_interval(USERS, 0.5, TAIL)
    assert low <= len(reviews) <= high
    # Were they independent, who is in both would be hypergeometric: about 2,500, give or take 25.
    a, b, n = len(catalog), len(reviews), USERS
    expected = a * b / n
    deviation = math.sqrt(a * b * (n - a) * (n - b) / (n * n * (n - 1)))
    assert abs(len(catalog & reviews) - expected) < SIGMAS * deviation


def test_answers_for_shared_caches_carry_no_cookie(walk: Walk) -> None:
    assert {answer.upstream for answer in walk.cacheable} == {"monolith", "service"}
    assert not any(answer.cookie for answer in walk.cacheable)
    assert f"fig_user_cookies_withheld_total {len(walk.cacheable)}.0" in walk.metrics


def test_clients_with_authorization_are_recognised_by_it_and_get_no_cookie(walk: Walk) -> None:
    assert not any(answer.cookie for answers in walk.by_token for answer in answers)
    sides = [[answer.upstream for answer in answers] for answers in walk.by_token]
    assert sides[0] == sides[1]
    low, high = binomial_interval(NEWCOMERS, 0.5, TAIL)
    assert low <= len(service_users(sides[0])) <= high


def test_nobody_gets_a_cookie_where_nothing_is_in_canary(walk: Walk) -> None:
    assert len(walk.elsewhere) == 200
    assert {(answer.upstream, answer.cookie) for answer in walk.elsewhere} == {("monolith", None)}


def test_no_upstream_sees_the_cookie(walk: Walk) -> None:
    assert walk.leaked_cookies == 0


def test_the_proxy_counted_what_the_users_saw_and_the_upstreams_answered(walk: Walk) -> None:
    counted = {
        (capability, side): count
        for capability, sides in walk.counted.items()
        for side, count in sides.items()
        if count
    }
    assert counted == walk.seen
    assert {capability for capability, _ in counted} == {"catalog", "search", "reviews", "pages"}
    for key, count in counted.items():
        assert walk.upstreams_counted[key] == count
    minted = len(walk.first) + len(walk.newcomers)
    assert f"fig_user_cookies_total {minted}.0" in walk.metrics


def test_the_status_shows_the_share_that_was_asked_for(walk: Walk) -> None:
    for percent in (1, 10):
        seen = len(service_users(walk.rising[percent][0])) / USERS * 100
        assert walk.observed_percent[percent] == pytest.approx(seen, abs=0.01)
    assert walk.observed_percent[100] == 100
