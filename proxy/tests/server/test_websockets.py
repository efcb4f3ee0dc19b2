"""WebSockets with a client and a server that people use, on real sockets: what the proxy decides about them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from upgrading import ASK_WEBSOCKET, SWITCH_WEBSOCKET, switching
from waiting import until, within
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from stranglerfig.config.model import Config
from stranglerfig.routing.snapshot import compile_snapshot
from stranglerfig.signing import sign

KEY = b"a key of the tests"
CANARY = {"stage": "canary", "percent": 50}


class Chat:
    """A WebSocket server: says its name first, then everything back; it keeps what it knows of its connections."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: list[Any] = []
        self.closes: list[tuple[int, str]] = []
        self.port = 0

    async def start(self) -> "Chat":
        # Without its pings, so that nothing moves unless a test says so.
        self._server = await serve(
            self._handle, "127.0.0.1", 0, ping_interval=None, open_timeout=None, max_size=None,
            process_request=self._look,
        )  # fmt: skip
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    def _look(self, connection: ServerConnection, request: Any) -> Any:
        self.requests.append(request)
        return connection.respond(403, "not you\n") if request.path.endswith("/refused") else None

    async def _handle(self, connection: ServerConnection) -> None:
        await connection.send(self.name)
        try:
            async for message in connection:
                await connection.send(message)
        except ConnectionClosed:
            pass
        self.closes.append((connection.close_code or 0, connection.close_reason or ""))

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()


class Site:
    """A monolith and a service that both speak WebSocket, and a proxy before them."""

    def __init__(self, start_proxy: Any) -> None:
        self._start_proxy = start_proxy
        self._clients: list[ClientConnection] = []

    async def open(self, *, timeouts: dict[str, str] | None = None, **capability: Any) -> "Site":
        self.monolith = await Chat("monolith").start()
        self.service = await Chat("service").start()
        self.timeouts = {"timeouts": {"connect": "60s", "response": "60s"} | (timeouts or {})}
        self.proxy = await self._start_proxy(self.monolith, **self.config(**capability))
        return self

    def config(self, *, service_port: int | None = None, **capability: Any) -> dict[str, Any]:
        """The keys of fig.yaml for a capability that is so."""
        url = f"http://127.0.0.1:{service_port or self.service.port}"
        claims = {
            "upstream": "chat",
            "routes": ["GET,POST /ws/**"],
            "stage": "service",
            "compare": False,
        }
        monolith = {"url": f"http://127.0.0.1:{self.monolith.port}"} | self.timeouts
        return {
            "upstreams": {"monolith": monolith, "chat": {"url": url} | self.timeouts},
            "capabilities": {"chat": claims | capability},
        }  # fmt: skip

    def reload(self, generation: int, **config: Any) -> None:
        """Let the worker run another table."""
        model = Config.model_validate(self.config(**config))
        self.proxy.plane.swap(compile_snapshot(model, {}, generation), cookie_key=KEY)

    async def connect(self, path: str = "/ws/room", **headers: str) -> ClientConnection:
        """Open a WebSocket through the proxy."""
        client = await within(
            websocket(
                f"ws://127.0.0.1:{self.proxy.port}{path}",
                additional_headers={name.replace("_", "-"): text for name, text in headers.items()},
                ping_interval=None,
                open_timeout=None,
                max_size=None,
                proxy=None,
            ),
            60,
        )
        self._clients.append(client)
        return client

    async def greeted(self, path: str = "/ws/room", **headers: str) -> tuple[ClientConnection, str]:
        """The same, and who is at the other end."""
        client = await self.connect(path, **headers)
        return client, str(await within(client.recv(), 60))

    async def close(self) -> None:
        for client in self._clients:
            client.transport.abort()
        if hasattr(self, "monolith"):
            await self.monolith.stop()
            await self.service.stop()


@pytest.fixture
async def site(start_proxy: Any) -> AsyncIterator[Site]:
    made = Site(start_proxy)
    yield made
    await made.close()


async def closed(client: ClientConnection) -> tuple[int, str]:
    """How it was told to close."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await within(client.recv(), 20)
    return client.close_code or 0, client.close_reason or ""


async def test_messages_of_every_kind_go_both_ways(site: Site) -> None:
    await site.open()
    client, name = await site.greeted()
    assert name == "service"
    for message in ("héllo", b"", b"\x00" * 70_000, "x" * 3_000_000):
        await client.send(message)
        assert await within(client.recv(), 20) == message
    await client.send(["in ", "several ", "frames"])
    assert await within(client.recv()) == "in several frames"
    await within(await client.ping(b"?"))
    await client.close(4001, "enough")
    await until(lambda: site.service.closes == [(4001, "enough")])
    # RFC 6455 section 7.1.1: the server closes the connection.
    await until(lambda: site.proxy.counts("stream_ends") == {("tunnel", "upstream"): 1})
    assert client.protocol.extensions, "compression was agreed on across the proxy"


async def test_many_at_once_do_not_mix(site: Site) -> None:
    await site.open()

    async def talk(number: int) -> None:
        client, _ = await site.greeted()
        for turn in range(20):
            await client.send(f"{number}.{turn}" * 100)
            assert await within(client.recv(), 60) == f"{number}.{turn}" * 100
        await client.close()

    await asyncio.gather(*map(talk, range(30)))
    assert site.proxy.count("upgrades", capability="chat", side="service") == 30


async def test_a_refused_websocket_is_told_why(site: Site) -> None:
    await site.open()
    with pytest.raises(InvalidStatus) as refused:
        await site.connect("/ws/refused")
    response = refused.value.response
    assert (response.status_code, response.body) == (403, b"not you\n")
    assert site.proxy.count("requests", capability="chat", stage="service", side="service", status="4xx") == 1  # fmt: skip
    assert site.proxy.counts("upgrades") == {}


async def test_a_plain_request_to_a_websocket_server_is_told_to_upgrade(site: Site) -> None:
    await site.open()
    assert (await site.proxy.get("/ws/room")).status == 426


# Counted


async def test_it_is_counted_when_it_opens_and_how_long_it_lasts_is_no_latency(site: Site) -> None:
    await site.open()
    client, _ = await site.greeted()
    other, _ = await site.greeted("/elsewhere")
    proxy = site.proxy
    assert proxy.plane.state()["tunnels"] == 2
    assert proxy.plane.state()["exchanges"] == {"1": 2}
    assert proxy.counts("upgrades") == {("chat", "service"): 1, ("-", "monolith"): 1}
    seen = {"capability": "chat", "stage": "service", "side": "service", "status": "1xx"}
    assert proxy.count("requests", **seen) == 1
    for each in (client, other):
        await each.close()
    await until(lambda: proxy.plane.state()["tunnels"] == 0)
    assert not proxy.counts("request_duration_seconds_bucket")
    assert proxy.count("requests", **seen) == 1
    assert proxy.counts("errors") == proxy.counts("client_gone") == {}


async def test_it_is_never_compared_and_that_is_counted(site: Site) -> None:
    await site.open(compare=True)
    await site.greeted()
    with pytest.raises(InvalidStatus):
        await site.connect("/ws/refused")
    assert site.proxy.counts("compare_asked") == {("chat",): 2}
    assert site.proxy.counts("compare_tee_skipped") == {("chat", "not_comparable"): 2}
    await site.proxy.get("/ws/room")
    assert site.proxy.counts("compare_tee_skipped")["chat", "comparer_away"] == 1


# By plan


async def test_in_canary_the_101_sets_the_cookie_by_which_the_user_comes_back(site: Site) -> None:
    await site.open(**CANARY)
    sides = set()
    for _ in range(20):
        client, name = await site.greeted()
        assert client.response is not None
        cookie = client.response.headers["Set-Cookie"].partition(";")[0]
        assert cookie.startswith("fig_user=")
        again, name_again = await site.greeted(Cookie=f"a=b; {cookie}")
        assert again.response is not None
        assert (name_again, "Set-Cookie" in again.response.headers) == (name, False)
        sides.add(name)
    assert sides == {"monolith", "service"}
    cookies = {
        each.headers.get("Cookie") for each in site.monolith.requests + site.service.requests
    }
    assert cookies == {None, "a=b"}


async def test_a_force_holds_for_a_websocket_and_is_seen_in_its_plan(site: Site) -> None:
    await site.open(stage="monolith")
    soon = int(time.time()) + 60
    client, name = await site.greeted(
        Fig_Force=sign("Fig-Force", "chat=service", soon, KEY), Fig_Debug=sign("Fig-Debug", "plan", soon, KEY)
    )  # fmt: skip
    assert name == "service"
    assert client.response is not None
    assert "reason=forced" in client.response.headers["Fig-Plan"]
    assert site.proxy.count("forced_requests", capability="chat", side="service", status="1xx") == 1
    assert not [name for name in site.service.requests[0].headers if name.lower().startswith("fig")]


async def test_who_just_wrote_is_connected_where_the_write_was_taken(site: Site) -> None:
    await site.open(read_your_writes="1h")
    answer = await site.proxy.get("/ws/room", "Content-Length: 0", method="POST")
    cookie = answer.headers[b"set-cookie"].partition(b";")[0].decode()
    assert (await site.greeted(Cookie=cookie))[1] == "monolith"
    assert (await site.greeted())[1] == "service"
    assert site.proxy.count("wrote_requests", capability="chat", side="monolith", status="1xx") == 1


# A new table

Change = Callable[[Site], None]

CHANGES: dict[str, tuple[Change, bool]] = {
    "nothing": (lambda site: site.reload(2), False),
    "another capability's": (
        lambda site: site.reload(2, routes=["GET,POST /ws/**", "POST /new"], sample=50),
        False,
    ),
    "the writes": (lambda site: site.reload(2, writes="service"), False),
    "the stage": (lambda site: site.reload(2, stage="monolith"), True),
    "the route": (lambda site: site.reload(2, routes=["GET /ws/other"]), True),
    "the service's address": (
        lambda site: site.reload(2, service_port=site.monolith.port),
        True,
    ),
}


@pytest.mark.parametrize(("change", "is_moved"), CHANGES.values(), ids=CHANGES)
async def test_a_reload_ends_those_that_lead_elsewhere_now_and_leaves_the_others(
    site: Site, change: Change, is_moved: bool
) -> None:
    await site.open()
    moved, _ = await site.greeted()
    unclaimed, _ = await site.greeted("/elsewhere")
    change(site)
    if is_moved:
        assert await closed(moved) == (1012, "service restart")
        # The upstream was told the same, by the client itself.
        await until(lambda: site.service.closes == [(1012, "service restart")])
        await until(lambda: site.proxy.counts("stream_ends") == {("tunnel", "moved"): 1})
    await until(lambda: site.proxy.plane.state()["exchanges"] == {"2": 1 if is_moved else 2})
    for client in [unclaimed] if is_moved else [unclaimed, moved]:
        await client.send("still there")
        assert await within(client.recv()) == "still there"


async def test_in_canary_only_the_users_who_are_moved_are_asked_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stranglerfig.server.streams.SPREAD_S", 0.2)
    await site.open(**CANARY)
    clients = [await site.greeted() for _ in range(30)]
    assert {name for _, name in clients} == {"monolith", "service"}
    # All of the service's users stay, those of the monolith are moved; and nobody is asked twice.
    for generation in (2, 3, 4):
        site.reload(generation, stage="canary", percent=100)
    for client, name in clients:
        if name == "monolith":
            assert await closed(client) == (1012, "service restart")
        else:
            await client.send("still there")
            assert await within(client.recv()) == "still there"
    moved = sum(name == "monolith" for _, name in clients)
    await until(lambda: site.proxy.counts("stream_ends") == {("tunnel", "moved"): moved})
    assert site.proxy.plane.state()["tunnels"] == 30 - moved


async def test_a_table_that_is_changed_back_in_time_ends_few(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.open()
    clients = [(await site.greeted())[0] for _ in range(10)]
    monkeypatch.setattr("stranglerfig.server.streams.SPREAD_S", 600.0)
    site.reload(2, stage="monolith")
    # The first is asked at once, the next a minute later.
    await until(lambda: site.proxy.counts("stream_ends") == {("tunnel", "moved"): 1})
    site.reload(3)
    await until(lambda: site.proxy.plane.state()["exchanges"] == {"3": 9})
    streams = site.proxy.plane._runtime.streams
    for stream in list(streams._open):
        streams._leave_if_moved(stream)  # as it happens in ten minutes at the latest
    for client in clients[1:]:
        await client.send("still there")
        assert await within(client.recv()) == "still there"


@pytest.mark.parametrize("is_moved", [True, False])
async def test_a_table_that_comes_before_the_101_counts_too(
    start_upstream: Any, start_proxy: Any, is_moved: bool
) -> None:
    asked, grant = asyncio.Event(), asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        asked.set()
        await grant.wait()
        await connection.send(SWITCH_WEBSOCKET)
        await connection.reader.read()

    upstream = await start_upstream(handle)
    other = await start_upstream()
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(ASK_WEBSOCKET)
    await within(asked.wait())
    port = other.port if is_moved else upstream.port
    config = Config.model_validate({"upstreams": {"monolith": f"http://127.0.0.1:{port}"}})
    proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)
    grant.set()
    await within(client.until(b"\r\n\r\n"))
    if is_moved:
        assert await within(client.reader.readexactly(len(CLOSE))) == CLOSE
    else:
        await until(lambda: proxy.plane.state()["exchanges"] == {"2": 1})
    client.writer.write_eof()
    assert await within(client.reader.read()) == b""


async def test_who_was_forced_stays_where_it_was_sent(site: Site) -> None:
    await site.open(stage="service")
    force = sign("Fig-Force", "chat=service", int(time.time()) + 60, KEY)
    client, _ = await site.greeted(Fig_Force=force)
    site.reload(2, stage="monolith")
    await until(lambda: site.proxy.plane.state()["exchanges"] == {"2": 1})
    await client.send("still there")
    assert await within(client.recv()) == "still there"


async def test_who_stayed_where_it_wrote_is_not_moved_by_a_reload_that_changes_nothing(
    site: Site,
) -> None:
    await site.open(read_your_writes="1h")
    answer = await site.proxy.get("/ws/room", "Content-Length: 0", method="POST")
    cookie = answer.headers[b"set-cookie"].partition(b";")[0].decode()
    client, name = await site.greeted(Cookie=cookie)
    assert name == "monolith"
    site.reload(2, sample=50)
    await until(lambda: site.proxy.plane.state()["exchanges"] == {"2": 1})
    await client.send("still there")
    assert await within(client.recv()) == "still there"


async def test_a_worker_that_stops_tells_them_before_its_deadline(site: Site) -> None:
    await site.open()
    client, _ = await site.greeted()
    draining = asyncio.create_task(site.proxy.plane.drain(3))
    await until(lambda: site.proxy.plane.state()["draining"])
    await client.send("still there")
    assert await within(client.recv()) == "still there"
    assert await closed(client) == (1012, "service restart")
    await within(draining, 20)
    assert site.proxy.plane.state()["connections"] == 0
    assert site.proxy.counts("stream_ends") == {("tunnel", "stopping"): 1}


async def test_one_in_which_nothing_moves_is_told_so(site: Site) -> None:
    await site.open(timeouts={"tunnel": "300ms"})
    client, _ = await site.greeted()
    assert await closed(client) == (1001, "idle")
    await until(lambda: site.proxy.counts("stream_ends") == {("tunnel", "idle"): 1})


# The Close frame, byte by byte


def frame(payload: bytes) -> bytes:
    return Frame(Opcode.BINARY, payload).serialize(mask=False)


async def open_raw(
    start_upstream: Any, start_proxy: Any, then: Callable[[Any], Awaitable[None]]
) -> tuple[Any, Any]:
    proxy = await start_proxy(await start_upstream(switching(then, SWITCH_WEBSOCKET)))
    client = await proxy.connect()
    client.send(ASK_WEBSOCKET)
    await within(client.until(b"\r\n\r\n"))
    return proxy, client


CLOSE = b"\x88\x11\x03\xf4service restart"


async def test_a_close_of_ours_waits_for_the_frame_under_way_and_nothing_comes_behind_it(
    start_upstream: Any, start_proxy: Any
) -> None:
    go, gone = asyncio.Event(), asyncio.Event()
    first, second = frame(b"a" * 300), frame(b"b" * 10)

    async def talk(connection: Any) -> None:
        await connection.send(first[:200])
        await go.wait()
        await connection.send(first[200:] + second)
        assert await connection.reader.readexactly(4) == b"okay"
        await connection.send(second)
        gone.set()

    proxy, client = await open_raw(start_upstream, start_proxy, talk)
    got = await within(client.reader.readexactly(200))
    (tunnel,) = proxy.plane._runtime.streams._open
    proxy.plane._runtime.streams.leave_all()
    assert tunnel._farewell is not None
    go.set()
    assert (
        got + await within(client.reader.readexactly(len(first) - 200 + len(CLOSE)))
        == first + CLOSE
    )
    client.send(b"okay")  # what the client has to say to that goes on
    await within(gone.wait())
    assert await within(client.reader.read()) == b""


async def test_one_that_closes_by_itself_is_told_nothing_more(
    start_upstream: Any, start_proxy: Any
) -> None:
    said = b"\x88\x02\x03\xe8"

    async def talk(connection: Any) -> None:
        await connection.send(said)
        await connection.reader.read()

    proxy, client = await open_raw(start_upstream, start_proxy, talk)
    got = await within(client.reader.readexactly(len(said)))
    proxy.plane._runtime.streams.leave_all()
    client.writer.write_eof()
    assert got + await within(client.reader.read()) == said


async def test_one_that_does_not_close_is_closed(
    start_upstream: Any, start_proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stranglerfig.server.tunnel.CLOSING_S", 0.2)

    async def ignore(connection: Any) -> None:
        while await connection.reader.read(1024):
            pass

    proxy, client = await open_raw(start_upstream, start_proxy, ignore)
    proxy.plane._runtime.streams.leave_all()
    assert await within(client.reader.read()) == CLOSE
    await until(lambda: proxy.plane.state()["tunnels"] == 0)
