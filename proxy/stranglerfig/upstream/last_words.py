"""The answer of an upstream that hangs up while a body is still being sent to it.

It may answer (413, 403) and close with the body unread. The next write then fails, and the transport throws
unread bytes away, the answer among them. A second descriptor of the same socket keeps them readable.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Final

from stranglerfig.tls.connection import TlsConnection

_READ_BYTES: Final = 64 * 1024


class LastWords:
    """Keeps the bytes that ``transport`` has not read readable after its end."""

    __slots__ = ("_secured", "_socket")

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._secured = transport if isinstance(transport, TlsConnection) else None
        self._socket: socket.socket | None = None
        with contextlib.suppress(OSError):
            known = transport.get_extra_info("socket")
            self._socket = socket.socket(fileno=os.dup(known.fileno()))

    def hear(self) -> Iterator[bytes]:
        """Give what is left to read, for a transport that is gone."""
        if self._socket is None:
            return
        with contextlib.suppress(OSError):
            self._socket.setblocking(False)
            while data := self._socket.recv(_READ_BYTES):
                yield data if self._secured is None else self._secured.decrypt(data)

    @property
    def is_end(self) -> bool:
        """Whether what was heard ends where the upstream meant it to: over TLS it says so."""
        return self._secured is None or self._secured.is_ended

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
