"""What upstreams may answer, and which connections must not be used again."""

from typing import Any

import pytest
from feeding import feed, feed_every_way

from stranglerfig.http1.failure import Failure, UpstreamError
from stranglerfig.http1.request_parser import END
from stranglerfig.http1.response_parser import MAX_RESPONSE_HEAD_BYTES, ResponseParser


def expecting(method: str = "GET") -> ResponseParser:
    parser = ResponseParser()
    parser.begin(is_head=method == "HEAD")
    return parser


def events(data: bytes, method: str = "GET") -> list[Any]:
    return feed_every_way(lambda: expecting(method), data)


def test_status_reason_and_headers_stay_as_they_are() -> None:
    data = (
        b"HTTP/1.1 299 Fine \xe9nough\r\nset-cookie: a=1\r\nX-B:  2\r\nSet-Cookie: b=2\r\n"
        b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nFig-Plan: lie\r\n"
        b"Content-Length: 2\r\n\r\nok"
    )
    head, body, end = events(data)
    assert (head["status"], head["reason"]) == (299, b"Fine \xe9nough")
    assert head["kept"] == [
        (b"set-cookie", b"a=1"),
        (b"X-B", b"2"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Length", b"2"),
    ]
    assert (body, end) == (b"ok", END)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_a_whole_answer_leaves_the_connection_usable(data: bytes) -> None:
    parser = expecting()
    assert feed(parser, [data])[1:] == [b"hello", END]
    assert parser.may_reuse
    assert events(data)[1:] == [b"hello", END]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nX",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\nsurprise",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_connection_that_ends_or_holds_more_bytes_is_not_used_again(data: bytes) -> None:
    for pieces in ([data], [data[:-1], data[-1:]]):
        parser = expecting()
        got = feed(parser, pieces)
        assert (len(got), got[-1]) == (2, END)
        assert not parser.may_reuse


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"hello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        b"5\r\nhello\r\n0\r\n\r\n",
    ],
)
@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X: y"])
def test_the_answer_to_head_ends_with_its_head_and_its_connection(
    framing: bytes, rest: bytes
) -> None:
    data = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + rest
    head, end = events(data, "HEAD")
    assert (head["status"], end) == (200, END)
    parser = expecting("HEAD")
    feed(parser, [data])
    assert not parser.may_reuse


def test_interim_answers_come_before_the_final_one() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    for method, rest in (("GET", [b"ok", END]), ("HEAD", [END])):
        got = events(interim + final, method)
        assert [event["status"] for event in got[:3]] == [100, 103, 200]
        assert [event["is_interim"] for event in got[:3]] == [True, True, False]
        assert got[3:] == rest


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 099 None\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        b"HTTP/1.1 200 OK\nX: a\n\n",
    ],
)
def test_what_is_no_clear_answer_is_an_error_of_the_upstream(data: bytes) -> None:
    assert events(data) == [Failure.BAD_RESPONSE]


def test_a_broken_body_is_a_cut_answer() -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"
    assert events(data)[1:] == [b"ok", Failure.CUT_RESPONSE]


def test_an_answer_without_framing_ends_with_the_connection() -> None:
    parser = expecting()
    got = feed(parser, [b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo"])
    assert got[1:] == [b"hello"]
    assert list(parser.eof()) == [END]
    assert not parser.may_reuse


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"", Failure.CLOSED_EARLY),
        (b"HTTP/1.1 200 OK\r\nConte", Failure.CLOSED_EARLY),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Failure.CLOSED_EARLY),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Failure.CUT_RESPONSE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Failure.CUT_RESPONSE),
    ],
)
def test_an_early_end_of_the_connection_is_an_error(data: bytes, failure: Failure) -> None:
    parser = expecting()
    feed(parser, [data] if data else [])
    with pytest.raises(UpstreamError) as caught:
        parser.eof()
    assert caught.value.failure is failure


@pytest.mark.parametrize(
    ("control", "is_shared"),
    [
        (b"public, max-age=60", True),
        (b"max-age=60, S-Maxage=5", True),
        (b"private, max-age=60", False),
        (b"no-store", False),
        (b"x-public", False),
    ],
)
def test_answers_for_shared_caches_are_recognised(control: bytes, is_shared: bool) -> None:
    data = b"HTTP/1.1 200 OK\r\nCache-Control: " + control + b"\r\nContent-Length: 0\r\n\r\n"
    assert events(data)[0]["is_shared"] is is_shared


def test_an_endless_head_is_an_error() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nX: ", *[b"x" * 65536] * 16]
    assert feed(expecting(), pieces) == [Failure.BAD_RESPONSE]
    assert feed(expecting(), pieces[: MAX_RESPONSE_HEAD_BYTES // 65536]) == []


def test_one_parser_reads_one_answer_after_the_other() -> None:
    parser = ResponseParser()
    for method in ("GET", "GET", "GET"):
        parser.begin(is_head=method == "HEAD")
        got = feed(parser, [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
        assert got[1:] == [b"ok", END]
        assert parser.may_reuse
