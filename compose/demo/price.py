"""A price is changed past the shop, by plain SQL, and the time is taken until the service answers with it.

python -m demo.price --database .guide/shop.sqlite3 --service http://127.0.0.1:8211 --product SLUG
"""

import argparse
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import requests

from demo.failure import DemoError
from demo.pages import API

WITHIN_S = 30.0
BUSY_TIMEOUT_S = 20
# The former price has to be higher than the price, or there is none.
STATEMENT = "UPDATE catalog_variant SET price_amount = price_amount + 1, compare_at_amount = NULL WHERE sku = ?"


@dataclass(frozen=True)
class PriceChange:
    """What was changed, and how long it took to arrive."""

    sku: str
    before: Decimal
    after: Decimal
    arrived_after_ms: float


def change_a_price(database: Path, service: str, slug: str) -> PriceChange:
    """Raise the price of a product's first variant by one, and wait until ``service`` answers with it.

    The service is asked directly: what goes through the proxy is counted. Raises DemoError when it does not arrive.
    """
    sku, before = _offer(service, slug)
    with closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT_S)) as shop, shop:
        shop.execute(STATEMENT, [sku])
        committed = time.monotonic()  # just before
    while (now := _offer(service, slug)[1]) == before:
        if time.monotonic() - committed > WITHIN_S:
            raise DemoError(f"the new price of {sku} was not at the service after {WITHIN_S:.0f} s")
        time.sleep(0.005)
    return PriceChange(sku, before, now, (time.monotonic() - committed) * 1000)


def _offer(service: str, slug: str) -> tuple[str, Decimal]:
    answer = requests.get(f"{service}{API}products/{slug}/", timeout=10)
    answer.raise_for_status()
    variant = answer.json()["variants"][0]
    return variant["sku"], Decimal(variant["price"]["amount"])


def main() -> int:
    """Change one price; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.price",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", type=Path, required=True, help="the shop's SQLite file")
    parser.add_argument("--service", required=True, metavar="URL", help="where the service answers")
    parser.add_argument("--product", required=True, metavar="SLUG", help="whose first price it is")
    given = parser.parse_args()
    if not given.database.is_file():
        sys.stderr.write(f"error: there is no database {given.database}\n")
        return 2
    try:
        change = change_a_price(given.database, given.service.rstrip("/"), given.product)
    except (DemoError, requests.RequestException, sqlite3.Error) as failed:
        sys.stderr.write(f"error: {failed}\n")
        return 1
    sys.stdout.write(
        f"{change.sku} costs {change.after} instead of {change.before}\n"
        f"the service answers with it {change.arrived_after_ms:.0f} ms after the commit\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
