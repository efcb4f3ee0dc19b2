"""One request and its whole answer, for those who ask off the request path."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from stranglerfig.config.model import Config, Upstream
from stranglerfig.http1.failure import Failure, Phase, UpstreamError
from stranglerfig.upstream.fetch import fetch
from stranglerfig.upstream.peer import Peer

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def upstream(port: int) -> Upstream:
    return Config.model_validate({"upstreams": {"monolith": f"http://127.0.0.1:{port}"}}).upstreams[
        "monolith"
    ]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Upstream]]]:
    """Start servers that answer with fixed bytes, and keep what they were sent in ``heads``."""
    servers = []

    async def start(
        answer: bytes, *, heads: list[bytes] | None = None, hang: bool = False
    ) -> Upstream:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            if heads is not None:
                heads.append(head)
            writer.write(answer)
            if hang:
                await reader.read()
            writer.close()

        servers.append(await asyncio.start_server(handle, "127.0.0.1", 0))
        return upstream(servers[-1].sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()


async def test_an_answer_is_given_whole_without_its_transfer_coding(serve: Any) -> None:
    heads: list[bytes] = []
    asked = await serve(
        b"HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        heads=heads,
    )
    got = await fetch(
        asked,
        "POST",
        b"/a?b",
        [
            (b"Host", b"shop"),
            (b"X-A", b"1"),
            (b"Transfer-Encoding", b"chunked"),
            (b"Connection", b"x"),
        ],
        b"body",
        deadline_s=5,
    )
    assert (got.status, got.body) == (200, b"ok")
    assert got.headers == ((b"X", b"y"), (b"Transfer-Encoding", b"chunked"))
    assert 0 < got.elapsed_s < 5
    assert heads == [b"POST /a?b HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nContent-Length: 4\r\n\r\n"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_other_framings(serve: Any, answer: bytes) -> None:
    got = await fetch(await serve(answer), "GET", b"/", [(b"Host", b"a")], b"", deadline_s=5)
    assert (got.status, got.body) == (200, b"ok")


async def test_head_has_no_body(serve: Any) -> None:
    asked = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", hang=True)
    got = await fetch(asked, "HEAD", b"/", [(b"Host", b"a")], b"", deadline_s=5)
    assert (got.status, got.body) == (200, b"")


@pytest.mark.parametrize(
    ("answer", "hang", "failure"),
    [
        (b"", False, Failure.CLOSED_EARLY),
        (b"", True, Failure.RESPONSE_TIMEOUT),
        (b"nonsense\r\n", False, Failure.BAD_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", False, Failure.CUT_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", True, Failure.BODY_STALLED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world", False, Failure.BODY_OVER_CAP),
    ],
)
async def test_no_whole_answer_is_an_error_that_says_why(
    serve: Any, answer: bytes, hang: bool, failure: Failure
) -> None:
    asked = await serve(answer, hang=hang)
    with pytest.raises(UpstreamError) as caught:
        await fetch(asked, "GET", b"/", [(b"Host", b"a")], b"", deadline_s=0.2, max_body_bytes=10)
    assert caught.value.failure is failure


async def test_an_upstream_that_is_down_fails_to_connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UpstreamError) as caught:
        await fetch(upstream(port), "GET", b"/", [], b"", deadline_s=5)
    assert caught.value.phase is Phase.CONNECT


async def test_who_cancels_leaves_no_connection_behind() -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        begun.set()
        await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    asked = upstream(server.sockets[0].getsockname()[1])
    asking = asyncio.create_task(fetch(asked, "GET", b"/", [(b"Host", b"a")], b"", deadline_s=5))
    async with asyncio.timeout(5):
        await begun.wait()
        asking.cancel()
        await gone.wait()
    server.close()


@pytest.mark.parametrize("size", [10_000, 900_000])
async def test_an_answer_may_come_before_the_body_is_sent(size: int) -> None:
    with socket.socket() as listening:
        # Small, so that the kernel does not take all of a large body unread.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        asked = upstream(listening.getsockname()[1])
        asking = asyncio.create_task(
            fetch(asked, "POST", b"/", [(b"Host", b"a")], b"x" * size, deadline_s=5)
        )
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        with accepted:
            accepted.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(accepted, 4) == b"POST"
            accepted.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
            assert (await asking).status == 302


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 5_000_000])
async def test_a_body_of_any_size_arrives_as_it_is(size: int) -> None:
    body = random.Random(size).randbytes(size)
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: %d\r\n" % size in head
        seen.append(await reader.readexactly(size))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    asked = upstream(server.sockets[0].getsockname()[1])
    got = await fetch(asked, "POST", b"/", [(b"Host", b"a")], body, deadline_s=10)
    assert got.status == 200
    assert seen == [body]
    server.close()


async def test_several_urls_are_asked_in_turn_and_one_that_is_dead_costs_nothing(
    serve: Any,
) -> None:
    ports = [(await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%b" % name)).port for name in (b"a", b"b")]  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dead = listening.getsockname()[1]
    urls = [f"http://127.0.0.1:{port}" for port in (*ports, dead)]
    asked = Config.model_validate({"upstreams": {"monolith": {"urls": urls}}}).upstreams["monolith"]
    got = [(await fetch(asked, "GET", b"/", [], b"", deadline_s=20)).body for _ in range(6)]
    # Where the dead one's turn comes, the next one answers.
    assert sorted(got) in ([b"a"] * 4 + [b"b"] * 2, [b"a"] * 2 + [b"b"] * 4)


async def test_who_names_an_address_asks_there_and_nowhere_else(serve: Any) -> None:
    a = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dead = listening.getsockname()[1]
    urls = [f"http://127.0.0.1:{port}" for port in (a.port, dead)]
    asked = Config.model_validate({"upstreams": {"monolith": {"urls": urls}}}).upstreams["monolith"]
    peers = [Peer((host, port, host)) for host, port in asked.endpoints]
    for _ in range(3):
        got = await fetch(asked, "GET", b"/", [], b"", deadline_s=20, peer=peers[0])
        assert got.body == b"a"
        with pytest.raises(UpstreamError) as failed:
            await fetch(asked, "GET", b"/", [], b"", deadline_s=20, peer=peers[1])
        assert failed.value.failure is Failure.CONNECT_FAILED
