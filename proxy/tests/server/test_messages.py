"""Answers of every kind, as bytes: what the upstream sends, to which request, and what the client gets."""

import asyncio
from typing import Any, NamedTuple

import pytest
from waiting import within

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


class Row(NamedTuple):
    """``got`` is all that the client gets; ``is_kept`` whether its connection goes on."""

    answer: bytes
    got: bytes
    is_kept: bool = True
    ends: bool = False  # the upstream hangs up behind the answer
    method: bytes = b"GET"
    version: bytes = b"1.1"
    lines: bytes = b""


TABLE = {
    "a length": Row(OK + b"Content-Length: 5\r\n\r\nhello", OK + b"Content-Length: 5\r\n\r\nhello"),
    "no body": Row(OK + b"Content-Length: 0\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n"),
    "chunks": Row(OK + CHUNKED + HELLO, OK + CHUNKED + HELLO),
    "trailers end here": Row(
        OK + b"Trailer: X\r\n" + CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n\r\n", OK + CHUNKED + HELLO
    ),
    "the end of the connection": Row(
        OK + b"X: y\r\n\r\nhello", OK + b"X: y\r\n" + CHUNKED + HELLO, ends=True
    ),
    "the end of the connection, nothing": Row(
        OK + b"X: y\r\n\r\n", OK + b"X: y\r\n" + CHUNKED + b"0\r\n\r\n", ends=True
    ),
    "HTTP/1.0, the end of the connection": Row(
        b"HTTP/1.0 200 OK\r\n\r\nhello", OK + CHUNKED + HELLO, ends=True
    ),
    "HTTP/1.0, a length": Row(
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        OK + b"Content-Length: 5\r\n\r\nhello",
        ends=True,
    ),
    "HTTP/1.0, kept": Row(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        OK + b"Content-Length: 5\r\n\r\nhello",
    ),
    "204": Row(b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"),
    "204 with a length": Row(
        b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"
    ),
    "304 with a length": Row(
        b"HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n",
    ),
    "304 in chunks": Row(b"HTTP/1.1 304 Not\r\n" + CHUNKED, b"HTTP/1.1 304 Not\r\n\r\n"),
    "205": Row(
        b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n",
    ),
    "HEAD, a length": Row(
        OK + b"Content-Length: 5\r\n\r\n", OK + b"Content-Length: 5\r\n\r\n", method=b"HEAD"
    ),
    "HEAD, chunks": Row(OK + CHUNKED, OK + b"\r\n", method=b"HEAD"),
    "HEAD, nothing said": Row(OK + b"X: y\r\n\r\n", OK + b"X: y\r\n\r\n", method=b"HEAD"),
    "100": Row(
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    ),
    "several interim answers": Row(
        b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 H\r\nLink: </a>\r\n\r\nHTTP/1.1 103 H\r\n\r\n"
        + OK
        + CHUNKED
        + HELLO,
        b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 H\r\nLink: </a>\r\n\r\nHTTP/1.1 103 H\r\n\r\n"
        + OK
        + CHUNKED
        + HELLO,
    ),
    "interim answers to HEAD": Row(
        b"HTTP/1.1 103 H\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\n",
        b"HTTP/1.1 103 H\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\n",
        method=b"HEAD",
    ),
    "a client of 1.0": Row(
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello",
        is_kept=False,
        version=b"1.0",
    ),
    "a client of 1.0 that stays": Row(
        OK + b"Content-Length: 5\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
        version=b"1.0",
        lines=b"Connection: keep-alive\r\n",
    ),
    "a client of 1.0, chunks": Row(
        OK + CHUNKED + HELLO,
        OK + b"Connection: close\r\n\r\nhello",
        is_kept=False,
        version=b"1.0",
        lines=b"Connection: keep-alive\r\n",
    ),
    "a client of 1.0, the end of the connection": Row(
        OK + b"X: y\r\n\r\nhello",
        OK + b"X: y\r\nConnection: close\r\n\r\nhello",
        is_kept=False,
        ends=True,
        version=b"1.0",
    ),
    "a client of 1.0 sees no interim answers": Row(
        b"HTTP/1.1 103 H\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n",
        is_kept=False,
        version=b"1.0",
    ),
    "a client that ends the connection": Row(
        OK + b"Content-Length: 0\r\n\r\n",
        OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n",
        is_kept=False,
        lines=b"Connection: close\r\n",
    ),
    "an upstream that ends its own connection": Row(
        OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 0\r\n\r\n",
        ends=True,
    ),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
async def test_an_answer(start_upstream: Any, start_proxy: Any, row: Row) -> None:
    async def handle(connection: Any) -> None:
        while await connection.request():
            await connection.send(row.answer)
            if row.ends:
                return

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    request = b"%b / HTTP/%b\r\nHost: a\r\n%b\r\n" % (row.method, row.version, row.lines)
    for _ in range(3 if row.is_kept else 1):
        client.send(request)
        assert await within(client.reader.readexactly(len(row.got))) == row.got
    if row.is_kept:
        client.writer.write_eof()
    assert await within(client.rest()) == b""
    assert proxy.counts("errors") == {}


async def test_a_pipeline_of_all_kinds_is_answered_in_its_order(
    start_upstream: Any, start_proxy: Any
) -> None:
    answers = {
        b"/length": OK + b"Content-Length: 7\r\n\r\n/length",
        b"/chunks": OK + CHUNKED + b"7\r\n/chunks\r\n0\r\n\r\n",
        b"/close": OK + b"\r\n/close",
        b"/204": b"HTTP/1.1 204 No\r\n\r\n",
        b"/304": b"HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n",
        b"/hints": b"HTTP/1.1 103 H\r\n\r\n" + OK + b"Content-Length: 6\r\n\r\n/hints",
        b"/head": OK + b"Content-Length: 5\r\n\r\n",
        b"/post": OK + b"Content-Length: 5\r\n\r\n/post",
        b"/die": b"",
    }

    async def handle(connection: Any) -> None:
        while seen := await connection.request():
            # The later ones are the faster ones, were they asked at once.
            await asyncio.sleep(0.02 if seen.target == b"/length" else 0)
            await connection.send(answers[seen.target])
            if seen.target in (b"/close", b"/die"):
                return

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    order = [*answers, *reversed(answers)]
    for target in order:
        method = {b"/head": b"HEAD", b"/post": b"POST"}.get(target, b"GET")
        body = b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000 if method == b"POST" else b"\r\n"
        client.send(b"%b %b HTTP/1.1\r\nHost: a\r\n%b" % (method, target, body))
    for target in order:
        got = await within(client.answer("HEAD" if target == b"/head" else "GET"))
        expected = {b"/204": 204, b"/304": 304, b"/die": 502}.get(target, 200)
        assert got.status == expected, target
        if expected == 200 and target != b"/head":
            assert got.body == target


@pytest.mark.parametrize("says", [b"HTTP/1.1 100 Continue\r\n\r\n", b""])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_expect_100_continue(
    start_upstream: Any, start_proxy: Any, version: bytes, says: bytes
) -> None:
    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(says)
        assert await connection.reader.readexactly(5) == b"hello"
        await connection.send(OK + b"Content-Length: 2\r\n\r\nok")

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.send(
        b"PUT / HTTP/"
        + version
        + b"\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    )
    if says and version == b"1.1":
        assert await within(client.until(b"\r\n\r\n")) == says
    client.send(b"hello")
    assert (await within(client.answer("PUT"))).body == b"ok"
