"""Where a request ends: unambiguous or refused, so that one client request is never two upstream requests."""

from typing import Any

import pytest
import wire
from wire import Outcome, passed, refused

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
HELLO = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
NOTHING = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"

bad = refused(400, "bad_framing")
malformed = refused(400, "malformed_head")
bad_body = refused(400, "bad_body")
too_large = refused(413, "body_too_large")
no_coding = refused(501, "bad_coding")
# Without a length the body's bytes are the next request, which they are not.
no_length = Outcome([200, 501], True, [NOTHING], "bad_method")

LENGTHS: dict[bytes, Outcome] = {
    b"Content-Length: 5": passed(HELLO),
    b"content-length:5": passed(HELLO.replace(b"Content-Length", b"content-length")),
    b"Content-Length: \t5 \t": passed(HELLO),
    b"Content-Length: 05": passed(HELLO),
    b"Content-Length: " + b"0" * 40 + b"5": passed(HELLO),
    b"Content-Length: " + b"0" * 5000 + b"5": passed(HELLO),
    b"Content-Length: 5\r\nContent-Length: 5": bad,
    b"Content-Length: 5\r\nContent-Length: 6": bad,
    b"Content-Length: 5\r\nX: y\r\ncontent-length: 0": bad,
    b"Content-Length: 5, 5": bad,
    b"Content-Length: 5,": bad,
    b"Content-Length: ,5": bad,
    b"Content-Length: 5 5": bad,
    b"Content-Length: 5;": bad,
    b"Content-Length: +5": bad,
    b"Content-Length: -5": bad,
    b"Content-Length: -0": bad,
    b"Content-Length: 0x5": bad,
    b"Content-Length: 5e0": bad,
    b"Content-Length: 5.0": bad,
    b'Content-Length: "5"': bad,
    b"Content-Length: \xb2": bad,
    b"Content-Length: five": bad,
    b"Content-Length:": bad,
    b"Content-Length: \x0b5": bad,
    b"Content-Length: 5\x00": bad,
    b"Content-Length : 5": malformed,
    b"Content-Length\t: 5": malformed,
    b" Content-Length: 5": malformed,
    b"Content-Length: \r\n 5": malformed,
    b"X: y\nContent-Length: 5": malformed,
    b"X: y\rContent-Length: 5": malformed,
    b"Content-Length: 9223372036854775808": too_large,
    b"Content-Length: 18446744073709551615": too_large,
    b"Content-Length: 18446744073709551616": too_large,
    b"Content-Length: " + b"9" * 5000: too_large,
    # Nobody but WSGI takes these for what they look like, so they go no further.
    b"Content_Length: 5": no_length,
    b"Transfer_Encoding: chunked": no_length,
}

CODINGS: dict[bytes, Outcome] = {
    b"Transfer-Encoding: chunked": passed(CHUNKED + CHUNKS),
    b"transfer-encoding:CHUNKED": passed(CHUNKED + CHUNKS),
    b"Transfer-Encoding: \tchunked ": passed(CHUNKED + CHUNKS),
    b"Transfer-Encoding: chunked\r\nContent_Length: 3": passed(CHUNKED + CHUNKS),
    b"Content-Length: 15\r\nTransfer-Encoding: chunked": bad,
    b"Transfer-Encoding: chunked\r\nContent-Length: 15": bad,
    b"Transfer-Encoding: chunked\r\nContent-Length: 0": bad,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked": bad,
    b"Transfer-Encoding: chunked, chunked": bad,
    b"Transfer-Encoding: chunked,": bad,
    b"Transfer-Encoding: chunked, identity": bad,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity": bad,
    b"Transfer-Encoding:": bad,
    b"Transfer-Encoding: identity": no_coding,
    b"Transfer-Encoding: gzip": no_coding,
    b"Transfer-Encoding: gzip, chunked": no_coding,
    b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked": no_coding,
    b"Transfer-Encoding: xchunked": no_coding,
    b"Transfer-Encoding: chunkedx": no_coding,
    b"Transfer-Encoding: chunked\t": no_coding,
    b"Transfer-Encoding: ,chunked": no_coding,
    b"Transfer-Encoding: chunked;q=1": no_coding,
    b'Transfer-Encoding: "chunked"': no_coding,
    b"Transfer-Encoding: chunked\xa0": no_coding,
    b"Transfer-Encoding: \x0bchunked": malformed,
    b"Transfer-Encoding: chunked\x00": malformed,
    b"Transfer-Encoding : chunked": malformed,
    b"Transfer Encoding: chunked": malformed,
    b"\x00Transfer-Encoding: chunked": malformed,
    b"Transfer-Encoding:\r\n chunked": malformed,
    b"X: y\nTransfer-Encoding: chunked": malformed,
    # These say nothing of this message.
    b"TE: chunked": no_length,
    b"X-Transfer-Encoding: chunked": no_length._replace(
        seen=[NOTHING.replace(b"\r\n\r\n", b"\r\nX-Transfer-Encoding: chunked\r\n\r\n")]
    ),
}


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


# What comes behind the head of a request in chunks -> the body that the upstream sees, None if it sees no whole one.
CHUNK_TRICKS: dict[bytes, bytes | None] = {
    CHUNKS: b"hello",
    b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n": b"hello",
    b"0005\r\nhello\r\n000\r\n\r\n": b"hello",
    b"0" * 40 + b"5\r\nhello\r\n0\r\n\r\n": b"hello",
    b"A\r\nhellohello\r\n0\r\n\r\n": b"hellohello",
    b"a\r\n0\r\n\r\nGET /\r\n0\r\n\r\n": b"0\r\n\r\nGET /",
    b"0\r\n\r\n": b"",
    b"5;a\r\nhello\r\n0;b=c\r\n\r\n": b"hello",
    b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n': b"hello",
    b"5\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n": b"hello",
    b"5\r\nhello\r\n0\r\nHost: b\r\nAuthorization: x\r\n\r\n": b"hello",
    # sizes
    b"\r\n" + CHUNKS: None,
    b";a\r\nhello\r\n0\r\n\r\n": None,
    b"+5\r\nhello\r\n0\r\n\r\n": None,
    b"-5\r\nhello\r\n0\r\n\r\n": None,
    b" 5\r\nhello\r\n0\r\n\r\n": None,
    b"5 \r\nhello\r\n0\r\n\r\n": None,
    b"5\t\r\nhello\r\n0\r\n\r\n": None,
    b"5 ;a=b\r\nhello\r\n0\r\n\r\n": None,
    b"0x5\r\nhello\r\n0\r\n\r\n": None,
    b"5_0\r\nhello\r\n0\r\n\r\n": None,
    b"g\r\nhello\r\n0\r\n\r\n": None,
    b"5,\r\nhello\r\n0\r\n\r\n": None,
    b"\xb2\r\nhello\r\n0\r\n\r\n": None,
    b"10000000000000005\r\nhello\r\n0\r\n\r\n": None,
    b"f" * 17 + b"\r\nhello": None,
    # ends of lines
    b"5\nhello\r\n0\r\n\r\n": None,
    b"5\rhello\r\n0\r\n\r\n": None,
    b"5\r\r\nhello\r\n0\r\n\r\n": None,
    b"5\r\nhello\n0\r\n\r\n": None,
    b"5\r\nhello\r0\r\n\r\n": None,
    b"5\r\nhello0\r\n\r\n": None,
    b"5\r\nhelloXX0\r\n\r\n": None,
    b"4\r\nhello\r\n0\r\n\r\n": None,
    b"6\r\nhello\r\n0\r\n\r\n": None,
    b"5\r\nhello\r\n0\n\n": None,
    b"5\r\nhello\r\n0\r\n\n": None,
    b"5\r\nhello\r\n0\r\n\r": None,
    # extensions
    b"5;\r\nhello\r\n0\r\n\r\n": None,
    b"5; a=b\r\nhello\r\n0\r\n\r\n": None,
    b"5;a\nhello\r\n0\r\n\r\n": None,
    b"5;a\rb\r\nhello\r\n0\r\n\r\n": None,
    b"5;a\x00\r\nhello\r\n0\r\n\r\n": None,
    b'5;a="\n"\r\nhello\r\n0\r\n\r\n': None,
    # trailers
    b"5\r\nhello\r\n0\r\nX : y\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\n X: y\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nX: y\n\r\n": None,
    b"5\r\nhello\r\n0\r\nX: a\rb\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nX: \x00\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nX\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nConnection: close\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nX: " + b"y" * 70_000 + b"\r\n\r\n": None,
}


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
