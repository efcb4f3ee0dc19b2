"""Bodies as their sender meant them: content coding undone, within a bound on the result (RFC 9110, section 8.4)."""

import zlib
from collections.abc import Sequence
from typing import Final

MAX_DECODED_BYTES: Final = 16 * 1024 * 1024  # 1 MiB of gzip can hold 1 GiB
_CODINGS: Final = ("gzip", "x-gzip", "deflate", "identity")
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS


class NotComparableError(Exception):
    """The body cannot be read here, through no fault of either side; ``reason`` names the counter."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CodingError(ValueError):
    """The body is not what its ``Content-Encoding`` says."""


def content_codings(values: Sequence[bytes]) -> list[str]:
    """The codings of ``Content-Encoding`` lines, in the order in which they were applied."""
    names = b",".join(values).decode("latin-1").lower().split(",")
    return [name.strip() for name in names if name.strip()]


def decode(body: bytes, codings: Sequence[str], *, max_bytes: int = MAX_DECODED_BYTES) -> bytes:
    """The body without its codings.

    Raises ``CodingError`` for bytes that are no gzip or deflate, ``NotComparableError`` for a coding we have no reader for
    and for a result above ``max_bytes``.
    """
    if not body:  # an answer to HEAD, a 304
        return body
    for coding in reversed(codings):
        if coding not in _CODINGS:
            raise NotComparableError("content_coding", f"no reader for Content-Encoding {coding!r}")
        if coding in ("gzip", "x-gzip"):
            body = _inflate(body, _GZIP_BITS, max_bytes)
        elif coding == "deflate":
            body = _undeflate(body, max_bytes)
    return body


def _undeflate(body: bytes, max_bytes: int) -> bytes:
    """zlib's format as the standard says, or the bare stream that many send in its place."""
    try:
        return _inflate(body, zlib.MAX_WBITS, max_bytes)
    except CodingError:
        return _inflate(body, -zlib.MAX_WBITS, max_bytes)


def _inflate(body: bytes, bits: int, max_bytes: int) -> bytes:
    """All members of the stream: gzip files may be joined (RFC 1952, section 2.2)."""
    result = bytearray()
    while body:
        stream = zlib.decompressobj(bits)
        try:
            result += stream.decompress(body, max_bytes + 1 - len(result))
        except zlib.error as error:
            raise CodingError(str(error)) from error
        if len(result) > max_bytes:
            raise NotComparableError(
                "decoded_too_large", f"more than {max_bytes} bytes when decoded"
            )
        if not stream.eof:
            raise CodingError("the stream ends too early")
        body = stream.unused_data
    return bytes(result)
