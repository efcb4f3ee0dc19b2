"""Whenever a client or an upstream goes away, no exchange and no connection stays behind."""

import asyncio
from typing import Any

import pytest
from waiting import until, within

REQUESTS = [
    b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
    b"PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
    b"GET /d HTTP/1.1\r\nHost: a\r\n\r\nGET /e HTTP/1.1\r\nHost: a\r\n\r\nGET /f HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_clients_that_leave_at_any_byte(
    start_upstream: Any, start_proxy: Any, how: str
) -> None:
    proxy = await start_proxy(await start_upstream())

    async def leave(request: bytes, at: int) -> None:
        client = await proxy.connect()
        client.send(request[:at])
        await client.writer.drain()
        if at % 3 == 0:
            await asyncio.sleep(0.005)
        client.close() if how == "close" else client.writer.transport.abort()

    await asyncio.gather(
        *(leave(request, at) for request in REQUESTS for at in range(0, len(request) + 1, 3))
    )
    await until(lambda: is_at_rest(proxy))
    assert (await proxy.get()).body == b"ok"


ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_upstreams_that_die_at_any_byte(
    start_upstream: Any, start_proxy: Any, how: str, method: str
) -> None:
    async def handle(connection: Any) -> None:
        seen = await connection.request()
        await connection.send(ANSWER[: int(seen.target[1:])])
        getattr(connection, how)()

    proxy = await start_proxy(await start_upstream(handle), timeouts={"connect": "10s"})

    async def ask(at: int) -> bytes:
        head = f"{method} /{at} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        length = "" if method == "GET" else "Content-Length: 0\r\n"
        return await proxy.ask(f"{head}{length}\r\n".encode())

    answers = await within(asyncio.gather(*map(ask, range(len(ANSWER) + 1))), 20)
    head_ends = ANSWER.index(b"\r\n\r\n") + 4
    for at, answer in enumerate(answers):
        if at < head_ends:
            assert answer.startswith(b"HTTP/1.1 502 ")
        elif method == "HEAD":
            assert answer.startswith(b"HTTP/1.1 200 ")
        elif how == "close":
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.endswith(b"0\r\n\r\n") is (at == len(ANSWER))
    await until(lambda: is_at_rest(proxy))


def is_at_rest(proxy: Any) -> bool:
    state = proxy.plane.state()
    upstream = state["upstream_connections"]
    return (
        state["connections"] == 0
        and not any(state["exchanges"].values())
        and upstream["open"] == upstream["idle"]
    )
