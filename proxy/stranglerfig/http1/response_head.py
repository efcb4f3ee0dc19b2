"""The head of an upstream's answer, and how it is written to the client.

Status, reason, headers, their order, case, duplicates and bytes stay as they are; hop-by-hop headers and the framing are
the connection's own and are made anew for the client's.
"""

from collections.abc import Sequence

from stranglerfig.http1.failure import Failure, UpstreamError
from stranglerfig.http1.headers import (
    KNOWN_MEANINGS,
    MAX_LENGTH,
    Header,
    Meaning,
    connection_tokens,
    is_chunked,
    meaning_of,
    plain_length,
    read_length,
)

_ORDINARY = Meaning.ORDINARY
_BODILESS = frozenset({204, 304})  # RFC 9110 sections 15.3.5 and 15.4.5; 1xx never get here


class ResponseHead:
    """One answer's head. ``kept`` are the headers that go to the client, ``headers`` all as they came."""

    __slots__ = (
        "content_length",
        "headers",
        "is_chunked",
        "is_interim",
        "is_shared",
        "kept",
        "reason",
        "status",
    )

    def __init__(self, status: int, reason: bytes, headers: Sequence[Header]) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.is_interim = status < 200
        self.is_chunked = False
        self.content_length: int | None = None
        self.is_shared = False
        """Whether Cache-Control lets a shared cache keep it: no cookie of ours may be put on it."""
        self.kept: list[Header] = []
        connection: list[bytes] = []
        known = KNOWN_MEANINGS.get
        for header in headers:
            meaning = known(header[0]) or meaning_of(header[0])
            if meaning is _ORDINARY:
                self.kept.append(header)
                continue
            if meaning in _DROPPED:
                if meaning is Meaning.TRANSFER_ENCODING:
                    self._read_coding(header[1])
                elif meaning is Meaning.CONNECTION:
                    connection.append(header[1])
                continue
            if meaning is Meaning.CONTENT_LENGTH:
                length = self.content_length = _read_length(header[1])
                header = plain_length(header, length)
            elif meaning is Meaning.CACHE_CONTROL:
                self.is_shared = self.is_shared or _allows_shared_caches(header[1])
            self.kept.append(header)
        if self.content_length and (self.is_interim or status == 204):
            # Never to be sent (RFC 9110 section 8.6): a client that believed it would read the next answer as a body.
            self.kept = [header for header in self.kept if header[0].lower() != b"content-length"]
        if connection:
            self._drop_named(connection)

    def is_bodiless(self, *, is_head: bool) -> bool:
        """Whether no body follows, whatever the headers say (RFC 9112 section 6.3)."""
        return is_head or self.status in _BODILESS

    def _read_coding(self, value: bytes) -> None:
        if self.is_chunked or not is_chunked(value):
            raise UpstreamError(Failure.BAD_RESPONSE, "a transfer coding other than chunked")
        self.is_chunked = True

    def _drop_named(self, connection: list[bytes]) -> None:
        # The framing is ours, so Content-Length stays whatever Connection says.
        named = connection_tokens(connection) - {b"close", b"keep-alive", b"content-length"}
        if named:
            self.kept = [header for header in self.kept if header[0].lower() not in named]


_DROPPED = frozenset(
    {
        Meaning.CONNECTION,
        Meaning.PROXY_CONNECTION,
        Meaning.HOP_BY_HOP,
        Meaning.UPGRADE,
        Meaning.TRANSFER_ENCODING,
        Meaning.FIG,  # nobody but the proxy says Fig-Plan
    }
)


def _read_length(value: bytes) -> int:
    length = read_length(value)
    if length is None or length > MAX_LENGTH:
        raise UpstreamError(Failure.BAD_RESPONSE, "malformed Content-Length")
    return length


def _allows_shared_caches(value: bytes) -> bool:
    directives = {part.partition(b"=")[0].strip().lower() for part in value.split(b",")}
    return bool(directives & {b"public", b"s-maxage"})
