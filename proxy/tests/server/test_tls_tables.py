"""The tables of requests and answers once more, with TLS on both sides: nothing of HTTP depends on what carries it."""

from functools import partial
from typing import Any

import pytest
import wire
from request_tables import CHUNK_TRICKS, CHUNKED, CODINGS, HEAD, LENGTHS, Outcome, bad_body, passed
from response_tables import STATUS_LINES
from test_client_framing import CHUNKS, anew
from test_upstream_framing import check

# Where one record ends and the next begins is not kept, and with it not how a body is cut into chunks anew.
WHOLE = ("whole",)


@pytest.fixture
def starts(start_upstream: Any, start_proxy: Any, secured: Any) -> tuple[Any, Any]:
    """How an upstream and a proxy are started that speak TLS."""
    context = secured.serving("127.0.0.1")
    return partial(start_upstream, context=context), partial(secured.proxy, start_proxy)


@pytest.mark.parametrize("lines", list(LENGTHS)[::3], ids=lambda lines: repr(lines[:60]))
async def test_a_length(starts: Any, lines: bytes) -> None:
    sent = HEAD + lines + b"\r\n\r\nhello"
    assert await wire.check(*starts, sent, lambda _: LENGTHS[lines]) == []


@pytest.mark.parametrize("lines", list(CODINGS)[::3], ids=repr)
async def test_a_coding(starts: Any, lines: bytes) -> None:
    def expect(way: str) -> Outcome:
        seen = [each.replace(CHUNKS, anew(b"hello", way)) for each in CODINGS[lines].seen]
        return CODINGS[lines]._replace(seen=seen)

    assert await wire.check(*starts, HEAD + lines + b"\r\n\r\n" + CHUNKS, expect, WHOLE) == []


@pytest.mark.parametrize("body", list(CHUNK_TRICKS)[::3], ids=lambda body: repr(body[:48]))
async def test_chunks(starts: Any, body: bytes) -> None:
    def expect(way: str) -> Outcome:
        content = CHUNK_TRICKS[body]
        return bad_body if content is None else passed(CHUNKED + anew(content, way))

    await wire.check(*starts, CHUNKED + body, expect, WHOLE)


@pytest.mark.parametrize("line", list(STATUS_LINES)[::3], ids=repr)
async def test_a_status_line(starts: Any, line: bytes) -> None:
    answer = line + b"\r\nContent-Length: 5\r\n\r\nhello"
    await check(*starts, answer, STATUS_LINES[line])
