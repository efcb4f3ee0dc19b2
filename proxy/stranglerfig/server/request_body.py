"""A request's body on its way to an upstream, kept for as long as it may have to be sent once more."""

import time
from typing import TYPE_CHECKING, Final

from stranglerfig.config.retries import Retries, When
from stranglerfig.http1.writing import chunk, last_chunk

if TYPE_CHECKING:
    from stranglerfig.upstream.connection import UpstreamConnection

# What a connection holds back before it stops its sender. Forms and JSON are far smaller, files mostly larger.
MAX_KEPT_BYTES: Final = 64 * 1024


class RequestBody:
    """Passes the pieces of one body on, framed as the client framed it, and keeps them while they are few bytes."""

    __slots__ = ("_is_chunked", "_kept", "awaits_continue", "ended_at")

    def __init__(self, *, is_chunked: bool, awaits_continue: bool = False) -> None:
        self._is_chunked = is_chunked
        self.awaits_continue = awaits_continue
        """Whether none of it came, and the client may be waiting for a 100 before it sends any."""
        self._kept: bytearray | None = (
            bytearray()
        )  # a list of small pieces takes many times their size
        self.ended_at: float | None = None
        """When its last byte had come, by ``time.perf_counter``; None before."""

    @property
    def is_kept(self) -> bool:
        """Whether all that came could be sent again."""
        return self._kept is not None

    def add(self, data: bytes, connection: "UpstreamConnection | None") -> None:
        """Take the next piece, for ``connection`` if there is one now."""
        if self._kept is not None:
            if len(self._kept) + len(data) > MAX_KEPT_BYTES:
                self._kept = None
            else:
                self._kept += data
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
        if self._kept:  # an empty chunk would be the last one
            data = bytes(self._kept)
            connection.write(chunk(data) if self._is_chunked else data)
        if self.ended_at is not None:
            connection.end(last_chunk() if self._is_chunked else b"")

    def arrives(self, retries: Retries, *, is_repeatable: bool) -> None:
        """Keep it on only if its upstream, which may get it now, may be asked again by ``retries`` in spite of that."""
        if not (is_repeatable and retries.covers(When.EARLY_CLOSE)):
            self._kept = None

    def forget(self) -> None:
        """Keep nothing: it is not going to be sent again."""
        self._kept = None
