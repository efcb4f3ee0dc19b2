"""What must be watched so that no change of what a capability sends goes unseen.

A declared table is watched itself. A column that is reached through foreign keys - `author.country.name` of a book -
also changes when the author moves to another country and when the country is renamed, without a write to the book. So
`author` and `country` are watched too, but their triggers don't log books: a trigger would miss the books that another
open transaction is adding at the moment. They log "what is reached by author 7 has changed", and the feed looks up
which books that is, in its own snapshot.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import ForeignKey, Model

from chassis.ownership.tables import Capability, Column, Table, column_of
from chassis.ownership.values import AnyField

ROW = ""
"""The `column` of a log entry that says: this row changed."""


@dataclass(frozen=True)
class Watch:
    """Which changes of a table are logged, and by which column's value."""

    model: type[Model]
    column: str
    """ROW, or the column by whose value others refer to the row."""
    key: AnyField
    """The field whose value is logged."""
    watched: tuple[AnyField, ...]
    """A row's update counts if one of these changes."""
    capabilities: frozenset[str]

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def digest(self) -> str:
        """Tells this watch's triggers from others'."""
        return hashlib.sha256(f"{self.table}\0{self.column}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Reach:
    """How rows of a declared table depend on rows of another one."""

    table: Table
    lookup: str
    """Finds the dependent rows by the other row's value."""
    related: str
    column: str
    """The other table, and its column that holds this value."""
    target: AnyField

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.lookup}"


def watches(capabilities: Mapping[str, Capability]) -> Sequence[Watch]:
    """Everything that must be watched, each table once for each column it is logged by."""
    fields: dict[tuple[str, str], dict[str, AnyField]] = defaultdict(dict)
    keys: dict[tuple[str, str], tuple[type[Model], AnyField]] = {}
    users: dict[tuple[str, str], set[str]] = defaultdict(set)

    def add(model: type[Model], column: str, key: AnyField, field: AnyField, user: str) -> None:
        place = (model._meta.db_table, column)
        keys[place] = (model, key)
        fields[place][column_of(key)] = key
        fields[place][column_of(field)] = field
        users[place].add(user)

    for capability in capabilities.values():
        for table in capability.tables.values():
            key: Any = table.model._meta.pk
            for column in table.columns:
                *hops, last = _steps(table.model, column.path)
                add(table.model, ROW, key, (*hops, last)[0], capability.name)
                for hop, following in zip(hops, (*hops, last)[1:], strict=True):
                    target = hop.target_field
                    add(target.model, target.column, target, following, capability.name)
    return [
        Watch(
            model=keys[place][0],
            column=place[1],
            key=keys[place][1],
            watched=tuple(fields[place][name] for name in sorted(fields[place])),
            capabilities=frozenset(users[place]),
        )
        for place in sorted(keys)
    ]


def missing_columns(watch: Watch, columns: Collection[str]) -> str | None:
    """Says which columns the table lacks, None when it has them all."""
    missing = [column for column in map(column_of, watch.watched) if column not in columns]
    return f"it has no column {', '.join(missing)}" if missing else None


def reaches(capability: Capability) -> Sequence[Reach]:
    """Every way in which a row of another table shows in rows of this capability, in a fixed order."""
    found: dict[str, Reach] = {}
    for table in capability.tables.values():
        for column in table.columns:
            *hops, _ = _steps(table.model, column.path)
            for i, hop in enumerate(hops):
                target = hop.target_field
                reach = Reach(
                    table=table,
                    lookup="__".join([*(h.name for h in hops[:i]), hop.attname]),
                    related=target.model._meta.db_table,
                    column=target.column,
                    target=target,
                )
                found[reach.name] = reach
    return [found[name] for name in sorted(found)]


def tables_behind(table: Table, columns: Sequence[Column]) -> Collection[str]:
    """The other tables that these columns are read from."""
    steps = [step for column in columns for step in _steps(table.model, column.path)]
    return {step.model._meta.db_table for step in steps} - {table.name}


def _steps(model: type[Model], path: Sequence[str]) -> list[Any]:
    """The fields that lead to the value: foreign keys, then its own. Each lies in the table that the one before leads
    to; where a model inherits another's columns, the link to that one's table is a step too."""
    steps: list[Any] = []
    at = model
    for name in path:
        field: Any = at._meta.get_field(name)
        while field.model._meta.db_table != at._meta.db_table:
            link: Any = at._meta.get_ancestor_link(field.model)
            steps.append(link)
            at = link.related_model
        steps.append(field)
        if isinstance(field, ForeignKey):
            at = field.related_model
    return steps
