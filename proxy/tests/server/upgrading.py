"""Both ends of an upgrade, as bytes."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

UPGRADES = {"upgrades": ["websocket", "chat"]}
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455 section 1.3, and its answer
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
ASK = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"
ASK_WEBSOCKET = ASK.replace(
    b"chat\r\n\r\n", b"websocket\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"
SWITCH_WEBSOCKET = SWITCH.replace(
    b"chat\r\n\r\n", b"websocket\r\nSec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
)

Then = Callable[[Any], Awaitable[None]]


def switching(then: Then, answer: bytes = SWITCH) -> Then:
    """Grant the upgrade, and go on with ``then``."""

    async def handle(connection: Any) -> None:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        connection.upstream.requests.append(head)
        await connection.send(answer)
        await then(connection)

    return handle


async def echo(connection: Any) -> None:
    """Say everything back, up to the end."""
    while data := await connection.reader.read(65536):
        await connection.send(data)


async def hold(connection: Any) -> None:
    """Say nothing, and wait for the end."""
    await connection.reader.read()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that its other end is told it was reset."""
    known = writer.get_extra_info("socket")
    known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def small_client(port: int, receive_bytes: int = 16 * 1024) -> socket.socket:
    """Connect a client for which the kernel holds little."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, receive_bytes)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


class Pouring:
    """Sends without end on a socket that does not block, and counts what the kernel took."""

    def __init__(self, sock: socket.socket, piece: bytes) -> None:
        self.taken = 0
        self._sock = sock
        self._piece = piece
        self._task = asyncio.create_task(self._pour())

    async def _pour(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self.taken += self._sock.send(self._piece[self.taken % len(self._piece) :])
            except BlockingIOError:
                writable = asyncio.Event()
                loop.add_writer(self._sock, writable.set)
                try:
                    await writable.wait()
                finally:
                    loop.remove_writer(self._sock)
            except ConnectionError:
                return
            await asyncio.sleep(0)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
