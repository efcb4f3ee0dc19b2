"""A proxy with one upstream changes nothing that it need not."""

from typing import Any


async def test_a_request_reaches_the_upstream_and_its_answer_the_client(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    answer = await proxy.get("/a/b?c=d")
    assert (answer.status, answer.body) == (200, b"ok")
    assert upstream.requests[0].target == b"/a/b?c=d"
