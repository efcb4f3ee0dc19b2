"""Bodies as their sender meant them: content coding undone, within a bound on the result (RFC 9110, section 8.4)."""

import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_DECODED_BYTES: Final = 16 * 1024 * 1024  # 1 MiB of gzip can hold 1 GiB
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS
_ZSTD_WINDOW_LOG: Final = 23  # 8 MiB, which is what a sender may ask of any client (RFC 9659)


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

    Raises ``CodingError`` for bytes that are not what they are said to be, ``NotComparableError`` for a coding we have no
    reader for and for a result above ``max_bytes``.
    """
    if not body:  # an answer to HEAD, a 304
        return body
    for coding in reversed(codings):
        reader = _READERS.get(coding)
        if reader is None:
            raise NotComparableError("content_coding", f"no reader for Content-Encoding {coding!r}")
        body = reader(body, max_bytes)
    return body


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    return _inflate(body, _GZIP_BITS, max_bytes)


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
        _check_size(result, max_bytes)
        if not stream.eof:
            raise CodingError("the stream ends too early")
        body = stream.unused_data
    return bytes(result)


def _unbrotli(body: bytes, max_bytes: int) -> bytes:
    stream = brotli.Decompressor()
    result = bytearray()
    try:
        while not stream.is_finished():
            result += stream.process(body, output_buffer_limit=max_bytes + 1 - len(result))
            _check_size(result, max_bytes)
            if body == b"" and stream.can_accept_more_data() and not stream.is_finished():
                raise CodingError("the stream ends too early")
            body = b""
    except brotli.error as error:
        raise CodingError(str(error)) from error
    return bytes(result)


def _unzstd(body: bytes, max_bytes: int) -> bytes:
    """All frames of the stream (RFC 8878, section 3)."""
    result = bytearray()
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    while body:
        frame = zstd.ZstdDecompressor(options=options)
        try:
            result += frame.decompress(body, max_bytes + 1 - len(result))
        except zstd.ZstdError as error:
            raise CodingError(str(error)) from error
        _check_size(result, max_bytes)
        if not frame.eof:
            raise CodingError("the frame ends too early")
        body = frame.unused_data
    return bytes(result)


def _as_it_is(body: bytes, max_bytes: int) -> bytes:
    return body


def _check_size(result: bytearray, max_bytes: int) -> None:
    if len(result) > max_bytes:
        raise NotComparableError("decoded_too_large", f"more than {max_bytes} bytes when decoded")


_READERS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {
    "br": _unbrotli,
    "deflate": _undeflate,
    "gzip": _gunzip,
    "identity": _as_it_is,
    "x-gzip": _gunzip,
    "zstd": _unzstd,
}
