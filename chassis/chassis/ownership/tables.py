"""The declaration `CHASSIS["OWNERSHIP"]`: a capability's tables, and which columns leave the monolith.

    CHASSIS = {"OWNERSHIP": {"lending": {"tables": [
        {"model": "library.Shelf"},                               # every column of its own, under its own name
        {"model": "library.Loan", "columns": [
            "id", "book", "due_on",                               # a foreign key travels as its column, book_id
            {"borrower_name": "borrower.display_name"},           # renamed, reached through a foreign key
        ]},
    ]}}}

A table is named on the wire as in the database. Columns are those of the declaration and no others, so that a column
added later does not leave the monolith by itself - unless "columns" is left out, which means: all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, Model

from chassis.declaration import Place, section
from chassis.ownership.values import AnyField, Kind, kind_of

KEY_KINDS = (Kind.INTEGER, Kind.TEXT, Kind.UUID)


@dataclass(frozen=True)
class Column:
    """One column on the wire: `path` is the field it is read from, foreign keys first."""

    name: str
    path: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True)
class Table:
    name: str
    model: type[Model]
    key: Column
    columns: tuple[Column, ...]
    """With the key's, in the order of the declaration."""


@dataclass(frozen=True)
class Capability:
    name: str
    tables: Mapping[str, Table]


def declared_capabilities() -> Mapping[str, Capability]:
    """CHASSIS["OWNERSHIP"], checked against the models. Raises ImproperlyConfigured."""
    written, top = section("OWNERSHIP")
    capabilities: dict[str, Capability] = {}
    owners: dict[str, str] = {}
    for name, value in written.items():
        place = top[name]
        entry = place.mapping(value, known=("tables",))
        tables: dict[str, Table] = {}
        for i, item in enumerate(place["tables"].sequence(entry.get("tables"))):
            table = _read_table(item, place["tables"][i])
            if table.name in owners:
                place["tables"][i].refuse(f"{table.name} belongs to {owners[table.name]} already")
            owners[table.name] = name
            tables[table.name] = table
        capabilities[name] = Capability(name, tables)
    return capabilities


def model_named(label: str, place: Place) -> type[Model]:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        place.refuse(f"there is no model {label}: write app_label.ModelName of an installed app")


def key_field(model: type[Model], place: Place) -> AnyField:
    """The model's primary key. Refuses one of several columns, or of a kind without a portable order."""
    field = model._meta.pk
    if field.column is None:  # several columns: Django 5.2's CompositePrimaryKey
        place.refuse(f"{model._meta.label} has no single-column primary key, which paging needs")
    if not names_rows(field):
        place.refuse(
            f"the primary key {field.name} of {model._meta.label} is a {type(field).__name__}; "
            "an integer, UUID or text key can be paged"
        )
    return field


def column_of(field: AnyField) -> str:
    """The name of its column. Only of fields that have one."""
    assert field.column is not None
    return field.column


def names_rows(field: AnyField) -> bool:
    """Whether its values read the same in SQL's text and in a query string, so that a row can be named by them."""
    named = field
    while isinstance(named, ForeignKey):
        named = named.target_field
    # PostgreSQL writes an address with its network's length.
    return kind_of(named) in KEY_KINDS and named.get_internal_type() != "GenericIPAddressField"


def _read_table(value: object, place: Place) -> Table:
    entry = place.mapping(value, known=("model", "columns"))
    model = model_named(place["model"].text_value(entry.get("model")), place["model"])
    key = key_field(model, place["model"])
    written = entry.get("columns")
    if written is None:
        paths = {field.attname: field.attname for field in model._meta.concrete_fields}
    else:
        paths = _read_paths(written, place["columns"])
    columns = tuple(
        _read_column(model, name, path, place["columns"]) for name, path in paths.items()
    )
    keys = [column for column in columns if column.path == (key.attname,)]
    if not keys:
        place["columns"].refuse(f"must hold the primary key {key.name}")
    if len({column.name for column in columns}) < len(columns):
        place["columns"].refuse("has two columns of one name")
    return Table(model._meta.db_table, model, keys[0], columns)


def _read_paths(written: object, place: Place) -> dict[str, str]:
    paths: dict[str, str] = {}
    for i, item in enumerate(place.sequence(written)):
        pairs = {item: item} if isinstance(item, str) else place[i].mapping(item)
        for name, path in pairs.items():
            if name in paths:
                place[i].refuse(f"the column {name} is declared twice")
            paths[name] = place[i].text_value(path)
    return paths


def _read_column(model: type[Model], name: str, path: str, place: Place) -> Column:
    *steps, last = path.split(".")
    through, resolved = model, []
    for step in steps:
        field = _field(through, step, path, place)
        if not isinstance(field, ForeignKey):
            place.refuse(f"{path}: {step} of {through._meta.label} is no foreign key")
        own_table = field.target_field.model._meta.db_table == field.related_model._meta.db_table
        if not (names_rows(field) and own_table):
            place.refuse(
                f"{path}: {step} of {through._meta.label} refers to {field.target_field}; a column can be "
                "reached through foreign keys to an integer, UUID or text of the other table itself"
            )
        resolved.append(field.name)
        through = field.related_model
    field = _field(through, last, path, place)
    kind = kind_of(field)
    if kind is None:
        place.refuse(
            f"{path} is a {type(field).__name__}, which the data channel does not carry; "
            'name the columns to send in "columns" and leave it out'
        )
    # A plain foreign key travels under its column's name: `book_id` holds a key, `book` would promise a book.
    if name == path and not steps:
        name = field.attname
    return Column(name, (*resolved, field.attname), kind)


def _field(model: type[Model], name: str, path: str, place: Place) -> AnyField:
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    try:
        field = by_name[name] if name in by_name else model._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if not isinstance(field, Field) or field.column is None:
        known = ", ".join(sorted(field.name for field in model._meta.concrete_fields))
        place.refuse(f"{path}: {model._meta.label} has no column {name}; it has {known}")
    return field
