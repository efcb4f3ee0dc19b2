"""A new table takes over between requests, and a worker ends without cutting anybody off."""

import asyncio
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.config.model import Config
from stranglerfig.routing.snapshot import compile_snapshot

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
KEY = b"a key of the tests"


def answering_when(event: asyncio.Event, begun: asyncio.Event, answer: bytes = OK) -> Any:
    async def handle(connection: Any) -> None:
        while await connection.request():
            begun.set()
            await event.wait()
            await connection.send(answer)

    return handle


async def test_a_request_keeps_the_table_it_began_with(
    start_upstream: Any, start_proxy: Any
) -> None:
    go, begun = asyncio.Event(), asyncio.Event()
    old = await start_upstream(answering_when(go, begun))
    new = await start_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")
    proxy = await start_proxy(old)
    client, other = await proxy.connect(), await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(begun.wait())
    config = Config.model_validate({"upstreams": {"monolith": f"http://127.0.0.1:{new.port}"}})
    proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)
    assert (await other.get()).body == b"new"
    assert proxy.plane.state()["exchanges"] == {"1": 1, "2": 0}
    go.set()
    assert (await client.answer()).body == b"ok"
    assert (await client.get()).body == b"new"
    proxy.plane.swap(compile_snapshot(config, {}, 3), cookie_key=KEY)
    assert proxy.plane.state()["exchanges"] == {"3": 0}


async def test_a_reload_keeps_connections_that_are_still_of_use_and_closes_the_others(
    start_upstream: Any, start_proxy: Any
) -> None:
    kept, gone = await start_upstream(), await start_upstream()
    proxy = await start_proxy(
        kept,
        upstreams={"catalog": f"http://127.0.0.1:{gone.port}"},
        capabilities={
            "catalog": {
                "upstream": "catalog",
                "stage": "service",
                "compare": False,
                "routes": ["GET /c"],
            }
        },
    )
    await proxy.get("/")
    await proxy.get("/c")
    assert proxy.plane.state()["upstream_connections"]["open"] == 2
    config = Config.model_validate({"upstreams": {"monolith": f"http://127.0.0.1:{kept.port}"}})
    proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 1)
    await proxy.get("/")
    assert kept.connections == 1


async def test_draining_lets_requests_end_and_closes_their_connections(
    start_upstream: Any, start_proxy: Any
) -> None:
    go, begun = asyncio.Event(), asyncio.Event()
    proxy = await start_proxy(await start_upstream(answering_when(go, begun)))
    idle, busy = await proxy.connect(), await proxy.connect()
    busy.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(begun.wait())
    await until(lambda: proxy.plane.state()["connections"] == 2)
    draining = asyncio.create_task(proxy.plane.drain(5))
    assert await within(idle.rest()) == b""
    with pytest.raises(ConnectionRefusedError):
        await until_refused(proxy)
    assert proxy.plane.state()["draining"]
    go.set()
    answer = await busy.answer()
    assert (answer.body, answer.headers[b"connection"]) == (b"ok", b"close")
    await within(draining)
    assert proxy.plane.state()["connections"] == 0
    await until(lambda: proxy.connections() == {"open": 0, "idle": 0})


async def until_refused(proxy: Any) -> None:
    """Connect until nobody listens: the test closes the socket that it would hand to the next worker."""
    proxy.listening.close()
    for _ in range(100):
        client = await proxy.connect()
        client.close()
        await asyncio.sleep(0.01)


async def test_draining_does_not_wait_longer_than_told(
    start_upstream: Any, start_proxy: Any
) -> None:
    begun = asyncio.Event()
    proxy = await start_proxy(await start_upstream(answering_when(asyncio.Event(), begun)))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(begun.wait())
    await within(proxy.plane.drain(0.1), 2)
    assert await within(client.rest()) == b""


async def test_a_queued_connection_survives_the_worker_that_did_not_accept_it(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    first = await start_proxy(upstream)
    await first.plane.drain(1)
    # Nobody accepts now; the kernel queues.
    client = await first.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await start_proxy(upstream, listening=first.listening.dup())
    assert (await within(client.answer())).body == b"ok"
