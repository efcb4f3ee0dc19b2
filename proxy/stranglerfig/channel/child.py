"""A child's end of the control channel: connects, says hello, and comes back when the supervisor went away.

A child outlives its supervisor on purpose: it goes on with what it knows and looks for a successor. It ends only when
told to, or when ``state_dir`` itself is gone, since then no successor can ever find it.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
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
    Role,
    SnapshotMessage,
    State,
    TlsMessage,
    parse,
)

log = structlog.get_logger(__name__)

RETRY_S = 0.1  # a successor waits for its predecessor's children, so they look often
STATE_INTERVAL_S = 1.0


class ChildChannel:
    """The connection of one worker or comparer to whichever supervisor runs."""

    def __init__(
        self,
        *,
        role: Role,
        slot: int,
        on_snapshot: Callable[[SnapshotMessage], Awaitable[None]],
        on_drain: Callable[[float], Awaitable[None]],
        state: Callable[[], dict[str, Any]],
        on_lags: Callable[[LagsMessage], None] | None = None,
        on_tls: Callable[[TlsMessage], None] | None = None,
        listen_fd: int | None = None,
        path: str = SOCKET_NAME,
    ) -> None:
        self._role: Role = role
        self._slot = slot
        self._on_snapshot = on_snapshot
        self._on_drain = on_drain
        self._on_lags = on_lags
        self._on_tls = on_tls
        self._draining: asyncio.Task[None] | None = None
        self._state = state
        self._listen_fd = listen_fd
        self._path = path
        self._generation = 0
        self._ended: asyncio.Future[None]

    async def run(self) -> None:
        """Obey the supervisor, and its successors, until a drain is done.

        ``on_snapshot`` is awaited, one at a time, and acknowledged when it returns; a snapshot that it raises for is
        logged and not acknowledged, which the supervisor notices. ``on_drain`` gets the deadline in seconds and runs
        beside further snapshots: what is still being answered follows changes to its end.
        """
        obeying = asyncio.create_task(self._obey_always(), name="control channel")
        self._ended = asyncio.get_running_loop().create_future()
        try:
            done, _ = await asyncio.wait(
                {obeying, self._ended}, return_when=asyncio.FIRST_COMPLETED
            )
            for ended in done:
                ended.result()
        finally:
            obeying.cancel()
            await asyncio.gather(obeying, return_exceptions=True)

    async def _obey_always(self) -> None:
        is_known_away = False
        while True:
            try:
                reader, writer = await self._connect()
            except OSError as error:
                if _is_state_dir_gone():
                    log.warning("state_dir_gone", role=self._role, slot=self._slot)
                    self.drain(0.0)
                if not is_known_away:
                    log.info("supervisor_away", role=self._role, slot=self._slot, error=str(error))
                    is_known_away = True
                await asyncio.sleep(RETRY_S)
                continue
            is_known_away = False
            try:
                await self._obey(reader, writer)
            finally:
                writer.close()

    def drain(self, deadline_s: float) -> None:
        """Begin to drain; a second call changes nothing."""
        if self._draining is None:
            self._listen_fd = None  # a successor that comes now must not adopt what is being closed
            self._draining = asyncio.create_task(self._drain_to_end(deadline_s), name="drain")

    async def _drain_to_end(self, deadline_s: float) -> None:
        try:
            await self._on_drain(deadline_s)
        except Exception:
            log.exception("drain_failed", role=self._role, slot=self._slot)
        finally:
            self._ended.set_result(None)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, self._path)
            hello = Hello(
                role=self._role, slot=self._slot, pid=os.getpid(), generation=self._generation
            ).line()
            # The first bytes on a fresh Unix socket: they fit its buffer, so this neither blocks nor cuts.
            if self._listen_fd is None:
                sock.send(hello)
            else:
                socket.send_fds(sock, [hello], [self._listen_fd])
            return await asyncio.open_connection(sock=sock, limit=MAX_LINE_BYTES)
        except BaseException:
            sock.close()
            raise

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Follow one connection until the supervisor goes away."""
        reporting = asyncio.create_task(self._report(writer), name="state")
        try:
            while (message := await _read(reader)) is not None:
                if isinstance(message, Drain):
                    self.drain(message.deadline)
                elif isinstance(message, SnapshotMessage):
                    await self._take(message, writer)
                elif isinstance(message, LagsMessage) and self._on_lags is not None:
                    self._on_lags(message)
                elif isinstance(message, TlsMessage) and self._on_tls is not None:
                    self._on_tls(message)
            log.info("supervisor_gone", role=self._role, slot=self._slot)
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)

    async def _take(self, message: SnapshotMessage, writer: asyncio.StreamWriter) -> None:
        try:
            await self._on_snapshot(message)
        except Exception:
            log.exception("snapshot_not_taken", generation=message.generation, role=self._role)
            return
        self._generation = message.generation
        writer.write(Ack(generation=message.generation).line())

    async def _report(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(STATE_INTERVAL_S)
            writer.write(State(state=self._state()).line())


async def _read(reader: asyncio.StreamReader) -> Message | None:
    """The next message; ``None`` at the end. A line that is no message is logged and passed over."""
    while True:
        try:
            line = await reader.readline()
        except (OSError, ValueError):
            return None
        if not line.endswith(b"\n"):
            return None
        try:
            return parse(line)
        except MessageError as error:
            log.warning("control_message_not_understood", error=str(error))


def _is_state_dir_gone() -> bool:
    try:
        return Path().stat().st_nlink == 0
    except OSError:
        return True
