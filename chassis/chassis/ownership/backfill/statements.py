"""The two statements that write copied rows.

Not through the ORM's `bulk_create`: that calls each field's `pre_save`, which would put a new time into `auto_now`
columns and new names on files. What was copied is written as it was read. PostgreSQL and SQLite share the
`ON CONFLICT` clause.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from chassis.ownership.values import AnyField

# SQLite's oldest limit on parameters of one statement; PostgreSQL's is 65,535.
MAX_PARAMETERS = 900

Item = TypeVar("Item")


def upsert(
    model: type[Model],
    fields: Sequence[AnyField],
    rows: Sequence[Sequence[object]],
    *,
    update: Sequence[AnyField],
    using: str,
) -> None:
    """Insert `rows`, the values of `fields` in their order; where the key exists, overwrite the fields in `update`."""
    connection = connections[using]
    columns = ", ".join(_quoted_column(field, connection) for field in fields)
    key = _quoted_column(model._meta.pk, connection)
    quoted = [_quoted_column(field, connection) for field in update]
    assigned = ", ".join(f"{column} = excluded.{column}" for column in quoted)
    action = f"UPDATE SET {assigned}" if assigned else "NOTHING"
    table = connection.ops.quote_name(model._meta.db_table)
    for part in _parts(rows, MAX_PARAMETERS // len(fields)):
        values = ", ".join(_placeholders(fields, row, connection) for row in part)
        statement = (
            f"INSERT INTO {table} ({columns}) VALUES {values} "  # noqa: S608 - quoted names and placeholders only
            f"ON CONFLICT ({key}) DO {action}"
        )
        parameters = [
            field.get_db_prep_save(value, connection)
            for row in part
            for field, value in zip(fields, row, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)


def delete(model: type[Model], keys: Sequence[object], *, using: str) -> None:
    """Delete the rows with these keys and nothing else: no cascade, no signal."""
    connection = connections[using]
    key = model._meta.pk
    where = (
        f"{connection.ops.quote_name(model._meta.db_table)} WHERE {_quoted_column(key, connection)}"
    )
    for part in _parts(keys, MAX_PARAMETERS):
        marks = ", ".join(["%s"] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {where} IN ({marks})",  # noqa: S608 - as above
                [key.get_db_prep_save(value, connection) for value in part],
            )


def _quoted_column(field: AnyField, connection: BaseDatabaseWrapper) -> str:
    assert field.column is not None  # the mapping takes fields with a column only
    return connection.ops.quote_name(field.column)


def _placeholders(
    fields: Sequence[AnyField], row: Sequence[object], connection: BaseDatabaseWrapper
) -> str:
    marks = []
    for field, value in zip(fields, row, strict=True):
        # Binary and array columns of PostgreSQL need a cast around theirs.
        own = getattr(field, "get_placeholder", None)
        marks.append("%s" if own is None else str(own(value, None, connection)))
    return f"({', '.join(marks)})"


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), max(size, 1)):
        yield items[start : start + max(size, 1)]
