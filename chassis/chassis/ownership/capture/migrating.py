"""Around `migrate`: triggers that a migration would trip over go before it, and everything is put in place after it.

A database refuses to drop or to alter a column that a trigger mentions, and a renamed table's triggers would go on
writing the old name. So the triggers of tables that a planned migration alters in such a way are dropped first.
`post_migrate` puts back whatever is missing by then - SQLite has dropped a rebuilt table's silently - and with it comes
a new incarnation.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import (
    AddField,
    AlterField,
    FieldOperation,
    RemoveField,
    RenameField,
)
from django.db.migrations.operations.models import (
    AlterModelTable,
    CreateModel,
    DeleteModel,
    RenameModel,
)

from chassis.ownership.capture.install import CaptureError, install, log_database, release, remove
from chassis.ownership.capture.triggers import ENGINES
from chassis.ownership.models import Change
from chassis.ownership.tables import declared_capabilities

log = logging.getLogger(__name__)


def before_migrate(using: str, plan: Any = (), apps: Any = None, **_: Any) -> None:
    """Receives `pre_migrate`."""
    if not plan or not _log_is_there(using):
        return
    altered: set[tuple[str, str | None]] = set()
    for migration, backwards in plan:
        for operation in _leaves(migration.operations):
            altered.update(_altered(operation, backwards, migration.app_label, apps))
    try:
        # Without the log no writer could write: then all triggers go.
        own = any(table == Change._meta.db_table for table, _ in altered)
        for line in remove() if own else release(altered):
            log.info("Before the migrations: %s", line)
    except CaptureError as error:
        raise CommandError(f"Before the migrations: {error}") from error


def after_migrate(using: str, **_: Any) -> None:
    """Receives `post_migrate`."""
    # A project that declares nothing may share the database with one that does: it leaves everything alone.
    if not declared_capabilities() or not _log_is_there(using):
        return
    try:
        for line in install():
            log.info("After the migrations: %s", line)
    except CaptureError as error:
        raise CommandError(
            f"The migrations are applied, but changes are not captured: {error}"
        ) from error


def _log_is_there(using: str) -> bool:
    connection: Any = connections[using]
    if using != log_database() or connection.vendor not in ENGINES:
        return False
    return ENGINES[connection.vendor].relation(connection, Change._meta.db_table) is not None


def _leaves(operations: Iterable[Any]) -> Iterator[Operation]:
    """The operations that touch the database."""
    for operation in operations:
        if hasattr(operation, "database_operations"):
            yield from _leaves(operation.database_operations)
        else:
            yield operation


def _altered(
    operation: Any, backwards: bool, app_label: str, apps: Any
) -> Iterator[tuple[str, str | None]]:
    """Tables and columns, as they are named before the migrations, that the operation takes away or alters; without a
    column: the whole table."""
    if isinstance(operation, RenameModel | AlterModelTable | DeleteModel | CreateModel):
        attributes = ("name", "old_name", "new_name")
        names = {getattr(operation, attribute, None) for attribute in attributes}
    elif isinstance(operation, RemoveField | RenameField | AlterField) or (
        isinstance(operation, AddField) and backwards
    ):
        names = {operation.model_name}
    else:
        return
    for name in names - {None}:
        try:
            meta = apps.get_model(app_label, name)._meta
        except LookupError:  # made, or renamed, by another of these migrations
            continue
        if not isinstance(operation, FieldOperation):
            yield meta.db_table, None
            continue
        before = {field.name: field for field in meta.local_fields}.get(
            operation.old_name if isinstance(operation, RenameField) else operation.name
        )
        if before is None:
            yield meta.db_table, None  # renamed before in this plan
        elif backwards or not isinstance(operation, AlterField) or _differ(before, operation.field):
            yield meta.db_table, before.column
            # The type of a key is that of the columns that refer to it.
            for related in meta.related_objects:
                yield related.related_model._meta.db_table, related.field.column


def _differ(before: Any, after: Any) -> bool:
    """Whether the column does, and not only what Django makes of it."""
    return _of_the_column(before) != _of_the_column(after)


def _of_the_column(field: Any) -> tuple[object, ...]:
    _, path, arguments, options = field.deconstruct()
    kept = {name: value for name, value in options.items() if name not in field.non_db_attrs}
    return path, arguments, kept, options.get("db_column")
