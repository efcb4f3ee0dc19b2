"""The tables of requests and answers, as the parsers alone read them: the same however the bytes are cut."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import request_tables
import response_tables
from feeding import cuts, feed

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.request_parser import END, RequestParser
from stranglerfig.http1.response_parser import ResponseParser

HEAD, CHUNKED = request_tables.HEAD, request_tables.CHUNKED
ANSWER = b"HTTP/1.1 200 OK\r\n"
# Refused when the path is looked at, not by the parser.
NOT_HERE = {"bad_path"}


def rows(table: dict[bytes, Any], make: Callable[[bytes], bytes]) -> Iterable[Any]:
    for row, outcome in table.items():
        yield pytest.param(make(row), outcome, id=repr(row[:40]))


REQUESTS = [
    *rows(request_tables.LENGTHS, lambda row: HEAD + row + b"\r\n\r\nhello"),
    *rows(request_tables.CODINGS, lambda row: HEAD + row + b"\r\n\r\n" + request_tables.CHUNKS),
    *rows(
        {
            row: request_tables.bad_body if content is None else content
            for row, content in request_tables.CHUNK_TRICKS.items()
        },
        lambda row: CHUNKED + row,
    ),
    *rows(request_tables.LINES, lambda row: row + b"\r\nHost: a\r\n\r\n"),
    *rows(
        request_tables.HEADERS,
        lambda row: b"GET / HTTP/1.1\r\nHost: a\r\n" + row + b"\r\n\r\n",
    ),
    *rows(request_tables.HOSTS, lambda row: b"GET / HTTP/1.1\r\n" + row + b"\r\n\r\n"),
]


def every_way(make: Callable[[], Any], data: bytes) -> list[Any]:
    """The events of ``data``, the same however it is cut; of a long one, at some places only."""
    if len(data) < 1000:
        pieces = cuts(data)
    else:
        pieces = [[data], *([data[:at], data[at:]] for at in (1, 30, 500, len(data) - 5))]
    first, *others = (feed(make(), each) for each in pieces)
    for other in others:
        assert other == first
    return first


@pytest.mark.parametrize(("data", "outcome"), REQUESTS)
def test_a_request(data: bytes, outcome: Any) -> None:
    events = every_way(RequestParser, data + request_tables.LAST)
    refusals = [event for event in events if isinstance(event, Failure)]
    heads = [event for event in events if isinstance(event, dict)]
    if isinstance(outcome, request_tables.Outcome) and outcome.refused not in {None, *NOT_HERE}:
        assert [refused.kind for refused in refusals] == [outcome.refused]
        assert events[-1] is refusals[0], "nothing behind a refused request is read"
        assert refusals[0].status == outcome.statuses[-1]
        return
    assert refusals == []
    is_closed = isinstance(outcome, request_tables.Outcome) and outcome.is_closed
    expected = 1 if is_closed and outcome.refused is None else 2
    assert len(heads) == expected
    if isinstance(outcome, bytes):
        body = b"".join(event for event in events if isinstance(event, bytes))
        assert (body, events[-2]) == (outcome, END)


ANSWERS = [
    *rows(response_tables.STATUS_LINES, lambda row: row + b"\r\nContent-Length: 5\r\n\r\nhello"),
    *rows(
        response_tables.HEADERS,
        lambda row: (
            ANSWER + row + b"\r\n\r\n" + (response_tables.HELLO if b"ransfer-" in row else b"hello")
        ),
    ),
    *rows(response_tables.CHUNKS, lambda row: response_tables.CHUNKED + row),
]


@pytest.mark.parametrize(("data", "outcome"), ANSWERS)
def test_an_answer(data: bytes, outcome: response_tables.Outcome) -> None:
    parsers: list[ResponseParser] = []

    def make() -> ResponseParser:
        parsers.append(ResponseParser())
        parsers[-1].begin(is_head=False)
        return parsers[-1]

    events = every_way(make, data)
    if outcome.error is not None:
        assert events[-1] is Failure[outcome.error.upper()]
        return
    final = [event for event in events if isinstance(event, dict)][-1]
    body = b"".join(event for event in events if isinstance(event, bytes))
    assert (final["status"], body, events[-1]) == (outcome.status, outcome.body, END)
    assert {parser.may_reuse for parser in parsers} == {outcome.is_kept}
    assert {parser.is_poisoned for parser in parsers} == {outcome.is_poisoned}
