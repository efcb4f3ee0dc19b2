"""What is no request, or one that servers read differently: refused, and nothing behind it on the connection is served."""

from typing import Any

import pytest
import wire
from wire import Outcome, passed, refused

HOST = b"Host: a\r\n"
PLAIN = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

malformed = refused(400, "malformed_head")
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


async def check(start_upstream: Any, start_proxy: Any, sent: bytes, expected: Outcome) -> None:
    assert await wire.check(start_upstream, start_proxy, sent, lambda _: expected) == []


@pytest.mark.parametrize("line", LINES, ids=repr)
async def test_a_request_line(start_upstream: Any, start_proxy: Any, line: bytes) -> None:
    sent = line + b"\r\n" + HOST + b"\r\n"
    await check(start_upstream, start_proxy, sent, LINES[line])


@pytest.mark.parametrize("lines", HEADERS, ids=lambda lines: repr(lines[:40]))
async def test_headers(start_upstream: Any, start_proxy: Any, lines: bytes) -> None:
    sent = b"GET / HTTP/1.1\r\n" + HOST + lines + b"\r\n\r\n"
    as_sent = passed(sent.replace(b"X:\r\n", b"X: \r\n"))
    await check(start_upstream, start_proxy, sent, HEADERS[lines] or as_sent)


@pytest.mark.parametrize("lines", HOSTS, ids=repr)
async def test_a_host(start_upstream: Any, start_proxy: Any, lines: bytes) -> None:
    sent = b"GET / HTTP/1.1\r\n" + lines + b"\r\n\r\n"
    as_sent = passed(sent.replace(b"hOST:", b"hOST: "))
    await check(start_upstream, start_proxy, sent, HOSTS[lines] or as_sent)


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQA\r\n"


@pytest.mark.parametrize("body", [b"", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"])
async def test_an_upgrade_to_h2c_is_not_taken_and_its_request_is_an_ordinary_one(
    start_upstream: Any, start_proxy: Any, body: bytes
) -> None:
    length = b"Content-Length: %d\r\n" % len(body)
    top = b"POST / HTTP/1.1\r\n" + HOST
    sent = top + UPGRADE + length + b"\r\n" + body
    await check(start_upstream, start_proxy, sent, passed(top + length + b"\r\n" + body))


async def test_rtsp_is_found_behind_another_request_and_in_no_other_place(
    start_upstream: Any, start_proxy: Any
) -> None:
    told = b"GET /a HTTP/1.1\r\nHost: a\r\nReferer: /a RTSP/1.0\r\n\r\n"
    seen = [PLAIN, told]
    sent = PLAIN + told + b"GET /b RTSP/1.0\r\n" + HOST + b"\r\n"
    expected = Outcome([200, 200, 505], True, seen, "bad_version")
    await check(start_upstream, start_proxy, sent, expected)


async def test_requests_before_a_refused_one_are_answered_and_those_behind_it_are_not(
    start_upstream: Any, start_proxy: Any
) -> None:
    other = PLAIN.replace(b"/ ", b"/2 ")
    sent = PLAIN + other + b"GET / HTTP/1.1\r\n\r\n" + PLAIN
    expected = Outcome([200, 200, 400], True, [PLAIN, other], "bad_host")
    await check(start_upstream, start_proxy, sent, expected)
