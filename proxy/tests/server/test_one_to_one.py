"""On real sockets: damaged streams of requests, cut anywhere, reach the upstream as the requests that they are, or not at all."""

import asyncio
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from request_streams import Meaning, cut, damaged_streams, places
from waiting import within
from wire import echo

from stranglerfig.http1.failure import ClientError
from stranglerfig.http1.request_head import RequestHead
from stranglerfig.http1.request_parser import RequestParser


def expected_of(data: bytes) -> tuple[list[Meaning], bool, bool]:
    """The requests that must reach the upstream, whether a refusal follows, and whether the connection ends."""
    found: list[Meaning] = []
    open_: RequestHead | None = None
    body, ends = b"", False
    for event in RequestParser().feed(data):
        if isinstance(event, RequestHead):
            open_, body = event, b""
            if event.has_body:
                continue
        elif isinstance(event, bytes):
            body += event
            continue
        elif isinstance(event, ClientError):
            return found, True, True
        assert open_ is not None
        found.append((open_.method, open_.target, body))
        ends, open_ = not open_.keep_alive, None
    return found, False, ends


async def test_a_damaged_stream_is_the_same_requests_to_the_upstream_or_none(
    start_upstream: Any, start_proxy: Any
) -> None:
    loop = asyncio.get_running_loop()
    upstream = await start_upstream(echo)
    proxy = await start_proxy(upstream)

    async def example(data: bytes, at: list[int]) -> None:
        upstream.requests.clear()
        requests, is_refused, ends = expected_of(data)
        client = await proxy.connect()
        for piece in cut(data, at):
            client.send(piece)
            await asyncio.sleep(0)
        got = b""
        answers = len(requests) + is_refused
        while ends or len(re.findall(rb"HTTP/1\.1 \d{3} ", got)) < answers:
            data = await within(client.reader.read(65536))
            if not data:
                break
            got += data
        client.close()
        statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]
        assert statuses[: len(requests)] == [200] * len(requests)
        assert [status >= 400 for status in statuses[len(requests) :]] == [True] * is_refused
        assert upstream.faults == []
        seen = [(seen.method, seen.target, seen.body) for seen in upstream.requests]
        assert seen == requests

    @settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
    @given(damaged_streams(), places)
    def examples(data: bytes, at: list[int]) -> None:
        asyncio.run_coroutine_threadsafe(example(data, at), loop).result(20)

    await asyncio.to_thread(examples)
