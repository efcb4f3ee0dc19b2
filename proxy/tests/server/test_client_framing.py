"""Where a request ends: unambiguous or refused, so that one client request is never two upstream requests."""

from typing import Any

import pytest
import wire
from request_tables import (
    CHUNK_TRICKS,
    CHUNKED,
    CHUNKS,
    CODINGS,
    HEAD,
    HELLO,
    LENGTHS,
    NOTHING,
    Outcome,
    bad,
    bad_body,
    no_coding,
    passed,
)


@pytest.mark.parametrize("lines", LENGTHS, ids=lambda lines: repr(lines[:60]))
async def test_a_length(start_upstream: Any, start_proxy: Any, lines: bytes) -> None:
    sent = HEAD + lines + b"\r\n\r\nhello"
    rests = await wire.check(start_upstream, start_proxy, sent, lambda _: LENGTHS[lines])
    assert rests == []


@pytest.mark.parametrize("lines", CODINGS, ids=repr)
async def test_a_coding(start_upstream: Any, start_proxy: Any, lines: bytes) -> None:
    def expect(way: str) -> Outcome:
        # Chunks are made anew of what was read.
        seen = [each.replace(CHUNKS, anew(b"hello", way)) for each in CODINGS[lines].seen]
        return CODINGS[lines]._replace(seen=seen)

    sent = HEAD + lines + b"\r\n\r\n" + CHUNKS
    assert await wire.check(start_upstream, start_proxy, sent, expect) == []


def anew(content: bytes, way: str) -> bytes:
    """The chunks of a body as the proxy makes them of what it read."""
    if way == "whole":
        chunks = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
    else:
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in content)
    return chunks + b"0\r\n\r\n"


@pytest.mark.parametrize("body", CHUNK_TRICKS, ids=lambda body: repr(body[:48]))
async def test_chunks(start_upstream: Any, start_proxy: Any, body: bytes) -> None:
    def expect(way: str) -> Outcome:
        content = CHUNK_TRICKS[body]
        return bad_body if content is None else passed(CHUNKED + anew(content, way))

    for rest in await wire.check(start_upstream, start_proxy, CHUNKED + body, expect):
        # Half a request at most: its head, and chunks of which each says that more is to come.
        assert CHUNK_TRICKS[body] is None
        assert CHUNKED.startswith(rest[: len(CHUNKED)])
        assert not rest.endswith(b"0\r\n\r\n")
        assert b"smuggled" not in rest


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # HTTP/1.0 knows no chunks: whoever sends them means something else by them than we do.
        (b"Transfer-Encoding: chunked\r\n", bad),
        (b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", bad),
        (b"Transfer-Encoding: gzip\r\n", no_coding),
        (b"Content-Length: 15\r\nTransfer-Encoding: chunked\r\n", bad),
        # No length is no body, and no keep-alive is the end: what follows is nobody's.
        (b"", Outcome([200], True, [NOTHING])),
        (
            b"Content-Length: 15\r\n",
            Outcome([200], True, [HEAD + b"Content-Length: 15\r\n\r\n" + CHUNKS]),
        ),
    ],
)
async def test_framing_in_http_1_0(
    start_upstream: Any, start_proxy: Any, lines: bytes, expected: Outcome
) -> None:
    sent = b"POST / HTTP/1.0\r\nHost: a\r\n" + lines + b"\r\n" + CHUNKS
    assert await wire.check(start_upstream, start_proxy, sent, lambda _: expected) == []


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"QUERY"])
async def test_a_body_is_read_whatever_the_method(
    start_upstream: Any, start_proxy: Any, method: bytes
) -> None:
    sent = HELLO.replace(b"POST", method)
    assert await wire.check(start_upstream, start_proxy, sent, lambda _: passed(sent)) == []
