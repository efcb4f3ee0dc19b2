"""Answers that begin while a body is still being sent, and who is blamed when nothing moves any more."""

import asyncio
import socket
from typing import Any

import pytest
from waiting import until, within

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
PATIENT = {"connect": "1s", "response": "5s", "idle": "5s"}
HASTY = {"connect": "1s", "response": "100ms", "idle": "100ms"}


def small_socket(port: int) -> socket.socket:
    """A client for which the kernel holds little."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


async def answer_while_reading(connection: Any) -> None:
    """Answer without end, and take the body only as fast as the answer goes, as a program with one thread does."""
    await connection.reader.readuntil(b"\r\n\r\n")
    connection.writer.transport.set_write_buffer_limits(high=0)
    await connection.send(ENDLESS)
    while await connection.reader.read(65536):
        await connection.send(b"x" * 65536)


async def test_a_client_that_sends_and_does_not_read_is_to_blame_and_not_the_upstream(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(
        await start_upstream(answer_while_reading), timeouts=HASTY, limits={"stall": "500ms"}
    )
    client = small_socket(proxy.port)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, HEAD % 1_000_000_000)

    async def pour() -> None:
        while True:
            await loop.sock_sendall(client, b"y" * 65536)

    pouring = asyncio.create_task(pour())
    await until(lambda: proxy.counts("errors"))
    assert proxy.counts("errors") == {("client_stalled", "body", "-"): 1}
    pouring.cancel()
    await asyncio.gather(pouring, return_exceptions=True)
    client.close()


async def test_a_client_that_sent_all_and_does_not_read_is_to_blame(
    start_upstream: Any, start_proxy: Any
) -> None:
    begun = asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(ENDLESS)
        for _ in range(200):
            connection.writer.write(b"x" * 65536)
        begun.set()
        await connection.reader.read()

    proxy = await start_proxy(
        await start_upstream(handle), timeouts=HASTY, limits={"stall": "300ms"}
    )
    client = small_socket(proxy.port)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, HEAD % 5 + b"he")
    await within(begun.wait())
    await loop.sock_sendall(client, b"llo")  # the end of the body must not make it wait for ever
    await until(lambda: proxy.counts("errors"))
    assert proxy.counts("errors") == {("client_stalled", "body", "-"): 1}
    client.close()


async def test_an_upstream_that_takes_no_body_is_to_blame_and_not_the_client(
    start_upstream: Any, start_proxy: Any
) -> None:

    async def handle(connection: Any) -> None:
        connection.writer.transport.pause_reading()
        await asyncio.sleep(60)

    timeouts = {"connect": "1s", "response": "5s", "idle": "400ms"}
    proxy = await start_proxy(
        await start_upstream(handle), timeouts=timeouts, limits={"stall": "100ms"}
    )
    client = await proxy.connect()
    size = 64 * 1024 * 1024
    client.send(HEAD % size)
    client.send(b"x" * size)
    assert (await within(client.answer("POST"))).status == 504
    assert proxy.counts("errors") == {("send_timeout", "send", "monolith"): 1}


async def test_an_upstream_that_answered_early_waits_for_a_slow_client_as_long_as_it_may_be_slow(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        assert await connection.reader.readexactly(5) == b"hello"
        await connection.send(b"k")

    proxy = await start_proxy(await start_upstream(handle), timeouts=HASTY)
    client = await proxy.connect()
    client.send(HEAD % 5 + b"hell")
    await within(client.until(b"\r\n\r\no"))
    await asyncio.sleep(0.4)  # longer than the upstream may think, and less than a client may
    client.send(b"o")
    assert await within(client.rest()) == b"k"
    assert proxy.counts("errors") == {}


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
@pytest.mark.parametrize("status", [b"200 OK", b"413 Too Large", b"401 Who"])
@pytest.mark.parametrize("framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
async def test_an_early_answer_is_passed_on_and_ends_both_connections(
    start_upstream: Any, start_proxy: Any, status: bytes, framing: bytes, expects: bytes
) -> None:
    async def handle(connection: Any) -> None:
        if connection.number == 1:
            await connection.reader.readuntil(b"\r\n\r\n")
            await connection.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 3\r\n\r\nbig")
            await connection.reader.read()
        while await connection.request():
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + expects + framing + b"\r\n\r\n")
    answer = await within(client.answer("POST"))
    assert (b"%d" % answer.status, answer.body) == (status[:3], b"big")
    assert answer.headers[b"connection"] == b"close"
    # What the client sends now is no request, though it looks like one.
    client.send(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await within(client.rest()) == b""
    assert (await within(proxy.get())).body == b"ok"
    assert [seen.target for seen in upstream.requests] == [b"/"]
    assert upstream.connections == 2
    assert proxy.counts("errors") == {}


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_a_refused_request_that_waits_for_100_continue_is_told_so_at_once(
    start_upstream: Any, start_proxy: Any, version: bytes
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(
        b"POST /a/../b HTTP/" + version + b"\r\nHost: a\r\nContent-Length: 5\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    answer = await within(client.answer("POST"))
    assert (answer.status, answer.headers[b"connection"]) == (400, b"close")
    assert upstream.connections == 0


async def test_a_client_that_leaves_after_a_small_body_is_noticed(
    start_upstream: Any, start_proxy: Any
) -> None:
    left = asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.reader.read()
        left.set()

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
    await until(lambda: len(upstream.requests) == 1)
    client.close()
    await within(left.wait())
    await until(lambda: proxy.plane.state()["exchanges"] == {"1": 0})


async def test_what_waits_for_a_place_is_never_sent_when_its_client_has_left(
    start_upstream: Any, start_proxy: Any
) -> None:
    go = asyncio.Event()

    async def handle(connection: Any) -> None:
        while await connection.request() is not None:
            await go.wait()
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream = await start_upstream(handle)
    written = {"url": f"http://127.0.0.1:{upstream.port}", "concurrency": 1}
    proxy = await start_proxy(upstream, upstreams={"monolith": written}, workers=1)

    def waiting() -> int:
        places = proxy.plane.state()["upstream_connections"]["places"]["monolith"]
        return int(places["waiting"])

    first = await proxy.connect()
    first.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
    await until(lambda: len(upstream.requests) == 1)
    client = await proxy.connect()
    client.send(b"POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
    await until(lambda: waiting() == 1)
    client.close()
    await until(lambda: waiting() == 0)
    go.set()
    assert (await within(first.answer())).status == 200
    assert (await within(proxy.get("/third"))).status == 200
    assert [seen.target for seen in upstream.requests] == [b"/first", b"/third"]
