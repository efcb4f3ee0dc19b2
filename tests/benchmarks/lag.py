"""How long a committed change takes to be visible in the service's database: commit at the source to commit at the service.

A writer process changes prices in the shop's database by plain SQL, one row a transaction, at a given pace. The shop
(gunicorn) and `manage.py consume` are real processes. An observer reads the service's database every few milliseconds
and notes when it first sees each price, or a later one of the same row. Writer and observer read the same clock
(CLOCK_MONOTONIC, one for all processes of a machine): the writer just before COMMIT, the observer after its query has
returned; so what is shown is never shorter than it was, and longer by at most one look. How long a look is, is shown too:
the same with the observer at the shop's own database, where nothing has to arrive.
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.figures import command, out, show, summary, tell
from live.observer import Observer
from servers.postgresql import PostgreSQL
from stack import Database, SeededData, Stack

TESTS = Path(__file__).resolve().parents[1]
RATES = (50, 200)
WARM_UP_S = 2
LOOK_FOR_S = 3
CATCH_UP_WITHIN_S = 30.0


def measure(
    written: Database, observed: Database, per_second: int, seconds: int, seed: int
) -> dict[str, Any]:
    """Let the writer write, and wait until everything has arrived."""
    asked = {"url": written.url, "per_second": per_second, "seconds": seconds + WARM_UP_S, "seed": seed}  # fmt: skip
    with Observer(observed) as observer:
        done = subprocess.run(
            [sys.executable, "-m", "live.price_writer", json.dumps(asked)],
            cwd=TESTS,
            check=True,
            stdout=subprocess.PIPE,
        )
        wrote = json.loads(done.stdout)
        deadline = time.monotonic() + CATCH_UP_WITHIN_S
        latest = {variant: price for _, variant, price in wrote["writes"]}
        while missing := [v for v, price in latest.items() if observer.when(v, price) is None]:
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(missing)} rows never arrived: {missing[:5]}")
            time.sleep(0.02)
    measured = wrote["writes"][WARM_UP_S * per_second :]
    lags = [(observer.when(variant, price) or 0.0) - at for at, variant, price in measured]
    return {
        "wanted_per_second": per_second,
        "per_second": wrote["per_second"],
        "writer_behind_s": wrote["behind_s"],
        "lag_s": summary(lags),
    }


def main() -> int:
    parser = command(__doc__ or "")
    parser.add_argument("--seconds", type=int, default=15, help="of each run, after a warm-up")
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="transactions a second")
    wanted = parser.parse_args()
    result: dict[str, Any] = {}
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="fig-lag-")))
        server = ends.enter_context(PostgreSQL.started(durable=True))
        for name, on in (("SQLite", None), ("PostgreSQL", server)):
            data = SeededData.make(folder / f"{name} seeded", server=on)
            with Stack.start(folder / name, data=data, with_proxy=False, live=True) as stack:
                shop, service = stack.data.monolith, stack.data.service
                runs = [(f"{rate}/s", service, rate, wanted.seconds) for rate in wanted.rates]
                runs.append(("one look", shop, max(wanted.rates), LOOK_FOR_S))
                for what, observed, rate, seconds in runs:
                    out.print(f"{name}, {what}: {rate} transactions a second for {seconds} s")
                    result[f"{name}, {what}"] = measure(shop, observed, rate, seconds, wanted.seed)
    show(
        "From commit in the shop to commit in the service",
        ("", "p50 ms", "p99 ms", "max ms", "changes", "written/s", "late ms"),
        [
            (
                name,
                *(f"{run['lag_s'][key] * 1000:.0f}" for key in ("p50", "p99", "max")),
                str(run["lag_s"]["count"]),
                f"{run['per_second']:.1f}",
                f"{run['writer_behind_s'] * 1000:.0f}",
            )
            for name, run in result.items()
        ],
    )
    tell(result, as_json=wanted.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
