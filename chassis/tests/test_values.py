"""Every value comes out of JSON as it went in."""

import json
import math
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ownership.values import Kind, decode, encode
from tests.library import models as library

CASES: list[tuple[Kind, object, object]] = [
    (Kind.INTEGER, 2**63 - 1, 9223372036854775807),
    (Kind.BOOLEAN, False, False),
    (Kind.TEXT, "naïve\n😀", "naïve\n😀"),
    (Kind.TEXT, "", ""),
    (Kind.DECIMAL, Decimal("12.50"), "12.50"),
    (Kind.DECIMAL, Decimal("1E+3"), "1000"),
    (Kind.DECIMAL, Decimal("-0.000001"), "-0.000001"),
    (Kind.FLOAT, 0.1, "0.1"),
    (Kind.FLOAT, math.inf, "inf"),
    (Kind.TIMESTAMP, datetime(2026, 1, 31, 10, tzinfo=UTC), "2026-01-31T10:00:00.000000Z"),
    (
        Kind.TIMESTAMP,
        datetime(2026, 1, 31, 10, 0, 0, 7, timezone(timedelta(hours=2))),
        "2026-01-31T08:00:00.000007Z",
    ),
    (Kind.TIMESTAMP, datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    (Kind.DATE, date(2026, 1, 31), "2026-01-31"),
    (Kind.TIME, time(10), "10:00:00.000000"),
    (Kind.DURATION, timedelta(days=-1, microseconds=1), -86_399_999_999),
    (Kind.UUID, uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Kind.BYTES, b"\x00\xff", "AP8="),
    (Kind.BYTES, memoryview(b"\x00\xff"), "AP8="),
    (Kind.JSON, {"a": [1, None]}, {"a": [1, None]}),
    *((kind, None, None) for kind in Kind),
]


@pytest.mark.parametrize(("kind", "value", "written"), CASES)
def test_value_is_written_so_and_read_back(kind: Kind, value: Any, written: object) -> None:
    assert encode(kind, value) == written
    assert decode(kind, json.loads(json.dumps(written))) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.INTEGER, True),
        (Kind.INTEGER, 1.0),
        (Kind.TEXT, 1),
        (Kind.DECIMAL, 1.5),
        (Kind.DATE, "x"),
    ],
)
def test_value_of_another_kind_is_not_written(kind: Kind, value: object) -> None:
    with pytest.raises(TypeError):
        encode(kind, value)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (Kind.INTEGER, "1"),
        (Kind.INTEGER, 1.0),
        (Kind.INTEGER, True),
        (Kind.BOOLEAN, 1),
        (Kind.DECIMAL, 1.5),
        (Kind.DECIMAL, "twelve"),
        (Kind.TIMESTAMP, "2026-01-31T10:00:00"),
        (Kind.TIMESTAMP, "2026-02-31T10:00:00.000000Z"),
        (Kind.UUID, "1"),
        (Kind.BYTES, "?"),
        (Kind.DURATION, 10**30),
    ],
)
def test_malformed_value_is_a_value_error(kind: Kind, written: object) -> None:
    with pytest.raises(ValueError, match=r"no |written as"):
        decode(kind, written)


@given(st.datetimes(timezones=st.timezones()))
def test_any_moment_survives(moment: datetime) -> None:
    try:
        moment.astimezone(UTC)
    except OverflowError:  # the first and last hours of the calendar have no UTC form
        return
    assert decode(Kind.TIMESTAMP, encode(Kind.TIMESTAMP, moment)) == moment.astimezone(UTC)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False))
def test_any_number_survives(exact: Decimal, binary: float) -> None:
    assert decode(Kind.DECIMAL, encode(Kind.DECIMAL, exact)) == exact
    assert decode(Kind.FLOAT, encode(Kind.FLOAT, binary)) == binary


@pytest.mark.parametrize("use_tz", [True, False])
def test_local_times_travel_as_utc(settings: Any, use_tz: bool) -> None:
    settings.USE_TZ = use_tz
    local = datetime(2026, 7, 1, 12, 0)  # noqa: DTZ001 - what a database without time zones gives
    assert encode(Kind.TIMESTAMP, local) == "2026-07-01T09:00:00.000000Z"
    read = decode(Kind.TIMESTAMP, "2026-07-01T09:00:00.000000Z")
    assert read == (datetime(2026, 7, 1, 9, tzinfo=UTC) if use_tz else local)


def test_every_kind_has_a_column_in_the_test_project() -> None:
    from chassis.ownership.values import kind_of

    kinds = {kind_of(field) for field in library.Everything._meta.concrete_fields}
    assert kinds == set(Kind)
