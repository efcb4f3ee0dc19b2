"""A kept connection is used again only if nothing on it can be anybody else's answer, and if it is not stale.

The upstream is a plain socket of the test, so that what it sends is in the kernel before the proxy's loop runs again.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from waiting import within

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
GET = b"GET /mine HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Small, so that a large request is not acknowledged before it is read.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server


async def answer(upstream: socket.socket, data: bytes) -> bytes:
    """Read a request without a body on the upstream's side of a connection, and answer it."""
    loop = asyncio.get_running_loop()
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        piece = await within(loop.sock_recv(upstream, 65536))
        assert piece, "the proxy hung up"
        request += piece
    upstream.sendall(data)
    return request


async def accept(listening: socket.socket) -> socket.socket:
    accepted, _ = await within(asyncio.get_running_loop().sock_accept(listening))
    return accepted


async def kept(start_proxy: Any, listening: socket.socket) -> tuple[Any, socket.socket]:
    """A proxy with one kept connection, and the upstream's end of it."""
    proxy = await start_proxy(listening.getsockname()[1])
    client = await proxy.connect()
    client.send(GET)
    upstream = await accept(listening)
    await answer(upstream, OK)
    assert (await within(client.answer())).body == b"ok"
    assert proxy.connections() == {"open": 1, "idle": 1}
    return proxy, upstream


def used(proxy: Any) -> dict[str, int]:
    return {
        use: n for (_, use), n in sorted(proxy.counts("upstream_connections").items(), key=repr)
    }


async def ask_beside(
    proxy: Any, first: Callable[[socket.socket], object], then: Callable[[socket.socket], object]
) -> socket.socket:
    """Connect a client and do two things before the proxy's loop sees either."""
    client = socket.create_connection(("127.0.0.1", proxy.port))
    client.setblocking(False)
    await asyncio.sleep(0.01)  # let it be accepted
    first(client)
    then(client)
    return client


async def answered(client: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < 2:
        data = await within(asyncio.get_running_loop().sock_recv(client, 65536))
        assert data
        got += data
    client.close()
    return got


HAPPENS = {
    "a second answer": (lambda upstream: upstream.sendall(POISON), 1),
    "half an answer": (lambda upstream: upstream.sendall(POISON[:20]), 1),
    "a byte": (lambda upstream: upstream.sendall(b"\n"), 1),
    "a time-out that the upstream tells": (
        lambda upstream: upstream.sendall(b"HTTP/1.1 408 Late\r\nConnection: close\r\n\r\n"),
        1,
    ),
    "the end": (lambda upstream: upstream.close(), 0),
    "half the end": (lambda upstream: upstream.shutdown(socket.SHUT_WR), 0),
}


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize(("happen", "poisoned"), HAPPENS.values(), ids=HAPPENS)
async def test_what_comes_before_a_request_is_not_its_answer(
    start_proxy: Any,
    listening: socket.socket,
    happen: Callable[[socket.socket], object],
    poisoned: int,
    is_late: bool,
) -> None:
    proxy, upstream = await kept(start_proxy, listening)
    steps = [lambda _: happen(upstream), lambda client: client.sendall(GET)]
    client = await ask_beside(proxy, *(reversed(steps) if is_late else steps))
    fresh = await accept(listening)
    assert (await answer(fresh, OK)).startswith(b"GET /mine ")
    assert (await answered(client)).endswith(b"\r\n\r\nok")
    counts = {"opened": 2} | ({"poisoned": 1} if poisoned else {})
    assert used(proxy) == counts
    assert proxy.counts("errors") == {}
    upstream.close()
    fresh.close()


async def test_what_comes_before_the_whole_request_arrived_is_not_its_answer(
    start_proxy: Any, listening: socket.socket
) -> None:
    proxy, upstream = await kept(start_proxy, listening)
    client = await proxy.connect()
    large = GET.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 60_000 + b"\r\n\r\n")
    client.send(large)
    # The request is on its way: its beginning has arrived, the rest is too large for the kernel to take unread.
    assert await within(asyncio.get_running_loop().sock_recv(upstream, 3)) == b"GET"
    upstream.sendall(POISON)
    fresh = await accept(listening)
    assert len(await answer(fresh, OK)) > 60_000
    assert (await within(client.answer())).body == b"ok"
    assert used(proxy) == {"opened": 2, "poisoned": 1, "reused": 1}
    assert proxy.counts("errors") == {}
    upstream.close()
    fresh.close()


async def test_stale_connections_are_passed_over_until_a_good_one_is_found(
    start_upstream: Any, start_proxy: Any
) -> None:
    stay, go = asyncio.Barrier(3), asyncio.Event()

    async def handle(connection: Any) -> None:
        while await connection.request():
            if not go.is_set():
                await stay.wait()
            await connection.send(OK)
            if connection.number > 1 and not go.is_set():
                await go.wait()
                return

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    await within(asyncio.gather(*(proxy.get() for _ in range(3))))
    assert proxy.connections() == {"open": 3, "idle": 3}
    go.set()
    assert (await within(proxy.get("/after"))).body == b"ok"
    assert [seen.target for seen in upstream.requests] == [b"/", b"/", b"/", b"/after"]


@pytest.mark.parametrize("body", [b"", b"hello"])
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"PATCH", b"GET"])
async def test_what_must_not_be_delivered_twice_is_not_sent_again(
    start_upstream: Any, start_proxy: Any, method: bytes, body: bytes
) -> None:
    async def handle(connection: Any) -> None:
        while seen := await connection.request():
            if seen.target == b"/die":
                return
            await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    assert (await client.get()).body == b"ok"
    client.send(b"%b /die HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (method, len(body)))
    client.send(body)
    assert (await within(client.answer())).status == 502
    # A GET without a body may have met a stale connection, so it is sent once more; nothing else ever is.
    deaths = [seen.target for seen in upstream.requests].count(b"/die")
    assert deaths == (2 if (method, body) == (b"GET", b"") else 1)
