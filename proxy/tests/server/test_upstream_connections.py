"""Connections are used again where that is safe, and never where a wrong byte could reach somebody else."""

import asyncio
from typing import Any

import pytest
from waiting import until, within

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_safe_requests_use_a_connection_again(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    for _ in range(5):
        await proxy.get()
    assert upstream.connections == 1
    assert proxy.count("upstream_connections", upstream="monolith", use="opened") == 1
    assert proxy.count("upstream_connections", upstream="monolith", use="reused") == 4


async def test_an_unsafe_request_always_has_a_connection_of_its_own(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    await proxy.get()
    for method in ("POST", "DELETE", "PATCH"):
        await proxy.get("/", "Content-Length: 0", method=method)
    assert upstream.connections == 4


NASTY = [
    b"",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
]


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("rest", NASTY)
@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X: y"])
async def test_a_body_sent_for_head_never_answers_the_next_request(
    start_upstream: Any, start_proxy: Any, framing: bytes, rest: bytes, is_late: bool
) -> None:
    async def handle(connection: Any) -> None:
        while seen := await connection.request():
            if seen.method == "HEAD":
                await connection.send(
                    b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + (b"" if is_late else rest)
                )
                if is_late:
                    await asyncio.sleep(0.02)
                    await connection.send(rest)
            else:
                await connection.send(OK)

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    for _ in range(2):
        head = await client.get(method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert (b"content-length" in head.headers) is framing.startswith(b"Content-Length")
        for _ in range(2):
            assert (await client.get()).body == b"ok"


@pytest.mark.parametrize(
    "surprise", [b"x", OK, b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"]
)
@pytest.mark.parametrize("is_late", [False, True])
async def test_bytes_behind_an_answer_end_its_connection(
    start_upstream: Any, start_proxy: Any, surprise: bytes, is_late: bool
) -> None:
    surprised = asyncio.Event()

    async def handle(connection: Any) -> None:
        while await connection.request():
            if connection.number == 1:
                await connection.send(OK if is_late else OK + surprise)
                if is_late:
                    await connection.send(surprise)
                surprised.set()
            else:
                await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    assert (await client.get()).body == b"ok"
    await surprised.wait()
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 0)
    assert (await client.get()).body == b"ok"
    assert upstream.connections == 2


async def test_a_connection_that_the_upstream_closed_while_idle_is_not_used(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    await proxy.get()
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 0)
    assert (await proxy.get()).body == b"ok"
    assert proxy.count("upstream_connections", upstream="monolith", use="reused") == 0


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_safe_request_that_meets_a_stale_connection_is_sent_once_more(
    start_upstream: Any, start_proxy: Any, how: str
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(OK)
        if connection.number == 1:
            await connection.request()  # and hang up instead of answering
            getattr(connection, how)()

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    await client.get("/1")
    assert (await client.get("/2")).body == b"ok"
    assert [seen.target for seen in upstream.requests] == [b"/1", b"/2", b"/2"]


async def test_a_request_is_not_sent_a_third_time(start_upstream: Any, start_proxy: Any) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        if connection.number == 1:
            await connection.send(OK)
            await connection.request()

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    await client.get("/1")
    assert (await client.get("/2")).status == 502
    assert [seen.target for seen in upstream.requests] == [b"/1", b"/2", b"/2"]


async def test_an_unsafe_request_whose_connection_dies_is_never_sent_twice(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        while seen := await connection.request():
            if seen.method == "POST":
                return
            await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    await proxy.get()
    assert (await proxy.get("/pay", "Content-Length: 0", method="POST")).status == 502
    assert [seen.method for seen in upstream.requests] == ["GET", "POST"]


async def test_a_connection_with_half_an_upload_is_never_used_again(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def answer_early(connection: Any) -> None:
        if connection.number == 1:
            await connection.reader.readuntil(b"\r\n\r\n")
            await connection.send(OK)  # and keep the connection
            await connection.reader.read()
        while await connection.request():
            await connection.send(OK)

    upstream = await start_upstream(answer_early)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
    assert (await client.answer("POST")).headers[b"connection"] == b"close"
    assert (await within(proxy.get())).body == b"ok"
    assert upstream.connections == 2


async def test_a_request_with_a_half_answer_is_not_sent_again(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()
        await connection.send(b"HTTP/1.1 200 O")

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    await client.get("/1")
    assert (await client.get("/2")).status == 502
    assert len(upstream.requests) == 2


async def test_an_idle_connection_is_closed_in_time(start_upstream: Any, start_proxy: Any) -> None:
    proxy = await start_proxy(await start_upstream(), timeouts={"idle": "100ms"})
    await proxy.get()
    assert proxy.connections() == {"open": 1, "idle": 1}
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 0)


async def test_many_requests_at_once_each_get_their_own_answer(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        while seen := await connection.request():
            await asyncio.sleep(0.001 * (len(seen.target) % 7))
            await connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(seen.target), seen.target)
            )

    proxy = await start_proxy(await start_upstream(handle))

    async def browse(name: str) -> None:
        client = await proxy.connect()
        for number in range(20):
            target = f"/{name}/{'x' * (number % 7)}/{number}"
            assert (await client.get(target)).body == target.encode()

    await asyncio.gather(*(browse(str(name)) for name in range(20)))
    assert proxy.count("requests", capability="-", stage="-", side="monolith", status="2xx") == 400
