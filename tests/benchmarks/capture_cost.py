"""What capture costs whoever writes: the same statements on the same rows, with its triggers and without.

Two copies of a seeded shop in the same server (or folder), one of them without triggers, are written to in turns by plain
SQL on one connection each, so that a change of the machine's mood hits both. Commits reach the disk as in production:
PostgreSQL with fsync, SQLite as the shop sets it up (WAL, synchronous=NORMAL). Medians of single statements, in
microseconds; a single-row statement is a transaction of its own.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.figures import command, out, show, tell
from servers.postgresql import PostgreSQL
from stack.data import MONOLITH, SeededData
from stack.database import ask
from stack.database import tell as write
from stack.process import manage

BULK = 1_000
PRODUCTS = 1_000  # more than a thousand variants
TURN = 25  # single-row statements of one side before it is the other's turn

Statement = Callable[[int, list[int]], str]


def update(number: int, variants: list[int]) -> str:
    price = f"{number % 500 + 1}.99"
    return f"UPDATE catalog_variant SET price_amount = {price}, compare_at_amount = NULL WHERE id = {variants[number % len(variants)]}"  # noqa: S608


def insert(number: int, variants: list[int]) -> str:
    variant = variants[number % len(variants)]
    return (
        "INSERT INTO catalog_pricechange"  # noqa: S608
        " (variant_id, old_amount, new_amount, currency, changed_at, reason) VALUES"
        f" ({variant}, {number % 500 + 1}, {number % 500 + 2}, 'EUR', '2026-01-02 03:04:05', 'measured')"
    )


def bulk(number: int, variants: list[int]) -> str:
    last = variants[BULK - 1]
    return f"UPDATE catalog_variant SET price_amount = {number % 500 + 1}.99, compare_at_amount = NULL WHERE id <= {last}"  # noqa: S608


def measure(
    sides: dict[str, Any], statement: Statement, variants: list[int], *, count: int, turn: int
) -> dict[str, float]:
    """Median microseconds of each side; the first turn of each warms up."""
    times: dict[str, list[float]] = {side: [] for side in sides}
    for first in range(0, count + turn, turn):
        for side, connection in sides.items():
            for number in range(first, first + turn):
                text = statement(number, variants)
                began = time.perf_counter()
                write(connection, text)
                took = time.perf_counter() - began
                if first:
                    times[side].append(took * 1e6)
    return {side: statistics.median(each) for side, each in times.items()}


def compare(
    data: SeededData, folder: Path, singles: int, bulks: int
) -> dict[str, dict[str, float]]:
    """All three statements on one kind of database."""
    without = data.copy(folder)
    manage(MONOLITH, {"DATABASE_URL": without.monolith.url}, "capture", "--remove")
    with data.monolith.connection() as captured, without.monolith.connection() as bare:
        variants = [row[0] for row in ask(bare, "SELECT id FROM catalog_variant ORDER BY id")]
        sides = {"without": bare, "with": captured}
        return {
            "UPDATE of one row": measure(sides, update, variants, count=singles, turn=TURN),
            "INSERT of one row": measure(sides, insert, variants, count=singles, turn=TURN),
            f"UPDATE of {BULK:,} rows": measure(sides, bulk, variants, count=bulks, turn=1),
        }


def main() -> int:
    parser = command(__doc__ or "")
    parser.add_argument("--singles", type=int, default=2_000, help="single-row statements a side")
    parser.add_argument("--bulks", type=int, default=20, help="statements of many rows a side")
    wanted = parser.parse_args()
    result: dict[str, dict[str, dict[str, float]]] = {}
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="fig-capture-")))
        server = ends.enter_context(PostgreSQL.started(durable=True))
        for name, on in (("SQLite", None), ("PostgreSQL", server)):
            out.print(f"{name}: a shop with {PRODUCTS:,} products, twice")
            data = SeededData.make(folder / name, products=PRODUCTS, server=on)
            result[name] = compare(data, folder / f"{name} without", wanted.singles, wanted.bulks)
    show(
        "What capture costs whoever writes, median µs",
        ("", "without", "with", "more", "more a row"),
        [
            (
                f"{name}: {what}",
                f"{sides['without']:.0f}",
                f"{sides['with']:.0f}",
                f"{sides['with'] - sides['without']:.0f}",
                f"{(sides['with'] - sides['without']) / (BULK if str(f'{BULK:,}') in what else 1):.1f}",
            )
            for name, each in result.items()
            for what, sides in each.items()
        ],
    )
    tell(result, as_json=wanted.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
