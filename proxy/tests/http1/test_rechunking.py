"""One client request is at most one upstream request, with the same meaning: whatever bytes come, and however they are cut.

h11, which shares nothing with llhttp, says what a request means: what was sent on must be to it what it was to us, and what
the client sent must not have been something else to it.
"""

from typing import Any

from feeding import feed
from hypothesis import given, settings
from hypothesis import strategies as st
from request_streams import Meaning, cut, damaged_streams, places, read_by_h11, requests

from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import END, RequestParser
from stranglerfig.http1.writing import chunk, last_chunk, request_bytes


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
@given(st.lists(requests(), min_size=1, max_size=4), places)
def test_any_cutting_gives_the_requests_that_were_sent(sent: list[Any], at: list[int]) -> None:
    data = b"".join(wire for wire, _ in sent)
    assert gathered(feed(RequestParser(), cut(data, at))) == [request for _, request in sent]


@settings(max_examples=300, deadline=None)
@given(damaged_streams(), places)
def test_any_cutting_of_a_damaged_stream_gives_the_same(data: bytes, at: list[int]) -> None:
    assert feed(RequestParser(), cut(data, at)) == feed(RequestParser(), [data])


@settings(max_examples=600, deadline=None)
@given(damaged_streams())
def test_what_goes_on_of_a_damaged_stream_means_to_h11_what_it_meant_to_us(data: bytes) -> None:
    ours = whole_requests(RequestParser().feed(data))
    sent_on = b"".join(forwarded(head, body) for head, body in ours)
    meanings: list[Meaning] = [(head.method, head.target, body) for head, body in ours]
    assert read_by_h11(sent_on) == meanings
    # h11 refuses other things than we do; but nothing may be one thing to it and another to us.
    for mine, theirs in zip(meanings, read_by_h11(data), strict=False):
        assert mine == theirs


def whole_requests(events: list[Any]) -> list[tuple[RequestHead, bytes]]:
    """The requests that were read to their end."""
    found: list[tuple[RequestHead, bytes]] = []
    for index, head in enumerate(events):
        if isinstance(head, RequestHead):
            body = body_of(events[index + 1 :]) if head.has_body else b""
            if body is not None:
                found.append((head, body))
    return found


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
    return request_bytes(head, b"", lambda: "a") + body
