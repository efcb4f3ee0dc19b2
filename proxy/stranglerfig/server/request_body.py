"""A request's body on its way to an upstream, kept for as long as it may have to be sent once more."""

import time
from typing import TYPE_CHECKING, Final

from stranglerfig.http1.writing import chunk, last_chunk

if TYPE_CHECKING:
    from stranglerfig.upstream.connection import UpstreamConnection

# What a connection holds back before it stops its sender. Forms and JSON are far smaller, files mostly larger.
MAX_KEPT_BYTES: Final = 64 * 1024


class RequestBody:
    """Passes the pieces of one body on, framed as the client framed it, and keeps them while they are few bytes."""

    __slots__ = ("_is_chunked", "_kept", "_size", "ended_at")

    def __init__(self, *, is_chunked: bool) -> None:
        self._is_chunked = is_chunked
        self._kept: list[bytes] | None = []
        self._size = 0
        self.ended_at: float | None = None
        """When its last byte had come, by ``time.perf_counter``; None before."""

    @property
    def is_kept(self) -> bool:
        """Whether all that came could be sent again."""
        return self._kept is not None

    def add(self, data: bytes, connection: "UpstreamConnection | None") -> None:
        """Take the next piece, for ``connection`` if there is one now."""
        if self._kept is not None:
            self._size += len(data)
            if self._size > MAX_KEPT_BYTES:
                self._kept = None
            else:
                self._kept.append(data)
        if connection is not None:
            connection.write(chunk(data) if self._is_chunked else data)

    def end(self, connection: "UpstreamConnection | None") -> None:
        """Take its end."""
        self.ended_at = time.perf_counter()
        if connection is not None:
            connection.end(last_chunk() if self._is_chunked else b"")

    def send_again(self, connection: "UpstreamConnection") -> None:
        """Send to ``connection`` what has come so far. It must be kept."""
        assert self._kept is not None
        for data in self._kept:
            connection.write(chunk(data) if self._is_chunked else data)
        if self.ended_at is not None:
            connection.end(last_chunk() if self._is_chunked else b"")

    def forget(self) -> None:
        """Keep nothing: it is not going to be sent again."""
        self._kept = None
