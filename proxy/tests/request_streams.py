"""Streams of requests for Hypothesis: valid ones, the same ones damaged, and cut anywhere."""

from itertools import pairwise
from typing import Any

import h11
from hypothesis import strategies as st

Meaning = tuple[str, bytes, bytes]
"""Method, target and body of one request."""

_names = st.sampled_from([b"Accept", b"X-A", b"x-b", b"Content-Type", b"X_C", b"Referer"])
_values = st.from_regex(rb"[!-~]([ -~\x80-\xff]{0,20}[!-~])?", fullmatch=True)
_targets = st.from_regex(rb"/[a-z0-9&=?_-]{0,20}", fullmatch=True)
# Also bodies that would be requests, were they not bodies.
_bodies = st.binary(max_size=40) | st.sampled_from(
    [
        b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
)
# What has been used to make two servers read one stream differently.
_junk = st.sampled_from(
    [
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b"\0",
        b"\x0b",
        b":",
        b";",
        b",",
        b"0",
        b"-",
        b"+",
        b"_",
        b"0x",
        b"\xff",
    ]
) | st.sampled_from(
    [
        b"Content-Length: 3\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Connection: close\r\n",
        b"Connection: Content-Length\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"Expect: 100-continue\r\n",
        b"Host: b\r\n",
        b"chunked",
        b"0\r\n\r\n",
        b" HTTP/1.1\r\n",
        b" RTSP/1.0\r\n",
        b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
)


@st.composite
def requests(draw: Any) -> tuple[bytes, dict[str, Any]]:
    """One valid request as bytes, and what is in it."""
    target, body = draw(_targets), draw(_bodies)
    headers = draw(st.lists(st.tuples(_names, _values), max_size=4))
    framing = draw(st.sampled_from(["none", "length", "chunked"]))
    lines = [(b"Host", b"a"), *headers]
    wire = body
    if framing == "none":
        method, body, wire = "GET", b"", b""
    elif framing == "length":
        method = "POST"
        lines.append((b"Content-Length", b"%d" % len(body)))
    else:
        method = "PUT"
        lines.append((b"Transfer-Encoding", b"chunked"))
        wire = b"".join(
            b"%x\r\n%b\r\n" % (len(body[i : i + 7]), body[i : i + 7])
            for i in range(0, len(body), 7)
        )
        wire += b"0\r\n\r\n"
    head = b"%b %b HTTP/1.1\r\n" % (method.encode(), target)
    head += b"".join(b"%b: %b\r\n" % line for line in lines) + b"\r\n"
    kept = [line for line in lines if line[0] != b"Transfer-Encoding"]
    return head + wire, {"method": method, "target": target, "kept": kept, "body": body}


@st.composite
def damaged(draw: Any, stream: bytes) -> bytes:
    """``stream`` with one to four places where bytes were put in, taken out, doubled, changed, flipped or moved."""
    data = stream
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.integers(1, 12))
        how = draw(st.sampled_from(["put in", "take out", "double", "change", "flip", "splice"]))
        if how == "put in":
            data = data[:at] + draw(_junk) + data[at:]
        elif how == "take out":
            data = data[:at] + data[at + size :]
        elif how == "double":
            data = data[:at] + data[at : at + size] + data[at:]
        elif how == "change":
            data = data[:at] + draw(_junk)[:size] + data[at + size :]
        elif how == "flip":
            flipped = bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in data[at : at + 1])
            data = data[:at] + flipped + data[at + 1 :]
        else:
            # A part of one message in the midst of another, or of the same.
            start = draw(st.integers(0, len(data)))
            data = data[:at] + data[start : start + draw(st.integers(1, 80))] + data[at:]
    return data


@st.composite
def damaged_streams(draw: Any) -> bytes:
    """One to three valid requests, damaged."""
    sent = draw(st.lists(requests(), min_size=1, max_size=3))
    return draw(damaged(b"".join(wire for wire, _ in sent)))


places = st.lists(st.integers(0, 2000), max_size=8)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The bytes in pieces, cut at ``places``."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def read_by_h11(data: bytes) -> list[Meaning]:
    """The whole requests that h11 finds in ``data``, up to the first that it refuses or that ends the connection."""
    found: list[Meaning] = []
    while data:
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(data)
        try:
            request = connection.next_event()
            if not isinstance(request, h11.Request):
                break
            body = b""
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if not isinstance(event, h11.Data):
                    return found
                body += bytes(event.data)
        except h11.RemoteProtocolError:
            break
        found.append((request.method.decode(), bytes(request.target), body))
        data = bytes(connection.trailing_data[0])
        if connection.their_state is h11.MUST_CLOSE:
            break
    return found
