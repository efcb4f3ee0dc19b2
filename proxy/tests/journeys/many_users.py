"""Thousands of users on kept connections, each to a known worker, and upstreams that answer their own name.

Nothing here parses more of HTTP than these tests send, so that a hundred thousand requests take seconds.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self, cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *fig_user=([^;\r\n]*)[^\r\n]*", re.IGNORECASE)
BATCH_TIMEOUT_S = 60.0


class Answer(NamedTuple):
    """What a user got."""

    status: int
    upstream: str
    cookie: bytes | None
    """The value of fig_user, where the answer set it."""


class _Connection(asyncio.Protocol):
    """What both ends share: the transport, and a way to wait until it is gone.

    uvloop never ends when it closes over an open transport while warnings are errors.
    """

    def __init__(self) -> None:
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set_result(None)

    async def close(self) -> None:
        self._transport.abort()
        await self._lost


class NamedUpstream:
    """Answers with its name; ``/…/public`` and ``/…/s-maxage`` as shared caches may keep it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: Counter[str] = Counter()
        """By the first segment of the path."""
        self.saw_user_cookie = 0
        self._connections: list[_Connection] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for connection in self._connections:
            await connection.close()

    def _accept(self) -> "_UpstreamConnection":
        connection = _UpstreamConnection(self)
        self._connections.append(connection)
        return connection

    def answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        self.requests[path.split("/")[1]] += 1
        self.saw_user_cookie += b"fig_user" in head
        caching = {"public": b"public, max-age=60", "s-maxage": b"s-maxage=60"}.get(
            path.rpartition("/")[2], b"private"
        )
        body = self.name.encode()
        return b"HTTP/1.1 200 OK\r\nCache-Control: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            caching,
            len(body),
            body,
        )


class _UpstreamConnection(_Connection):
    def __init__(self, upstream: NamedUpstream) -> None:
        super().__init__()
        self._upstream = upstream
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            self._transport.write(self._upstream.answer(head))


class _Batch:
    """Requests that several connections take turns at; the answers come back in their order."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.waiting: Iterator[tuple[int, bytes]] = iter(enumerate(requests))
        self.answers: list[Answer | None] = [None] * len(requests)
        self.missing = len(requests)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not requests:
            self.done.set_result(None)

    def take(self, number: int, answer: Answer) -> None:
        self.answers[number] = answer
        self.missing -= 1
        if not self.missing:
            self.done.set_result(None)

    def fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(reason))


class _ClientConnection(_Connection):
    """One kept connection: one request at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = b""
        self._batch: _Batch | None = None
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.port: int = transport.get_extra_info("sockname")[1]

    def join(self, batch: _Batch) -> None:
        """Ask what waits in the batch until nothing does."""
        following = next(batch.waiting, None)
        if following is None:
            self._batch = None
            return
        self._batch = batch
        self._number, request = following
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = _LENGTH.search(head)
        assert length is not None, head
        if len(body) < int(length[1]):
            return
        self._buffer = b""
        cookie = _COOKIE.search(head)
        answer = Answer(int(head[9:12]), body.decode(), cookie[1] if cookie else None)
        batch = self._batch
        assert batch is not None, "an answer that nobody asked for"
        batch.take(self._number, answer)
        self.join(batch)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._batch is not None:
            self._batch.fail(f"the proxy hung up on {self.port}: {exc}")


class Crowd:
    """Kept connections to one proxy, sorted by the worker that accepted each."""

    def __init__(self, port: int, worker_pids: Sequence[int], each: int = 8) -> None:
        """Have at least ``each`` connections to every one of the workers."""
        self._port = port
        self._worker_pids = worker_pids
        self._each = each
        self._all: list[_ClientConnection] = []
        self._by_worker: list[list[_ClientConnection]] = [[] for _ in worker_pids]

    async def __aenter__(self) -> Self:
        try:
            # The kernel spreads connections as it likes.
            for _ in range(50):
                for _ in range(self._each):
                    await self._connect()
                if all(len(connections) >= self._each for connections in self._by_worker):
                    return self
            raise AssertionError(f"{len(self._all)} connections left a worker without its share")
        except BaseException:
            await self.__aexit__()
            raise

    async def __aexit__(self, *error: object) -> None:
        for connection in self._all:
            await connection.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_ClientConnection, "127.0.0.1", self._port)
        self._all.append(connection)
        # After an answer it is accepted, and its owner known.
        await self._ask_over([connection], [request_for("/")])
        owner = _owner(self._port, connection.port, self._worker_pids)
        self._by_worker[owner].append(connection)

    async def ask(self, worker: int, requests: Sequence[bytes]) -> list[Answer]:
        """Send requests to one worker, several at a time; gives the answers in the same order."""
        return await self._ask_over(self._by_worker[worker], requests)

    async def ask_each(self, requests: Sequence[bytes]) -> list[list[Answer]]:
        """Send the same requests to every worker at the same time; gives each one's answers."""
        return await asyncio.gather(
            *(self.ask(worker, requests) for worker in range(len(self._by_worker)))
        )

    async def ask_halves(self, requests: Sequence[bytes]) -> list[Answer]:
        """Send the first half to the first of two workers, the second to the other."""
        middle = len(requests) // 2
        first, second = await asyncio.gather(
            self.ask(0, requests[:middle]), self.ask(1, requests[middle:])
        )
        return first + second

    async def _ask_over(
        self, connections: Iterable[_ClientConnection], requests: Sequence[bytes]
    ) -> list[Answer]:
        batch = _Batch(requests)
        for connection in connections:
            connection.join(batch)
        async with asyncio.timeout(BATCH_TIMEOUT_S):
            await batch.done
        answers = [answer for answer in batch.answers if answer is not None]
        assert len(answers) == len(requests)
        assert {answer.status for answer in answers} <= {200}
        return answers


def request_for(path: str, cookie: bytes | None = None, authorization: str | None = None) -> bytes:
    """The bytes of a GET, of a user who has ``cookie`` as fig_user."""
    lines = [f"GET {path} HTTP/1.1", "Host: shop.example"]
    if cookie is not None:
        lines.append(f"Cookie: theme=dark; fig_user={cookie.decode()}")
    if authorization is not None:
        lines.append(f"Authorization: {authorization}")
    return "\r\n".join([*lines, "", ""]).encode()


def _owner(port: int, client_port: int, pids: Sequence[int]) -> int:
    """Which of the processes accepted the connection from ``client_port``, as the kernel says: its index."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, _, _, _, _, _, inode, *_ = line.split()
        if [int(end.partition(":")[2], 16) for end in (local, remote)] == [port, client_port]:
            break
    else:
        raise AssertionError(f"no connection from port {client_port}")
    for number, pid in enumerate(pids):
        descriptors = Path(f"/proc/{pid}/fd").iterdir()
        if any(_link(descriptor) == f"socket:[{inode}]" for descriptor in descriptors):
            return number
    raise AssertionError(f"none of {pids} holds the connection from port {client_port}")


def _link(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""
