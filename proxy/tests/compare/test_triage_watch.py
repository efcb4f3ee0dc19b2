"""The comparer and decisions: which fixed difference came back and when, and how long an expected one was not seen."""

from pathlib import Path
from typing import Any

from comparer_world import ROUTE, World, answer, connected, offer

from stranglerfig.compare.account import Account, read_accounts
from stranglerfig.compare.reading import read_clusters
from stranglerfig.compare.rules import Rules
from stranglerfig.compare.triage import Mark, State, Triaged, signature_of
from stranglerfig.compare.triage_file import TRIAGE_NAME, append_mark, read_histories, triage
from stranglerfig.counters import COUNTERS_NAME, read_all
from stranglerfig.server.tee import Tee

OTHER = answer(b'{"a": 2}')
SAME = answer(b'{"a": 1}')


def standing(world: World) -> Triaged:
    """The one difference there is."""
    (only,) = triage(
        read_clusters(world.store_path),
        read_histories(world.state_dir),
        read_all(world.state_dir / COUNTERS_NAME),
    )
    return only


def decide(world: World, state: str, at: float) -> None:
    (cluster,) = read_clusters(world.store_path)
    decided = Mark(State(state), at, "ann@host", "because", cluster.count, 1)
    append_mark(world.state_dir, signature_of(cluster), decided)


async def compare(world: World, tee: Tee, reply: bytes, **changes: Any) -> None:
    world.candidate.reply = reply
    asked = read_accounts(world.state_dir).get("catalog", Account()).asked
    assert offer(tee, **changes)
    await world.until(lambda account: account.asked == asked + 1 and account.waiting == 0)


async def test_a_fixed_difference_that_comes_back_is_reopened_with_its_generation(
    world: World,
) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    await compare(world, tee, OTHER)
    seen_at = standing(world).cluster.last_seen
    decide(world, "fixed", seen_at + 1)
    await compare(world, tee, SAME, started_at=seen_at + 2)
    await compare(world, tee, OTHER, started_at=seen_at + 0.5)  # asked before it was mended
    assert standing(world).state == "fixed"
    await compare(world, tee, OTHER, started_at=seen_at + 3, generation=8, request_id="r-8")
    await compare(world, tee, OTHER, started_at=seen_at + 4, generation=9, request_id="r-9")
    back = standing(world)
    assert back.state == "reopened"
    assert back.reopened == back.history.reopened
    assert back.reopened is not None
    assert (back.reopened.generation, back.reopened.request_id) == (8, "r-8")
    decide(world, "fixed", seen_at + 5)
    assert standing(world).state == "fixed"
    await compare(world, tee, OTHER, started_at=seen_at + 6, generation=10)
    assert standing(world).history.reopened is not None


async def test_an_expected_difference_is_missed_by_comparisons_and_forgiven_when_it_occurs(
    world: World,
) -> None:
    block = world.block("comparer")
    comparer = await world.compare(block)
    tee = await world.tee()
    await connected(tee)
    await compare(world, tee, OTHER)
    decide(world, "expected", 1.0)
    for _ in range(3):
        await compare(world, tee, SAME)
    assert standing(world).unseen == 3
    await compare(world, tee, SAME, route="POST /api/catalog/quote")  # elsewhere it is not expected
    assert standing(world).unseen == 3
    covering = {"name": "a", "action": "ignore", "capability": "catalog", "route": ROUTE, "where": "body",
                "path": "$.a", "reason": "r", "owner": "o", "expires": "2099-12-31"}  # fmt: skip
    comparer.swap(world.config(), Rules.model_validate({"rules": [covering]}), world.secret)
    await compare(world, tee, SAME)  # a rule speaks of it now
    assert standing(world).unseen == 3
    comparer.swap(world.config(), Rules(), world.secret)
    await compare(world, tee, OTHER)
    assert standing(world).unseen == 0


async def test_a_comparer_that_is_started_again_goes_on_missing_it(world: World) -> None:
    block = world.block("comparer")
    comparer = await world.compare(block)
    tee = await world.tee()
    await connected(tee)
    await compare(world, tee, OTHER)
    decide(world, "expected", 1.0)
    await compare(world, tee, SAME)
    await comparer.drain(1)
    await world.compare(block)
    await connected(tee)
    await compare(world, tee, SAME)
    assert standing(world).unseen == 2


async def test_a_file_that_cannot_be_had_costs_no_verdict(world: World) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    await compare(world, tee, OTHER)
    decide(world, "fixed", 1.0)
    aside = put_in_the_way(world)
    await compare(world, tee, OTHER)
    assert world.account().different == 2
    put_back(world, aside)
    back = standing(world)  # by the store alone
    assert (back.state, back.history.reopened) == ("reopened", None)


def put_in_the_way(world: World) -> Path:
    path = world.state_dir / TRIAGE_NAME
    aside = path.rename(path.with_name("aside"))
    path.mkdir()
    return aside


def put_back(world: World, aside: Path) -> None:
    path = world.state_dir / TRIAGE_NAME
    path.rmdir()
    aside.rename(path)
