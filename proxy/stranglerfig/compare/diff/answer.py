"""Two whole answers compared: status, headers, body."""

from collections.abc import Iterator

from stranglerfig.compare.diff.body import diff_bodies, is_made_anew
from stranglerfig.compare.diff.difference import STATUS, Difference, Found, Kind, Shape
from stranglerfig.compare.diff.headers import CLEAR, Context, diff_headers
from stranglerfig.compare.diff.reading import PLAIN, Reading
from stranglerfig.compare.diff.shape import Shaper, Shows
from stranglerfig.compare.observation import Headers, RecordedResponse


def differences(
    control: RecordedResponse,
    candidate: RecordedResponse,
    *,
    context: Context,
    shaper: Shaper,
    shows: Shows,
    reading: Reading = PLAIN,
) -> Iterator[Difference]:
    """What differs, ready to be stored. Raises ``NotComparableError``."""

    def may_show(where: str, template: str) -> bool:
        return where.removeprefix("header ") in CLEAR or shows(where, template)

    for found in findings(control, candidate, context, reading):
        if found.where == STATUS:
            yield _status(control.status, candidate.status)
        else:
            yield shaper.difference(found, may_show)


def findings(
    control: RecordedResponse,
    candidate: RecordedResponse,
    context: Context,
    reading: Reading = PLAIN,
) -> Iterator[Found]:
    """What differs, with both values in clear. Raises ``NotComparableError``."""
    if control.status != candidate.status:
        yield Found(Kind.VALUE, STATUS, (), control.status, candidate.status)
    for found in diff_headers(control.headers, candidate.headers, context):
        if not (
            found.where == "header etag"
            and found.kind is Kind.VALUE
            and _both_new(control, candidate)
        ):
            yield found
    ours, theirs = _coding(control), _coding(candidate)
    yield from diff_bodies(
        control.body,
        candidate.body,
        control_type=ours[0],
        candidate_type=theirs[0],
        control_encoding=ours[1],
        candidate_encoding=theirs[1],
        reading=reading,
    )


def _both_new(control: RecordedResponse, candidate: RecordedResponse) -> bool:
    """Whether both bodies hold values that are new in each answer: Django makes the ETag from them too."""
    return all(is_made_anew(answer.body, *_coding(answer)) for answer in (control, candidate))


def _coding(answer: RecordedResponse) -> tuple[bytes, list[bytes]]:
    """``Content-Type`` and the values of ``Content-Encoding``."""
    types = _values(answer.headers, b"content-type")
    return types[0] if types else b"", _values(answer.headers, b"content-encoding")


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
