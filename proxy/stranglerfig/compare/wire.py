"""Observations as bytes on the pipe from a worker to the comparer.

A frame is ``length (u32) | version (u8) | kind (u8) | fields``; the length counts what follows it. Texts and bytes
carry a u32 length, numbers are big-endian. The reader trusts nothing: a length that does not fit, a wrong version, an
unknown kind, cut or left-over bytes, or text that is no UTF-8 all raise ``WireError``, and the connection is closed,
since nothing after a broken frame can be trusted.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from stranglerfig.compare.observation import (
    Headers,
    Observation,
    RecordedRequest,
    RecordedResponse,
)

SOCKET_NAME = "comparer.sock"  # relative to state_dir, the working directory of both ends
VERSION = 1
MAX_FRAME_BYTES = 64 * 1024 * 1024  # far above two body caps; a longer one is no frame of ours
_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">BB")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_F64 = struct.Struct(">d")
_HELLO, _OBSERVATION = 1, 2


class WireError(ValueError):
    """The bytes are no frame of this protocol version."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame of a connection: which slot speaks, and what it has sent so far.

    ``teed`` holds the last sequence used per capability. ``fresh`` is true on the first connection of a worker
    process: what is missing then went with the process before it, else with the connection.
    """

    slot: int
    pid: int
    fresh: bool
    teed: tuple[tuple[str, int], ...]


Message = Hello | Observation


def encode(message: Message) -> bytes:
    """One whole frame. Raises ``WireError`` when the message is too large or a number does not fit."""
    parts: list[bytes] = []
    try:
        if isinstance(message, Hello):
            kind = _HELLO
            _put_hello(parts, message)
        else:
            kind = _OBSERVATION
            _put_observation(parts, message)
    except (struct.error, UnicodeEncodeError) as error:
        raise WireError(f"cannot be written: {error}") from error
    payload = b"".join(parts)
    length = _HEAD.size + len(payload)
    if length > MAX_FRAME_BYTES:
        raise WireError(f"a frame of {length} bytes; at most {MAX_FRAME_BYTES} are allowed")
    return _LENGTH.pack(length) + _HEAD.pack(VERSION, kind) + payload


class FrameReader:
    """Cuts a byte stream, however it is chunked, into messages."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Messages that are whole now; raises ``WireError`` at the first frame that is none."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._buffer, start)
                if not _HEAD.size <= length <= MAX_FRAME_BYTES:
                    raise WireError(f"a frame length of {length}")
                end = start + _LENGTH.size + length
                if len(self._buffer) < end:
                    return
                frame = bytes(memoryview(self._buffer)[start + _LENGTH.size : end])
                start = end
                yield _decode(frame)
        finally:
            del self._buffer[:start]


def _put_text(parts: list[bytes], text: str) -> None:
    _put_bytes(parts, text.encode())


def _put_bytes(parts: list[bytes], value: bytes) -> None:
    parts.append(_U32.pack(len(value)))
    parts.append(value)


def _put_headers(parts: list[bytes], headers: Headers) -> None:
    parts.append(_U32.pack(len(headers)))
    for name, value in headers:
        _put_bytes(parts, name)
        _put_bytes(parts, value)


def _put_hello(parts: list[bytes], hello: Hello) -> None:
    parts += (_U32.pack(hello.slot), _U32.pack(hello.pid), _U32.pack(hello.fresh))
    parts.append(_U32.pack(len(hello.teed)))
    for capability, sequence in hello.teed:
        _put_text(parts, capability)
        parts.append(_U64.pack(sequence))


def _put_observation(parts: list[bytes], seen: Observation) -> None:
    parts += (_U32.pack(seen.slot), _U64.pack(seen.sequence), _U64.pack(seen.generation))
    for text in (
        seen.request_id,
        seen.capability,
        seen.route,
        seen.stage,
        seen.side,
        seen.answered_by,
        seen.other,
        seen.request.method,
    ):
        _put_text(parts, text)
    _put_bytes(parts, seen.request.target)
    _put_headers(parts, seen.request.headers)
    _put_bytes(parts, seen.request.body)
    parts.append(_U32.pack(seen.response.status))
    _put_headers(parts, seen.response.headers)
    _put_bytes(parts, seen.response.body)
    parts += (_F64.pack(seen.started_at), _F64.pack(seen.elapsed_s))


class _Cursor:
    """Reads fields one after the other and refuses to read past the end."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = _HEAD.size

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise WireError("a field reaches past the end of its frame")
        value = self._data[self._at : end]
        self._at = end
        return value

    def u32(self) -> int:
        value: int = _U32.unpack(self._take(_U32.size))[0]
        return value

    def u64(self) -> int:
        value: int = _U64.unpack(self._take(_U64.size))[0]
        return value

    def f64(self) -> float:
        value: float = _F64.unpack(self._take(_F64.size))[0]
        return value

    def octets(self) -> bytes:
        return self._take(self.u32())

    def text(self) -> str:
        try:
            return self.octets().decode()
        except UnicodeDecodeError as error:
            raise WireError("text that is no UTF-8") from error

    def headers(self) -> Headers:
        return tuple((self.octets(), self.octets()) for _ in range(self.u32()))

    def end(self) -> None:
        if self._at != len(self._data):
            raise WireError("bytes are left over at the end of a frame")


def _decode(frame: bytes) -> Message:
    version, kind = _HEAD.unpack_from(frame)
    if version != VERSION:
        raise WireError(f"protocol version {version}; this process speaks {VERSION}")
    cursor = _Cursor(frame)
    message: Message
    if kind == _HELLO:
        message = _get_hello(cursor)
    elif kind == _OBSERVATION:
        message = _get_observation(cursor)
    else:
        raise WireError(f"a frame of unknown kind {kind}")
    cursor.end()
    return message


def _get_hello(cursor: _Cursor) -> Hello:
    slot, pid, fresh = cursor.u32(), cursor.u32(), cursor.u32()
    if fresh > 1:
        raise WireError(f"a truth value of {fresh}")
    teed = tuple((cursor.text(), cursor.u64()) for _ in range(cursor.u32()))
    return Hello(slot, pid, bool(fresh), teed)


def _get_observation(cursor: _Cursor) -> Observation:
    slot, sequence, generation = cursor.u32(), cursor.u64(), cursor.u64()
    request_id, capability, route, stage, side, answered_by, other, method = (
        cursor.text() for _ in range(8)
    )
    request = RecordedRequest(method, cursor.octets(), cursor.headers(), cursor.octets())
    response = RecordedResponse(cursor.u32(), cursor.headers(), cursor.octets())
    return Observation(
        slot=slot,
        sequence=sequence,
        request_id=request_id,
        generation=generation,
        capability=capability,
        route=route,
        stage=stage,
        side=side,
        answered_by=answered_by,
        other=other,
        request=request,
        response=response,
        started_at=cursor.f64(),
        elapsed_s=cursor.f64(),
    )
