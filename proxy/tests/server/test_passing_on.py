"""A proxy with one upstream changes nothing that it need not, either way."""

from typing import Any

import pytest

ADDED = {
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-real-ip",
    b"x-request-id",
    b"traceparent",
}


async def test_a_request_reaches_the_upstream_unchanged_but_for_the_forwarded_headers(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    sent = (
        b"accept: */*",
        b"X-A: 1",
        b"Accept: text/html",
        b"x-a:  two  words",
        b"Cookie: sessionid=abc; csrftoken=xyz",
        b"Range: bytes=0-1",
        b'If-None-Match: "e"',
        b"X-Bytes: \xe9\xff",
    )
    head = b"GET //a/%2e%2E%41?c=d&c=%C3%A9 HTTP/1.1\r\nHost: shop.example:8000\r\n"
    await proxy.ask(head + b"\r\n".join(sent) + b"\r\nConnection: close\r\n\r\n")
    (seen,) = upstream.requests
    assert seen.method == "GET"
    assert seen.target == b"//a/%2e%2E%41?c=d&c=%C3%A9"
    passed = [b"%b: %b" % item for item in seen.raw_headers if item[0].lower() not in ADDED]
    assert passed == [b"Host: shop.example:8000", *(line.replace(b":  ", b": ") for line in sent)]
    assert {name for name in seen.headers if name in ADDED} == ADDED
    assert seen.headers[b"x-forwarded-for"] == b"127.0.0.1"
    assert seen.headers[b"x-forwarded-host"] == b"shop.example:8000"
    assert seen.headers[b"x-forwarded-port"] == b"8000"
    assert len(seen.headers[b"x-request-id"]) == 32


async def test_an_answer_reaches_the_client_unchanged(
    start_upstream: Any, start_proxy: Any
) -> None:
    answer = (
        b"HTTP/1.1 299 Fine \xe9nough\r\nserver: x\r\nSet-Cookie: a=1; Path=/\r\nX-B: \xe9\r\n"
        b'set-cookie: b=2\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\nETag: W/"1"\r\n\r\n\x1f\x8b\x00'
    )
    proxy = await start_proxy(await start_upstream(answer))
    assert await proxy.ask(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    ) == answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


async def test_hop_by_hop_headers_end_at_the_proxy(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream(
        b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
        b"Upgrade: h2c\r\nContent-Length: 0\r\n\r\n"
    )
    proxy = await start_proxy(upstream)
    answer = await proxy.get(
        "/", "TE: trailers", "Upgrade: websocket", "Connection: upgrade, x-mine", "X-Mine: 1"
    )
    assert [name for name, _ in answer.raw_headers] == [b"Content-Length"]
    assert set(upstream.requests[0].headers) == {b"host", *ADDED}


BODY = bytes(range(256)) * 2048  # 512 KiB


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_an_upload_arrives_whole_with_the_clients_framing(
    start_upstream: Any, start_proxy: Any, method: str, is_chunked: bool
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    framing = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(BODY)}"
    client.send(f"{method} /up HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode())
    for start in range(0, len(BODY), 50_000):
        piece = BODY[start : start + 50_000]
        client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
    if is_chunked:
        client.send(b"0\r\nX-Trailer: dropped\r\n\r\n")
    assert (await client.answer()).body == b"ok"
    (seen,) = upstream.requests
    assert seen.body == BODY
    assert (b"transfer-encoding" in seen.headers) is is_chunked
    assert (b"content-length" in seen.headers) is not is_chunked
    assert b"x-trailer" not in seen.headers
    # The connection goes on after the upload.
    assert (await client.get("/next")).status == 200


@pytest.mark.parametrize(
    ("answer", "expected_framing"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY, b"content-length"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"".join(
                b"4000\r\n%b\r\n" % BODY[i : i + 0x4000] for i in range(0, len(BODY), 0x4000)
            )
            + b"0\r\n\r\n",
            b"transfer-encoding",
        ),
    ],
)
async def test_a_download_arrives_whole_with_the_upstreams_framing(
    start_upstream: Any, start_proxy: Any, answer: bytes, expected_framing: bytes
) -> None:
    proxy = await start_proxy(await start_upstream(answer))
    client = await proxy.connect()
    for _ in range(2):
        got = await client.get()
        assert got.body == BODY
        assert expected_framing in got.headers


async def test_an_answer_that_its_connection_delimits_is_sent_in_chunks(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.0 200 OK\r\nX: y\r\n\r\n" + BODY)
        connection.close()

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    for _ in range(2):
        got = await client.get()
        assert got.body == BODY
        assert got.headers[b"transfer-encoding"] == b"chunked"


async def test_a_client_of_http_1_0_gets_no_chunks(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )
    proxy = await start_proxy(upstream)
    got = await proxy.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert got == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"
    assert upstream.requests[0].headers[b"host"] == b"127.0.0.1:%d" % upstream.port


async def test_a_client_of_http_1_0_may_keep_its_connection(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(await start_upstream())
    client = await proxy.connect()
    for _ in range(2):
        client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        got = await client.answer()
        assert (got.body, got.headers[b"connection"]) == (b"ok", b"keep-alive")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_answers_without_a_body_leave_the_connection_usable(
    start_upstream: Any, start_proxy: Any, status: bytes
) -> None:
    upstream = await start_upstream(b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n")
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    for _ in range(3):
        got = await client.get()
        assert (got.body, got.raw_headers) == (b"", [(b"ETag", b"x")])
    assert upstream.connections == 1


async def test_an_absolute_target_reaches_the_upstream_as_a_path(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    assert (await proxy.get("http://shop.example/a?b")).status == 200
    assert upstream.requests[0].target == b"/a?b"


async def test_a_body_that_waits_for_100_continue_is_asked_for_by_the_upstream(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue\r\n" in head
        await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await connection.reader.readexactly(5)
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hello")
    assert (await client.answer()).body == b"hello"


async def test_an_upstream_that_never_says_continue_still_gets_the_body(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    client.send(b"hello")  # as curl does after a second
    assert (await client.answer()).status == 200
    assert upstream.requests[0].body == b"hello"


async def test_interim_answers_are_passed_but_not_to_http_1_0(
    start_upstream: Any, start_proxy: Any
) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    proxy = await start_proxy(await start_upstream(hints + final))
    got = await proxy.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert got.startswith(hints + b"HTTP/1.1 200 OK")
    assert (await proxy.ask(b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")


async def test_a_trusted_proxy_is_believed(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, trusted_proxies=["127.0.0.0/8"])
    await proxy.get(
        "/", "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https", "X-Request-Id: abc"
    )
    (seen,) = upstream.requests
    assert seen.values(b"X-Forwarded-For") == [b"198.51.100.7, 127.0.0.1"]
    assert seen.values(b"X-Forwarded-Proto") == [b"https"]
    assert seen.values(b"X-Request-Id") == [b"abc"]


async def test_a_stranger_is_not_believed_and_that_is_counted(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    await proxy.get(
        "/",
        "X-Forwarded-For: 1.1.1.1",
        "X-Forwarded-Proto: https",
        "Fig_Shadow: x",
        "Fig-Shadow: x",
    )
    (seen,) = upstream.requests
    assert seen.values(b"X-Forwarded-For") == [b"127.0.0.1"]
    assert seen.values(b"X-Forwarded-Proto") == [b"http"]
    assert not [name for name in seen.headers if name.startswith((b"fig", b"x_"))]
    counts = {
        reason: proxy.count("dropped_headers", reason=reason)
        for reason in ("untrusted_forwarded", "folded", "fig")
    }
    assert counts == {"untrusted_forwarded": 2, "folded": 1, "fig": 1}


async def test_every_request_has_an_id_of_its_own(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    for _ in range(20):
        await client.get()
    assert len({seen.headers[b"x-request-id"] for seen in upstream.requests}) == 20
