"""Every way in which an exchange fails, over real sockets: the status, the connection, the next client, the count.

Behind each request stands one more. Where the refusal ends the connection nobody may see it; elsewhere it is answered.
Whoever adds a ``Failure`` adds its rows here: a test compares the table with the whole list.
"""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.http1.failure import PASSES_BY_ITSELF, Failure
from stranglerfig.server import exchange_record

HEAD = b"Host: a\r\n"
GET = b"GET /x HTTP/1.1\r\n" + HEAD
POST = b"POST /x HTTP/1.1\r\n" + HEAD
BEHIND = b"GET /good/behind HTTP/1.1\r\n" + HEAD + b"\r\n"
PATIENT = {"connect": "20s", "response": "20s", "idle": "20s"}
HASTY = {"timeouts": {"connect": "200ms", "response": "200ms", "idle": "200ms"}}  # an upstream's
ELSEWHERE = {
    Failure.BODY_OVER_CAP,  # of answers that the proxy takes for itself: tests/upstream/test_fetch.py
    Failure.PLAIN_HTTP,  # on a port that speaks TLS: test_tls_listener.py
}


@dataclass
class World:
    """One proxy: ``/good/…`` is answered by a good upstream, everything else by the one that a row is about."""

    proxy: Any
    good: Any
    got: bytes = b""

    async def say(self, request: bytes) -> bool:
        """Send a request and one more; whether the connection was closed, and not gone on with."""
        return await self.hear(await self.proxy.connect(), request + BEHIND)

    async def hear(self, client: Any, request: bytes = b"") -> bool:
        client.send(request)
        try:
            while not self.got.endswith(b"/good/behind"):
                data = await within(client.reader.read(65536), 20)
                if not data:
                    return True
                self.got += data
        except ConnectionResetError:
            return True
        finally:
            client.close()
        return False


Provoke = Callable[[World], Awaitable[bool]]


@dataclass(frozen=True)
class Row:
    """One way to provoke a failure; gives whether the connection was closed."""

    failure: Failure
    provoke: Provoke
    is_closed: bool = True
    upstream: Any = None
    statuses: tuple[int, ...] | None = None
    config: dict[str, Any] = field(default_factory=dict)
    monolith: dict[str, Any] = field(default_factory=dict)
    """Keys of the upstream that the row is about."""
    before: dict[str, int] = field(default_factory=dict)
    """What is counted on the way to it."""


def sending(request: bytes) -> Provoke:
    async def provoke(world: World) -> bool:
        return await world.say(request)

    return provoke


def refused(failure: Failure, request: bytes, **config: Any) -> Row:
    """A request that is refused for what it is."""
    return Row(failure, sending(request), config=config)


async def sends_half(world: World) -> bool:
    """Send the half of a request, and wait."""
    return await world.hear(await world.proxy.connect(), POST + b"Content-Length: 50\r\n\r\nhalf")


async def waits_for_100(world: World) -> bool:
    """Send a head, and no body before that is asked for."""
    head = POST + b"Expect: 100-continue\r\nContent-Length: 50\r\n\r\n"
    return await world.hear(await world.proxy.connect(), head)


async def sends_half_a_head(world: World) -> bool:
    return await world.hear(await world.proxy.connect(), POST + b"X: ")


async def trickles(world: World) -> bool:
    """Send a byte of a body now and then: never silent for long, and never done."""
    client = await world.proxy.connect()
    client.send(POST + b"Content-Length: 100000\r\n\r\n")

    async def trickle() -> None:
        while True:
            client.send(b"x")
            await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    try:
        return await world.hear(client)
    finally:
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)


async def does_not_read(world: World) -> bool:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.connect(("127.0.0.1", world.proxy.port))
    client.setblocking(False)
    await asyncio.get_running_loop().sock_sendall(client, GET + b"\r\n" + BEHIND)
    await until(lambda: world.proxy.counts("errors"))
    await until(lambda: world.proxy.plane.state()["connections"] == 0)
    client.close()
    return True


async def reads_too_slowly(world: World) -> bool:
    """Take a little now and then, far below what is asked for."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.connect(("127.0.0.1", world.proxy.port))
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, GET + b"\r\n" + BEHIND)
    try:
        while not world.proxy.counts("errors"):
            await loop.sock_recv(client, 512)
            await asyncio.sleep(0.02)
    except ConnectionResetError:
        pass
    client.close()
    await until(lambda: world.proxy.plane.state()["connections"] == 0)
    return True


async def comes_when_all_places_are_taken(world: World) -> bool:
    others = [await world.proxy.connect() for _ in range(2)]
    for other in others:
        assert (await within(other.get("/good/first"))).status == 200
    is_closed = await world.say(b"")
    for other in others:
        assert (await within(other.get("/good/still"))).status == 200
        other.close()
    await until(lambda: world.proxy.plane.state()["connections"] == 0)
    return is_closed


async def comes_beside_a_request_under_way(world: World) -> bool:
    other = await world.proxy.connect()
    other.send(GET + b"\r\n")
    await until(lambda: world.proxy.plane.state()["exchanges"] == {"1": 1})
    client = await world.proxy.connect()
    client.send(GET + b"\r\n")
    world.got = await within(client.until(b"\r\n\r\n"))
    other.writer.transport.abort()
    await until(lambda: world.proxy.plane.state()["exchanges"] == {"1": 0})
    return await world.hear(client, BEHIND)


async def asks_once_more(world: World) -> bool:
    """After a failure that opens the breaker."""
    assert (await within(world.proxy.get("/x"))).status == 502
    return await world.say(GET + b"\r\n")


async def asks_a_third_time(world: World) -> bool:
    """Behind a trusted proxy, so that the next request is another client's."""
    client = await world.proxy.connect()
    told = "X-Forwarded-For: 192.0.2.1"
    assert [(await within(client.get("/x", told))).status for _ in range(2)] == [200, 200]
    return await world.hear(client, GET + told.encode() + b"\r\n\r\n" + BEHIND)


async def comes_when_the_loop_is_late(world: World) -> bool:
    """Keep the loop busy until it is known to be, and ask."""
    admission = world.proxy.plane._runtime.admission

    async def keep_busy() -> None:
        while True:
            time.sleep(0.3)  # noqa: ASYNC251 - what this is about
            await asyncio.sleep(0)

    busy = asyncio.create_task(keep_busy())
    await until(lambda: admission.is_on)
    client = await world.proxy.connect()
    client.send(GET + b"\r\n")
    world.got = await within(client.until(b"\r\n\r\n"), 20)
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    await until(lambda: not admission.is_on)
    return await world.hear(client, BEHIND)


async def meets_a_mistake_of_ours(world: World) -> bool:
    with pytest.MonkeyPatch.context() as patched:

        def fail(*_: Any) -> None:
            raise RuntimeError("a mistake")

        patched.setattr(exchange_record, "make_plan", fail)
        return await world.say(GET + b"\r\n")


# What upstreams do


async def hangs(connection: Any) -> None:
    await connection.reader.readuntil(b"\r\n\r\n")
    await connection.reader.read()


async def takes_no_body(connection: Any) -> None:
    connection.writer.transport.pause_reading()
    await asyncio.sleep(60)


async def resets_an_upload(connection: Any) -> None:
    await connection.reader.readuntil(b"\r\n\r\n")
    connection.reset()


async def hangs_up(connection: Any) -> None:
    await connection.request()


async def talks_nonsense(connection: Any) -> None:
    await connection.request()
    await connection.send(b"SSH-2.0-x\r\n")


async def knows_no_tls(connection: Any) -> None:
    await connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def stops_half_way(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    await connection.reader.read()


async def breaks_off(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")


async def answers_without_end(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    while True:
        await connection.send(b"x" * 65536)


async def uploads(world: World) -> bool:
    """More than any buffer on the way holds."""
    size = 32 * 1024 * 1024
    client = await world.proxy.connect()
    client.send(POST + b"Content-Length: %d\r\n\r\n" % size)

    async def pour() -> None:
        for _ in range(0, size, 65536):
            client.send(b"x" * 65536)
            await client.writer.drain()

    pouring = asyncio.create_task(pour())
    try:
        return await world.hear(client)
    finally:
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)


@asynccontextmanager
async def down() -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield port


@asynccontextmanager
async def full() -> AsyncIterator[int]:
    """A listening socket whose queue is full drops further attempts to connect."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for filler in fillers:
            filler.close()


@asynccontextmanager
async def speaks_first() -> AsyncIterator[int]:
    """Says something as soon as the kernel has the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        async def speak() -> None:
            while True:
                try:
                    accepted, _ = server.accept()
                except BlockingIOError:
                    await asyncio.sleep(0)
                    continue
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                kept.append(accepted)

        kept: list[socket.socket] = []
        speaking = asyncio.create_task(speak())
        yield server.getsockname()[1]
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        for each in kept:
            each.close()


def answered(failure: Failure, provoke: Provoke, upstream: Any, **row: Any) -> Row:
    """The proxy answers for an upstream that gave no answer."""
    return Row(failure, provoke, upstream=upstream, **({"is_closed": False} | row))


CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"
ROWS = {
    "garbage": refused(Failure.MALFORMED_HEAD, GET + b"X : y\r\n\r\n"),
    "no target": refused(Failure.BAD_TARGET, b"GET /x#y HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "a dot segment": refused(Failure.BAD_PATH, b"GET /x/../y HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "no Host": refused(Failure.BAD_HOST, b"GET /x HTTP/1.1\r\n\r\n"),
    "two lengths": refused(
        Failure.BAD_FRAMING, POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n1"
    ),
    "a named Cookie": refused(Failure.BAD_CONNECTION, GET + b"Connection: cookie\r\n\r\n"),
    "a broken chunk": refused(Failure.BAD_BODY, POST + CHUNKS + b"zz\r\n"),
    "an internal path": Row(
        Failure.NOT_FOUND,
        sending(b"GET /_chassis/ HTTP/1.1\r\n" + HEAD + b"\r\n"),
        is_closed=False,
    ),
    "half a head": Row(
        Failure.HEAD_TIMEOUT, sends_half_a_head, config={"limits": {"head_time": "100ms"}}
    ),
    "half a body": Row(Failure.BODY_TIMEOUT, sends_half, config={"limits": {"stall": "150ms"}}),
    "a body that trickles": Row(
        Failure.BODY_TOO_SLOW,
        trickles,
        config={"limits": {"stall": "1s", "min_rate": "10KiB/s"}},
    ),
    "a length over the limit": refused(
        Failure.BODY_TOO_LARGE, POST + b"Content-Length: 11\r\n\r\n", limits={"body_size": "10B"}
    ),
    "chunks over the limit": refused(
        Failure.BODY_TOO_LARGE,
        POST + CHUNKS + b"8\r\n01234567\r\n3\r\n012\r\n0\r\n\r\n",
        limits={"body_size": "10B"},
    ),
    "a length beyond any": refused(
        Failure.BODY_TOO_LARGE, POST + b"Content-Length: 9223372036854775808\r\n\r\n"
    ),
    "a third request": Row(
        Failure.RATE_EXCEEDED,
        asks_a_third_time,
        is_closed=False,
        config={
            "limits": {"rate": {"per_client": "1/h", "burst": 2}},
            "trusted_proxies": ["127.0.0.1"],
        },
    ),
    "a third connection of one client": Row(
        Failure.CLIENT_CONNECTIONS_FULL,
        comes_when_all_places_are_taken,
        config={"limits": {"connections_per_client": 2}, "workers": 1},
    ),
    "a third connection": Row(
        Failure.CONNECTIONS_FULL,
        comes_when_all_places_are_taken,
        config={"limits": {"connections": 2}, "workers": 1},
    ),
    "a second request at once": Row(
        Failure.REQUESTS_FULL,
        comes_beside_a_request_under_way,
        upstream=hangs,
        is_closed=False,
        config={"limits": {"requests": 1}},
    ),
    "a late loop": Row(
        Failure.OVERLOADED,
        comes_when_the_loop_is_late,
        is_closed=False,
        config={"limits": {"loop_delay": "100ms"}},
    ),
    "a large head": refused(Failure.HEAD_TOO_LARGE, GET + b"X: " + b"y" * 66000 + b"\r\n\r\n"),
    "a head over a small limit": refused(
        Failure.HEAD_TOO_LARGE,
        GET + b"X: " + b"y" * 1100 + b"\r\n\r\n",
        limits={"head_size": "1KiB"},
    ),
    "many headers": refused(Failure.TOO_MANY_HEADERS, GET + b"X: y\r\n" * 1000 + b"\r\n"),
    "eleven headers": refused(
        Failure.TOO_MANY_HEADERS, GET + b"X: y\r\n" * 10 + b"\r\n", limits={"head_fields": 10}
    ),
    "CONNECT": refused(Failure.BAD_METHOD, b"CONNECT a:443 HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "gzip": refused(Failure.BAD_CODING, POST + b"Transfer-Encoding: gzip\r\n\r\n"),
    "HTTP/3": refused(Failure.BAD_VERSION, b"GET /x HTTP/3.0\r\n" + HEAD + b"\r\n"),
    "a reader that stops": Row(
        Failure.CLIENT_STALLED,
        does_not_read,
        upstream=answers_without_end,
        statuses=(),
        config={"limits": {"stall": "150ms"}},
    ),
    "a slow reader": Row(
        Failure.CLIENT_STALLED,
        reads_too_slowly,
        upstream=answers_without_end,
        statuses=(),
        config={"limits": {"stall": "500ms", "min_rate": "1MiB/s"}},
    ),
    "an upstream that is down": answered(Failure.CONNECT_FAILED, sending(GET + b"\r\n"), down),
    "an upstream with one place": answered(
        Failure.QUEUE_FULL,
        comes_beside_a_request_under_way,
        hangs,
        monolith={"concurrency": 1, "queue": {"size": 0}},
    ),
    "an upstream whose place stays taken": answered(
        Failure.QUEUE_TIMEOUT,
        comes_beside_a_request_under_way,
        hangs,
        monolith={"concurrency": 1, "queue": {"size": 1, "wait": "100ms"}},
    ),
    "an upstream that is left alone": answered(
        Failure.ALL_OPEN,
        asks_once_more,
        down,
        monolith={
            "breaker": {"failures": 1, "when_all_open": "refuse"},
            "retries": {"attempts": 0},
        },
        before={Failure.CONNECT_FAILED.kind: 1},
    ),
    "an upstream that is full": answered(
        Failure.CONNECT_TIMEOUT, sending(GET + b"\r\n"), full, monolith=HASTY
    ),
    "an upstream without TLS": answered(
        Failure.TLS_FAILED, sending(GET + b"\r\n"), knows_no_tls, monolith={"tls": {}}
    ),
    "an upstream that resets": answered(
        Failure.SEND_FAILED, uploads, resets_an_upload, is_closed=True
    ),
    "an upstream that takes no body": answered(
        Failure.SEND_TIMEOUT, uploads, takes_no_body, is_closed=True, monolith=HASTY
    ),
    "an upstream that hangs up": answered(Failure.CLOSED_EARLY, sending(GET + b"\r\n"), hangs_up),
    "an upstream that hangs": answered(
        Failure.RESPONSE_TIMEOUT, sending(GET + b"\r\n"), hangs, monolith=HASTY
    ),
    "an upstream that never says 100": answered(
        Failure.RESPONSE_TIMEOUT, waits_for_100, hangs, is_closed=True, monolith=HASTY
    ),
    "an upstream that talks nonsense": answered(
        Failure.BAD_RESPONSE, sending(GET + b"\r\n"), talks_nonsense
    ),
    "an upstream that speaks first": answered(
        Failure.UNASKED_RESPONSE, sending(GET + b"\r\n"), speaks_first
    ),
    "an upstream that breaks off": answered(
        Failure.CUT_RESPONSE, sending(GET + b"\r\n"), breaks_off, is_closed=True, statuses=(200,)
    ),
    "an upstream that stops half way": answered(
        Failure.BODY_STALLED,
        sending(GET + b"\r\n"),
        stops_half_way,
        is_closed=True,
        statuses=(200,),
        monolith=HASTY,
    ),
    "a mistake of ours": Row(Failure.PROXY_ERROR, meets_a_mistake_of_ours),
}


def test_the_table_has_every_failure() -> None:
    assert {row.failure for row in ROWS.values()} == set(Failure) - ELSEWHERE


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_every_failure(start_upstream: Any, start_proxy: Any, row: Row) -> None:
    async def good(connection: Any) -> None:
        while seen := await connection.request():
            size = len(seen.target)
            await connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, seen.target)
            )

    is_of_sockets = row.upstream in (down, full, speaks_first)
    async with row.upstream() if is_of_sockets else nothing() as port:
        fine = await start_upstream(good)
        port = port or (await start_upstream(row.upstream or good)).port
        scheme = "https" if "tls" in row.monolith else "http"
        monolith = {"url": f"{scheme}://127.0.0.1:{port}", "timeouts": PATIENT} | row.monolith
        route = {
            "upstream": "good",
            "stage": "service",
            "compare": False,
            "routes": ["GET /good/**"],
        }
        proxy = await start_proxy(
            port,
            upstreams={"good": f"http://127.0.0.1:{fine.port}", "monolith": monolith},
            capabilities={"good": route},
            **row.config,
        )
        world = World(proxy, fine)
        is_closed = await row.provoke(world)
        assert is_closed == row.is_closed
        statuses = tuple(int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", world.got))
        first = (row.failure.status,) if row.statuses is None else row.statuses
        assert statuses == (*first, *(() if is_closed else (200,)))
        assert (b"\r\nRetry-After: " in world.got) == (row.failure in PASSES_BY_ITSELF)
        was_seen = [seen.target for seen in fine.requests if seen.target == b"/good/behind"]
        assert was_seen == ([] if is_closed else [b"/good/behind"])
        assert counted(proxy) == row.before | {row.failure.kind: 1}
        assert (await within(proxy.get("/good/next"))).body == b"/good/next"
        await until(lambda: set(proxy.plane.state()["exchanges"].values()) == {0})


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    yield None


def counted(proxy: Any) -> dict[str, int]:
    """How often each kind was counted: as refused, as failed, or, where a body was refused half way, as both."""
    refused = {reason: n for (reason,), n in proxy.counts("refused_requests").items()}
    failed = {kind: n for (kind, _, _), n in proxy.counts("errors").items()}
    return refused | failed
