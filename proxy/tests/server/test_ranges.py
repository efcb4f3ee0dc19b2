"""Ranges (RFC 9110 section 14) are the business of client and upstream: both ways they pass unchanged."""

from typing import Any

import pytest

ASKED = [
    ("Range: bytes=0-4",),
    ("Range: bytes=-3", 'If-Range: "v1"'),
    ("Range: bytes=0-0,5-6", "If-Range: Wed, 21 Oct 2015 07:28:00 GMT"),
    ("Range: lines=1-2",),
    ("range:bytes=9999-",),
]
PARTS = (
    b"--x\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n"
    b"--x\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-6/10\r\n\r\n56\r\n--x--\r\n"
)
ANSWERS = {
    "a part": (
        206,
        b"Partial Content",
        [(b"Accept-Ranges", b"bytes"), (b"ETag", b'"v1"'), (b"Content-Range", b"bytes 0-4/10")],
        b"01234",
    ),
    "several parts": (
        206,
        b"Partial Content",
        [(b"Content-Type", b"multipart/byteranges; boundary=x")],
        PARTS,
    ),
    "a part of unknown length": (
        206,
        b"Partial Content",
        [(b"Content-Range", b"bytes 7-9/*")],
        b"789",
    ),
    "none": (416, b"Range Not Satisfiable", [(b"Content-Range", b"bytes */10")], b"no such part"),
    "all": (200, b"OK", [(b"ETag", b'"v2"')], b"0123456789"),
}


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(("status", "reason", "headers", "body"), ANSWERS.values(), ids=ANSWERS)
async def test_a_range_is_asked_for_and_answered_unchanged(
    start_upstream: Any,
    start_proxy: Any,
    status: int,
    reason: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    is_chunked: bool,
) -> None:
    framing = (b"Content-Length", b"%d" % len(body))
    content = body
    if is_chunked:
        framing = (b"Transfer-Encoding", b"chunked")
        content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    lines = b"".join(b"%b: %b\r\n" % header for header in [*headers, framing])
    upstream = await start_upstream(
        b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, reason, lines, content)
    )
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    for asked in ASKED:
        answer = await client.get("/film", *asked)
        assert (answer.status, answer.reason, answer.body) == (status, reason, body)
        assert answer.raw_headers == [*headers, framing]
        seen = upstream.requests[-1].raw_headers
        for header in asked:
            name, _, value = header.partition(":")
            assert (name.encode(), value.strip().encode()) in seen
