"""The shop's changes flow to its service while everything between them is killed: nothing lost, doubled or stale.

A writer process changes the shop's tables in every way its database offers, shoppers post reviews through the proxy,
and shop, service, proxy and consumer are killed at random moments. In the end the service's tables are the shop's, row by
row and column by column, with everything that was ever acknowledged; and at no moment did a price go back.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from chaos.live_data import KILLS, Reviewer, kill_at_random, the_consumer
from crowd.accounts import wait_until
from live.observer import Observer
from live.price_writer import PRICES
from live.tables import declared, unlike
from stack import SeededData, Stack

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parents[1]
REVIEWERS = 2
ROUNDS = 3
CAUGHT_UP_WITHIN_S = 100.0


@pytest.fixture
def stack(tmp_path: Path, seeded_on: SeededData) -> Iterator[Stack]:
    with Stack.start(tmp_path / "stack", data=seeded_on, live=True) as stack:
        stack.fig("set", "catalog", "service", "--why", "something will die")
        yield stack


@pytest.mark.parametrize("seed", [1])
def test_whatever_is_killed_the_service_holds_what_the_shop_holds(stack: Stack, seed: int) -> None:
    columns = declared(stack)
    slugs = [
        row[0] for row in stack.data.monolith.rows("SELECT slug FROM catalog_product ORDER BY id")
    ]
    asked = {"url": stack.data.monolith.url, "seed": seed}
    with ExitStack() as ends:
        observer = ends.enter_context(Observer(stack.data.service))
        writer = ends.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "live.shop_writer", json.dumps(asked)],
                cwd=TESTS,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        ends.callback(writer.terminate)
        reviewers = [
            ends.enter_context(Reviewer(stack, f"shopper{300 - number:03}", slugs))
            for number in range(REVIEWERS)
        ]
        killed = kill_at_random(stack, seed, rounds=ROUNDS)
        assert writer.poll() is None, "the writer died"
        writer.terminate()
        told = json.loads(writer.communicate(timeout=30)[0].splitlines()[-1])
    assert set(killed.values()) == {ROUNDS}
    assert len(killed) == len(KILLS)
    assert sum(told["done"].values()) > 100

    wait_until(
        lambda: not unlike(stack, columns),
        lambda: (unlike(stack, columns)[:5], the_consumer(stack).output()[-3000:]),
        CAUGHT_UP_WITHIN_S,
    )
    prices = dict(stack.data.service.rows(PRICES))
    assert prices == {int(variant): price for variant, price in told["prices"].items()}
    reviews = dict(stack.data.service.rows("SELECT id, title FROM catalog_review"))
    assert {int(key): title for key, title in told["reviews"].items()}.items() <= reviews.items()
    assert not reviews.keys() & set(told["gone"])
    acknowledged = [title for reviewer in reviewers for title in reviewer.acknowledged.values()]
    assert len(acknowledged) > 20
    titles = list(reviews.values())
    assert [title for title in acknowledged if titles.count(title) != 1] == []
    went_back = [
        variant
        for variant, seen in observer.seen.items()
        if any(later[1] < earlier[1] for earlier, later in pairwise(seen))
    ]
    assert went_back == []
