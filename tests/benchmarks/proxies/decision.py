"""What one routing decision costs, in this process: the same ``decide`` that a worker calls, on tables of 10 to 10,000 routes.

No socket and no parsing: as many paths for every table, spread over its routes from the first to the last, each asked by
another user.
"""

import gc
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.load.processes import Failed
from benchmarks.peers import OURS
from benchmarks.peers.job import USER_COOKIE, Job, Place, user
from benchmarks.peers.stranglerfig import config_text
from benchmarks.proxies.spread import interleaved

from stranglerfig.config.load import parse
from stranglerfig.routing.decide import decide
from stranglerfig.routing.facts import Facts
from stranglerfig.routing.plan import Side
from stranglerfig.routing.snapshot import Snapshot, compile_snapshot

SIZES = {"10": 10, "1,000": 1_000, "10,000": 10_000}
ASKED = 1_000
TURNS = 5  # of each round the fastest counts: what interrupts a turn is not the decision's


def measure_decisions(rounds: int, sizes: Mapping[str, int] = SIZES) -> dict[str, list[float]]:
    """Microseconds a decision, by the label of the table's size, for each round."""
    tables = {label: (_snapshot(size), _asked(Job(routes=size))) for label, size in sizes.items()}
    gc.collect()
    took: dict[str, list[float]] = {label: [] for label in sizes}
    for _, label in interleaved(list(sizes), rounds):
        snapshot, asked = tables[label]
        took[label].append(min(_turn(snapshot, asked) for _ in range(TURNS)))
    return took


def _snapshot(routes: int) -> Snapshot:
    place = Place(Path(), port=1, admin=2, control=3, candidate=4)
    text = config_text(Job(routes=routes), place)
    return compile_snapshot(parse(text, "fig.yaml").config, {}, generation=1)


def _asked(job: Job) -> list[tuple[str, dict[str, str]]]:
    return [
        (f"{job.prefix_of(number, ASKED)}products/17", {"cookie": f"{USER_COOKIE}={user(number)}"})
        for number in range(ASKED)
    ]


def _turn(snapshot: Snapshot, asked: Sequence[tuple[str, dict[str, str]]]) -> float:
    facts = [Facts("GET", path, headers, "127.0.0.1", _mint) for path, headers in asked]
    gc.disable()
    try:
        began = time.perf_counter()
        for each in facts:
            decide(each, snapshot)
        took = time.perf_counter() - began
    finally:
        gc.enable()
    sides = {decide(each, snapshot).side for each in facts}
    if sides != {Side.MONOLITH, Side.SERVICE}:
        raise Failed(f"{OURS} decides for {sides} alone")
    return took / len(facts) * 1e6


def _mint() -> str:
    raise Failed("a user was not recognised by the cookie")
