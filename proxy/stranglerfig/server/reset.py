"""Closing so that it can't be taken for an orderly end."""

import asyncio
import contextlib
import socket
import struct
from typing import Final

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds


def reset(transport: asyncio.Transport) -> None:
    """Close with RST: without lingering the kernel does so, where a plain close would be FIN, an orderly end."""
    known = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
