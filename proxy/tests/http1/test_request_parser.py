"""What a client may send, and what is refused before anything of it goes further."""

import pytest
from feeding import feed, feed_every_way

from stranglerfig.http1.failure import ClientError, Failure
from stranglerfig.http1.request_parser import END, MAX_HEAD_BYTES, RequestParser

HOST = b"Host: shop.example\r\n"


def events(data: bytes) -> list:
    return feed_every_way(RequestParser, data)


def refusal(data: bytes) -> Failure | None:
    last = events(data)[-1:]
    return last[0] if last and isinstance(last[0], Failure) else None


def test_a_request_without_a_body_is_one_head() -> None:
    (head,) = events(
        b"GET /a?b=%20 HTTP/1.1\r\n" + HOST + b"X-Odd:  two  words \r\nx-odd: 2\r\n\r\n"
    )
    assert head["method"] == "GET"
    assert head["target"] == b"/a?b=%20"
    assert head["kept"] == [
        (b"Host", b"shop.example"),
        (b"X-Odd", b"two  words "),
        (b"x-odd", b"2"),
    ]
    assert head["keep_alive"]


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5", b"hello"),
        (b"content-length:5 ", b"hello"),
        (b"Transfer-Encoding: chunked", b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n"),
        (b"transfer-encoding: CHUNKED ", b"5\r\nhello\r\n0\r\nTrailer: dropped\r\n\r\n"),
    ],
)
def test_a_body_is_given_without_its_framing(framing: bytes, body: bytes) -> None:
    got = events(b"POST / HTTP/1.1\r\n" + HOST + framing + b"\r\n\r\n" + body)
    assert got[1:] == [b"hello", END]


def test_pipelined_requests_come_in_order() -> None:
    data = (
        b"GET /1 HTTP/1.1\r\n" + HOST + b"\r\n"
        b"POST /2 HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\nab"
        b"GET /3 HTTP/1.1\r\n" + HOST + b"\r\n"
    )
    one, two, body, end, three = events(data)
    assert [one["target"], two["target"], three["target"]] == [b"/1", b"/2", b"/3"]
    assert (body, end) == (b"ab", END)


@pytest.mark.parametrize(
    ("request_line", "headers", "keep_alive"),
    [
        (b"GET / HTTP/1.1", b"", True),
        (b"GET / HTTP/1.1", b"Connection: close\r\n", False),
        (b"GET / HTTP/1.1", b"Connection: X-Foo, Close\r\n", False),
        (b"GET / HTTP/1.0", b"", False),
        (b"GET / HTTP/1.0", b"Connection: keep-alive\r\n", True),
        # An old name of Connection, which ends a connection and says nothing else.
        (b"GET / HTTP/1.1", b"Proxy-Connection: close\r\n", False),
        (b"GET / HTTP/1.1", b"proxy-connection: x,\tClose\r\n", False),
        (b"GET / HTTP/1.1", b"Connection: keep-alive\r\nProxy-Connection: close\r\n", False),
        (b"GET / HTTP/1.1", b"Proxy-Connection: keep-alive, Host\r\n", True),
        (b"GET / HTTP/1.0", b"Proxy-Connection: keep-alive\r\n", False),
    ],
)
def test_the_connection_is_kept_as_the_client_says(
    request_line: bytes, headers: bytes, keep_alive: bool
) -> None:
    (head,) = events(request_line + b"\r\n" + HOST + headers + b"\r\n")
    assert head["keep_alive"] is keep_alive


@pytest.mark.parametrize(
    "start",
    [
        b"GET /1 HTTP/1.1\r\nConnection: close\r\n",
        b"GET /1 HTTP/1.1\r\nProxy-Connection: close\r\n",
        # llhttp would read on behind these.
        b"GET /1 HTTP/1.0\r\nConnection: close, keep-alive\r\n",
        b"GET /1 HTTP/1.0\r\nProxy-Connection: keep-alive\r\n",
    ],
)
def test_nothing_after_a_request_that_ends_the_connection_is_read(start: bytes) -> None:
    data = start + HOST + b"\r\nGET /2 HTTP/1.1\r\n" + HOST + b"\r\n"
    assert [event["target"] for event in events(data)] == [b"/1"]


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"


def test_a_request_that_asks_for_an_upgrade_is_an_ordinary_one() -> None:
    data = b"GET /1 HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\nGET /2 HTTP/1.1\r\n" + HOST + b"\r\n"
    one, two = events(data)
    assert (one["target"], two["target"]) == (b"/1", b"/2")
    assert one["kept"] == [(b"Host", b"shop.example")]


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 3\r\n", b"abc"),
        (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
    ],
)
def test_the_body_of_an_upgrade_request_is_not_the_next_request(
    framing: bytes, body: bytes
) -> None:
    data = b"POST /1 HTTP/1.1\r\n" + HOST + UPGRADE + framing + b"\r\n" + body
    one, content, end, two = events(data + b"GET /2 HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (one["target"], content, end, two["target"]) == (b"/1", b"abc", END, b"/2")


def test_thousands_of_pipelined_upgrades_are_no_recursion() -> None:
    data = (b"GET / HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n") * 3000
    assert len(RequestParser().feed(data)) == 3000


REFUSED = {
    "repeated length": (b"Content-Length: 1\r\nContent-Length: 1", Failure.BAD_FRAMING),
    "differing lengths": (b"Content-Length: 1\r\nContent-Length: 2", Failure.BAD_FRAMING),
    "list of lengths": (b"Content-Length: 1, 1", Failure.BAD_FRAMING),
    "signed length": (b"Content-Length: +1", Failure.BAD_FRAMING),
    "negative length": (b"Content-Length: -1", Failure.BAD_FRAMING),
    "hexadecimal length": (b"Content-Length: 0x1", Failure.BAD_FRAMING),
    "empty length": (b"Content-Length:", Failure.BAD_FRAMING),
    "two numbers": (b"Content-Length: 1 1", Failure.BAD_FRAMING),
    "length beyond any": (b"Content-Length: 99999999999999999999", Failure.BODY_TOO_LARGE),
    "length, then chunked": (
        b"Content-Length: 1\r\nTransfer-Encoding: chunked",
        Failure.BAD_FRAMING,
    ),
    "chunked, then length": (
        b"Transfer-Encoding: chunked\r\nContent-Length: 1",
        Failure.BAD_FRAMING,
    ),
    "chunked twice": (
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        Failure.BAD_FRAMING,
    ),
    "chunked, chunked": (b"Transfer-Encoding: chunked, chunked", Failure.BAD_FRAMING),
    "chunked not last": (b"Transfer-Encoding: chunked, identity", Failure.BAD_FRAMING),
    "gzip": (b"Transfer-Encoding: gzip", Failure.BAD_CODING),
    "gzip, chunked": (b"Transfer-Encoding: gzip, chunked", Failure.BAD_CODING),
    "xchunked": (b"Transfer-Encoding: xchunked", Failure.BAD_CODING),
    "identity": (b"Transfer-Encoding: identity", Failure.BAD_CODING),
    "chunked with a vertical tab": (b"Transfer-Encoding: \x0bchunked", Failure.MALFORMED_HEAD),
    "space before the colon": (b"Transfer-Encoding : chunked", Failure.MALFORMED_HEAD),
    "folded line": (b"X: a\r\n b", Failure.MALFORMED_HEAD),
    "bare CR": (b"X: a\rb", Failure.MALFORMED_HEAD),
    "bare LF": (b"X: a\nTransfer-Encoding: chunked", Failure.MALFORMED_HEAD),
    "NUL": (b"X: a\0b", Failure.MALFORMED_HEAD),
    "control character": (b"X: a\x01b", Failure.MALFORMED_HEAD),
    "no colon": (b"X", Failure.MALFORMED_HEAD),
    "no name": (b": x", Failure.MALFORMED_HEAD),
    "second Host": (b"Host: shop.example", Failure.BAD_HOST),
    "Connection: host": (b"Connection: Host", Failure.BAD_CONNECTION),
    "Connection: cookie": (b"Connection: close, COOKIE", Failure.BAD_CONNECTION),
    "Connection: authorization": (b"Connection: authorization", Failure.BAD_CONNECTION),
    "Connection: x-forwarded-for": (b"Connection: X-Forwarded-For", Failure.BAD_CONNECTION),
    "Connection: x-request-id": (b"Connection: x-request-id", Failure.BAD_CONNECTION),
    "Connection: forwarded": (b"Connection: forwarded", Failure.BAD_CONNECTION),
    "Connection: content-length": (b"Connection: content-length", Failure.BAD_CONNECTION),
    "Connection: fig-shadow": (b"Connection: Fig-Shadow", Failure.BAD_CONNECTION),
}


@pytest.mark.parametrize(("headers", "failure"), REFUSED.values(), ids=REFUSED)
def test_ambiguous_or_malformed_headers_are_refused_and_nothing_behind_them_is_read(
    headers: bytes, failure: Failure
) -> None:
    hidden = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
    data = b"POST / HTTP/1.1\r\n" + HOST + headers + b"\r\n\r\n" + hidden
    assert events(data) == [failure]


REFUSED_LINES = {
    "CONNECT": (b"CONNECT a:1 HTTP/1.1", Failure.BAD_METHOD),
    "extension method": (b"FROB / HTTP/1.1", Failure.BAD_METHOD),
    "lower-case method": (b"get / HTTP/1.1", Failure.BAD_METHOD),
    "RTSP method": (b"DESCRIBE / HTTP/1.1", Failure.BAD_METHOD),
    "TLS": (b"\x16\x03\x01\x02\x00\x01", Failure.BAD_METHOD),
    "HTTP/0.9": (b"GET /", Failure.BAD_VERSION),
    "HTTP/2.0": (b"GET / HTTP/2.0", Failure.BAD_VERSION),
    "HTTP/1.2": (b"GET / HTTP/1.2", Failure.BAD_VERSION),
    "no such protocol": (b"GET / HTPP/1.1", Failure.MALFORMED_HEAD),
    "no slash": (b"GET a HTTP/1.1", Failure.BAD_TARGET),
    "raw UTF-8": ("GET /é HTTP/1.1".encode(), Failure.BAD_TARGET),
    "tab": (b"GET /a\tb HTTP/1.1", Failure.BAD_TARGET),
    "control character": (b"GET /a\x01 HTTP/1.1", Failure.BAD_TARGET),
    "NUL": (b"GET /a\0 HTTP/1.1", Failure.BAD_TARGET),
    "fragment": (b"GET /a#b HTTP/1.1", Failure.BAD_TARGET),
    "star": (b"GET * HTTP/1.1", Failure.BAD_TARGET),
    "other authority": (b"GET http://other.example/ HTTP/1.1", Failure.BAD_HOST),
    "authority with a user": (b"GET http://u@shop.example/ HTTP/1.1", Failure.BAD_HOST),
    "other scheme": (b"GET ftp://shop.example/ HTTP/1.1", Failure.BAD_TARGET),
    "space in the target": (b"GET /a b HTTP/1.1", Failure.MALFORMED_HEAD),
}


@pytest.mark.parametrize(("line", "failure"), REFUSED_LINES.values(), ids=REFUSED_LINES)
def test_request_lines_that_are_refused(line: bytes, failure: Failure) -> None:
    assert refusal(line + b"\r\n" + HOST + b"\r\n") is failure


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"a b",
        b"a,b c",
        b"a/b",
        b"user@a",
        b"a:b",
        b"a:1:2",
        b"[::1",
        b"::1",
        b"a\xe9",
        b"a:123456",
        b"a#",
        b"a?",
        b"a\\b",
    ],
)
def test_malformed_hosts_are_refused(host: bytes) -> None:
    assert refusal(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n") is Failure.BAD_HOST


@pytest.mark.parametrize(
    "host", [b"a", b"a:80", b"a:", b"127.0.0.1:8000", b"[::1]:80", b"shop_1.example", b"A-b.c "]
)
def test_well_formed_hosts_pass(host: bytes) -> None:
    (head,) = events(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert head["host"] == host.strip()


def test_http_1_1_without_a_host_is_refused() -> None:
    assert refusal(b"GET / HTTP/1.1\r\nX: y\r\n\r\n") is Failure.BAD_HOST


def test_http_1_0_needs_no_host() -> None:
    (head,) = events(b"GET / HTTP/1.0\r\n\r\n")
    assert head["host"] is None


def test_http_1_0_knows_no_transfer_coding() -> None:
    data = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert refusal(data) is Failure.BAD_FRAMING


@pytest.mark.parametrize(
    ("target", "origin"),
    [
        (b"http://shop.example/a?b", b"/a?b"),
        (b"HTTP://SHOP.EXAMPLE", b"/"),
        (b"https://shop.example?b", b"/?b"),
    ],
)
def test_an_absolute_target_becomes_the_path_it_means(target: bytes, origin: bytes) -> None:
    (head,) = events(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert head["target"] == origin


def test_options_may_ask_about_the_server() -> None:
    (head,) = events(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")
    assert head["target"] == b"*"


@pytest.mark.parametrize(
    "body",
    [
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5;\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"\r\n0\r\n\r\n",
        b"ffffffffffffffff1\r\nhello\r\n",
    ],
)
def test_malformed_chunks_are_refused_and_nothing_behind_them_is_read(body: bytes) -> None:
    data = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body
    got = events(data + b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n")
    assert got[0]["target"] == b"/"
    assert got[-1] is Failure.BAD_BODY
    assert sum(isinstance(event, dict) for event in got) == 1


def test_requests_before_a_refused_one_are_still_given() -> None:
    data = (
        b"GET /1 HTTP/1.1\r\n"
        + HOST
        + b"\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n"
        + HOST
        + b"\r\n"
    )
    one, two = events(data)
    assert (one["target"], two) == (b"/1", Failure.BAD_HOST)


def head_of(size: int) -> bytes:
    """A head whose target and headers, with 4 bytes for each header line, take ``size`` bytes."""
    rest = size - len(b"/") - len(b"Hosta") - len(b"X") - 2 * 4
    return b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * rest + b"\r\n\r\n"


@pytest.mark.parametrize("step", [1024 * 1024, 16384, 1000])
@pytest.mark.parametrize("before", [b"", b"GET /0 HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_a_head_may_have_64_kib_and_no_more(step: int, before: bytes) -> None:
    for size, is_refused in ((MAX_HEAD_BYTES, False), (MAX_HEAD_BYTES + 1, True)):
        data = before + head_of(size)
        pieces = [data[at : at + step] for at in range(0, len(data), step)]
        last = feed(RequestParser(), pieces)[-1]
        assert (last is Failure.HEAD_TOO_LARGE) is is_refused


def test_an_endless_header_is_refused_before_it_fills_the_memory() -> None:
    parser = RequestParser()
    parser.feed(b"GET / HTTP/1.1\r\nX: ")
    fed = 0
    while not (found := parser.feed(b"x" * 8192)):
        fed += 8192
        assert fed <= 2 * MAX_HEAD_BYTES
    (refused,) = found
    assert isinstance(refused, ClientError)
    assert refused.failure is Failure.HEAD_TOO_LARGE


CHUNKED_HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"0\r\nX: ", b"x" * 8192),
        (b"0\r\n", b"X: yyyyyyyyyyyyyyyy\r\n" * 400),
        (b"5;a=", b"x" * 8192),
    ],
    ids=["trailer", "trailers", "chunk extension"],
)
def test_endless_trailers_and_chunk_extensions_are_refused(start: bytes, more: bytes) -> None:
    parser = RequestParser()
    parser.feed(CHUNKED_HEAD + start)
    for _ in range(20):
        if found := parser.feed(more):
            assert isinstance(found[0], ClientError)
            assert found[0].failure is Failure.BAD_BODY
            return
    pytest.fail("never refused")


def test_after_a_refusal_the_parser_is_deaf() -> None:
    parser = RequestParser()
    assert parser.feed(b"GET / HTTP/1.1\r\n\r\n")
    assert parser.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == []
