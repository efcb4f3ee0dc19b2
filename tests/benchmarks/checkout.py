"""How long a checkout takes a shopper, asked directly and through the proxy.

Real processes: the shop (gunicorn, two workers), the proxy (two workers), the card gateway with its ledger on disk. Shoppers
with accounts fill their carts with one to three things and buy, all at once; every one of them buys at the shop and through the
proxy in turns, in an order that the seed decides, so that a change of the machine's mood hits both. What is timed is the one
request `POST /api/orders/`: cart, stock, order and payment in one transaction, the question to the gateway, and the
transaction that takes its answer. In the end the gateway's ledger must hold what the shoppers were told.
"""

import random
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.figures import command, out, show, summary, tell
from crowd.buyer import Bought, Buyer
from servers.postgresql import PostgreSQL
from stack import SeededData, Stack

SOLD = (
    "SELECT v.sku FROM catalog_variant v, catalog_product p WHERE p.id = v.product_id AND p.is_active"
    " ORDER BY v.id"
)
SHOPPERS = (1, 4)
WARM_UP = 3  # checkouts of each shopper and way that are not counted


def shop_around(stack: Stack, number: int, checkouts: int, seed: int) -> dict[str, list[Bought]]:
    """What one shopper buys: as often as asked, both ways in turns."""
    draw = random.Random(seed * 1_000 + number)
    ways = {"direct": stack.monolith_url, "proxy": stack.proxy_url}
    bought: dict[str, list[Bought]] = {way: [] for way in ways}
    skus = [row[0] for row in stack.data.monolith.rows(SOLD)]
    with Buyer(stack.monolith_url, f"shopper{number + 1:03}") as buyer:
        for _ in range(checkouts + WARM_UP):
            for way in draw.sample(sorted(ways), len(ways)):
                for sku in draw.sample(skus, draw.randint(1, 3)):
                    buyer.put_in_cart(ways[way], sku)
                one = buyer.buy(ways[way])
                if one.status != 201:
                    raise SystemExit(f"a checkout was answered {one.status}: {one.order}")
                bought[way].append(one)
    return bought


def measure(stack: Stack, shoppers: int, checkouts: int, seed: int) -> dict[str, Any]:
    """All shoppers at once, each with so many checkouts either way."""
    assert stack.gateway is not None
    before = stack.gateway.balance()
    # Enough of everything, whatever the seed has put into the store.
    stack.data.monolith.run(
        "DELETE FROM inventory_stockitem",
        "INSERT INTO inventory_stockitem (variant_id, on_hand, reserved, low_below)"
        " SELECT id, 100000, 0, 5 FROM catalog_variant",
    )
    with ThreadPoolExecutor(shoppers) as pool:
        all_bought = list(
            pool.map(lambda number: shop_around(stack, number, checkouts, seed), range(shoppers))
        )
    told = sum(
        (one.total for each in all_bought for way in each.values() for one in way), Decimal(0)
    )
    if told != (charged := stack.gateway.balance() - before):
        raise SystemExit(f"shoppers were told {told}, the ledger has {charged}")
    return {
        way: summary([one.took_s for each in all_bought for one in each[way][WARM_UP:]])
        for way in ("direct", "proxy")
    }


def main() -> int:
    parser = command(__doc__ or "")
    parser.add_argument(
        "--shoppers", type=int, nargs="+", default=SHOPPERS, help="at once (default 1, then 4)"
    )
    parser.add_argument(
        "--checkouts", type=int, default=100, help="of all together, each way (default 100)"
    )
    wanted = parser.parse_args()
    result: dict[str, Any] = {}
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="fig-checkout-")))
        server = ends.enter_context(PostgreSQL.started(durable=True))
        for name, on in (("SQLite", None), ("PostgreSQL", server)):
            data = SeededData.make(folder / f"{name} seeded", server=on)
            with Stack.start(folder / name, data=data, with_gateway=True) as stack:
                for shoppers in wanted.shoppers:
                    out.print(f"{name}: {shoppers} at once, {wanted.checkouts} checkouts each way")
                    each = -(-wanted.checkouts // shoppers)
                    ways = measure(stack, shoppers, each, wanted.seed)
                    result |= {f"{name}, {shoppers} at once, {way}": ways[way] for way in ways}
    show(
        "One checkout",
        ("", "p50 ms", "p99 ms", "max ms", "checkouts"),
        [
            (
                name,
                *(f"{figures[key] * 1000:.1f}" for key in ("p50", "p99", "max")),
                str(figures["count"]),
            )
            for name, figures in result.items()
        ],
    )
    tell(result, as_json=wanted.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
