"""Upstreams that are down, slow, hung, lying or dying, and what the client is told."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from waiting import within

FAST = {"connect": "200ms", "response": "200ms", "idle": "200ms"}


async def say_nothing(connection: Any) -> None:
    await connection.request()
    await asyncio.sleep(60)


def say(data: bytes) -> Callable[[Any], Awaitable[None]]:
    """Answer with ``data`` and hang up."""

    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(data)

    return handle


TABLE = {
    "hung": (say_nothing, 504, "head", "response_timeout"),
    "hangs up": (say(b""), 502, "head", "closed_early"),
    "half a head": (say(b"HTTP/1.1 200 OK\r\nX:"), 502, "head", "closed_early"),
    "no HTTP": (say(b"SSH-2.0-x\r\n"), 502, "head", "bad_response"),
    "two lengths": (
        say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        502,
        "head",
        "bad_response",
    ),
    "upgrade nobody asked for": (
        say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        502,
        "head",
        "bad_response",
    ),
}


@pytest.mark.parametrize(("handler", "status", "phase", "kind"), TABLE.values(), ids=TABLE)
async def test_a_failing_upstream_is_named_in_the_count_and_not_to_the_client(
    start_upstream: Any, start_proxy: Any, handler: Any, status: int, phase: str, kind: str
) -> None:
    proxy = await start_proxy(await start_upstream(handler), timeouts=FAST)
    client = await proxy.connect()
    answer = await client.get("/x", "Accept: application/json")
    assert answer.status == status
    assert b"monolith" not in answer.body
    assert b"127.0.0.1" not in answer.body
    assert proxy.count("errors", upstream="monolith", phase=phase, kind=kind) == 1
    assert proxy.count("requests", capability="-", stage="-", side="monolith", status="5xx") == 1
    assert proxy.plane.state()["exchanges"] == {"1": 0}
    # The failure is the request's; the client's connection goes on.
    assert (await client.get("/_chassis/")).status == 404


async def test_an_upstream_that_is_down_is_502(start_proxy: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    proxy = await start_proxy(port)
    client = await proxy.connect()
    for method in ("GET", "POST"):
        assert (await client.get("/", "Content-Length: 0", method=method)).status == 502
    assert proxy.count("errors", upstream="monolith", phase="connect", kind="connect_failed") == 2
    assert proxy.connections() == {"open": 0, "idle": 0}


async def test_an_upstream_that_cannot_be_reached_in_time_is_504(start_proxy: Any) -> None:
    # A listening socket whose queue is full drops further attempts to connect.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        proxy = await start_proxy(address[1], timeouts=FAST)
        assert (await proxy.get()).status == 504
        for filler in fillers:
            filler.close()
    assert proxy.count("errors", upstream="monolith", phase="connect", kind="connect_timeout") == 1


@pytest.mark.parametrize(
    ("head", "is_reset"),
    [
        (b"Content-Length: 10", False),
        (b"Transfer-Encoding: chunked", False),
        (b"Content-Length: 10", True),
        (b"X: delimited-by-its-connection", True),
    ],
)
@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
async def test_an_answer_cut_by_the_upstream_is_cut_for_the_client(
    start_upstream: Any, start_proxy: Any, head: bytes, is_reset: bool, version: bytes
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
        await connection.send(b"4\r\nhell\r\n" if b"chunked" in head else b"hell")
        await asyncio.sleep(0.02)  # so that the reset does not overtake the bytes
        connection.reset() if is_reset else connection.close()

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.send(b"GET / " + version + b"\r\nHost: a\r\n\r\n")
    got, was_reset = b"", False
    try:
        while data := await within(client.reader.read(1024)):
            got += data
    except ConnectionResetError:
        was_reset = True
    top, _, body = got.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 200 OK")
    assert b"hell" in body
    assert b"0\r\n\r\n" not in body
    if b"Content-Length" not in top and b"Transfer-Encoding" not in top:
        assert was_reset, "closing is the normal end of such an answer"
    assert proxy.count("errors", upstream="monolith", phase="body", kind="cut_response") == 1


async def test_an_answer_that_stops_coming_is_cut(start_upstream: Any, start_proxy: Any) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell")
        await asyncio.sleep(60)

    proxy = await start_proxy(await start_upstream(handle), timeouts=FAST)
    assert (await proxy.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).endswith(b"hell")
    assert proxy.count("errors", upstream="monolith", phase="body", kind="body_stalled") == 1


async def test_a_slow_answer_is_waited_for_while_it_comes(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        for byte in b"hello":
            await asyncio.sleep(0.3)
            await connection.send(bytes([byte]))

    proxy = await start_proxy(
        await start_upstream(handle),
        timeouts={"connect": "10s", "response": "1s", "idle": "1s"},
    )
    assert (await proxy.get()).body == b"hello"


@pytest.mark.parametrize("size", [10, 10_000_000])
async def test_an_early_answer_to_an_upload_reaches_the_client(
    start_upstream: Any, start_proxy: Any, size: int
) -> None:
    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        # gunicorn closes with the body unread, which resets the connection

    proxy = await start_proxy(await start_upstream(handle))
    for _ in range(5):
        client = await proxy.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        writing = asyncio.create_task(pour(client, size - 1))
        answer = await client.answer("POST")
        assert (answer.status, answer.body) == (413, b"big")
        assert answer.headers[b"connection"] == b"close"
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def pour(client: Any, size: int) -> None:
    for _ in range(0, size, 65536):
        client.send(b"x" * min(65536, size))
        await client.writer.drain()


async def test_a_client_that_leaves_a_download_ends_it_upstream_and_is_nobodys_error(
    start_upstream: Any, start_proxy: Any
) -> None:
    gone = asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                await connection.send(b"x" * 65536)
                await asyncio.sleep(0)
        except ConnectionError:
            gone.set()

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await client.reader.readexactly(1000)
    client.writer.transport.abort()
    await within(gone.wait())
    assert_only_the_client_is_counted(proxy)


async def test_a_client_that_leaves_while_the_upstream_thinks_ends_it(
    start_upstream: Any, start_proxy: Any
) -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.request()
        begun.set()
        assert await connection.request() is None
        gone.set()

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(begun.wait())
    client.close()
    await within(gone.wait())
    assert_only_the_client_is_counted(proxy)


async def test_a_client_that_leaves_an_upload_cuts_it_upstream(
    start_upstream: Any, start_proxy: Any
) -> None:
    begun, got = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        begun.set()
        try:
            got.set_result(await connection.reader.read())
        except ConnectionResetError:
            got.set_result(b"")

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n")
    await within(begun.wait())
    client.close()
    assert not (await within(got)).endswith(b"0\r\n\r\n")
    assert_only_the_client_is_counted(proxy)


def assert_only_the_client_is_counted(proxy: Any) -> None:
    assert proxy.count("client_gone") == 1
    assert not [
        key
        for key, cell in proxy.counters._index.items()
        if key[0] == "errors" and proxy.counters.get(cell)
    ]
    assert proxy.plane.state()["exchanges"] == {"1": 0}


async def test_a_mistake_of_our_own_is_503_and_hurts_nobody_else(
    start_upstream: Any, start_proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await start_proxy(await start_upstream())
    other = await proxy.connect()
    assert (await other.get()).status == 200

    def fail(*_: Any) -> None:
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr("stranglerfig.server.exchange_record.make_plan", fail)
        got = await proxy.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 503 ")
    assert b"a mistake" not in got
    assert (await other.get()).status == 200
