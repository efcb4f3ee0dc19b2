"""The supervisor's end of the control channel: every child that is connected, new, old or adopted.

A child of a supervisor that was killed connects here too; its hello brings the listening socket with it (SCM_RIGHTS),
so that nothing queued on that socket is lost when a new worker takes the slot.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from stranglerfig.channel.messages import (
    MAX_LINE_BYTES,
    SOCKET_NAME,
    Ack,
    Drain,
    Hello,
    LagsMessage,
    Message,
    MessageError,
    SnapshotMessage,
    State,
    TlsMessage,
    parse,
)

log = structlog.get_logger(__name__)

_HELLO_TIMEOUT_S = 2.0
_HELLO_BYTES = 64 * 1024
_ACCEPT_AGAIN_S = 0.1


class Link:
    """One connected child."""

    def __init__(
        self, hello: Hello, pid: int, listener: socket.socket | None, writer: asyncio.StreamWriter
    ) -> None:
        self.hello = hello
        #: The process at the other end, as the kernel tells it where it can.
        self.pid = pid
        #: The listening socket that came with the hello; whoever adopts it takes it from here.
        self.listener = listener
        #: The last generation that the child acknowledged.
        self.generation = hello.generation
        #: What the child last reported.
        self.state: dict[str, Any] = {}
        #: How often it was looked at since the child last said anything.
        self.silent_looks = 0
        self.closed = asyncio.Event()
        self._writer = writer
        self._acked = asyncio.Event()

    def send(self, message: SnapshotMessage | LagsMessage | TlsMessage | Drain) -> None:
        """Queue a message; a child that is gone is noticed by ``closed``."""
        if not self._writer.is_closing():
            self._writer.write(message.line())

    async def acked(self, generation: int) -> bool:
        """Wait until the child uses ``generation`` or a later one; False when it goes away first."""
        while self.generation < generation:
            if self.closed.is_set():
                return False
            self._acked.clear()
            await self._acked.wait()
        return True

    def receive(self, message: Message) -> None:
        """Take in what the child said."""
        self.silent_looks = 0
        if isinstance(message, Ack):
            self.generation = max(self.generation, message.generation)
            self._acked.set()
        elif isinstance(message, State):
            self.state = message.state

    def close(self) -> None:
        """Mark the child as gone and let go of its socket if nobody adopted it."""
        self._writer.close()
        self.closed.set()
        self._acked.set()
        if self.listener is not None:
            self.listener.close()
            self.listener = None


class Hub:
    """Accepts children on ``control.sock`` in the working directory, which must be ``state_dir``."""

    def __init__(self, on_link: Callable[[Link], None]) -> None:
        self.links: set[Link] = set()
        self._on_link = on_link
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, path: str = SOCKET_NAME) -> None:
        """Listen; the lock on ``state_dir`` must be held, since a socket left by a dead supervisor is replaced."""
        Path(path).unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(path)
        Path(path).chmod(0o600)
        sock.listen(128)
        sock.setblocking(False)
        self._socket = sock
        self._spawn(self._accept(sock))

    async def stop(self) -> None:
        """Hang up on everybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(sock)
            except OSError as error:
                # No descriptor is free, mostly: a child must get in once one is.
                log.error("child_not_accepted", error=str(error))
                await asyncio.sleep(_ACCEPT_AGAIN_S)
                continue
            self._spawn(self._serve(connection))

    async def _serve(self, sock: socket.socket) -> None:
        link: Link | None = None
        try:
            hello, listener = await asyncio.wait_for(_read_hello(sock), _HELLO_TIMEOUT_S)
            pid = _peer_pid(sock) or hello.pid
            reader, writer = await asyncio.open_connection(sock=sock, limit=MAX_LINE_BYTES)
            link = Link(hello, pid, listener, writer)
            self.links.add(link)
            self._on_link(link)
            await _follow(link, reader)
        except (OSError, MessageError, TimeoutError) as error:
            log.warning("child_connection_lost", error=str(error) or type(error).__name__)
        finally:
            if link is None:
                sock.close()
            else:
                self.links.discard(link)
                link.close()


async def _follow(link: Link, reader: asyncio.StreamReader) -> None:
    while True:
        try:
            line = await reader.readline()
        except ValueError as error:
            raise MessageError("a line without end") from error
        if not line.endswith(b"\n"):
            return
        link.receive(parse(line))


async def _read_hello(sock: socket.socket) -> tuple[Hello, socket.socket | None]:
    """Read the hello and the descriptor that may come with it, before any stream reader takes the bytes."""
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    readable = asyncio.Event()
    loop.add_reader(sock.fileno(), readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(sock.fileno())
    # A hello is one small write on a fresh socket, which the kernel gives whole, descriptor included.
    data, fds, _, _ = socket.recv_fds(sock, _HELLO_BYTES, 1)
    listener = socket.socket(fileno=fds[0]) if fds else None
    try:
        line, newline, rest = data.partition(b"\n")
        message = parse(line)
        if not newline or rest or not isinstance(message, Hello):
            raise MessageError("the first line is no hello")
    except MessageError:
        if listener is not None:
            listener.close()
        raise
    return message, listener


def _peer_pid(sock: socket.socket) -> int | None:
    """Ask the kernel who is at the other end (Linux); elsewhere the hello is believed."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    with contextlib.suppress(OSError, struct.error):
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", credentials)[0]
        return pid or None
    return None
