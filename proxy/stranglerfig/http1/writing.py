"""Heads and bodies as they are written, to upstreams and to clients."""

from collections.abc import Callable
from enum import Enum
from typing import Final

from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.response_head import ResponseHead

_LAST_CHUNK: Final = b"0\r\n\r\n"


class BodyFraming(Enum):
    """How the client finds the end of an answer's body."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


def request_bytes(head: RequestHead, added: bytes, authority: Callable[[], str]) -> bytes:
    """Write a request's head for an upstream: what is kept of it, then ``added`` lines, each with its CRLF.

    The framing is the client's. A request of HTTP/1.0 without Host, and nobody else's, asks for the upstream's ``authority``.
    """
    parts = [b"%b %b HTTP/1.1\r\n" % (head.method.encode("ascii"), head.target)]
    if head.host is None:
        parts.append(b"Host: %b\r\n" % authority().encode("ascii"))
    parts += [b"%b: %b\r\n" % header for header in head.kept]
    parts.append(added)
    if head.is_chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def response_bytes(head: ResponseHead, added: bytes) -> bytes:
    """Write an answer's head for a client: what is kept of it, then ``added`` lines, each with its CRLF."""
    lines = b"".join([b"%b: %b\r\n" % header for header in head.kept])
    return b"HTTP/1.1 %d %b\r\n%b%b\r\n" % (head.status, head.reason, lines, added)


def chunk(data: bytes) -> bytes:
    """Write one chunk (RFC 9112 section 7.1); ``data`` is not empty, for an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk() -> bytes:
    """Write the chunk that ends a body. Trailers are not passed on."""
    return _LAST_CHUNK
