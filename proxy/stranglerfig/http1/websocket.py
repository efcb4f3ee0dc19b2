"""WebSocket frames (RFC 6455 section 5.2), read just far enough to know where one ends, and the one frame that we write.

A frame of ours may stand between any two others, also between those of one message, but not inside of one.
"""

from typing import Final

GOING_AWAY: Final = 1001
SERVICE_RESTART: Final = 1012  # IANA's registry of close codes: clients come back, after a moment
_CLOSE: Final = 0x8
_FINAL: Final = 0x80
_MASKED: Final = 0x80
_MAX_HEAD_BYTES: Final = 14
_LENGTH_BYTES: Final = {126: 2, 127: 8}


class Frames:
    """Follows one direction of a WebSocket."""

    __slots__ = ("_head", "_left", "has_close")

    def __init__(self) -> None:
        self._head = b""  # of a frame, as long as it is not whole
        self._left = 0  # bytes of the frame's payload that are still to come
        self.has_close = False
        """Whether a Close frame has begun: behind it nothing may come."""

    @property
    def is_between(self) -> bool:
        """Whether the last frame is whole and no other has begun."""
        return not self._left and not self._head

    def follow(self, data: bytes, *, stop: bool = False) -> int:
        """Read ``data``, with ``stop`` only to the end of the frame that is under way. Gives how many bytes were read."""
        at, size = 0, len(data)
        while at < size:
            if self._left:
                step = min(self._left, size - at)
                self._left -= step
                at += step
            else:
                at = self._read_head(data, at)
            if stop and self.is_between:
                break
        return at

    def _read_head(self, data: bytes, at: int) -> int:
        """Read a frame's head, or what there is of it; gives where it ends."""
        known = len(self._head)
        head = self._head + data[at : at + _MAX_HEAD_BYTES - known]
        length_bytes = _LENGTH_BYTES.get(head[1] & 0x7F, 0) if len(head) > 1 else 0
        size = 2 + length_bytes + (4 if len(head) > 1 and head[1] & _MASKED else 0)
        if len(head) < size:
            self._head = head
            return len(data)
        self._head = b""
        length = head[1] & 0x7F
        self._left = int.from_bytes(head[2 : 2 + length_bytes]) if length_bytes else length
        if head[0] & 0x0F == _CLOSE:
            self.has_close = True
        return at + size - known


def close_frame(code: int, reason: str) -> bytes:
    """Write a server's Close frame; ``reason`` has at most 123 bytes."""
    payload = code.to_bytes(2) + reason.encode()
    return bytes((_FINAL | _CLOSE, len(payload))) + payload
