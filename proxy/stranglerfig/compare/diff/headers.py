"""Which headers are compared, and how.

Strict by default: a header that is in neither table is compared as text, since an application's own header is part of
its behaviour. What is not compared is listed with its reason; what has a meaning of its own is listed with its reader.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from stranglerfig.compare.diff.difference import ABSENT, Found, Kind
from stranglerfig.compare.diff.header_value import (
    cookies,
    directives,
    http_date,
    list_items,
    mapped_url,
    media_type,
    text,
)
from stranglerfig.compare.diff.path import Part
from stranglerfig.compare.observation import Headers

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


class _Side(NamedTuple):
    """One answer's lines of one header, with what is needed to read them."""

    values: list[bytes]
    date: datetime | None
    host: str
    own: str


Parts = dict[str, str]
_Reader = Callable[[_Side], Parts]


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
        reader = _READERS.get(name, _as_text)
        if left is None or right is None:
            # A part each, so that a cookie that is missing is found under the name it has when others are there.
            whole = reader if name in _BY_MEMBER else _as_text
            our_parts = {} if left is None else whole(_Side(left, our_date, "", ""))
            their_parts = {} if right is None else whole(_Side(right, their_date, "", ""))
        else:
            our_parts = reader(_Side(left, our_date, context.host, context.control_authority))
            their_parts = reader(
                _Side(right, their_date, context.host, context.candidate_authority)
            )
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


def _as_text(side: _Side) -> Parts:
    return {"": ", ".join(map(text, side.values))}


def _content_type(side: _Side) -> Parts:
    essence, params = media_type(b", ".join(side.values))
    charset = params.get("charset")
    if charset is not None:
        params["charset"] = charset.lower()
    return {"": essence, **{f"[{name}]": value for name, value in params.items()}}


def _set_of_names(side: _Side) -> Parts:
    return {f"[{name.lower()}]": name.lower() for name in list_items(side.values)}


def _set_of_methods(side: _Side) -> Parts:
    return {f"[{name}]": name for name in list_items(side.values)}


def _directives(side: _Side) -> Parts:
    return {
        f"[{name}]": f"{name}={value}" if value else name
        for name, value in directives(side.values).items()
    }


def _url(side: _Side) -> Parts:
    return {"": ", ".join(mapped_url(url, host=side.host, own=side.own) for url in side.values)}


def _cookies(side: _Side) -> Parts:
    parts: Parts = {}
    for name, attributes in cookies(side.values).items():
        parts[f"[{name}]"] = attributes.pop("value")
        expires = attributes.pop("expires", None)
        if expires is not None and "max-age" not in attributes:  # Max-Age wins (RFC 6265, 5.3)
            date = http_date(expires.encode("latin-1"))
            attributes["expires"] = "past" if date is not None and date.year <= 1970 else "later"
        for attribute, setting in attributes.items():
            value = setting.lower() if attribute == "samesite" else setting
            parts[f"[{name}].{attribute}"] = value
    return parts


def _instant(side: _Side) -> Parts:
    date = http_date(side.values[0])
    return {"": text(side.values[0]) if date is None else date.isoformat()}


def _lifetime(side: _Side) -> Parts:
    """``Expires`` in seconds after the answer's own Date, since both move with the clock."""
    date = http_date(side.values[0])
    if date is None or side.date is None:
        return {"": text(side.values[0])}
    seconds = (date - side.date).total_seconds()
    return {"": "past" if seconds <= 0 else f"in {seconds:.0f} s"}


_READERS: Final[Mapping[str, _Reader]] = {
    "allow": _set_of_methods,  # a set (RFC 9110, 10.2.1)
    "cache-control": _directives,  # directives in any order (RFC 9111, 5.2)
    "content-location": _url,
    "content-type": _content_type,  # type and charset without case (RFC 9110, 8.3)
    "expires": _lifetime,
    "last-modified": _instant,  # three date formats are allowed (RFC 9110, 5.6.7)
    "location": _url,
    "set-cookie": _cookies,  # by name and attribute: values are secrets, and differ by right
    "vary": _set_of_names,  # a set of names without case (RFC 9110, 12.5.5)
}
_RELATIVE: Final = frozenset(
    {"expires"}
)  # equal text may mean another time, and the other way round
_BY_MEMBER: Final = frozenset({"set-cookie", "vary", "allow", "cache-control"})
