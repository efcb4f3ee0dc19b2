"""Two whole answers compared: status, headers, body."""

from collections.abc import Iterator

from stranglerfig.compare.diff.body import diff_bodies
from stranglerfig.compare.diff.difference import STATUS, Difference, Found, Kind, Shape
from stranglerfig.compare.diff.headers import CLEAR, Context, diff_headers
from stranglerfig.compare.diff.shape import Shaper, Shows
from stranglerfig.compare.observation import Headers, RecordedResponse


def differences(
    control: RecordedResponse,
    candidate: RecordedResponse,
    *,
    context: Context,
    shaper: Shaper,
    shows: Shows,
) -> Iterator[Difference]:
    """What differs, ready to be stored. Raises ``NotComparableError``."""

    def may_show(where: str, template: str) -> bool:
        return where.removeprefix("header ") in CLEAR or shows(where, template)

    for found in _all(control, candidate, context):
        if found.where == STATUS:
            yield _status(control.status, candidate.status)
        else:
            yield shaper.difference(found, may_show)


def _all(
    control: RecordedResponse, candidate: RecordedResponse, context: Context
) -> Iterator[Found]:
    if control.status != candidate.status:
        yield Found(Kind.VALUE, STATUS, (), control.status, candidate.status)
    yield from diff_headers(control.headers, candidate.headers, context)
    yield from diff_bodies(
        control.body,
        candidate.body,
        control_type=_value(control.headers, b"content-type"),
        candidate_type=_value(candidate.headers, b"content-type"),
        control_encoding=_values(control.headers, b"content-encoding"),
        candidate_encoding=_values(candidate.headers, b"content-encoding"),
    )


def _status(control: int, candidate: int) -> Difference:
    """Statuses are kept in clear: they say nothing about a user."""
    return Difference(
        Kind.VALUE,
        STATUS,
        "",
        "",
        Shape("number", 3, "ddd", clear=str(control)),
        Shape("number", 3, "ddd", clear=str(candidate)),
    )


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for header, value in headers if header.lower() == name]


def _value(headers: Headers, name: bytes) -> bytes:
    return next(iter(_values(headers, name)), b"")
