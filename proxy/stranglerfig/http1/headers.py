"""What each header name means to a proxy, looked up once per spelling.

Names are compared as WSGI will see them: case does not count, and ``_`` counts as ``-``, since both become ``HTTP_X_Y``.
So ``X_Forwarded_For`` can't pass as the proxy's own ``X-Forwarded-For``.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

Header = tuple[bytes, bytes]

WHITESPACE = b" \t"  # OWS, RFC 9110 section 5.6.3
MAX_LENGTH: Final = 2**63 - 1  # what every reader can count to


class Meaning(Enum):
    """What is done with a request header, or with an answer's."""

    ORDINARY = "ordinary"
    HOST = "host"
    CONTENT_LENGTH = "content_length"
    TRANSFER_ENCODING = "transfer_encoding"
    CONNECTION = "connection"
    PROXY_CONNECTION = "proxy_connection"  # dropped, but llhttp obeys it as it does Connection
    HOP_BY_HOP = "hop_by_hop"  # dropped
    UPGRADE = "upgrade"  # dropped, and written anew where it is passed on
    COOKIE = "cookie"
    AUTHORIZATION = "authorization"
    EXPECT = "expect"
    FORWARDED = "forwarded"  # who the client is: believed from trusted proxies only
    FIG = "fig"  # ours: verified and consumed, or dropped
    FOLDED = "folded"  # becomes one of ours, or the server's, in WSGI: dropped and counted
    CACHE_CONTROL = "cache_control"
    TRACE = "trace"  # which trace the request belongs to

    # Enum's own is a function in Python, and members are keys on every request's way.
    __hash__ = object.__hash__


# RFC 9110 section 7.6.1 and the older list of RFC 2616. Trailers are dropped, so their announcement is too.
_HOP_BY_HOP = {
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"te",
    b"trailer",
}
_MEANINGS = {
    b"host": Meaning.HOST,
    b"content-length": Meaning.CONTENT_LENGTH,
    b"transfer-encoding": Meaning.TRANSFER_ENCODING,
    b"connection": Meaning.CONNECTION,
    b"proxy-connection": Meaning.PROXY_CONNECTION,
    b"cookie": Meaning.COOKIE,
    b"authorization": Meaning.AUTHORIZATION,
    b"expect": Meaning.EXPECT,
    b"forwarded": Meaning.FORWARDED,
    b"x-real-ip": Meaning.FORWARDED,
    b"x-request-id": Meaning.FORWARDED,
    b"cache-control": Meaning.CACHE_CONTROL,
    b"upgrade": Meaning.UPGRADE,
    b"traceparent": Meaning.TRACE,
    b"tracestate": Meaning.TRACE,
    **dict.fromkeys(_HOP_BY_HOP, Meaning.HOP_BY_HOP),
}
# gunicorn takes these for its own from whoever may forward to it, and cuts the first off the path: an application would
# read another path than the one that was routed.
_SET_BY_SERVER = {b"script_name", b"path_info"}
_OURS = (Meaning.FORWARDED, Meaning.FIG)
_FRAMING = (Meaning.CONTENT_LENGTH, Meaning.TRANSFER_ENCODING)
# Named in Connection, these would be taken away from what the upstream relies on.
_NOT_FOR_CONNECTION = (
    Meaning.HOST,
    Meaning.COOKIE,
    Meaning.AUTHORIZATION,
    Meaning.CONTENT_LENGTH,
    *_OURS,
)

_ZERO = ord("0")
_MAX_DIGITS = len(str(MAX_LENGTH))
_MAX_CACHED = 4096  # names are chosen by strangers
#: Meanings by spelling, as far as seen. Read it before calling ``meaning_of``: ten calls a request are worth saving.
KNOWN_MEANINGS: dict[bytes, Meaning] = {}


def meaning_of(name: bytes) -> Meaning:
    """Say what a header of this name is to the proxy; ``name`` in the spelling it was sent in."""
    meaning = KNOWN_MEANINGS.get(name)
    if meaning is None:
        meaning = _look_up(name)
        if len(KNOWN_MEANINGS) < _MAX_CACHED:
            KNOWN_MEANINGS[name] = meaning
    return meaning


def _look_up(name: bytes) -> Meaning:
    lower = name.lower()
    meaning = _plain(lower)
    if meaning is Meaning.ORDINARY and b"_" in lower:
        if lower in _SET_BY_SERVER:
            return Meaning.FOLDED
        folded = _plain(lower.replace(b"_", b"-"))
        # Content_Length and Transfer_Encoding are for the upstream's parser what ours must not be fooled by either.
        if folded in _OURS or folded in _FRAMING:
            return Meaning.FOLDED
    return meaning


def _plain(lower: bytes) -> Meaning:
    meaning = _MEANINGS.get(lower)
    if meaning is not None:
        return meaning
    if lower.startswith(b"x-forwarded-"):
        return Meaning.FORWARDED
    if lower.startswith(b"fig-"):
        return Meaning.FIG
    return Meaning.ORDINARY


def read_length(value: bytes) -> int | None:
    """Read a ``Content-Length``: how many bytes, one more than ``MAX_LENGTH`` for any beyond it, None if malformed."""
    digits = value if value.isdigit() else value.strip(WHITESPACE)
    if not digits.isdigit():
        return None
    if len(digits) > _MAX_DIGITS:
        digits = digits.lstrip(b"0") or b"0"
        if len(digits) > _MAX_DIGITS:
            return MAX_LENGTH + 1
    length = int(digits)
    return length if length <= MAX_LENGTH else MAX_LENGTH + 1


def plain_length(header: Header, length: int) -> Header:
    """Give a Content-Length header as everybody reads it alike: no zeros in front, no white space."""
    name, value = header
    if value.isdigit() and value[0] != _ZERO:
        return header
    return name, b"%d" % length


def is_chunked(value: bytes) -> bool:
    """Whether ``Transfer-Encoding`` is ``chunked`` alone, to llhttp too, which takes no tab behind it."""
    return value.rstrip(b" ").lower() == b"chunked"


def connection_tokens(values: Iterable[bytes]) -> set[bytes]:
    """Read ``Connection`` headers: the options and header names in them, in lower case."""
    return {token.strip(WHITESPACE).lower() for value in values for token in value.split(b",")} - {
        b""
    }


def may_be_named_in_connection(token: bytes) -> bool:
    """Whether dropping the header ``token`` at a client's word is harmless."""
    return meaning_of(token) not in _NOT_FOR_CONNECTION


def values_of(headers: Sequence[Header], lower_name: bytes) -> list[bytes]:
    """Give every value of a header, in their order."""
    return [value for name, value in headers if name.lower() == lower_name]


def first_value(headers: Sequence[Header], lower_name: bytes) -> bytes | None:
    """Give the first value of a header, or None."""
    for name, value in headers:
        if name.lower() == lower_name:
            return value
    return None
