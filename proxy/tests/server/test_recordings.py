"""What a worker hands to the comparer, and that the client never notices."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from stranglerfig.compare.observation import Observation, SkipReason
from stranglerfig.compare.wire import FrameReader
from stranglerfig.routing.decide import FORCED, SAMPLED_OUT

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Comparer:
    """The other end of the pipe."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []

    async def read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader()
        while data := await reader.read(65536):
            self.observations += [
                message for message in frames.feed(data) if isinstance(message, Observation)
            ]
        writer.close()


@pytest.fixture
async def comparer(tmp_path: Path) -> AsyncIterator[Comparer]:
    comparer = Comparer()
    server = await asyncio.start_unix_server(comparer.read, tmp_path / "comparer.sock")
    yield comparer
    server.close()


async def shadowed(
    start_upstream: Any, start_proxy: Any, handler: Any = OK, *, connected: bool = True, **keys: Any
) -> Any:
    monolith = await start_upstream(handler)
    capability = {"upstream": "catalog", "stage": "shadow"} | keys
    capability["routes"] = ["GET /api/**", {"match": "POST /api/quote", "safe": True}]
    proxy = await start_proxy(
        monolith,
        upstreams={"catalog": "http://127.0.0.1:9"},
        capabilities={"catalog": capability},
    )
    if connected:
        proxy.plane._runtime.tee.start()
        await until(lambda: proxy.plane._runtime.tee.is_connected)
    proxy.monolith = monolith
    return proxy


def skipped(proxy: Any, reason: str) -> int:
    return int(proxy.count("compare_tee_skipped", capability="catalog", reason=reason))


async def test_an_observation_holds_what_upstream_and_proxy_saw(
    start_upstream: Any, start_proxy: Any, comparer: Comparer
) -> None:
    proxy = await shadowed(start_upstream, start_proxy)
    await proxy.get(
        "/api/a?b=%20", "Cookie: fig_user=x; sessionid=1", "Connection: X-Hop", "X-Hop: 1"
    )
    await until(lambda: comparer.observations)
    (seen,) = comparer.observations
    (upstream,) = proxy.monolith.requests
    assert (seen.capability, seen.stage, seen.side) == ("catalog", "shadow", "monolith")
    assert (seen.answered_by, seen.other) == ("monolith", "catalog")
    assert (seen.route, seen.generation, seen.sequence) == ("GET /api/**", 1, 1)
    assert (seen.request.method, seen.request.target) == ("GET", b"/api/a?b=%20")
    assert list(seen.request.headers) == upstream.raw_headers
    assert seen.request_id.encode() == upstream.headers[b"x-request-id"]
    assert (seen.response.status, seen.response.body) == (200, b"ok")
    assert (b"Content-Type", b"text/plain") in seen.response.headers
    assert 0 < seen.elapsed_s < 5
    assert proxy.count("compare_asked", capability="catalog") == 1
    assert proxy.count("compare_teed", capability="catalog") == 1


async def test_bodies_come_without_their_transfer_coding(
    start_upstream: Any, start_proxy: Any, comparer: Comparer
) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    )
    proxy = await shadowed(start_upstream, start_proxy, answer)
    client = await proxy.connect()
    client.send(
        b"POST /api/quote HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
    )
    assert (await client.answer()).body == b"hello"
    await until(lambda: comparer.observations)
    (seen,) = comparer.observations
    assert (seen.request.body, seen.response.body) == (b"abc", b"hello")


@pytest.mark.parametrize(
    ("size", "reason"), [(1024 * 1024, None), (1024 * 1024 + 1, "response_body_too_large")]
)
async def test_an_answer_over_the_cap_is_skipped_and_still_given(
    start_upstream: Any, start_proxy: Any, comparer: Comparer, size: int, reason: str | None
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    proxy = await shadowed(start_upstream, start_proxy, answer)
    assert len((await proxy.get("/api/a")).body) == size
    if reason is None:
        await until(lambda: comparer.observations)
        assert len(comparer.observations[0].response.body) == size
    else:
        assert skipped(proxy, reason) == 1


async def test_a_request_body_over_the_cap_is_skipped_and_still_sent(
    start_upstream: Any, start_proxy: Any, comparer: Comparer
) -> None:
    proxy = await shadowed(start_upstream, start_proxy)
    client = await proxy.connect()
    size = 256 * 1024 + 1
    client.send(
        b"POST /api/quote HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    )
    assert (await client.answer()).body == b"ok"
    assert len(proxy.monolith.requests[0].body) == size
    assert skipped(proxy, "request_body_too_large") == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_what_cannot_be_compared_is_skipped(
    start_upstream: Any, start_proxy: Any, comparer: Comparer, answer: bytes
) -> None:
    proxy = await shadowed(start_upstream, start_proxy, answer)
    assert (await proxy.get("/api/a")).body == b"ok"
    assert skipped(proxy, "not_comparable") == 1


async def hang_up(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")


async def test_no_whole_answer_is_no_evidence(
    start_upstream: Any, start_proxy: Any, comparer: Comparer
) -> None:
    proxy = await shadowed(start_upstream, start_proxy, hang_up)
    await proxy.ask(b"GET /api/a HTTP/1.1\r\nHost: a\r\n\r\n")
    assert skipped(proxy, "upstream_failed") == 1


async def test_a_client_that_left_is_no_evidence(
    start_upstream: Any, start_proxy: Any, comparer: Comparer
) -> None:
    begun = asyncio.Event()

    async def think(connection: Any) -> None:
        await connection.request()
        begun.set()
        await connection.request()

    proxy = await shadowed(start_upstream, start_proxy, think)
    client = await proxy.connect()
    client.send(b"GET /api/a HTTP/1.1\r\nHost: a\r\n\r\n")
    await begun.wait()
    client.close()
    await until(lambda: skipped(proxy, "client_left"))


async def test_without_a_comparer_clients_are_served_alike(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await shadowed(start_upstream, start_proxy, connected=False)
    for _ in range(3):
        assert (await proxy.get("/api/a")).body == b"ok"
    assert skipped(proxy, "comparer_away") == 3


async def test_what_the_plan_leaves_out_is_in_the_account(
    start_upstream: Any, start_proxy: Any, comparer: Comparer
) -> None:
    proxy = await shadowed(start_upstream, start_proxy, sample=0)
    for _ in range(3):
        assert (await proxy.get("/api/a")).body == b"ok"
    assert (await proxy.get("/elsewhere")).body == b"ok"
    assert skipped(proxy, "sampled_out") == 3
    assert proxy.count("compare_asked", capability="catalog") == 3
    assert proxy.count("compare_teed", capability="catalog") == 0
    assert not comparer.observations


async def test_every_reason_of_a_plan_is_one_of_the_account() -> None:
    assert {SAMPLED_OUT, FORCED} <= set(SkipReason)
