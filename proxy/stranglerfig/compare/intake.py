"""The comparer's end of the pipes: reads what workers send, one connection per slot at a time.

A slot's connections are read one after the other: when a worker is killed, its last observations are still in the old
connection while its successor already says hello, and the hello tells what is missing only once the old one is empty.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import structlog

from stranglerfig.compare.observation import Observation
from stranglerfig.compare.wire import FrameReader, Hello, Message, WireError

log = structlog.get_logger(__name__)

_READ_BYTES: Final = 256 * 1024
_PREDECESSOR_S: Final = 5.0


class Intake:
    """Accepts workers on ``path`` and gives their messages to the callbacks, in order."""

    def __init__(
        self,
        path: str,
        on_hello: Callable[[Hello], None],
        on_observation: Callable[[Observation], None],
    ) -> None:
        self._path = path
        self._on_hello = on_hello
        self._on_observation = on_observation
        self._server: asyncio.Server | None = None
        self._readers: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many workers are connected."""
        return len(self._tasks)

    @property
    def slots(self) -> set[int]:
        """The worker slots that are connected, or wait for their predecessor's end."""
        return {slot for slot, task in self._readers.items() if not task.done()}

    async def start(self) -> None:
        """Listen. A socket file that a killed comparer left is replaced."""
        listener = _bind(self._path)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)

    async def stop(self, deadline_s: float) -> None:
        """Accept nobody any more; read those to their end who end within ``deadline_s`` seconds."""
        if self._server is not None:
            self._server.close()
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=deadline_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._read(reader, task)
        except WireError as error:
            log.error("worker_connection_refused", error=str(error))
        except OSError as error:
            log.warning("worker_connection_broke", error=str(error))
        except asyncio.CancelledError:
            log.debug("worker_connection_given_up")  # by stop or by the slot's next connection
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, task: asyncio.Task[None]) -> None:
        slot: int | None = None
        async for message in _messages(reader):
            if isinstance(message, Hello):
                if slot is not None:
                    raise WireError("a second hello")
                slot = message.slot
                await self._succeed(slot, task)
                self._on_hello(message)
            elif message.slot != slot:
                raise WireError(f"an observation of slot {message.slot}; hello said {slot}")
            else:
                self._on_observation(message)

    async def _succeed(self, slot: int, task: asyncio.Task[None]) -> None:
        """Wait until the slot's connection before this one is read to its end."""
        predecessor = self._readers.get(slot)
        self._readers[slot] = task
        if predecessor is None or predecessor.done():
            return
        done, _ = await asyncio.wait({predecessor}, timeout=_PREDECESSOR_S)
        if not done:
            log.warning("worker_connection_replaced", slot=slot)
            predecessor.cancel()
            await asyncio.wait({predecessor})


def _bind(path: str) -> socket.socket:
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        Path(path).chmod(0o600)
    except OSError:
        listener.close()
        raise
    return listener


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[Message]:
    frames = FrameReader()
    while data := await reader.read(_READ_BYTES):
        for message in frames.feed(data):
            yield message
