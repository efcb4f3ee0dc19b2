"""RTSP is refused wherever a request may begin, and the same words elsewhere are nobody's request."""

from collections.abc import Callable

import pytest
from feeding import feed_every_way

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.request_parser import END, RequestParser

Frame = Callable[[bytes], bytes]

NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
RTSP = NEXT.replace(b"HTTP/1.1", b"RTSP/1.0")
BODIES = {
    "a line": b"\nGET /next RTSP/1.0\r\n",
    "the line in the middle": b"x\r\nGET /next RTSP/1.0\r\n\r\nx",
    "a whole request": RTSP,
    "a request and a half": RTSP + RTSP[:30],
}
PIECES: dict[str, Frame] = {
    "one length": lambda body: b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
    "one chunk": lambda body: (
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    ),
}


@pytest.mark.parametrize("frame", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_speaks_of_rtsp_does_not_make_the_next_request_one(
    body: bytes, frame: Frame
) -> None:
    data = b"POST /a HTTP/1.1\r\nHost: a\r\n" + frame(body) + NEXT
    first, content, end, second = feed_every_way(RequestParser, data)
    assert (first["target"], content, end, second["target"]) == (b"/a", body, END, b"/next")


@pytest.mark.parametrize("frame", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("body", [b"abc", b"abc\n", NEXT, *BODIES.values()])
@pytest.mark.parametrize("between", [b"", b"\r\n"])
def test_rtsp_behind_a_body_is_refused(body: bytes, frame: Frame, between: bytes) -> None:
    data = b"POST /a HTTP/1.1\r\nHost: a\r\n" + frame(body) + between + RTSP + NEXT
    _, content, end, refused = feed_every_way(RequestParser, data)
    assert (content, end, refused) == (body, END, Failure.BAD_VERSION)


def test_what_stands_behind_the_line_tells_a_body_in_many_chunks() -> None:
    chunks = b"14\r\nGET /next RTSP/1.0\r\n\r\n1\r\n\n\r\n0\r\n\r\n"
    top = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    *_, end, second = feed_every_way(RequestParser, top + chunks + NEXT)
    assert (end, second["target"]) == (END, b"/next")


def test_rtsp_without_a_header_is_refused() -> None:
    data = NEXT + b"GET /next RTSP/1.0\r\n\r\n"
    assert feed_every_way(RequestParser, data)[1:] == [Failure.BAD_VERSION]


@pytest.mark.parametrize("frame", PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_rtsp_behind_a_request_says_nothing_of_that_one(body: bytes, frame: Frame) -> None:
    data = NEXT + b"POST /a HTTP/1.1\r\nHost: a\r\n" + frame(body) + NEXT + RTSP
    first, posted, content, end, second, refused = feed_every_way(RequestParser, data)
    assert [each["target"] for each in (first, posted, second)] == [b"/next", b"/a", b"/next"]
    assert (content, end, refused) == (body, END, Failure.BAD_VERSION)


def test_a_refused_head_is_refused_for_itself_whatever_follows() -> None:
    data = NEXT.replace(b"Host: a", b"Host: a /") + RTSP
    assert feed_every_way(RequestParser, data) == [Failure.BAD_HOST]


@pytest.mark.parametrize(
    "body",
    [b"\r\n\r\n" * 16_000 + b" RTSP/", b" RTSP/" * 10_000, b" RTSP/\r\n" * 8_000 + b"\r\n"],
)
def test_a_body_of_ends_of_heads_is_read_in_few_pieces(body: bytes) -> None:
    """Each piece is looked at from its beginning: many of them would hold up everybody else."""
    pieces: list[int] = []

    class Counting(RequestParser):
        def _stop(self, text: bytes, begin: int, at: int) -> int:
            pieces.append(len(text) - begin)
            return super()._stop(text, begin, at)

    top = b"POST /a HTTP/1.1\r\nHost: a\r\n"
    data = top + PIECES["one chunk"](body) + NEXT
    _, content, end, _ = Counting().feed(data)
    assert (content, end) == (body, END)
    assert 0 < sum(pieces) < 4 * len(data)
