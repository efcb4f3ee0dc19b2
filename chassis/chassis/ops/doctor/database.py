"""Can changes be captured in the project's databases?"""

from collections.abc import Iterator

from django.db import connections

from chassis.ops.doctor.finding import Finding, ok, problem
from chassis.ops.doctor.proxy import Proxy

_CAPTURED = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def check_databases(proxy: Proxy | None) -> Iterator[Finding]:
    """By vendor alone: no connection is made."""
    for alias in connections:
        vendor = connections[alias].vendor
        where = f"settings DATABASES[{alias!r}]"
        if vendor in _CAPTURED:
            yield ok("databases", f"{alias} is {_CAPTURED[vendor]}", where)
        else:
            yield problem(
                "databases",
                f"{alias} is {connections[alias].display_name}, where no change is captured and no row handed out",
                where,
                "routes can move all the same; for the data move it to PostgreSQL first",
            )
