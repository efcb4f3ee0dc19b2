"""What every benchmark says of its figures: quantiles that were seen, and on what kind of machine."""

import argparse
import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed: one that was measured, none between two."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 1).__int__() - 1)]


def summary(values: Sequence[float]) -> dict[str, float]:
    """Of one kind of measurement."""
    return {
        "count": len(values),
        "p50": quantile(values, 0.5),
        "p99": quantile(values, 0.99),
        "max": max(values),
    }


def machine() -> dict[str, Any]:
    """In general words: figures hang on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_average": round(os.getloadavg()[0], 1),
    }


def command(about: str) -> argparse.ArgumentParser:
    """The options that all have."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn (default 1)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, too")
    return parser


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """One table; the first column is words."""
    table = Table(title=title, title_justify="left", box=None)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def tell(result: Mapping[str, Any], *, as_json: bool) -> None:
    """The machine, and the whole result where it is wanted."""
    here = machine()
    out.print(", ".join(f"{name} {value}" for name, value in here.items()))
    if as_json:
        out.print_json(json.dumps({"machine": here, **result}))
