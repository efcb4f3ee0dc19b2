"""From a page of the source to rows that fit a model: every column has its field, every value fits it."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.core.validators import DecimalValidator, MaxLengthValidator

from chassis.inbox.versions import Key
from chassis.ownership.backfill.mapping import Target
from chassis.ownership.source.channel import SourceError
from chassis.ownership.source.rows import SourcePage
from chassis.ownership.values import AnyField, Kind, decode, encode, kind_of

Row = Mapping[str, object]
"""The copied fields of one row, by attname."""


def read_page(target: Target, page: SourcePage) -> dict[object, Row]:
    """The page's rows by key. Raises SourceError: a column without a field or the other way round, a value that does
    not fit."""
    _check_columns(target, page)
    rows: dict[object, Row] = {}
    for written in page.rows:
        row = {
            field.attname: _read_value(
                target, field, page.columns[column], written[column], written
            )
            for column, field in target.copied.items()
        }
        rows[row[target.key.attname]] = row
    if len(rows) < len(page.rows):
        raise SourceError(f"{target.table}: the source sent a key twice in one page")
    return rows


def read_key(target: Target, value: object) -> object:
    """A key as written in JSON (a page's `next`, a cursor's `after`), as the model has it."""
    kind = kind_of(target.key)
    assert kind is not None  # the mapping refuses other keys
    return decode(kind, value)


def write_key(target: Target, key: object) -> Key:
    """The key as `read_key` reads it."""
    kind = kind_of(target.key)
    assert kind is not None
    written = encode(kind, key)
    assert isinstance(written, int | str)
    return written


def read_keys(target: Target, page: SourcePage) -> list[object]:
    """The keys of a page of keys."""
    return [read_key(target, row[page.key]) for row in page.rows]


def _check_columns(target: Target, page: SourcePage) -> None:
    label = target.model._meta.label
    if extra := sorted(set(page.columns) - set(target.copied) - target.ignored):
        raise SourceError(
            f"{target.table}: the source sends {extra[0]}, for which {label} has no field. "
            "Name its field under rename, or name it under ignore."
        )
    if missing := sorted(set(target.copied) - set(page.columns)):
        raise SourceError(
            f"{target.table}: the source sends no {missing[0]}, which {label} has. "
            "Declare the column there, or name the field under own."
        )
    if (fed := target.copied.get(page.key)) is not target.key:
        raise SourceError(
            f"{target.table}: the source's key {page.key} goes to {fed.attname if fed else 'no field'}, "
            f"but the key of {label} is {target.key.attname}"
        )
    for column, field in target.copied.items():
        if page.columns[column] is not kind_of(field):
            raise SourceError(
                f"{target.table}: {column} is {page.columns[column]} in the source, and {kind_of(field)} in {label}"
            )


def _read_value(
    target: Target, field: AnyField, kind: Kind, written: object, row: Mapping[str, object]
) -> object:
    try:
        value = field.to_python(decode(kind, written))
        if value is None and not field.null:
            raise ValueError("null is not allowed here")
        if value is not None:
            for validator in field.validators:
                # Only what a database would cut or refuse. Whether old data obeys today's rules is not for a copy to
                # say; but SQLite would store what PostgreSQL refuses.
                if isinstance(validator, DecimalValidator | MaxLengthValidator):
                    validator(value)
    except (ValueError, ValidationError) as error:
        words = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise SourceError(
            f"{target.table}: the row with key {row.get(target.key.attname)!r} does not fit: "
            f"{field.attname} of {target.model._meta.label}: {words}"
        ) from error
    return value
