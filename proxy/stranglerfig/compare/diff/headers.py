"""Which headers are compared, and how.

Strict by default: a header that is in neither table is compared as text, since an application's own header is part of
its behaviour. What is not compared is listed with its reason; what has a meaning of its own is listed with its reader.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from stranglerfig.compare.diff.difference import ABSENT, Found, Kind
from stranglerfig.compare.diff.header_parts import BY_MEMBER, READERS, SINGLE, Parts, Side, as_text
from stranglerfig.compare.diff.header_value import http_date, text
from stranglerfig.compare.diff.path import Part
from stranglerfig.compare.observation import Headers
from stranglerfig.http1.headers import Header

NOT_COMPARED: Final[Mapping[str, str]] = {
    "date": "the time of the answer",
    "age": "the time since a cache fetched it",
    "server": "names the server program, which is meant to differ",
    "via": "names the servers on the way",
    "x-request-id": "set by the proxy for each request",
    "traceparent": "names one request",
    "tracestate": "names one request",
    "content-length": "follows from the body, which is compared",
    "connection": "of the connection, not of the answer",
    "keep-alive": "of the connection, not of the answer",
    "proxy-connection": "of the connection, not of the answer",
    "proxy-authenticate": "of the connection, not of the answer",
    "te": "of the connection, not of the answer",
    "trailer": "of the connection, not of the answer",
    "transfer-encoding": "of the connection, not of the answer",
    "upgrade": "of the connection, not of the answer",
    "alt-svc": "of the server's address, not of the answer",
}

CLEAR: Final[Mapping[str, str]] = {
    "allow": "methods",
    "cache-control": "directives",
    "content-encoding": "names of codings",
    "content-language": "names of languages",
    "content-type": "names of media types",
    "cross-origin-opener-policy": "words of a fixed list",
    "referrer-policy": "words of a fixed list",
    "set-cookie": "attributes only; the value is never looked at",
    "vary": "names of headers",
    "x-content-type-options": "words of a fixed list",
    "x-frame-options": "words of a fixed list",
}
"""Headers whose values are words of the protocol, which tell nothing about a user: kept in clear, or else a person
could not see what differs. Everything else is kept as a shape."""

_EXPIRES_TOLERANCE_S: Final = 2.0  # two clocks and two roundings


class Context(NamedTuple):
    """What a header may name: the public host, and the address of each upstream (``host:port``)."""

    host: str = ""
    control_authority: str = ""
    candidate_authority: str = ""
    scheme: str = ""
    """By which the client asked: ``http`` or ``https``; empty where it is not known, and then either is taken for it."""

    @classmethod
    def of(
        cls, asked: Sequence[Header], control_authority: str, candidate_authority: str
    ) -> "Context":
        """What the answers to a request with the headers ``asked`` may name."""
        said = {name.lower(): value.decode("latin-1").strip() for name, value in reversed(asked)}
        scheme = said.get(b"x-forwarded-proto", "").partition(",")[0].strip().lower()
        return cls(said.get(b"host", ""), control_authority, candidate_authority, scheme)


def diff_headers(control: Headers, candidate: Headers, context: Context) -> Iterator[Found]:
    """Differences of the headers of two answers, in the order of their names."""
    ours, theirs = _by_name(control), _by_name(candidate)
    our_date, their_date = _date(ours), _date(theirs)
    for name in sorted(ours.keys() | theirs.keys()):
        if name in NOT_COMPARED or name.startswith("fig-"):
            continue
        left, right = ours.get(name), theirs.get(name)
        if left == right:
            continue
        where = f"header {name}"
        reader = READERS.get(name, as_text)
        if name in SINGLE and left is not None and right is not None and len(left) != len(right):
            yield Found(
                Kind.SIZE, where, (), *(", ".join(map(text, side)) for side in (left, right))
            )
        if left is None or right is None:
            # A part each, so that a cookie that is missing is found under the name it has when others are there.
            whole = reader if name in BY_MEMBER else as_text
            our_parts = {} if left is None else whole(Side(left, our_date))
            their_parts = {} if right is None else whole(Side(right, their_date))
        else:
            public = context.scheme, context.host
            our_parts = reader(Side(left, our_date, *public, context.control_authority))
            their_parts = reader(Side(right, their_date, *public, context.candidate_authority))
        if not (name == "expires" and _is_same_lifetime(our_parts, their_parts)):
            yield from _diff_parts(where, our_parts, their_parts)


def _diff_parts(where: str, ours: Parts, theirs: Parts) -> Iterator[Found]:
    for part in dict.fromkeys((*ours, *theirs)):
        left, right = ours.get(part), theirs.get(part)
        owner = part.rpartition(".")[0]
        if left == right or (owner and (owner in ours) != (owner in theirs)):
            continue  # the attributes of a cookie that one side lacks are no further difference
        steps = (Part(part),) if part else ()
        if left is None:
            yield Found(Kind.EXTRA, where, steps, ABSENT, right)
        elif right is None:
            yield Found(Kind.MISSING, where, steps, left, ABSENT)
        else:
            kind = Kind.FORMAT if _is_weak_twin(where, left, right) else Kind.VALUE
            yield Found(kind, where, steps, left, right)


def _is_same_lifetime(ours: Parts, theirs: Parts) -> bool:
    seconds = [parts.get("", "").removeprefix("in ").removesuffix(" s") for parts in (ours, theirs)]
    try:
        return abs(float(seconds[0]) - float(seconds[1])) <= _EXPIRES_TOLERANCE_S
    except ValueError:
        return False


def _is_weak_twin(where: str, left: str, right: str) -> bool:
    return where == "header etag" and left.removeprefix("W/") == right.removeprefix("W/")


def _by_name(headers: Headers) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), []).append(value)
    return found


def _date(headers: Mapping[str, list[bytes]]) -> datetime | None:
    values = headers.get("date")
    return http_date(values[0]) if values else None
