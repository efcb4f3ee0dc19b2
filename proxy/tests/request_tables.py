"""Requests as bytes, and what becomes of them: for the parser alone, and on real sockets."""

from typing import NamedTuple

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n"
HOST = b"Host: a\r\n"
PLAIN = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Outcome(NamedTuple):
    """What became of a row; ``seen`` are the whole requests that reached the upstream, in order."""

    statuses: list[int]
    is_closed: bool
    seen: list[bytes]
    refused: str | None = None
    """The reason by which a refusal is counted."""


def refused(status: int, reason: str) -> Outcome:
    """The client gets ``status``, nothing more is served, and the upstream saw no request."""
    return Outcome([status], True, [], reason)


def passed(*seen: bytes) -> Outcome:
    """Each request reached the upstream as one of ``seen``, and so did the one behind them."""
    return Outcome([200] * (len(seen) + 1), False, [*seen, LAST])


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
    b"5\r\nhello\r\n0\r\nProxy-Connection: close\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nproxy-connection: keep-alive\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n": None,
    b"5\r\nhello\r\n0\r\nX: " + b"y" * 70_000 + b"\r\n\r\n": None,
}

# Syntax

bad_host = refused(400, "bad_host")
bad_target = refused(400, "bad_target")
bad_path = refused(400, "bad_path")
bad_connection = refused(400, "bad_connection")
no_method = refused(501, "bad_method")
no_version = refused(505, "bad_version")
too_large = refused(431, "head_too_large")

# The request line, with a Host behind it.
LINES: dict[bytes, Outcome] = {
    b"GET / HTTP/1.1": passed(PLAIN),
    # More than one space, and empty lines before it, are read past; what goes on is written anew.
    b"GET  /  HTTP/1.1": passed(PLAIN),
    b"\r\n\r\nGET / HTTP/1.1": passed(PLAIN),
    b"GET / HTTP/1.0": Outcome([200], True, [PLAIN]),
    b"GET /": no_version,
    b"GET / ": malformed,
    b"GET": no_method,
    b"GET / HTTP/0.9": no_version,
    b"GET / HTTP/1.2": no_version,
    b"GET / HTTP/2.0": no_version,
    b"GET / HTTP/3.0": no_version,
    b"GET / HTTP/9.9": no_version,
    b"GET / HTTP/1": malformed,
    b"GET / HTTP/11": malformed,
    b"GET / HTTP/1.10": malformed,
    b"GET / HTTP/01.1": malformed,
    b"GET / HTTP/+1.1": malformed,
    b"GET / HTTP/1.1 ": malformed,
    b"GET / HTTP /1.1": malformed,
    b"GET / http/1.1": malformed,
    b"GET / HTTPS/1.1": malformed,
    b"GET / RTSP/1.0": no_version,
    b"GET / RTSP/1.1": no_version,
    b"GET  /   RTSP/1.1": no_version,
    b"\r\nGET / RTSP/1.1": no_version,
    b"POST /a?b RTSP/1.0": no_version,
    b"OPTIONS / RTSP/1.0": no_version,
    b"OPTIONS * RTSP/1.0": no_version,
    b"DESCRIBE / RTSP/1.0": no_method,
    b"DESCRIBE / HTTP/1.1": no_method,
    b"TEARDOWN / RTSP/1.0": no_method,
    b"SOURCE / ICE/1.0": no_method,
    b"SOURCE / HTTP/1.1": no_method,
    b"GET / ICE/1.0": malformed,
    # methods
    b"CONNECT a:443 HTTP/1.1": no_method,
    b"CONNECT / HTTP/1.1": no_method,
    b"TRACE / HTTP/1.1": no_method,
    b"FROB / HTTP/1.1": no_method,
    b"get / HTTP/1.1": no_method,
    b"GETT / HTTP/1.1": no_method,
    b" GET / HTTP/1.1": no_method,
    b"\tGET / HTTP/1.1": no_method,
    b"GET\t/ HTTP/1.1": no_method,
    b"GET\x00 / HTTP/1.1": no_method,
    b"\x16\x03\x01\x02\x00\x01\x00": no_method,
    b"PRI * HTTP/2.0": malformed,
    b"PROPFIND / HTTP/1.1": passed(PLAIN.replace(b"GET", b"PROPFIND")),
    # targets
    b"GET  HTTP/1.1": bad_target,
    b"GET a HTTP/1.1": bad_target,
    b"GET ?a HTTP/1.1": bad_target,
    b"GET * HTTP/1.1": bad_target,
    b"OPTIONS *a HTTP/1.1": bad_target,
    b"GET a:80 HTTP/1.1": bad_target,
    b"GET /a#b HTTP/1.1": bad_target,
    b"GET /a b HTTP/1.1": malformed,
    b"GET /a\tb HTTP/1.1": bad_target,
    b"GET /a\x00 HTTP/1.1": bad_target,
    b"GET /a\x7f HTTP/1.1": bad_target,
    b"GET /a\rb HTTP/1.1": bad_target,
    b"GET /a\x0bb HTTP/1.1": bad_target,
    b"GET /\xc3\xa9 HTTP/1.1": bad_target,
    b"GET /a%00 HTTP/1.1": bad_path,
    b"GET /a/../b HTTP/1.1": bad_path,
    b"GET /a/%2e%2E/b HTTP/1.1": bad_path,
    b"OPTIONS * HTTP/1.1": passed(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    # the absolute form, against Host
    b"GET http://a/ HTTP/1.1": passed(PLAIN),
    b"GET HTTPS://A HTTP/1.1": passed(PLAIN),
    b"OPTIONS http://a HTTP/1.1": passed(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    b"GET http://b/ HTTP/1.1": bad_host,
    b"GET http://a:80/ HTTP/1.1": bad_host,
    b"GET http://a@a/ HTTP/1.1": bad_host,
    b"GET http:///a HTTP/1.1": bad_host,
    b"GET ftp://a/ HTTP/1.1": bad_target,
    b"GET http:/a HTTP/1.1": bad_target,
    b"GET http://a#b HTTP/1.1": bad_target,
}

# Header lines behind "Host: a" -> what becomes of them; where they pass, as they are.
HEADERS: dict[bytes, Outcome | None] = {
    b"X: y": None,
    b"!#$%&'*+-.^_`|~09azAZ: y": None,
    b"X: \x80\xff\ty": None,
    b"X:": None,
    b"X: a\r\n b": malformed,
    b"X: a\r\n\tb": malformed,
    b"X:\r\n b": malformed,
    b" X: y": malformed,
    b"X: a\rb": malformed,
    b"X: a\nY: b": malformed,
    b"X: a\r\r": malformed,
    b"X: a\x00": malformed,
    b"X: a\x01": malformed,
    b"X: a\x0b": malformed,
    b"X: a\x7f": malformed,
    b"X : y": malformed,
    b"X\t: y": malformed,
    b"X Y: z": malformed,
    b"X\x00: y": malformed,
    b"X\x80: y": malformed,
    b"X(: y": malformed,
    b'"X": y': malformed,
    b"X[0]: y": malformed,
    b"X@: y": malformed,
    b": y": malformed,
    b"X": malformed,
    b"Host: a": bad_host,
    b"host: b": bad_host,
    b"Host:": bad_host,
    b"Connection: Host": bad_connection,
    b"Connection: close, Content-Length": bad_connection,
    b"Connection: Cookie": bad_connection,
    b"Connection: x-forwarded-for": bad_connection,
    b"X: " + b"y" * 66_000: too_large,
    b"X" * 66_000 + b": y": too_large,
    b"\r\n".join([b"X: y"] * 12_000): too_large,
}

HOSTS: dict[bytes, Outcome | None] = {
    b"Host: shop.example:8000": None,
    b"hOST:[::1]:80": None,
    b"X: y": bad_host,
    b"Host:": bad_host,
    b"Host: ": bad_host,
    b"Host: a b": bad_host,
    b"Host: a, b c": bad_host,
    b"Host: a/b": bad_host,
    b"Host: u@a": bad_host,
    b"Host: a:b": bad_host,
    b"Host: a:1:2": bad_host,
    b"Host: a:123456": bad_host,
    b"Host: ::1": bad_host,
    b"Host: [::1": bad_host,
    b"Host: a\xe9": bad_host,
    b"Host: http://a": bad_host,
    b"Host: a\r\nHost: a": bad_host,
    b"Host: a\r\n b": malformed,
    b"Host : a": malformed,
    b"Host: a\x00": malformed,
}
