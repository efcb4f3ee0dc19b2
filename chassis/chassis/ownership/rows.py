"""Pages of a declared table in key order, and single rows.

Columns behind foreign keys are subqueries and not joins: a join would silently leave out rows whose foreign key points
nowhere.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.db import connections
from django.db.models import F, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Collate

from chassis.ownership.tables import Column, Table
from chassis.ownership.values import Kind, decode, encode
from chassis.problem import ProblemError

# A text key pages by its bytes, whatever language the database sorts by: both sides of a copy must agree on the order.
_BYTE_ORDER = {"postgresql": "C", "sqlite": "BINARY"}

# Counting a PostgreSQL table reads all of it; above this, the planner's estimate is enough for a progress bar.
COUNTED_ROWS = 200_000

INTEGER_KEYS = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Page:
    rows: Sequence[Sequence[object]]
    """Values as written in JSON, in the order of the columns asked for."""
    next: object | None
    """The key after which the next page begins; None: this was the last."""


def in_key_order(model: type[Model], using: str | None = None) -> QuerySet[Any]:
    """All rows of `model` (also those its default manager hides), with `chassis_key` to filter by, ordered by it."""
    rows = model._base_manager.using(using)
    collation = _BYTE_ORDER.get(connections[rows.db].vendor)
    field: Any = model._meta.pk
    while field.remote_field is not None:
        field = field.target_field
    is_text = field.get_internal_type() in ("CharField", "SlugField", "TextField")
    key = Collate(F("pk"), collation) if collation and is_text else F("pk")
    return rows.annotate(chassis_key=key).order_by("chassis_key")


def page_after(
    table: Table, columns: Sequence[Column], after: object | None, limit: int, using: str
) -> Page:
    """At most `limit` rows whose key comes after `after` (None: from the first)."""
    rows = in_key_order(table.model, using)
    if after is not None:
        rows = rows.filter(chassis_key__gt=after)
    read = _read(rows[: limit + 1], columns)
    page = read[:limit]
    next_key = None
    if len(read) > limit:
        next_key = page[-1][columns.index(table.key)]
    return Page(page, next_key)


def rows_with_keys(
    table: Table, columns: Sequence[Column], keys: Sequence[object], using: str
) -> Page:
    """The rows with these keys, as far as there are any."""
    return Page(_read(in_key_order(table.model, using).filter(pk__in=keys), columns), None)


def row_count(model: type[Model], using: str) -> int:
    """How many rows there are, about: a large PostgreSQL table's is the planner's estimate."""
    rows = model._base_manager.using(using)
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)",
                [connection.ops.quote_name(model._meta.db_table)],
            )
            found = cursor.fetchone()
        if found and found[0] > COUNTED_ROWS:
            return int(found[0])
    return rows.count()


def parse_key(kind: Kind, text: str) -> object:
    """A key as written in a query string. Raises ValueError."""
    if kind is Kind.INTEGER:
        value = int(text) if text.isascii() and text.removeprefix("-").isdigit() else None
        if value is None or value not in INTEGER_KEYS:
            raise ValueError("not an integer key")
        return value
    if kind is Kind.UUID:
        return uuid.UUID(text)
    if "\x00" in text:
        raise ValueError("a key holds no NUL")
    return decode(kind, text)


def _read(rows: QuerySet[Any], columns: Sequence[Column]) -> list[list[object]]:
    names = []
    for i, column in enumerate(columns):
        if len(column.path) == 1:
            names.append(column.path[0])
        else:
            names.append(f"chassis_column_{i}")
            rows = rows.annotate(
                **{names[-1]: _through_foreign_key(rows.model, column.path, rows.db)}
            )
    return [
        [_encode(column, value) for column, value in zip(columns, row, strict=True)]
        for row in rows.values_list(*names)
    ]


def _encode(column: Column, value: object) -> object:
    try:
        return encode(column.kind, value)
    except (
        TypeError
    ) as error:  # a field of the project's own that gives other values than its type says
        raise ProblemError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "value_not_carried",
            f"The column {column.name} holds what the data channel does not carry: {error}.",
        ) from error


def _through_foreign_key(model: type[Model], path: Sequence[str], using: str) -> Subquery:
    field: Any = model._meta.get_field(path[0])
    related: type[Model] = field.related_model
    same = (
        related._base_manager.using(using)
        .filter(**{field.target_field.attname: OuterRef(field.attname)})
        .order_by()
    )
    return Subquery(same.values("__".join(path[1:]))[:1])
