"""System checks: a wrong declaration stops `manage.py check`, `migrate` and `runserver`, not the first request."""

from collections.abc import Callable
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from chassis.callers import declared_callers
from chassis.declaration import section
from chassis.ownership.backfill.mapping import declared_targets
from chassis.ownership.tables import declared_capabilities


def declarations_are_sound(**_: Any) -> list[CheckMessage]:
    """E001 OWNERSHIP, E002 CALLERS, E003 BACKFILL."""
    return [
        *_mistakes("E001", declared_capabilities),
        *_mistakes("E002", declared_callers),
        *_mistakes("E003", lambda: [declared_targets(name) for name in section("BACKFILL")[0]]),
    ]


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
