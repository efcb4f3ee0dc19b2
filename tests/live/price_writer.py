"""A process that changes prices at a given pace, one row a transaction, and writes down when it committed which value.

It keeps to a timetable: one that was held up hurries until it has caught up, and tells how far behind it was at most.
Prices of a row only rise, by one cent a write, so that whoever sees one knows which writes it contains.
"""

import json
import random
import sys
import time

from stack.database import Database, ask, tell

# As whole cents, read alike from every database.
PRICES = "SELECT id, CAST(ROUND(price_amount * 100) AS INTEGER) FROM catalog_variant"


def write(url: str, *, per_second: float, seconds: float, seed: int) -> dict[str, object]:
    """Change prices; gives every write as [time of COMMIT, id, price in cents] and the longest delay."""
    draw = random.Random(seed)
    done: list[tuple[float, int, int]] = []
    behind_s = 0.0
    with Database(url).connection() as connection:
        prices = {int(row[0]): int(row[1]) for row in ask(connection, PRICES)}
        variants = sorted(prices)
        began = time.monotonic()
        for number in range(int(per_second * seconds)):
            due = began + number / per_second
            time.sleep(max(0.0, due - time.monotonic()))
            behind_s = max(behind_s, time.monotonic() - due)
            variant = draw.choice(variants)
            prices[variant] += 1
            price = prices[variant] / 100
            tell(connection, "BEGIN")
            tell(
                connection,
                f"UPDATE catalog_variant SET price_amount = {price:.2f}, compare_at_amount = NULL WHERE id = {variant}",
            )
            # Before it, so that a lag contains the commit itself and is never shown too small.
            at = time.monotonic()
            tell(connection, "COMMIT")
            done.append((at, variant, prices[variant]))
        took = time.monotonic() - began
    return {"writes": done, "behind_s": behind_s, "per_second": len(done) / took}


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    json.dump(write(asked.pop("url"), **asked), sys.stdout)
