"""Server-sent events: each reaches the client before the next one is made, and a reload ends only those that move."""

import asyncio
from typing import Any

import h11
import pytest
from waiting import until, within

from stranglerfig.config.model import Config
from stranglerfig.routing.snapshot import compile_snapshot

KEY = b"a key of the tests"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
GET = b"GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"
FRAMINGS = {
    "chunks": (b"Transfer-Encoding: chunked\r\n", lambda data: b"%x\r\n%b\r\n" % (len(data), data)),
    "the connection's end": (b"Connection: close\r\n", bytes),
    "a length": (b"Content-Length: 1000000\r\n", bytes),
}


@pytest.mark.parametrize(("line", "framed"), FRAMINGS.values(), ids=FRAMINGS)
async def test_an_event_arrives_before_the_next_one_is_sent(
    start_upstream: Any, start_proxy: Any, line: bytes, framed: Any
) -> None:
    arrived = asyncio.Queue[None]()

    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(HEAD + line + b"\r\n")
        for number in range(50):
            await arrived.get()  # nothing more is sent until the last one was seen
            await connection.send(framed(b"id: %d\ndata: x\n\n" % number))

    proxy = await start_proxy(await start_upstream(handle))
    client = await proxy.connect()
    client.send(GET)
    assert b"text/event-stream" in await within(client.until(b"\r\n\r\n"))
    for number in range(50):
        arrived.put_nowait(None)
        assert b"id: %d\n" % number in await within(client.until(b"\n\n"))


class Shop:
    """A proxy before a service that sends what a test says, and a monolith that is quiet."""

    def __init__(self, start_upstream: Any, start_proxy: Any) -> None:
        self._start_upstream = start_upstream
        self._start_proxy = start_proxy
        self.say: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def _talk(self, connection: Any) -> None:
        while await connection.request():
            await connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            while said := await self.say.get():
                await connection.send(b"%x\r\n%b\r\n" % (len(said), said))
            await connection.send(b"0\r\n\r\n")

    async def open(self) -> Any:
        self.service = await self._start_upstream(self._talk)
        self.monolith = await self._start_upstream(b"HTTP/1.1 204 No Content\r\n\r\n")
        self.proxy = await self._start_proxy(self.monolith, **self.config("service"))
        return self.proxy

    def config(self, stage: str, **extra: Any) -> dict[str, Any]:
        capability = {"upstream": "live", "routes": ["GET /events"], "stage": stage, **extra}
        url = f"http://127.0.0.1:{self.service.port}"
        monolith = {"url": f"http://127.0.0.1:{self.monolith.port}"}
        return {
            "upstreams": {"monolith": monolith, "live": url},
            "capabilities": {"live": capability},
        }

    def reload(self, stage: str, **extra: Any) -> None:
        model = Config.model_validate(self.config(stage, **extra))
        self.proxy.plane.swap(compile_snapshot(model, {}, 2), cookie_key=KEY)

    async def listen(self, said: bytes, request: bytes = GET) -> Any:
        client = await self.proxy.connect()
        client.send(request)
        self.say.put_nowait(said)
        await within(client.until(said))
        return client


@pytest.fixture
def shop(start_upstream: Any, start_proxy: Any) -> Shop:
    return Shop(start_upstream, start_proxy)


async def test_a_reload_that_moves_its_route_ends_it_between_two_events(shop: Shop) -> None:
    proxy = await shop.open()
    client = await shop.listen(b"data: 1\n\n")
    assert proxy.plane.state()["event_streams"] == 1
    shop.reload("monolith")
    assert await within(client.until(b"0\r\n\r\n")) == b"\r\n0\r\n\r\n"
    # A whole answer, so the connection goes on.
    assert (await within(client.get("/events"))).status == 204
    state = proxy.plane.state()
    assert (state["event_streams"], state["exchanges"]) == (0, {"2": 0})
    assert proxy.counts("stream_ends") == {("events", "moved"): 1}
    assert proxy.counts("errors") == proxy.counts("client_gone") == {}
    assert proxy.counts("compare_tee_skipped") == {("live", "not_comparable"): 1}


async def test_one_in_the_middle_of_an_event_is_cut(shop: Shop) -> None:
    await shop.open()
    client = await shop.listen(b"data: 1\n\ndata: ")
    shop.reload("monolith")
    with pytest.raises(h11.RemoteProtocolError):
        await within(client.answer())
    client.close()


async def test_one_of_http_1_0_ends_by_closing(shop: Shop) -> None:
    await shop.open()
    client = await shop.listen(b"data: 1\n\n", GET.replace(b"1.1", b"1.0"))
    shop.reload("monolith")
    assert await within(client.reader.read()) == b""


async def test_a_reload_that_does_not_move_it_leaves_it_alone(shop: Shop) -> None:
    proxy = await shop.open()
    client = await shop.listen(b"data: 1\n\n")
    shop.reload("service", sample=50)
    await until(lambda: proxy.plane.state()["exchanges"] == {"2": 1})
    shop.say.put_nowait(b"data: 2\n\n")
    await within(client.until(b"data: 2\n\n"))
    shop.say.put_nowait(None)
    await within(client.until(b"0\r\n\r\n"))
    await until(lambda: proxy.plane.state()["exchanges"] == {"2": 0})
    assert proxy.plane.state()["event_streams"] == 0
    assert proxy.counts("stream_ends") == {}


async def test_an_ordinary_answer_ends_whatever_the_table_says(
    start_upstream: Any, start_proxy: Any
) -> None:
    go = asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe")
        await go.wait()
        await connection.send(b"re")

    shop = Shop(start_upstream, start_proxy)
    proxy = await shop.open()
    shop.service.handler = handle
    client = await proxy.connect()
    client.send(GET)
    await within(client.until(b"\r\n\r\nhe"))
    shop.reload("monolith")
    assert (await within(proxy.get("/events"))).status == 204
    go.set()
    assert await within(client.reader.readexactly(2)) == b"re"


async def test_a_worker_that_stops_ends_it_before_its_deadline(shop: Shop) -> None:
    proxy = await shop.open()
    client = await shop.listen(b"data: 1\n\n")
    draining = asyncio.create_task(proxy.plane.drain(2))
    assert await within(client.rest()) == b"\r\n0\r\n\r\n"
    await within(draining)
    assert proxy.counts("stream_ends") == {("events", "stopping"): 1}


class Fallen:
    """A proxy before a service that hangs up, and monoliths that send events in its place."""

    def __init__(self, start_upstream: Any, start_proxy: Any) -> None:
        self._start_upstream = start_upstream
        self._start_proxy = start_proxy

    async def _talk(self, connection: Any) -> None:
        await connection.request()
        await connection.send(HEAD + b"\r\ndata: 1\n\n")
        await connection.reader.read()

    async def _hang_up(self, connection: Any) -> None:
        await connection.request()

    async def listen(self) -> Any:
        self.service = await self._start_upstream(self._hang_up)
        self.monoliths = [await self._start_upstream(self._talk) for _ in range(2)]
        self.proxy = await self._start_proxy(self.monoliths[0], **self.config(0, "service"))
        client = await self.proxy.connect()
        client.send(GET)
        await within(client.until(b"data: 1\n\n"))
        return client

    def config(self, monolith: int, stage: str, fallback: str = "monolith") -> dict[str, Any]:
        ports = {"monolith": self.monoliths[monolith].port, "live": self.service.port}
        live = {"upstream": "live", "routes": ["GET /events"], "stage": stage, "fallback": fallback}
        return {
            "upstreams": {name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
            "capabilities": {"live": live},
        }

    def reload(self, *what: Any) -> None:
        model = Config.model_validate(self.config(*what))
        self.proxy.plane.swap(compile_snapshot(model, {}, 2), cookie_key=KEY)


@pytest.fixture
def fallen(start_upstream: Any, start_proxy: Any) -> Fallen:
    return Fallen(start_upstream, start_proxy)


@pytest.mark.parametrize("what", [(1, "service"), (1, "monolith"), (0, "service", "none")], ids=str)
async def test_one_that_fell_back_moves_where_its_server_is_no_longer_asked(
    fallen: Fallen, what: tuple[Any, ...]
) -> None:
    client = await fallen.listen()
    fallen.reload(*what)
    assert await within(client.until(b"0\r\n\r\n")) == b"\r\n0\r\n\r\n"
    assert fallen.proxy.counts("stream_ends") == {("events", "moved"): 1}


@pytest.mark.parametrize("stage", ["service", "monolith"])
async def test_one_that_fell_back_stays_where_its_server_still_is(
    fallen: Fallen, stage: str
) -> None:
    await fallen.listen()
    fallen.reload(0, stage)
    await until(lambda: fallen.proxy.plane.state()["exchanges"] == {"2": 1})
    assert fallen.proxy.plane.state()["event_streams"] == 1
    assert fallen.proxy.counts("stream_ends") == {}
