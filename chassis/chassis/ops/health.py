"""What must hold before a process should get traffic: its databases answer, their migrations are applied, and what
other apps have registered.

Each check has a name and a one-line detail. The details are readable by anybody who reaches /_chassis/, so they name
kinds of errors and migrations, never addresses, users or passwords.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from chassis.declaration import section

# A long list helps nobody: the first few migrations say which deployment is missing.
NAMED_MIGRATIONS = 5


@dataclass(frozen=True)
class CheckResult:
    name: str
    ok: bool
    detail: str
    duration_ms: float


Check = Callable[[], str | None]
"""Says what is wrong, None when nothing is; may raise, which is wrong too."""

_registered: list[Callable[[], Iterable[tuple[str, Check]]]] = []


def register_checks(checks: Callable[[], Iterable[tuple[str, Check]]]) -> None:
    """Ask also these, by name; called in an app's `ready`. `checks` is called each time, so that it may depend on
    settings."""
    _registered.append(checks)


def readiness() -> list[CheckResult]:
    """Every check, run now, one after another. Does not raise: what fails is a result."""
    return [_run(name, check) for name, check in _checks()]


def _checks() -> Iterator[tuple[str, Check]]:
    for alias in _aliases():
        yield f"database.{alias}", partial(_database_answers, alias)
        yield f"migrations.{alias}", partial(_migrations_are_applied, alias)
    for checks in _registered:
        yield from checks()


def _aliases() -> tuple[str, ...]:
    """CHASSIS["OPS"]["DATABASES"]: those without which the process is of no use; by default "default" alone."""
    written, place = section("OPS")
    place.mapping(written, known=("DATABASES",))
    aliases = place["DATABASES"].names(written.get("DATABASES", ("default",)))
    for alias in aliases:
        if alias not in connections.settings:
            place["DATABASES"].refuse(f"{alias} is not in DATABASES")
    return aliases


def _run(name: str, check: Check) -> CheckResult:
    begun = time.perf_counter()
    try:
        mistake = check()
    except (
        Exception
    ) as error:  # whatever it is, the process isn't ready, and the caller learns the kind
        mistake = type(error).__name__
    duration_ms = round((time.perf_counter() - begun) * 1000, 1)
    return CheckResult(name, mistake is None, mistake or "ok", duration_ms)


def _database_answers(alias: str) -> str | None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
        return None if cursor.fetchone() == (1,) else "a query gave no answer"


def _migrations_are_applied(alias: str) -> str | None:
    executor = MigrationExecutor(connections[alias])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return None
    names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    more = f" and {len(names) - NAMED_MIGRATIONS} more" if len(names) > NAMED_MIGRATIONS else ""
    return f"not applied: {', '.join(names[:NAMED_MIGRATIONS])}{more}"
