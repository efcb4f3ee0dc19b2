"""System checks: a wrong declaration stops `manage.py check`, `migrate` and `runserver`, not the first request."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.models import UniqueConstraint

from chassis.callers import declared_callers
from chassis.declaration import section
from chassis.ownership.backfill.mapping import declared_targets
from chassis.ownership.capture.install import log_database
from chassis.ownership.capture.triggers import ENGINES
from chassis.ownership.capture.watches import watches
from chassis.ownership.tables import declared_capabilities


def declarations_are_sound(**_: Any) -> list[CheckMessage]:
    """E001 OWNERSHIP, E002 CALLERS, E003 BACKFILL, E006 what BACKFILL needs."""
    return [
        *_mistakes("E001", declared_capabilities),
        *_mistakes("E002", declared_callers),
        *_mistakes("E003", lambda: [declared_targets(name) for name in section("BACKFILL")[0]]),
        *_inbox_is_installed(),
    ]


def _inbox_is_installed() -> list[CheckMessage]:
    copies = not _mistakes("E003", lambda: section("BACKFILL")) and section("BACKFILL")[0]
    if not copies or apps.is_installed("chassis.inbox"):
        return []
    return [
        Error(
            "BACKFILL declares what is copied, but chassis.inbox, which remembers how new each copied row is, is not "
            "installed.",
            hint='Add "chassis.inbox" to INSTALLED_APPS and run manage.py migrate.',
            id="chassis_ownership.E006",
        )
    ]


def changes_can_be_captured(**_: Any) -> list[CheckMessage]:
    """E004 the database's kind, E005 tables and log in several databases, W003 what SQLite's REPLACE may hide."""
    if declarations_are_sound() or not (declared := watches(declared_capabilities())):
        return []
    alias = log_database()
    vendor = connections[alias].vendor
    if vendor not in ENGINES:
        return [
            Error(
                f"OWNERSHIP declares tables, but {alias} is a {vendor} database: changes are captured on PostgreSQL "
                "and SQLite.",
                id="chassis_ownership.E004",
            )
        ]
    found: list[CheckMessage] = []
    for model in dict.fromkeys(watch.model for watch in declared):
        if (elsewhere := router.db_for_write(model)) != alias:
            found.append(
                Error(
                    f"{model._meta.label} is in the database {elsewhere}, but the log of its changes is in {alias}: "
                    "both are written in one transaction.",
                    hint="Route the models of chassis_ownership to where the declared models are.",
                    id="chassis_ownership.E005",
                )
            )
        if vendor == "sqlite":
            found += [
                Warning(
                    f"{model._meta.label}: a row that REPLACE deletes because of the constraint {constraint.name}, "
                    "which is over an expression, is not seen.",
                    hint="Don't write to this table with REPLACE, or INSERT or UPDATE OR REPLACE.",
                    id="chassis_ownership.W003",
                )
                for constraint in model._meta.constraints
                if isinstance(constraint, UniqueConstraint) and constraint.expressions
            ]
    return found


def callers_can_call(**_: Any) -> list[CheckMessage]:
    """W001 a right to what isn't declared, W002 no credential. For `check --deploy`: a laptop may lack both."""
    if declarations_are_sound():
        return []
    found: list[CheckMessage] = []
    capabilities = declared_capabilities()
    for caller in declared_callers().values():
        found += [
            Warning(
                f"{caller.name} may read the capability {name}, which OWNERSHIP does not declare.",
                id="chassis_ownership.W001",
            )
            for name in sorted(caller.capabilities - set(capabilities))
        ]
        if caller.digest is None:
            found.append(
                Warning(
                    f"{caller.name} has no credential, so it can't call.",
                    hint="Set the variable that its credential is read from.",
                    id="chassis_ownership.W002",
                )
            )
    return found


def _mistakes(code: str, read: Callable[[], object]) -> list[CheckMessage]:
    try:
        read()
    except ImproperlyConfigured as error:
        return [Error(str(error), id=f"chassis_ownership.{code}")]
    return []
