"""Both sides asked again, on real sockets: what heals is lag, what the control does too is noise, the rest stays a difference."""

import itertools
import json
import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from comparer_world import ROUTE, ScriptedUpstream, World, answer, connected, offer
from waiting import until

from stranglerfig.compare import settling
from stranglerfig.compare.account import Account, read_accounts
from stranglerfig.compare.evidence_rows import NoiseRow, Paired
from stranglerfig.compare.evidence_store import read_rows
from stranglerfig.compare.reading import read_clusters
from stranglerfig.compare.rules import Rules
from stranglerfig.config.model import Config
from stranglerfig.counters import COUNTERS_NAME, names, read_all
from stranglerfig.counters.histogram import read_buckets
from stranglerfig.server.tee import Tee


def body(**members: Any) -> bytes:
    return json.dumps(members).encode()


OLD, NEW = body(stock=3), body(stock=2)


def answers(*bodies: bytes) -> Iterator[bytes]:
    return iter([answer(each) for each in bodies])


def tokens() -> Iterator[bytes]:
    """Answers whose token is new in each."""
    return (answer(body(token=str(uuid.uuid4()))) for _ in itertools.count())


async def comparing(world: World) -> Tee:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    return tee


async def outcome(world: World, tee: Tee, seen: bytes, **expected: int) -> Account:
    """Compare one request that the control answered with ``seen``."""
    assert offer(tee, body=seen)
    return await world.settled(**expected)


def noise(world: World) -> dict[str, NoiseRow]:
    return {row.path: row for row in read_rows(world.state_dir, NoiseRow)}


async def test_a_candidate_that_catches_up_is_lag_with_its_delay(world: World) -> None:
    world.control.reply = answer(NEW)
    world.candidate.replies = answers(OLD, OLD)
    world.candidate.reply = answer(NEW)
    tee = await comparing(world)
    account = await outcome(world, tee, NEW, lag=1, different=0, asked=1)
    assert account.lag_by == {"candidate_caught_up": 1}
    assert account.asked_again == {"monolith": 2, "service": 2}
    counts = read_all(world.state_dir / COUNTERS_NAME)
    assert sum(read_buckets(counts, names.LAG, capability="catalog")) == 1
    assert read_clusters(world.store_path) == []
    (row,) = noise(world).values()
    assert (row.path, row.healed, row.count.own) == ("$.stock", 1, 0)


async def test_a_service_that_fails_now_and_then_is_no_lag(world: World) -> None:
    world.candidate.replies = iter([answer(b"<h1>oops</h1>", "500 Internal Server Error", b"text/html")])  # fmt: skip
    world.control.reply = world.candidate.reply = answer(OLD)
    tee = await comparing(world)
    await outcome(world, tee, OLD, different=1, lag=0)
    (status,) = (each for each in read_clusters(world.store_path) if each.where == "status")
    assert status.shapes == "200 → 500"


async def test_a_control_that_changed_meanwhile_is_told_apart(world: World) -> None:
    world.control.reply = world.candidate.reply = answer(NEW)
    tee = await comparing(world)
    account = await outcome(world, tee, OLD, lag=1)
    assert account.lag_by == {"control_changed": 1}
    assert read_rows(world.state_dir, Paired) == []


async def test_both_that_changed_are_neither(world: World) -> None:
    world.candidate.replies = answers(NEW)
    world.control.reply = world.candidate.reply = answer(body(stock=9))
    tee = await comparing(world)
    account = await outcome(world, tee, OLD, lag=1)
    assert account.lag_by == {"both_changed": 1}


async def test_what_never_heals_is_a_difference_after_a_bounded_number_of_questions(
    world: World,
) -> None:
    world.control.reply, world.candidate.reply = answer(OLD), answer(NEW)
    tee = await comparing(world)
    await outcome(world, tee, OLD, different=1)
    assert (len(world.control.requests), len(world.candidate.requests)) == (3, 4)
    assert [each.path for each in read_clusters(world.store_path)] == ["$.stock"]
    assert [(row.b, row.c, row.both) for row in noise(world).values()] == [(1, 0, 0)]


async def test_which_side_is_asked_first_is_a_matter_of_chance(world: World) -> None:
    world.control.reply, world.candidate.reply = answer(OLD), answer(NEW)
    order: list[str] = []
    for name in ("control", "candidate"):
        getattr(world, name).requests = Noting(order, name)
    world.chance = iter([0.2, 0.7, 0.4, 0.999]).__next__
    tee = await comparing(world)
    offer(tee, body=OLD)
    await world.settled(different=1)
    first, *again = order
    assert first == "candidate"
    assert again == ["control", "candidate", "candidate", "control", "control", "candidate"]


class Noting(list[bytes]):
    """Requests that say in a common list when they came."""

    def __init__(self, order: list[str], name: str) -> None:
        super().__init__()
        self._order, self._name = order, name

    def append(self, request: bytes) -> None:
        super().append(request)
        self._order.append(self._name)


async def test_a_value_that_the_control_makes_anew_is_noise_and_soon_needs_one_round(
    world: World,
) -> None:
    world.control.replies, world.candidate.replies = tokens(), tokens()
    tee = await comparing(world)
    for _ in range(5):
        offer(tee, body=body(token=str(uuid.uuid4())))
        await world.until(lambda account: account.waiting == 0)
    account = await world.settled(noise=5, different=0, equal=0)
    assert account.bound is None  # nothing is known of a value that nobody can compare
    assert read_clusters(world.store_path) == []
    row = noise(world)["$.token"]
    assert (row.b, row.c, row.both, row.excused, row.format) == (0, 0, 5, 5, "uuid")
    assert not row.count.has_power
    assert account.asked_again == {"monolith": 3 * 3 + 2, "service": 3 * 3 + 2}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({}, "missing"),
        ({"token": None}, "null"),
        ({"token": 7}, "type"),
        ({"token": "none"}, "value"),
        ({"token": [1]}, "type"),
    ],
)
async def test_a_noisy_value_that_vanishes_or_changes_its_form_is_a_difference(
    world: World, reply: dict[str, Any], kind: str
) -> None:
    world.control.replies = tokens()
    world.candidate.reply = answer(body(**reply))
    tee = await comparing(world)
    for _ in range(6):
        offer(tee, body=body(token=str(uuid.uuid4())))
    account = await world.settled(different=6, noise=0)
    assert account.compared == 6
    assert [each.kind for each in read_clusters(world.store_path)] == [kind]


async def test_noise_beside_a_difference_hides_nothing_and_is_not_listed(world: World) -> None:
    world.control.replies = (answer(body(price=1, token=str(uuid.uuid4()))) for _ in itertools.count())  # fmt: skip
    world.candidate.replies = (answer(body(price=2, token=str(uuid.uuid4()))) for _ in itertools.count())  # fmt: skip
    tee = await comparing(world)
    offer(tee, body=body(price=1, token="anew"))
    await world.settled(different=1)
    assert [each.path for each in read_clusters(world.store_path)] == ["$.price"]


async def test_no_volume_of_noise_excuses_a_place_that_did_not_drift_in_this_request(
    world: World,
) -> None:
    """A place that is measured noisy a thousand times, and one answer in which the control was steady."""
    world.control.replies, world.candidate.replies = tokens(), tokens()
    tee = await comparing(world)
    for _ in range(4):
        offer(tee, body=body(token=str(uuid.uuid4())))
        await world.until(lambda account: account.waiting == 0)
    steady = body(token=str(uuid.UUID(int=1)))
    world.control.replies = answers()
    world.control.reply = answer(steady)
    world.candidate.replies = answers()
    world.candidate.reply = answer(body(token=str(uuid.UUID(int=2))))
    offer(tee, body=steady)
    await world.settled(noise=4, different=1)
    row = noise(world)["$.token"]
    assert (row.refused, row.refusal) == (1, "it would cover what did not drift")


async def test_what_is_wrong_more_often_than_noise_explains_is_a_difference_again(
    world: World,
) -> None:
    """The control flickers now and then; the candidate is always another one, and the sign test says so."""
    draw = random.Random(7)
    moods = (f"{draw.choice('aaab')}-text" for _ in itertools.count())
    world.control.replies = (answer(body(mood=next(moods))) for _ in itertools.count())
    world.candidate.reply = answer(body(mood="c-text"))
    tee = await comparing(world)
    for _ in range(60):
        offer(tee, body=body(mood=next(moods)))
        await world.until(lambda account: account.waiting == 0)
    row = noise(world)["$.mood"]
    assert row.count.is_worse
    assert row.refusal == "the candidate differs more often"
    before = (await world.settled()).different
    for _ in range(5):
        offer(tee, body=body(mood="a-text"))
    await world.settled(different=before + 5)


async def test_alike_answers_are_asked_again_by_the_configured_share(world: World) -> None:
    draws = itertools.chain([0.005, 0.9, 0.9], itertools.repeat(0.9))
    world.chance = draws.__next__
    world.ask_again = 1
    world.control.reply = world.candidate.reply = answer(OLD)
    tee = await comparing(world)
    for _ in range(3):
        offer(tee, body=OLD)
        await world.until(lambda account: account.waiting == 0)
    account = await world.settled(equal=3)
    assert account.asked_again == {"monolith": 1, "service": 1}
    assert [row.pairs for row in read_rows(world.state_dir, Paired)] == [1]


async def test_a_difference_that_only_a_second_look_shows_counts(world: World) -> None:
    world.chance = itertools.chain([0.0], itertools.repeat(0.9)).__next__
    world.ask_again = 1
    world.control.reply = answer(OLD)
    world.candidate.replies = answers(OLD)
    world.candidate.reply = answer(NEW)
    tee = await comparing(world)
    offer(tee, body=OLD)
    await world.settled(different=1, equal=0)


@pytest.mark.parametrize("reason", ["busy", "no_answer", "not_comparable"])
async def test_what_cannot_be_asked_again_stays_a_difference(
    world: World, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    if reason == "busy":
        monkeypatch.setattr(settling, "SETTLING_AT_ONCE", 0)
    elif reason == "no_answer":
        await world.control.stop()
    else:
        world.control.reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: x\r\nContent-Length: 1\r\nContent-Type: text/plain\r\n\r\nx"
    world.candidate.reply = answer(NEW)
    tee = await comparing(world)
    offer(tee, body=OLD)
    account = await world.settled(different=1)
    assert account.unsettled == {reason: 1}


async def test_a_side_that_hangs_keeps_nothing_of_another_capability(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = ScriptedUpstream()
    await third.start()
    written = world.config().model_dump(mode="json")
    written["upstreams"]["third"] = f"http://127.0.0.1:{third.port}"
    written["capabilities"]["other"] = {
        **written["capabilities"]["catalog"],
        "upstream": "third",
        "routes": ["GET /api/other/**"],
        "journey": "other",
    }
    monkeypatch.setattr(world, "config", lambda: Config.model_validate(written))
    world.control.reply, third.reply = answer(OLD), answer(NEW)
    world.candidate.replies, world.candidate.reply = answers(*[NEW] * 8), None
    tee = await comparing(world)
    for _ in range(8):
        offer(tee, body=OLD)
    await world.until(lambda account: account.asked_again.get("service") == settling.ASKED_AT_ONCE)
    tee.asked("other")
    offer(tee, body=OLD, asked=False, capability="other", other="third", route="GET /api/other/**")
    await until(lambda: read_accounts(world.state_dir)["other"].different)
    assert world.account().waiting == 8
    await third.stop()


async def test_draining_ends_what_settles_as_the_difference_that_it_is(world: World) -> None:
    world.again_after_s = (0.0, 600.0)
    world.control.reply, world.candidate.reply = answer(OLD), answer(NEW)
    comparer = await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee, body=OLD)
    await world.until(lambda account: account.asked_again.get("monolith") == 1)
    await comparer.drain(5.0)
    account = await world.settled(different=1)
    assert account.unsettled == {"stopped": 1}


async def test_so_does_draining_while_a_side_hangs(world: World) -> None:
    world.control.reply = answer(OLD)
    world.candidate.replies, world.candidate.reply = answers(NEW), None
    comparer = await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee, body=OLD)
    await world.until(lambda account: account.asked_again.get("service") == 1)
    await comparer.drain(0.2)
    account = await world.settled(different=1)
    assert account.unsettled == {"stopped": 1}


async def test_an_expected_change_is_neither_noise_nor_lag(world: World) -> None:
    world.rules = Rules.model_validate(
        {"rules": [{"name": "added", "action": "expect", "capability": "catalog", "route": ROUTE, "where": "body", "path": "$.b", "kinds": ["extra"], "reason": "r", "owner": "o"}]}
    )  # fmt: skip
    world.control.reply = answer(body(a=1))
    world.candidate.reply = answer(body(a=1))
    tee = await comparing(world)
    offer(tee, body=body(a=1))
    await world.settled(different=1, lag=0)
    (cluster,) = read_clusters(world.store_path)
    assert cluster.where == "expected body"
    assert {row.place for row in noise(world).values()} == {"expected body"}
