"""One row of a table of HTTP: what a client sends, what it gets, whether it may go on, and what the upstream saw.

Each row is sent whole and byte by byte, and always with one more request behind it: only if the connection lives on may
that be served. What the upstream got is given byte for byte, without the forwarded headers that every request is given.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from request_tables import LAST, Outcome
from waiting import within

ADDED = re.compile(
    rb"^(?:X-(?:Forwarded-[A-Za-z]+|Real-IP|Request-Id)|traceparent): [^\r\n]*\r\n", re.MULTILINE
)
WAYS = ("whole", "byte by byte")


async def echo(connection: Any) -> None:
    """Answer each request with its target."""
    while seen := await connection.request():
        target = seen.target
        body = b"" if seen.method == "HEAD" else target
        await connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), body)
        )


Start = Callable[..., Awaitable[Any]]


async def check(
    start_upstream: Start,
    start_proxy: Start,
    sent: bytes,
    expect: Callable[[str], Outcome],
    ways: Sequence[str] = WAYS,
) -> list[bytes]:
    """Send a row in both ways and compare; gives what the upstream saw of requests that never became whole."""
    upstream = await start_upstream(echo)
    proxy = await start_proxy(upstream)
    rests = []
    for way in ways:
        if way == "whole" or len(sent) < 10_000:
            outcome = await run(upstream, proxy, sent, way)
            assert outcome == expect(way), way
            rests += [plain(each.begun) for each in upstream.opened if each.begun]
    return rests


async def run(upstream: Any, proxy: Any, sent: bytes, way: str) -> Outcome:
    """Send a row in one way."""
    upstream.requests.clear()
    upstream.opened.clear()
    before = proxy.counts("refused_requests")
    client = await proxy.connect()
    sending = asyncio.ensure_future(send(client, sent + LAST, way))
    got, is_closed = await within(read(client))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    client.close()
    assert upstream.faults == [], "h11 calls it malformed"
    counts = proxy.counts("refused_requests")
    reasons = [reason for (reason,), count in counts.items() if count > before.get((reason,), 0)]
    assert sum(counts.values()) - sum(before.values()) == len(reasons)
    # Whatever came before, the next client is served.
    assert (await within(proxy.get("/next"))).body == b"/next"
    requests = [plain(seen.raw) for seen in upstream.requests[:-1]]
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]
    return Outcome(statuses, is_closed, requests, *reasons)


async def send(client: Any, data: bytes, way: str) -> None:
    """Send ``data`` whole or so that each byte is read by itself."""
    step = len(data) if way == "whole" else 1
    for at in range(0, len(data), step):
        client.send(data[at : at + step])
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def read(client: Any) -> tuple[bytes, bool]:
    """All that comes up to the answer to the last request, or up to the end of the connection."""
    got = b""
    try:
        while not got.endswith(b"\r\n\r\n/last"):
            data = await client.reader.read(65536)
            if not data:
                return got, True
            got += data
    except ConnectionResetError:
        return got, True
    return got, False


def plain(raw: bytes) -> bytes:
    """A request's bytes without the headers that the proxy adds to all of them."""
    return ADDED.sub(b"", raw)
