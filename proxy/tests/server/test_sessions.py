"""Client connections: order, keep-alive, patience, and memory."""

import asyncio
import socket
from typing import Any

import pytest
from waiting import settled, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def echo_target(connection: Any) -> None:
    while seen := await connection.request():
        await connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(seen.target), seen.target)
        )


@pytest.mark.parametrize("count", [3, 300])
async def test_pipelined_requests_are_answered_in_order(
    start_upstream: Any, start_proxy: Any, count: int
) -> None:
    proxy = await start_proxy(await start_upstream(echo_target))
    client = await proxy.connect()
    targets = [f"/{'_chassis/' if number % 3 == 2 else ''}{number}" for number in range(count)]
    for target in targets:
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    for target in targets:
        answer = await client.answer()
        if "_chassis" in target:
            assert answer.status == 404
        else:
            assert answer.body == target.encode()


async def test_thousands_of_pipelined_requests_that_we_answer_are_no_recursion(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(await start_upstream())
    client = await proxy.connect()
    client.send(b"GET /_chassis/ HTTP/1.1\r\nHost: a\r\n\r\n" * 3000)
    for _ in range(3000):
        assert (await client.answer()).status == 404


async def test_a_pipelined_upload_waits_for_its_turn(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream(echo_target)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    body = b"x" * 300_000
    client.send(
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
        b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
        % len(body)
        + body
        + b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert [(await client.answer()).body for _ in range(3)] == [b"/1", b"/2", b"/3"]
    assert upstream.requests[1].body == body


@pytest.mark.parametrize("ending", ["close", "Close", "keep-alive, close"])
async def test_the_client_may_end_the_connection(
    start_upstream: Any, start_proxy: Any, ending: str
) -> None:
    proxy = await start_proxy(await start_upstream())
    got = await proxy.ask(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: {ending}\r\n\r\n".encode())
    assert got == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def test_an_idle_connection_is_closed(start_upstream: Any, start_proxy: Any) -> None:
    proxy = await start_proxy(await start_upstream(), limits={"idle": "100ms"})
    fresh, used = await proxy.connect(), await proxy.connect()
    assert (await used.get()).status == 200
    async with asyncio.timeout(3):
        assert await fresh.rest() == b""
        assert await used.rest() == b""


async def test_a_head_that_trickles_in_is_408(start_upstream: Any, start_proxy: Any) -> None:
    proxy = await start_proxy(await start_upstream(), limits={"head_time": "200ms"})
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nX: ")

    async def trickle() -> None:
        while True:
            client.send(b"x")
            await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    async with asyncio.timeout(3):
        answer = await client.answer()
    trickling.cancel()
    assert (answer.status, answer.headers[b"connection"]) == (408, b"close")


async def test_an_upload_that_stops_coming_is_408_and_no_error_of_the_upstream(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(
        await start_upstream(),
        timeouts={"connect": "1s", "response": "100ms", "idle": "100ms"},
        limits={"stall": "100ms"},
    )
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell")
    async with asyncio.timeout(3):
        assert (await client.answer()).status == 408
    assert proxy.count("errors", upstream="-", phase="body", kind="body_timeout") == 1


async def test_a_slow_upload_is_no_time_out_of_the_upstream(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(
        await start_upstream(), timeouts={"connect": "1s", "response": "200ms", "idle": "200ms"}
    )
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
    for byte in b"hello":
        await asyncio.sleep(0.12)
        client.send(bytes([byte]))
    assert (await client.answer()).status == 200


TOTAL = 32 * 1024 * 1024


def small_buffers(port: int) -> socket.socket:
    """A client that lets the kernel hold little for it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


async def test_a_client_that_reads_slowly_holds_back_the_upstream(
    start_upstream: Any, start_proxy: Any
) -> None:
    sent = 0

    async def handle(connection: Any) -> None:
        nonlocal sent
        await connection.request()
        connection.writer.transport.set_write_buffer_limits(high=0)
        connection.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, 65536
        )
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % TOTAL)
        for _ in range(0, TOTAL, 65536):
            await connection.send(b"x" * 65536)
            sent += 65536

    proxy = await start_proxy(await start_upstream(handle))
    loop = asyncio.get_running_loop()
    client = small_buffers(proxy.port)
    await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await settled(lambda: sent)
    # What is on its way: our buffers and the kernel's, and not the body.
    assert sent < TOTAL // 2
    assert held_by(proxy) < 1024 * 1024
    received = 0
    async with asyncio.timeout(20):
        while received < TOTAL:
            received += len(await loop.sock_recv(client, 1024 * 1024))
            assert held_by(proxy) < 1024 * 1024
    client.close()
    await settled(
        lambda: proxy.count("requests", capability="-", stage="-", side="monolith", status="2xx")
    )
    assert proxy.count("requests", capability="-", stage="-", side="monolith", status="2xx") == 1


def held_by(proxy: Any) -> int:
    """Bytes that wait in the proxy's write buffers."""
    runtime = proxy.plane._runtime
    ends = [*runtime.sessions, *runtime.upstreams._all]
    return sum(end._transport.get_write_buffer_size() for end in ends if end._transport is not None)


async def test_an_upstream_that_reads_slowly_holds_back_the_client(
    start_upstream: Any, start_proxy: Any
) -> None:
    go = asyncio.Event()
    received = 0

    async def handle(connection: Any) -> None:
        nonlocal received
        connection.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 16384
        )
        await connection.reader.readuntil(b"\r\n\r\n")
        await go.wait()
        while received < TOTAL:
            received += len(await connection.reader.read(1024 * 1024))
        await connection.send(OK)

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.writer.transport.set_write_buffer_limits(high=0)
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % TOTAL)
    sent = 0

    async def pour() -> None:
        nonlocal sent
        while sent < TOTAL:
            client.send(b"x" * 65536)
            sent += 65536
            await client.writer.drain()

    pouring = asyncio.create_task(pour())
    await settled(lambda: sent)
    assert sent < TOTAL // 2
    assert held_by(proxy) < 1024 * 1024
    go.set()
    async with asyncio.timeout(20):
        await pouring
        assert (await client.answer()).body == b"ok"


async def test_a_client_that_never_reads_is_dropped(start_upstream: Any, start_proxy: Any) -> None:

    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % TOTAL)
        for _ in range(0, TOTAL, 65536):
            await connection.send(b"x" * 65536)

    proxy = await start_proxy(await start_upstream(handle), limits={"stall": "100ms"})
    client = small_buffers(proxy.port)
    await asyncio.get_running_loop().sock_sendall(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await until(lambda: proxy.count("client_gone"))
    client.close()
    await until(lambda: proxy.plane.state()["connections"] == 0)
    assert proxy.count("errors", upstream="-", phase="body", kind="client_stalled") == 1
