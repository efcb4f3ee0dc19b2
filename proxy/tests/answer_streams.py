"""Streams of an upstream's answers for Hypothesis: a valid one, with what may come before and behind it, and damaged."""

from typing import Any

from hypothesis import strategies as st
from request_streams import damaged

_headers = st.sampled_from(
    [
        b"Content-Type: text/html",
        b"Set-Cookie: a=b; Path=/",
        b"Connection: close",
        b"Connection: keep-alive, X-A",
        b"X-A: \x80\xff\ty",
        b"Cache-Control: public, max-age=9",
        b"Fig-Plan: forged",
    ]
)
_bodies = st.binary(max_size=40) | st.sampled_from(
    [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", b"0\r\n\r\n", b"\r\n"]
)
_interim = st.sampled_from([b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])  # fmt: skip
_behind = st.sampled_from([b"", b"", b"x", b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"])  # fmt: skip


@st.composite
def answers(draw: Any) -> bytes:
    """One final answer; sometimes an interim one before it, or bytes behind it that nobody asked for."""
    status = draw(st.sampled_from([b"200 OK", b"204 No Content", b"304 Not Modified", b"404 ", b"503 Busy"]))  # fmt: skip
    version = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"]))
    lines = draw(st.lists(_headers, max_size=3))
    body = draw(_bodies)
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    if framing == "length":
        lines.append(b"Content-Length: %d" % len(body))
    elif framing == "chunked":
        lines.append(b"Transfer-Encoding: chunked")
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    head = b"\r\n".join([version + b" " + status, *lines, b"", b""])
    return bytes(draw(_interim) + head + body + draw(_behind))


damaged_answers = answers().flatmap(damaged)
