"""How many connections there may be: shares of workers, who is excepted, who is told, and that a reload holds at once."""

import resource
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.config.model import Config
from stranglerfig.http1.failure import Failure
from stranglerfig.routing.snapshot import compile_snapshot
from stranglerfig.server import places
from stranglerfig.server.places import UNBOUNDED, Places, connections_within, share_of

KEY = b"a key of the tests"


def config(workers: int = 1, **written: Any) -> Config:
    return Config.model_validate(
        {"upstreams": {"monolith": "http://m:1"}, "workers": workers, **written}
    )


@pytest.mark.parametrize(
    ("count", "workers", "share"), [(10, 2, 5), (10, 3, 4), (1, 8, 1), (0, 4, UNBOUNDED)]
)
def test_a_share_is_rounded_up(count: int, workers: int, share: int) -> None:
    assert share_of(count, workers) == share


def test_places_are_given_back() -> None:
    held = Places(config(limits={"connections": 3, "connections_per_client": 2}))
    inside = [held.enter("192.0.2.1"), held.enter("192.0.2.1")]
    assert inside == [None, None]
    over = held.enter("192.0.2.1")
    assert over is not None
    assert over.failure is Failure.CLIENT_CONNECTIONS_FULL
    assert held.enter("192.0.2.2") is None
    full = held.enter("192.0.2.3")
    assert full is not None
    assert full.failure is Failure.CONNECTIONS_FULL
    held.leave("192.0.2.3", full)
    held.leave("192.0.2.1", over)
    held.leave("192.0.2.1", None)
    assert held.enter("192.0.2.1") is None
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        held.leave(address, None)
    assert [held.enter(f"192.0.2.{n}") for n in range(3)] == [None] * 3


def test_a_trusted_proxy_brings_everybodys_connections() -> None:
    held = Places(config(limits={"connections_per_client": 1}, trusted_proxies=["192.0.2.0/24"]))
    assert [held.enter("192.0.2.1") for _ in range(5)] == [None] * 5
    assert [held.enter("2001:db8::1") is None, held.enter("2001:db8::2") is None] == [True, False]


def test_many_refused_at_once_are_cut_without_a_word() -> None:
    held = Places(config(limits={"connections": 1}))
    assert held.enter("192.0.2.1") is None
    refused = [held.enter("192.0.2.1") for _ in range(places._REFUSED_AT_ONCE + 1)]
    assert [each.is_told for each in refused if each] == [True] * places._REFUSED_AT_ONCE + [False]


def test_descriptors_bound_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    held = Places(config(limits={"connections": "off"}))
    most = connections_within(256)
    assert most == 96
    assert [held.enter(f"10.0.0.{n}") for n in range(most)] == [None] * most
    assert held.enter("10.0.1.0") is not None


async def test_a_refused_connection_that_asks_reads_why_and_is_closed(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, workers=1, limits={"connections": 1})
    inside = await proxy.connect()
    assert (await inside.get()).status == 200
    for _ in range(5):
        client = await proxy.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n")
        client.send(b"x" * 8_000_000)
        await within(
            client.writer.drain()
        )  # all of it is taken, so that no reset overtakes the answer
        got = await within(client.rest())
        assert got.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 1\r\n" in got
    assert len(upstream.requests) == 1
    inside.close()
    await until(lambda: proxy.plane.state()["connections"] == 0)
    assert (await within(proxy.get())).status == 200


async def test_a_reload_takes_limits_at_once_for_open_connections(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(await start_upstream(), workers=1)
    client, idle = await proxy.connect(), await proxy.connect()
    assert (await client.get("/", "X: " + "x" * 2000)).status == 200
    assert (await idle.get()).status == 200
    written = proxy.config.model_dump(mode="json", exclude_none=True)
    narrow = {"head_size": "1KiB", "connections": 2, "idle": "100ms", "body_size": "3B"}
    changed = Config.model_validate(written | {"limits": narrow})
    proxy.plane.swap(compile_snapshot(changed, {}, 2), cookie_key=KEY)
    assert (await within(proxy.ask(b""))).startswith(b"HTTP/1.1 503 ")
    # What waits already keeps its time; from the next answer on the new one holds.
    assert (await idle.get()).status == 200
    assert await within(idle.rest()) == b""
    assert (await client.get("/", "X: " + "x" * 2000)).status == 431
    late = await proxy.connect()
    assert (await late.get("/", "Content-Length: 4", method="POST")).status == 413
    proxy.plane.swap(compile_snapshot(proxy.config, {}, 3), cookie_key=KEY)
    assert (await proxy.get("/", "X: " + "x" * 2000)).status == 200
