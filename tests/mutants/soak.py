"""Does the comparison cry where nothing differs? The shop is compared with itself, over a great many answers.

    python -m mutants.soak --answers 100000 --seed 1        # make soak

Reads of every part of the shop, with queries that chance makes, by a guest and by people who are logged in. Both sides
have the same rows, and no bug is on. Ends with 1 if any answer is called different.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlencode

from planted.bug import Step, get
from planted.shops import TwoShops
from stack import SeededData

from mutants.recording import READS, record
from stranglerfig.compare.verdict import Verdict

_VISIT = 200  # reads by one visitor, before another comes
_ORDERS = ("name", "price", "-price", "newest", "rating")
_WORDS = ("oak", "linen", "caf", "sauté", "the", "a b", "no such word")
_KEPT = 5


@dataclass
class Soak:
    """What came of it."""

    verdicts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def different(self) -> int:
        return self.verdicts[Verdict.DIFFERENT]


def soak(shops: TwoShops, *, answers: int, seed: int) -> Soak:
    """Compare so many answers."""
    chance = Random(seed)
    shops.switch_on()
    shops.restore()
    found = Soak()
    slugs = shops.slugs
    while left := answers - found.verdicts.total():
        visitor, reads = chance.choice(READS)
        with shops.visit(visitor) as ask:
            for step in _questions(chance, reads, slugs, min(_VISIT, left)):
                pair = ask(step)
                judgement = shops.judge(pair)
                found.verdicts[judgement.verdict] += 1
                found.statuses[pair[0].status] += 1
                found.hits.update(judgement.hits)
                if judgement.verdict is Verdict.DIFFERENT and len(found.examples) < _KEPT:
                    places = [f"{d.where} {d.path} {d.kind}" for d in judgement.differences[:3]]
                    found.examples.append(f"{visitor or 'guest'} {step.path}: {'; '.join(places)}")
    return found


def _questions(
    chance: Random, reads: tuple[Step, ...], slugs: list[str], count: int
) -> Iterator[Step]:
    """Half of them as they are recorded for mutants, half made here."""
    for _ in range(count):
        made = (
            f"/product/{chance.choice(slugs)}/",
            f"/api/catalog/products/{chance.choice(slugs)}/",
            f"/api/catalog/products/{chance.choice(slugs)}/reviews/?page_size=3",
            f"/api/catalog/products/?{_query(chance, 'ordering')}",
            f"/search/?{_query(chance, 'sort')}",
        )
        yield chance.choice((chance.choice(reads), get(chance.choice(made))))


def _query(chance: Random, order: str) -> str:
    query = {order: chance.choice(_ORDERS), "q": chance.choice(_WORDS)}
    if chance.random() < 0.5:
        query["min_price"] = str(chance.randrange(40))
    return urlencode(query)


def main() -> int:
    """Print what came of it; 1 if anything was called different."""
    parser = argparse.ArgumentParser(
        prog="mutants.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--answers", type=int, default=100_000, metavar="N", help="how many (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of chance (%(default)s)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = SeededData.make(folder / "seeded")
        with TwoShops.started(folder, data) as shops:
            for each in record(shops):
                assert shops.judge(each.pair).verdict is not Verdict.DIFFERENT, each.asked
            began = time.monotonic()
            found = soak(shops, answers=asked.answers, seed=asked.seed)
    said = {
        "answers": found.verdicts.total(),
        "seed": asked.seed,
        "took_s": round(time.monotonic() - began),
        "verdicts": dict(found.verdicts),
        "statuses": {str(status): count for status, count in sorted(found.statuses.items())},
        "rules_hit": dict(found.hits),
        "different": found.examples,
    }
    print(json.dumps(said, indent=2))  # noqa: T201
    return 1 if found.different else 0


if __name__ == "__main__":
    sys.exit(main())
