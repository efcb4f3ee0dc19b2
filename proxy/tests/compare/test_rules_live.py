"""Rules on live traffic: what each was good for is counted and outlives the comparer, and they end on their day."""

from datetime import date
from typing import Any

import pytest
from comparer_world import ROUTE, World, answer, connected, offer

from stranglerfig.compare import setup
from stranglerfig.compare.account import Account, read_accounts
from stranglerfig.compare.reading import read_clusters
from stranglerfig.compare.rule_record import RuleRecord, records_of
from stranglerfig.compare.rules import Rules
from stranglerfig.counters import COUNTERS_NAME, read_all
from stranglerfig.server.tee import Tee


def rules(**changes: Any) -> Rules:
    rule = {"name": "a", "action": "ignore", "capability": "catalog", "where": "body", "path": "$.a", "reason": "r",
            "owner": "o", "expires": "2099-12-31"} | changes  # fmt: skip
    return Rules.model_validate({"rules": [rule]})


def record(world: World) -> RuleRecord:
    counts = read_all(world.state_dir / COUNTERS_NAME)
    (only,) = records_of(world.rules, counts, {}, lambda _: False)
    return only


async def compare(world: World, tee: Tee, reply: bytes, **changes: Any) -> Account:
    world.candidate.reply = answer(reply)
    asked = read_accounts(world.state_dir).get("catalog", Account()).asked
    assert offer(tee, **changes)
    return await world.until(lambda account: account.asked == asked + 1 and account.waiting == 0)


async def test_hits_are_counted_by_answers_and_outlive_the_comparer(world: World) -> None:
    world.rules = rules(path="$[].a")
    block = world.block("comparer")
    comparer = await world.compare(block)
    tee = await world.tee()
    await connected(tee)
    two = b'[{"a": 1}, {"a": 1}]'
    await compare(world, tee, b'[{"a": 2}, {"a": 3}]', body=two)
    await compare(world, tee, two, body=two)
    assert (record(world).held, record(world).met) == (2, 1)
    assert world.account().rule_hits == {"a": 2}
    met_at = record(world).met_at
    assert met_at is not None
    await comparer.drain(1)
    await world.compare(block)
    await connected(tee)
    await compare(world, tee, b'[{"a": 2}, {"a": 1}]', body=two)
    assert (record(world).held, record(world).met) == (3, 2)
    assert (record(world).met_at or 0) >= met_at


async def test_only_routes_that_a_rule_speaks_of_count_for_it(world: World) -> None:
    world.rules = rules(route="POST /api/catalog/quote")
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    await compare(world, tee, b'{"a": 1}')
    assert record(world).held == 0
    await compare(world, tee, b'{"a": 1}', route="POST /api/catalog/quote")
    assert record(world).held == 1


async def test_a_rule_ends_on_its_day_without_a_reload(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.rules = rules(expires="2027-03-01")
    monkeypatch.setattr(setup, "today", lambda: date(2027, 3, 1))
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    assert (await compare(world, tee, b'{"a": 2}')).ignored == 1
    monkeypatch.setattr(setup, "today", lambda: date(2027, 3, 2))
    account = await compare(world, tee, b'{"a": 2}')
    assert (account.ignored, account.different) == (1, 1)
    assert record(world).held == 1


async def test_an_expected_change_that_does_not_occur_is_kept_as_a_difference(
    world: World,
) -> None:
    world.rules = rules(action="expect", path="$.stock", kinds=["extra"], route=ROUTE)
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    assert (await compare(world, tee, b'{"a": 1, "stock": 5}')).ignored == 1
    assert (await compare(world, tee, b'{"a": 1}')).different == 1
    (cluster,) = read_clusters(world.store_path)
    assert (cluster.kind, cluster.place, cluster.shapes) == (
        "missing", "expected body $.stock", "unchanged → unchanged",
    )  # fmt: skip
    assert (record(world).held, record(world).met) == (2, 1)
