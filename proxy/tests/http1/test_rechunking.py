"""However the network cuts a stream of requests, the same requests come out, and what is sent on is unambiguous.

The invariant: whatever bytes come, each request that is accepted goes on as bytes that h11, a stricter reader, takes for
exactly one request with the same method, target and body.
"""

from itertools import pairwise
from typing import Any

import h11
from feeding import feed
from hypothesis import given, settings
from hypothesis import strategies as st

from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import END, RequestParser
from stranglerfig.http1.writing import chunk, last_chunk, request_bytes

names = st.sampled_from([b"Accept", b"X-A", b"x-b", b"Content-Type", b"X_C", b"Referer"])
values = st.from_regex(rb"[!-~]([ -~\x80-\xff]{0,20}[!-~])?", fullmatch=True)
targets = st.from_regex(rb"/[a-z0-9%&=?._-]{0,20}", fullmatch=True)
bodies = st.binary(max_size=40)


@st.composite
def requests(draw: Any) -> tuple[bytes, dict[str, Any]]:
    """One valid request as bytes, and what is in it."""
    target, body = draw(targets), draw(bodies)
    headers = draw(st.lists(st.tuples(names, values), max_size=4))
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


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def gathered(events: list[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, dict):
            found.append({key: event[key] for key in ("method", "target", "kept")} | {"body": b""})
        elif isinstance(event, bytes):
            found[-1]["body"] += event
        else:
            assert event is END
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(0, 2000), max_size=8))
def test_any_cutting_gives_the_requests_that_were_sent(sent: list[Any], places: list[int]) -> None:
    data = b"".join(wire for wire, _ in sent)
    assert gathered(feed(RequestParser(), cut(data, places))) == [request for _, request in sent]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(requests(), min_size=1, max_size=3),
    st.integers(0, 2000),
    st.sampled_from(
        [
            b"\r",
            b"\n",
            b"\r\n",
            b" ",
            b"\0",
            b":",
            b"0",
            b"\t",
            b"Content-Length: 3\r\n",
            b"chunked",
            b"\x0b",
            b";",
        ]
    ),
)
def test_what_a_mutated_stream_sends_on_is_read_by_h11_as_the_same_requests(
    sent: list[Any], place: int, junk: bytes
) -> None:
    data = b"".join(wire for wire, _ in sent)
    place %= len(data) + 1
    events = RequestParser().feed(data[:place] + junk + data[place:])
    for index, head in enumerate(events):
        if isinstance(head, RequestHead):
            body = body_of(events[index + 1 :]) if head.has_body else b""
            if body is not None:
                assert read_by_h11(forwarded(head, body)) == (head.method, head.target, body)


def body_of(events: list[Any]) -> bytes | None:
    """The body up to its end; None if it was refused or is not whole."""
    body = b""
    for event in events:
        if event is END:
            return body
        if not isinstance(event, bytes):
            return None
        body += event
    return None


def forwarded(head: RequestHead, body: bytes) -> bytes:
    if head.is_chunked:
        body = (chunk(body) if body else b"") + last_chunk()
    return request_bytes(head, b"", "a") + body


def read_by_h11(data: bytes) -> tuple[str, bytes, bytes]:
    """The one request in ``data``; fails if there is more or less than one."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request = connection.next_event()
    assert isinstance(request, h11.Request)
    body = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data), "not whole"
        body += bytes(event.data)
    assert connection.trailing_data[0] == b""
    return request.method.decode(), request.target, body
