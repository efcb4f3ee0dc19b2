"""What is no request, or one that servers read differently: refused, and nothing behind it on the connection is served."""

from typing import Any

import pytest
import wire
from request_tables import HEADERS, HOST, HOSTS, LINES, PLAIN, Outcome, passed


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
