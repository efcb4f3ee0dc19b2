"""Values between a database and JSON, without a doubt on either side.

| kind | in JSON |
| --- | --- |
| integer, boolean, text | as they are (JSON integers are read exactly) |
| decimal | text, all digits: "12.50" |
| float | text, the shortest that reads back the same: "0.1", "nan" |
| timestamp | text, UTC with microseconds: "2026-01-31T10:00:00.000000Z" |
| date, time | ISO 8601 text, times with microseconds |
| duration | integer, microseconds |
| uuid | text with hyphens; bytes | base64 text |
| json | as it is |

Null is null in every kind.
"""

import base64
import datetime as dt
import enum
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Field, ForeignKey
from django.utils import timezone

# Only type checkers know Field's parameters; at run time it has none.
if TYPE_CHECKING:
    AnyField = Field[Any, Any]
else:
    AnyField = Field


class Kind(enum.StrEnum):
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    DECIMAL = "decimal"
    FLOAT = "float"
    TIMESTAMP = "timestamp"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    UUID = "uuid"
    BYTES = "bytes"
    JSON = "json"


# By Django's internal types, which subclasses of fields keep.
_KINDS = {
    **dict.fromkeys(
        (
            "AutoField",
            "BigAutoField",
            "SmallAutoField",
            "IntegerField",
            "BigIntegerField",
            "SmallIntegerField",
            "PositiveBigIntegerField",
            "PositiveIntegerField",
            "PositiveSmallIntegerField",
        ),
        Kind.INTEGER,
    ),
    **dict.fromkeys(
        (
            "CharField",
            "FileField",
            "FilePathField",
            "GenericIPAddressField",
            "IPAddressField",
            "SlugField",
            "TextField",
        ),
        Kind.TEXT,
    ),
    "BooleanField": Kind.BOOLEAN,
    "DecimalField": Kind.DECIMAL,
    "FloatField": Kind.FLOAT,
    "DateTimeField": Kind.TIMESTAMP,
    "DateField": Kind.DATE,
    "TimeField": Kind.TIME,
    "DurationField": Kind.DURATION,
    "UUIDField": Kind.UUID,
    "BinaryField": Kind.BYTES,
    "JSONField": Kind.JSON,
}


def kind_of(field: AnyField) -> Kind | None:
    """The kind of a column; a foreign key's is that of the column it refers to. None: not carried."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    return _KINDS.get(field.get_internal_type())


def encode(kind: Kind, value: object) -> object:
    """`value`, as the database gave it, for JSON. Raises TypeError when it is not of this kind."""
    if value is None or kind is Kind.JSON:
        return value
    types, write = _WRITERS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind is not Kind.BOOLEAN):
        raise TypeError(f"a {kind} can't be a {type(value).__name__}")
    return write(value)


def decode(kind: Kind, value: object) -> object:
    """The value that `encode` wrote. Raises ValueError when `value` is not in that form."""
    if value is None or kind is Kind.JSON:
        return value
    wire_type = _WIRE_TYPES.get(kind, str)
    if type(value) is not wire_type:
        raise ValueError(f"a {kind} is written as {wire_type.__name__}, not {type(value).__name__}")
    try:
        return _READERS[kind](value)
    except (ArithmeticError, ValueError) as error:
        raise ValueError(f"no {kind}: {value!r}") from error


def _write_timestamp(value: dt.datetime) -> str:
    # Without USE_TZ a database holds local times of the project's time zone.
    aware = timezone.make_aware(value) if timezone.is_naive(value) else value
    return aware.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _read_timestamp(value: str) -> dt.datetime:
    aware = dt.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)
    return aware if settings.USE_TZ else timezone.make_naive(aware)


_MICROSECOND = dt.timedelta(microseconds=1)

_WRITERS: Mapping[Kind, tuple[type | tuple[type, ...], Callable[[Any], object]]] = {
    Kind.INTEGER: (int, int),
    Kind.BOOLEAN: (bool, bool),
    Kind.TEXT: (str, str),
    Kind.DECIMAL: (Decimal, lambda value: format(value, "f")),
    Kind.FLOAT: ((float, int), lambda value: repr(float(value))),
    Kind.TIMESTAMP: (dt.datetime, _write_timestamp),
    Kind.DATE: (dt.date, lambda value: value.isoformat()),
    Kind.TIME: (dt.time, lambda value: value.isoformat("microseconds")),
    Kind.DURATION: (dt.timedelta, lambda value: value // _MICROSECOND),
    Kind.UUID: (uuid.UUID, str),
    Kind.BYTES: (
        (bytes, memoryview),
        lambda value: base64.b64encode(bytes(value)).decode("ascii"),
    ),
}

_WIRE_TYPES: Mapping[Kind, type] = {Kind.INTEGER: int, Kind.BOOLEAN: bool, Kind.DURATION: int}

_READERS: Mapping[Kind, Callable[[Any], object]] = {
    Kind.INTEGER: int,
    Kind.BOOLEAN: bool,
    Kind.TEXT: str,
    Kind.DECIMAL: Decimal,
    Kind.FLOAT: float,
    Kind.TIMESTAMP: _read_timestamp,
    Kind.DATE: dt.date.fromisoformat,
    Kind.TIME: dt.time.fromisoformat,
    Kind.DURATION: lambda value: value * _MICROSECOND,
    Kind.UUID: uuid.UUID,
    Kind.BYTES: lambda value: base64.b64decode(value, validate=True),
}
