"""What an upstream may answer, whole and byte by byte: an answer is passed on, or is 502 or cut, and nobody else gets any of it."""

import asyncio
from typing import Any

import h11
import pytest
from response_tables import (
    CHUNKED,
    CHUNKS,
    HEADERS,
    HELLO,
    OK,
    STATUS_LINES,
    Outcome,
    cut,
    ended,
    poisoned,
    unusable,
)
from waiting import within


async def check(
    start_upstream: Any,
    start_proxy: Any,
    answer: bytes,
    expected: Outcome,
    *,
    method: str = "GET",
    ends: bool = False,
) -> None:
    """Let the upstream give ``answer`` on its first connection, and honest ones on the others; ``ends``: it hangs up."""
    for step in (len(answer), 1):
        if step == 1 and len(answer) > 10_000:
            return
        upstream = await start_upstream(scripted(answer, step, ends=ends))
        proxy = await start_proxy(upstream)
        poisoned_before, errors_before = counted(proxy, "poisoned"), proxy.counts("errors")
        client = await proxy.connect()
        client.send(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        try:
            got = await within(client.answer(method))
        except h11.RemoteProtocolError:
            status, body = 200, None
        else:
            status, body = got.status, got.body if got.status < 500 else None
            # A failure before the answer, and its end, leave the client's connection as it was.
            assert (await within(client.get("/next"))).body == b"ok"
        assert (status, body) == (expected.status, expected.body)
        assert (await within(proxy.get("/other"))).body == b"ok"
        assert (upstream.connections == 1) is expected.is_kept
        assert counted(proxy, "poisoned") - poisoned_before == expected.is_poisoned
        errors = {
            key[0]: n for key, n in proxy.counts("errors").items() if n > errors_before.get(key, 0)
        }
        assert list(errors) == ([] if expected.error is None else [expected.error])


def counted(proxy: Any, use: str) -> int:
    return int(proxy.count("upstream_connections", upstream="monolith", use=use))


def scripted(answer: bytes, step: int, *, ends: bool) -> Any:
    async def handle(connection: Any) -> None:
        is_first = connection.number == 1
        while await connection.request() is not None:
            if not is_first:
                await connection.send(OK)
                continue
            is_first = False
            for at in range(0, len(answer), step):
                await connection.send(answer[at : at + step])
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            if ends:
                return

    return handle


@pytest.mark.parametrize("line", STATUS_LINES, ids=repr)
async def test_a_status_line(start_upstream: Any, start_proxy: Any, line: bytes) -> None:
    answer = line + b"\r\nContent-Length: 5\r\n\r\nhello"
    await check(start_upstream, start_proxy, answer, STATUS_LINES[line])


@pytest.mark.parametrize("lines", HEADERS, ids=lambda lines: repr(lines[:60]))
async def test_headers(start_upstream: Any, start_proxy: Any, lines: bytes) -> None:
    body = HELLO if b"ransfer-" in lines else b"hello"
    answer = b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n\r\n" + body
    await check(start_upstream, start_proxy, answer, HEADERS[lines])


@pytest.mark.parametrize("chunks", CHUNKS, ids=lambda chunks: repr(chunks[:48]))
async def test_chunks(start_upstream: Any, start_proxy: Any, chunks: bytes) -> None:
    await check(start_upstream, start_proxy, CHUNKED + chunks, CHUNKS[chunks])


@pytest.mark.parametrize("behind", [b"x", OK, b"HTTP/1.1 408 Late\r\n\r\n"])
async def test_bytes_behind_an_answer(start_upstream: Any, start_proxy: Any, behind: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" + behind
    await check(start_upstream, start_proxy, answer, poisoned)


async def test_an_empty_line_behind_an_answer_is_no_part_of_the_next(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(await start_upstream(OK + b"\r\n"))
    for _ in range(3):
        assert (await within(proxy.get())).body == b"ok"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5\r\n", b"hello"),
        (b"Transfer-Encoding: chunked\r\n", HELLO),
        (b"", b"hello"),
        (b"", OK),
    ],
)
async def test_a_body_where_none_may_be_goes_nowhere(
    start_upstream: Any, start_proxy: Any, status: int, framing: bytes, body: bytes
) -> None:
    answer = b"HTTP/1.1 %d x\r\n%b\r\n%b" % (status, framing, body)
    await check(start_upstream, start_proxy, answer, Outcome(status, b"", is_poisoned=True))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        # HTTP/1.0 knows no chunks; the upstream that sends them means something by them that we can't know.
        (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO, unusable),
        (
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
            + HELLO,
            unusable,
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", ended),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello", ended),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", ended),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", cut),
        (CHUNKED + b"5\r\nhello\r\n", cut),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", cut),
        (CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n", cut),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Outcome(502, None, "closed_early")),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Outcome(502, None, "closed_early")),
        (b"HTT", Outcome(502, None, "closed_early")),
    ],
    ids=repr,
)
async def test_the_end_of_the_upstreams_connection(
    start_upstream: Any, start_proxy: Any, answer: bytes, expected: Outcome
) -> None:
    await check(start_upstream, start_proxy, answer, expected, ends=True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Outcome(200, b"")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Outcome(200, b"")),
        (CHUNKED + HELLO, Outcome(200, b"")),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
            Outcome(204, b""),
        ),
        (b"HTTP/1.1 200 OK\nContent-Length: 5\n\n", unusable),
        (b"HTTP/1.1 600 x\r\n\r\n", unusable),
        (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", unusable),
    ],
    ids=repr,
)
async def test_answers_to_head(
    start_upstream: Any, start_proxy: Any, answer: bytes, expected: Outcome
) -> None:
    await check(start_upstream, start_proxy, answer, expected, method="HEAD")
