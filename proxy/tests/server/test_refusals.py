"""What is refused: the status, that the connection ends, and that the upstream saw none of it."""

import asyncio
import re
from typing import Any

import pytest

HOST = b"Host: a\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"

# name -> (request, status)
TABLE = {
    "garbage": (b"\x16\x03\x01 nonsense\r\n\r\n", 501),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "malformed Host": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "CL.TE": (
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "TE.CL": (
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        400,
    ),
    "TE.TE": (
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        400,
    ),
    "CL.CL": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nContent-Length: 35\r\n\r\n",
        400,
    ),
    "TE space colon": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "TE gzip": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "huge length": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n",
        413,
    ),
    "obs-fold": (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400),
    "bare CR": (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n", 400),
    "bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "NUL": (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0\r\n\r\n", 400),
    "Connection: cookie": (b"GET / HTTP/1.1\r\n" + HOST + b"Connection: cookie\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "version": (b"GET / HTTP/3.0\r\n" + HOST + b"\r\n", 505),
    "other authority": (b"GET http://b/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "dot segment": (b"GET /a/../b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "encoded dot segment": (b"GET /a/%2e%2E/b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "encoded NUL": (b"GET /a%00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "fragment": (b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "raw UTF-8": (b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "large head": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 66000 + b"\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 12000 + b"\r\n", 431),
}


@pytest.mark.parametrize(("request_bytes", "status"), TABLE.values(), ids=TABLE)
async def test_a_refused_request_ends_the_connection_and_reaches_nobody(
    start_upstream: Any, start_proxy: Any, request_bytes: bytes, status: int
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    got = await proxy.ask(request_bytes + HIDDEN)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close" in head
    assert b"X-Request-Id: " in head
    assert b"HTTP/1.1 2" not in body
    assert upstream.requests == []
    assert upstream.connections == 0


@pytest.mark.parametrize(
    "target",
    [
        "/_chassis",
        "/_chassis/livez",
        "/_chassis?x",
        "/%5fchassis/rows/catalog",
        "/%5F%63hassis/rows",
        "//_chassis/livez",
        "http://shop.example/_chassis/livez",
    ],
)
async def test_internal_endpoints_are_not_there(
    start_upstream: Any, start_proxy: Any, target: str
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    assert (await client.get(target)).status == 404
    assert upstream.requests == []
    # A well-formed request, so the connection goes on.
    assert (await client.get("/x_chassis/_chassis_")).status == 200


async def test_requests_before_a_refused_one_are_answered_first(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    got = await proxy.ask(
        b"GET /1 HTTP/1.1\r\n"
        + HOST
        + b"\r\nGET /2 HTTP/1.1\r\n"
        + HOST
        + b"\r\nGET /3 HTTP/1.1\r\n\r\n"
        + HIDDEN
    )
    assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"200", b"400"]
    assert [seen.target for seen in upstream.requests] == [b"/1", b"/2"]


async def test_a_broken_body_ends_both_connections(start_upstream: Any, start_proxy: Any) -> None:
    begun, rest = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        begun.set()
        try:
            rest.set_result(await connection.reader.read())
        except ConnectionResetError:
            rest.set_result(b"reset")

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
    async with asyncio.timeout(5):
        await begun.wait()
        client.send(b"zz\r\n" + HIDDEN)
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
        assert not (await rest).endswith(b"0\r\n\r\n")
    assert proxy.count("errors", upstream="-", phase="body", kind="bad_body") == 1


async def test_a_refusal_reaches_a_client_that_is_still_sending(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(await start_upstream())
    for _ in range(10):
        client = await proxy.connect()
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n" + b"x" * 8_000_000)
        await client.writer.drain()
        assert (await client.answer("POST")).status == 400


async def test_refusals_are_counted_by_reason(start_upstream: Any, start_proxy: Any) -> None:
    proxy = await start_proxy(await start_upstream())
    await proxy.ask(b"GET / HTTP/1.1\r\n\r\n")
    await proxy.get("/_chassis/livez")
    await proxy.ask(b"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n")
    for reason in ("bad_host", "not_found", "bad_path"):
        assert proxy.count("refused_requests", reason=reason) == 1


async def test_the_proxys_answers_are_json_for_who_wants_json(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(await start_upstream())
    page = await proxy.get("/_chassis/", "Accept: text/html,application/json")
    data = await proxy.get("/_chassis/", "Accept: application/json")
    assert page.headers[b"content-type"] == b"text/plain; charset=utf-8"
    assert data.headers[b"content-type"] == b"application/problem+json"
    assert b'"code": "not_found"' in data.body
    assert page.headers[b"x-request-id"] in page.body


async def test_without_a_fallthrough_unclaimed_paths_are_404(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, fallthrough="none")
    assert (await proxy.get("/anything")).status == 404
    assert upstream.requests == []


async def test_dot_segments_pass_where_the_config_says_so(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, dot_segments="pass")
    assert (await proxy.get("/a/../b")).status == 200
    assert upstream.requests[0].target == b"/a/../b"
    assert (await proxy.get("/a/../_chassis/livez")).status == 404
