"""Bodies of any size, both ways: whole, with a bounded number of bytes held, and no faster than their reader reads.

The proxy runs in the test's own loop, so what it holds is read off its transports whenever either end has moved:
what waits to be written to a client or to an upstream is all that a data plane keeps of a body.
"""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from upgrading import ASK, SWITCH, UPGRADES, Pouring, small_client
from waiting import settled, within

MIB = 1024 * 1024
SIZE = 100 * MIB
PIECE = bytes(range(256)) * 256  # 64 KiB
READ_BYTES = 256 * 1024  # what uvloop reads at once
HIGH_WATER = 64 * 1024
HELD = (
    HIGH_WATER + READ_BYTES + 1024
)  # of one direction: a full buffer, one more read, and the framing of that
LITTLE = (
    128 * 1024
)  # for the kernel to keep of a test's own sockets; with less it waits between segments
# Twice what a usual kernel keeps on the way from one end to the other: two hops, each with what is sent and received.
KERNEL = 2 * 2 * (6 + 4) * MIB


class Held:
    """The most that the proxy ever held."""

    def __init__(self, proxy: Any) -> None:
        self._runtime = proxy.plane._runtime
        self.most = 0

    def look(self) -> None:
        runtime = self._runtime
        transports = [session._transport for session in runtime.sessions]
        transports += [each._transport for each in runtime.upstreams._all if each._transport]
        pending = sum(len(data) for each in runtime.upstreams._all for data in each._pending)
        self.most = max(
            self.most, pending + sum(each.get_write_buffer_size() for each in transports)
        )


def expected_digest() -> str:
    digest = hashlib.sha256()
    for _ in range(SIZE // len(PIECE)):
        digest.update(PIECE)
    return digest.hexdigest()


def framed(data: bytes, is_chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if is_chunked else data


def framing(is_chunked: bool) -> bytes:
    return b"Transfer-Encoding: chunked\r\n" if is_chunked else b"Content-Length: %d\r\n" % SIZE


class Unchunked:
    """Counts and digests a body as it comes, without ever holding it."""

    def __init__(self, reader: asyncio.StreamReader, is_chunked: bool) -> None:
        self._reader = reader
        self._is_chunked = is_chunked
        self.size = 0
        self._digest = hashlib.sha256()

    async def read(self, held: Held) -> str:
        while True:
            left = SIZE - self.size
            if self._is_chunked:
                left = int(await self._reader.readuntil(b"\r\n"), 16)
            elif left == 0:
                break
            is_last = not left
            while left:
                data = await self._reader.read(min(left, 65536))
                assert data, "cut"
                self._digest.update(data)
                self.size += len(data)
                left -= len(data)
                held.look()
            if self._is_chunked:
                assert await self._reader.readexactly(2) == b"\r\n"
            if is_last:
                break
        return self._digest.hexdigest()


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
async def test_a_hundred_megabytes_come_down(
    start_upstream: Any, start_proxy: Any, is_chunked: bool
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n" + framing(is_chunked) + b"\r\n")
        piece = framed(PIECE, is_chunked)
        for _ in range(SIZE // len(PIECE)):
            await connection.send(piece)
        if is_chunked:
            await connection.send(b"0\r\n\r\n")

    proxy = await start_proxy(await start_upstream(handle))
    held = Held(proxy)
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(client.until(b"\r\n\r\n"))
    body = Unchunked(client.reader, is_chunked)
    assert await within(body.read(held), 120) == expected_digest()
    assert body.size == SIZE
    assert 0 < held.most <= HELD


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
async def test_a_hundred_megabytes_go_up(
    start_upstream: Any, start_proxy: Any, is_chunked: bool
) -> None:
    digests = asyncio.Queue[str]()

    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        digests.put_nowait(await Unchunked(connection.reader, is_chunked).read(held))
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    proxy = await start_proxy(await start_upstream(handle))
    held = Held(proxy)
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing(is_chunked) + b"\r\n")
    piece = framed(PIECE, is_chunked)
    for _ in range(SIZE // len(PIECE)):
        client.send(piece)
        await within(client.writer.drain(), 60)
        held.look()
    if is_chunked:
        client.send(b"0\r\n\r\n")
    assert await within(digests.get(), 120) == expected_digest()
    assert (await within(client.answer("POST"))).status == 200
    assert 0 < held.most <= HELD


# Who does not read. How much the kernel keeps is its business, so it is told to keep little where that can be said.


def deaf_upstream() -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.setblocking(False)
    return listening


PATIENT = {"connect": "60s", "response": "600s", "idle": "600s", "tunnel": "600s"}


async def accepted_by(listening: socket.socket) -> tuple[socket.socket, bytes]:
    """The proxy's connection to the upstream, and the head of its request, with what was read behind it."""
    loop = asyncio.get_running_loop()
    connection, _ = await within(loop.sock_accept(listening))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LITTLE)
    read = b""
    while b"\r\n\r\n" not in read:
        read += await within(loop.sock_recv(connection, 4096))
    return connection, read.partition(b"\r\n\r\n")[2]


async def stalls_and_goes_on(
    proxy: Any, sender: socket.socket, reader: socket.socket, behind: bytes
) -> None:
    """Pour at one end while the other does not read, then read: the sender stops, goes on, and nothing is lost."""
    held = Held(proxy)
    pouring = Pouring(sender, PIECE)
    try:
        await settled(lambda: held.look() or pouring.taken)
        # Now and then the kernel finds room for one more segment, so the same number is not asked for.
        await settled(lambda: held.look() or pouring.taken)
        stalled_at = pouring.taken
        assert 0 < stalled_at < KERNEL
        assert HIGH_WATER <= held.most <= HELD
        loop, got = asyncio.get_running_loop(), len(behind)
        assert behind == PIECE[:got]
        while got < stalled_at or pouring.taken <= stalled_at + MIB:
            data = await within(loop.sock_recv(reader, 65536), 30)
            at = got % len(PIECE)
            assert data == (PIECE + PIECE)[at : at + len(data)]
            got += len(data)
            held.look()
        assert held.most <= HELD
    finally:
        await pouring.stop()


async def test_a_client_that_does_not_read_stops_the_upstream(start_proxy: Any) -> None:
    with deaf_upstream() as listening:
        proxy = await start_proxy(listening.getsockname()[1], timeouts=PATIENT)
        with small_client(proxy.port, LITTLE) as client:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            upstream, _ = await accepted_by(listening)
            with upstream:
                head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (10 * SIZE)
                await loop.sock_sendall(upstream, head)
                assert await within(loop.sock_recv(client, len(head))) == head
                await stalls_and_goes_on(proxy, upstream, client, b"")


async def test_an_upstream_that_does_not_read_stops_the_client(start_proxy: Any) -> None:
    with deaf_upstream() as listening:
        proxy = await start_proxy(listening.getsockname()[1], timeouts=PATIENT)
        with small_client(proxy.port, LITTLE) as client:
            loop = asyncio.get_running_loop()
            head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (10 * SIZE)
            await loop.sock_sendall(client, head)
            upstream, behind = await accepted_by(listening)
            with upstream:
                await stalls_and_goes_on(proxy, client, upstream, behind)


class Asked(NamedTuple):
    """A tunnel was asked for, and the upstream has not answered yet."""

    proxy: Any
    client: socket.socket
    upstream: socket.socket


@pytest.fixture
async def asked(start_proxy: Any) -> AsyncIterator[Asked]:
    with deaf_upstream() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        proxy = await start_proxy(
            1, upstreams={"monolith": {"url": url, "timeouts": PATIENT, **UPGRADES}}
        )
        with small_client(proxy.port, LITTLE) as client:
            await asyncio.get_running_loop().sock_sendall(client, ASK)
            upstream, _ = await accepted_by(listening)
            with upstream:
                yield Asked(proxy, client, upstream)


@pytest.mark.parametrize("is_down", [True, False], ids=["down", "up"])
async def test_in_a_tunnel_who_does_not_read_stops_the_other(asked: Asked, is_down: bool) -> None:
    proxy, client, upstream = asked
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(upstream, SWITCH)
    assert await within(loop.sock_recv(client, len(SWITCH))) == SWITCH
    ends = (upstream, client) if is_down else (client, upstream)
    await stalls_and_goes_on(proxy, *ends, b"")
    # The other way it goes on as before.
    await loop.sock_sendall(ends[1], b"?")
    assert await within(loop.sock_recv(ends[0], 1)) == b"?"


async def test_what_a_client_sends_before_it_is_answered_is_bounded_too(asked: Asked) -> None:
    proxy, client, upstream = asked
    loop = asyncio.get_running_loop()
    pouring = Pouring(client, PIECE)
    try:
        await settled(lambda: pouring.taken)
        (session,) = proxy.plane._runtime.sessions
        assert 0 < len(session._parser._held) <= READ_BYTES
        early = pouring.taken
        assert early < KERNEL
    finally:
        await pouring.stop()
    await loop.sock_sendall(upstream, SWITCH)
    got = b""
    while len(got) < early:
        got += await within(loop.sock_recv(upstream, 65536))
    assert got == (PIECE * (early // len(PIECE) + 1))[:early]
