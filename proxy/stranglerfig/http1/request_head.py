"""The head of a request: checked, so that one client request can never become two upstream requests.

What llhttp refuses by itself (bad syntax, differing or repeated lengths, folded lines, bare CR or LF) never comes here.
The rest is refused here: RFC 9112 sections 3.2 (Host, target forms), 6.1 and 6.3 (framing).
"""

import re
from collections.abc import Callable, Sequence

from stranglerfig.config.upstream import NEVER_UPGRADED
from stranglerfig.http1.cookies import last_cookie, without_cookies
from stranglerfig.http1.failure import ClientError, Failure
from stranglerfig.http1.headers import (
    KNOWN_MEANINGS,
    MAX_LENGTH,
    WHITESPACE,
    Header,
    Meaning,
    connection_tokens,
    is_chunked,
    may_be_named_in_connection,
    meaning_of,
    plain_length,
    read_length,
)
from stranglerfig.signing import wrote

USER_COOKIE = b"fig_user"
WROTE_COOKIE = wrote.NAME.encode()
OWN_COOKIES = frozenset({USER_COOKIE, WROTE_COOKIE})
_OWN_BEGINNING = b"fig_"
_ORDINARY = Meaning.ORDINARY
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 section 9.2.1

# RFC 3986 reg-name or IP literal, then an optional port. An empty host is valid in RFC 9112 and refused here.
_HOST = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?", re.ASCII
)
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]*)(.*)", re.DOTALL)


class RequestHead:
    """One checked request head. ``kept`` are the headers that go on, in order; the rest has been taken out."""

    __slots__ = (
        "authorization",
        "connection",
        "content_length",
        "cookies",
        "debug",
        "dropped",
        "expects_continue",
        "force",
        "forwarded",
        "host",
        "is_chunked",
        "is_http_1_0",
        "keep_alive",
        "kept",
        "method",
        "target",
        "trace",
        "upgrade",
        "wrote",
    )

    def __init__(self, method: str, target: bytes, *, is_http_1_0: bool) -> None:
        self.method = method
        self.target = target
        self.is_http_1_0 = is_http_1_0
        self.keep_alive = not is_http_1_0
        self.kept: list[Header] = []
        self.host: bytes | None = None
        self.content_length: int | None = None
        self.is_chunked = False
        self.expects_continue = False
        """Whether the client may wait for a 100 before it sends its body; one of HTTP/1.0 can't get any."""
        self.authorization: bytes | None = None
        self.cookies: list[bytes] = []
        self.forwarded: list[Header] = []
        self.trace: list[Header] = []
        """``traceparent`` and ``tracestate`` as they were sent."""
        self.force: bytes | None = None
        self.debug: bytes | None = None
        self.wrote: bytes | None = None
        """The cookie fig_wrote as it was sent; the last one counts, as in Django."""
        self.upgrade: tuple[bytes, ...] = ()
        """Protocols that the client asks for and may be let through to, in its order."""
        self.connection: list[bytes] = []
        self.dropped: list[str] = []
        """Reasons for which headers were dropped that the client may have meant: ``fig``, ``folded``."""

    @property
    def has_body(self) -> bool:
        """Whether body bytes follow."""
        return self.is_chunked or bool(self.content_length)

    @property
    def is_safe(self) -> bool:
        """Whether the method asks for no change (RFC 9110 section 9.2.1)."""
        return self.method in SAFE_METHODS


def read_request_head(
    method: str, target: bytes, headers: Sequence[Header], *, is_http_1_0: bool
) -> RequestHead:
    """Check a parsed head and sort its headers. Raises ``ClientError``."""
    head = RequestHead(method, target, is_http_1_0=is_http_1_0)
    keep = head.kept.append
    known = KNOWN_MEANINGS.get
    for header in headers:
        meaning = known(header[0]) or meaning_of(header[0])
        if meaning is _ORDINARY:
            keep(header)
        else:
            _READERS[meaning](head, header)
    if head.host is None and not is_http_1_0:
        raise ClientError(Failure.BAD_HOST, "no Host")
    if head.connection:
        _read_connection(head)
    if head.is_chunked:
        if head.content_length is not None:
            raise ClientError(Failure.BAD_FRAMING, "Content-Length beside Transfer-Encoding")
        if is_http_1_0:
            raise ClientError(Failure.BAD_FRAMING, "Transfer-Encoding in HTTP/1.0")
    if head.upgrade:
        head.upgrade = _read_upgrade(head)
    if not target.startswith(b"/"):
        head.target = _origin_form(head)
    if b"#" in target:
        raise ClientError(Failure.BAD_TARGET, "a fragment in the target")
    return head


def _read_host(head: RequestHead, header: Header) -> None:
    if head.host is not None:
        raise ClientError(Failure.BAD_HOST, "more than one Host")
    host = header[1].rstrip(WHITESPACE)
    if not _HOST.fullmatch(host):
        raise ClientError(Failure.BAD_HOST, "malformed Host")
    head.host = host
    head.kept.append(header)


def _read_content_length(head: RequestHead, header: Header) -> None:
    # llhttp checks this too; it is what decides where the next request begins, so it is not left to one pair of eyes.
    length = read_length(header[1])
    if head.content_length is not None or length is None:
        raise ClientError(Failure.BAD_FRAMING, "malformed or repeated Content-Length")
    if length > MAX_LENGTH:
        raise ClientError(Failure.BODY_TOO_LARGE)
    head.content_length = length
    head.kept.append(plain_length(header, length))


def _read_transfer_encoding(head: RequestHead, header: Header) -> None:
    if head.is_chunked:
        raise ClientError(Failure.BAD_FRAMING, "more than one Transfer-Encoding")
    if not is_chunked(header[1]):
        raise ClientError(Failure.BAD_CODING, "a transfer coding other than chunked")
    head.is_chunked = True


def _read_cookie(head: RequestHead, header: Header) -> None:
    name, value = header
    head.cookies.append(value)
    if _OWN_BEGINNING in value:
        if WROTE_COOKIE in value:
            sent = last_cookie(value, WROTE_COOKIE)
            head.wrote = head.wrote if sent is None else sent
        value = without_cookies(value, OWN_COOKIES, _OWN_BEGINNING)
        if not value:
            return
        header = (name, value)
    head.kept.append(header)


def _read_authorization(head: RequestHead, header: Header) -> None:
    if head.authorization is None:
        head.authorization = header[1]
    head.kept.append(header)


def _read_expect(head: RequestHead, header: Header) -> None:
    if not head.is_http_1_0 and header[1].strip().lower() == b"100-continue":
        head.expects_continue = True
    head.kept.append(header)


def _read_fig(head: RequestHead, header: Header) -> None:
    name = header[0].lower()
    if name == b"fig-force":
        head.force = header[1].strip()
    elif name == b"fig-debug":
        head.debug = header[1].strip()
    else:
        head.dropped.append("fig")


def _drop_folded(head: RequestHead, header: Header) -> None:
    head.dropped.append("folded")


def _note_connection(head: RequestHead, header: Header) -> None:
    head.connection.append(header[1])


def _note_proxy_connection(head: RequestHead, header: Header) -> None:
    # llhttp reads nothing behind such a request; the client must not be told that it may send more.
    if b"close" in connection_tokens(header[1:]):
        head.connection.append(b"close")


def _note_upgrade(head: RequestHead, header: Header) -> None:
    head.upgrade += (header[1],)


def _note_forwarded(head: RequestHead, header: Header) -> None:
    head.forwarded.append(header)


def _note_trace(head: RequestHead, header: Header) -> None:
    head.trace.append(header)


def _drop(head: RequestHead, header: Header) -> None:
    pass


def _keep(head: RequestHead, header: Header) -> None:
    head.kept.append(header)


_READERS: dict[Meaning, Callable[[RequestHead, Header], None]] = {
    Meaning.HOST: _read_host,
    Meaning.CONTENT_LENGTH: _read_content_length,
    Meaning.TRANSFER_ENCODING: _read_transfer_encoding,
    Meaning.CONNECTION: _note_connection,
    Meaning.PROXY_CONNECTION: _note_proxy_connection,
    Meaning.HOP_BY_HOP: _drop,
    Meaning.UPGRADE: _note_upgrade,
    Meaning.COOKIE: _read_cookie,
    Meaning.AUTHORIZATION: _read_authorization,
    Meaning.EXPECT: _read_expect,
    Meaning.FORWARDED: _note_forwarded,
    Meaning.FIG: _read_fig,
    Meaning.FOLDED: _drop_folded,
    Meaning.CACHE_CONTROL: _keep,
    Meaning.TRACE: _note_trace,
}

_PLAIN_OPTIONS = frozenset({b"close", b"keep-alive", b"upgrade", b"te"})


def _read_connection(head: RequestHead) -> None:
    tokens = connection_tokens(head.connection)
    if b"close" in tokens:
        head.keep_alive = False
    elif b"keep-alive" in tokens:
        head.keep_alive = True
    named = tokens - _PLAIN_OPTIONS
    if not named:
        return
    for token in named:
        if not may_be_named_in_connection(token):
            raise ClientError(Failure.BAD_CONNECTION, f"Connection names {token[:64]!r}")
    head.kept = [header for header in head.kept if header[0].lower() not in named]
    head.trace = [header for header in head.trace if header[0].lower() not in named]


def _read_upgrade(head: RequestHead) -> tuple[bytes, ...]:
    """Read the protocols of ``Upgrade`` that may be asked for, where it is one at all (RFC 9110 section 7.8).

    Not in HTTP/1.0, not unless Connection names it, and not with a body, which would have to be whole before anything of
    the other protocol; not for HEAD, whose answer has no end that a tunnel could begin at.
    """
    if head.is_http_1_0 or head.has_body or not head.keep_alive or head.method == "HEAD":
        return ()
    if b"upgrade" not in connection_tokens(head.connection):
        return ()
    protocols = (
        part.strip(WHITESPACE) for value in head.upgrade for part in value.split(b",") if part
    )
    return tuple(protocol for protocol in protocols if may_be_asked_for(protocol))


def may_be_asked_for(protocol: bytes) -> bool:
    """Whether anybody may be let through to ``protocol``: a token, and perhaps a slash and a version."""
    return protocol.partition(b"/")[0].lower().decode("latin-1") not in NEVER_UPGRADED


def _origin_form(head: RequestHead) -> bytes:
    """Turn an absolute target into the origin form it stands for; ``*`` stays (RFC 9112 section 3.2)."""
    target = head.target
    if target == b"*" and head.method == "OPTIONS":
        return target
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise ClientError(Failure.BAD_TARGET, "not a path, a URL or *")
    authority, rest = match.groups()
    if head.host is None or authority.lower() != head.host.lower():
        raise ClientError(Failure.BAD_HOST, "the target's authority is not the Host")
    if not rest.startswith(b"/"):
        rest = b"*" if head.method == "OPTIONS" and not rest else b"/" + rest
    return rest
