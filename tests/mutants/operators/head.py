"""Faults in status and headers. What the documentation says is not compared, is not touched."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from random import Random

from journeys.transcript import HOST

from mutants.answer import Recorded
from mutants.operator import HEAD, one_of, operator
from mutants.pool import Pool
from stranglerfig.compare.observation import Header, RecordedResponse

# docs/comparison.md: "not compared"; `Connection` and its like are hop-by-hop (RFC 9110, 7.6.1).
_NOT_COMPARED = frozenset(
    {b"date", b"age", b"server", b"via", b"x-request-id", b"traceparent", b"tracestate"}
    | {b"content-length", b"connection", b"keep-alive", b"transfer-encoding"}
)
_SETS = (b"vary", b"allow", b"cache-control")
_DATES = (b"expires", b"last-modified")
_STATUSES = (200, 201, 204, 301, 302, 400, 401, 403, 404, 409, 500, 502, 503)
_ADDED = ((b"X-Robots-Tag", b"noindex"), (b"Refresh", b"5"), (b"Access-Control-Allow-Origin", b"*"))

# The same host by another scheme: the session's cookie may not come along.
_ELSEWHERE, _BY_TLS = b"http://elsewhere.example", f"https://{HOST}".encode()

Places = list[int]


def compared(answer: Recorded) -> Places:
    """Positions of the headers that a fault may happen to."""
    return [
        at
        for at, (name, _) in enumerate(answer.response.headers)
        if name.lower() not in _NOT_COMPARED
        and not (name.lower() == b"etag" and answer.has_tag_of_a_token)
    ]


def _with(answer: Recorded, at: int, *lines: Header) -> RecordedResponse:
    """The answer with other lines in place of one."""
    headers = answer.response.headers
    return replace(answer.response, headers=(*headers[:at], *lines, *headers[at + 1 :]))


@operator(HEAD, "status")
def _status(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    others = [status for status in _STATUSES if status != answer.response.status]
    return replace(answer.response, status=chance.choice(others))


@operator(HEAD, "drop a header")
def _drop(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    at = one_of(chance, compared(answer))
    return None if at is None else _with(answer, at)


@operator(HEAD, "add a header")
def _add(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    headers = (*answer.response.headers, chance.choice(_ADDED))
    return replace(answer.response, headers=headers)


@operator(HEAD, "change a header")
def _change(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    places = [
        at
        for at in compared(answer)
        if answer.response.headers[at][0].lower() not in (b"set-cookie", b"location")
    ]
    at = one_of(chance, places)
    if at is None:
        return None
    name, value = answer.response.headers[at]
    return _with(answer, at, (name, _changed(name.lower(), value, chance)))


def _changed(name: bytes, value: bytes, chance: Random) -> bytes:
    """Another value that means another thing."""
    if name in _DATES:
        moved = parsedate_to_datetime(value.decode()) + timedelta(hours=chance.randrange(1, 48))
        return format_datetime(moved, usegmt=True).encode()
    if name == b"etag":
        weak = value.removeprefix(b"W/") if value.startswith(b"W/") else b"W/" + value
        return chance.choice((weak, value.replace(b'"', b'"0', 1)))
    if name == b"content-type":
        other = b"text/plain" if b"json" in value else b"application/json"
        return chance.choice((other, value.partition(b";")[0] + b"; charset=iso-8859-1"))
    if name == b"content-encoding":
        return b"deflate"
    if name in _SETS:
        return value + b", x-other"
    return value + b"-x"


@operator(HEAD, "repeat a header")
def _repeat(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    """One that says one thing, said twice: who reads it may take it for none (RFC 9110, 5.3)."""
    headers = answer.response.headers
    at = one_of(
        chance,
        [at for at in compared(answer) if headers[at][0].lower() not in (*_SETS, b"set-cookie")],
    )
    return None if at is None else _with(answer, at, headers[at], headers[at])


@operator(HEAD, "redirect elsewhere")
def _redirect(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    for at, (name, value) in enumerate(answer.response.headers):
        if name.lower() == b"location":
            others = (b"/", value.rstrip(b"/") + b"/x", _ELSEWHERE + value, _BY_TLS + value)
            other = chance.choice([other for other in others if other != value])
            return _with(answer, at, (name, other))
    return None


@operator(HEAD, "drop a member of a list")
def _drop_member(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    headers = answer.response.headers
    at = one_of(
        chance,
        [
            at
            for at in compared(answer)
            if headers[at][0].lower() in _SETS and b"," in headers[at][1]
        ],
    )
    if at is None:
        return None
    name, value = headers[at]
    members = [member.strip() for member in value.split(b",")]
    del members[chance.randrange(len(members))]
    return _with(answer, at, (name, b", ".join(members)))


def _cookies(answer: Recorded) -> Iterator[tuple[int, bytes]]:
    for at, (name, value) in enumerate(answer.response.headers):
        if name.lower() == b"set-cookie":
            yield at, value


def _of_cookie(name: str) -> Callable[..., None]:
    """Register a fault of a cookie; it gives the line as it then is, or None."""

    def register(fault: Callable[[bytes, Random], bytes | None]) -> None:
        @operator(HEAD, name)
        def mutate(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
            found = one_of(chance, list(_cookies(answer)))
            if found is None:
                return None
            at, line = found
            made = fault(line, chance)
            if made is None:
                return None
            return (
                _with(answer, at, (answer.response.headers[at][0], made))
                if made
                else _with(answer, at)
            )

    return register


@_of_cookie("drop a cookie")
def _drop_cookie(line: bytes, chance: Random) -> bytes:
    return b""


@_of_cookie("rename a cookie")
def _rename_cookie(line: bytes, chance: Random) -> bytes:
    return b"x-" + line


@operator(HEAD, "set a cookie twice")
def _set_twice(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    """For another path too: a browser keeps both."""
    found = one_of(chance, [(at, line) for at, line in _cookies(answer) if b"; Path=/;" in line])
    if found is None:
        return None
    at, line = found
    name = answer.response.headers[at][0]
    twice = [(name, line.replace(b"; Path=/;", b"; Path=/account;")), (name, line)]
    chance.shuffle(twice)
    return _with(answer, at, *twice)


@_of_cookie("drop a cookie's attribute")
def _drop_attribute(line: bytes, chance: Random) -> bytes | None:
    pair, *attributes = line.split(b"; ")
    names = sorted({_lifetime_or_name(attribute) for attribute in attributes})
    if not names:
        return None
    gone = chance.choice(names)
    return b"; ".join([pair, *(a for a in attributes if _lifetime_or_name(a) != gone)])


@_of_cookie("add a cookie's attribute")
def _add_attribute(line: bytes, chance: Random) -> bytes:
    return line + chance.choice((b"; Secure", b"; Domain=shop.example", b"; Partitioned"))


@_of_cookie("change a cookie's attribute")
def _change_attribute(line: bytes, chance: Random) -> bytes | None:
    changes = {
        rb"(?i)(?<=; path=)[^;]*": b"/elsewhere",
        rb"(?i)(?<=; samesite=)[^;]*": b"None",
        rb"(?i)(?<=; max-age=)[1-9]\d*": b"77",
    }
    fitting = [(old, new) for old, new in changes.items() if re.search(old, line)]
    found = one_of(chance, fitting)
    return None if found is None else re.sub(found[0], found[1], line)


def _lifetime_or_name(attribute: bytes) -> bytes:
    """Max-Age and Expires say one thing: one alone is not missed where the other is."""
    name = attribute.partition(b"=")[0].lower()
    return b"max-age" if name == b"expires" else name


@operator(HEAD, "wrong content type")
def _content_type(answer: Recorded, chance: Random, pool: Pool) -> RecordedResponse | None:
    for at, (name, value) in enumerate(answer.response.headers):
        if name.lower() == b"content-type":
            other = b"text/html; charset=utf-8" if b"json" in value else b"application/octet-stream"
            return _with(answer, at, (name, other))
    return None
