"""Several servers behind one upstream: each gets its share, and one that fails is left alone until it answers again."""

import asyncio
import socket
from collections import Counter
from typing import Any

import h11
import pytest
from upgrading import ASK, SWITCH, UPGRADES, echo
from waiting import until, within

from stranglerfig.config.model import Config
from stranglerfig.routing.snapshot import compile_snapshot

KEY = b"a key of the tests"
TIMEOUTS = {"connect": "20s", "response": "20s", "idle": "20s"}
LONG = {"open": "24h", "longest": "24h"}
"""No breaker is half open before the test says so."""
EVENTS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"9\r\ndata: 1\n\n\r\n"
)


def answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def free_port() -> int:
    """A port on which nobody listens, so that it refuses."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


class Held:
    """A handler that answers with ``body`` once it is let."""

    def __init__(self, body: bytes) -> None:
        self._answer = answer(body)
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, connection: Any) -> None:
        while await connection.request():
            self.begun.set()
            await self.go.wait()
            await connection.send(self._answer)


class Several:
    """A proxy before several servers."""

    def __init__(self, start_upstream: Any, start_proxy: Any) -> None:
        self._start_upstream = start_upstream
        self._start_proxy = start_proxy
        self.servers: list[Any] = []

    async def start(self, *handlers: Any, **upstream: Any) -> Any:
        self.servers = [await self._start_upstream(handler) for handler in handlers]
        self.proxy = await self._start_proxy(1, upstreams={"monolith": self.written(**upstream)})
        return self.proxy

    def written(self, *ports: int, **upstream: Any) -> dict[str, Any]:
        used = ports or [server.port for server in self.servers]
        urls = [f"http://127.0.0.1:{port}" for port in used]
        return {"urls": urls, "timeouts": TIMEOUTS, **upstream}

    def reload(self, upstream: dict[str, Any]) -> None:
        config = Config.model_validate({"upstreams": {"monolith": upstream}})
        self.proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)

    async def ask(self, times: int, method: str = "GET") -> Counter[str]:
        """Who answers so many requests, one after the other."""
        found: Counter[str] = Counter()
        for _ in range(times):
            got = await self.proxy.get(method=method)
            found[got.body.decode() if got.status == 200 else str(got.status)] += 1
        return found

    def addresses(self) -> list[dict[str, Any]]:
        state = self.proxy.plane.state()["upstream_connections"]["upstreams"]["monolith"]
        assert isinstance(state, list)
        return state

    def breakers(self) -> list[str]:
        return [address["breaker"] for address in self.addresses()]

    def half_open(self, number: int) -> None:
        """Let the time pass for which an address is left alone."""
        now = asyncio.get_running_loop().time()
        [balancer] = self.proxy.plane._runtime.upstreams._balancers.known.values()
        list(balancer.peers())[number].breaker.until = now
        balancer.sort_out(now)
        assert self.breakers()[number] == "half_open"

    def overdue(self, number: int) -> None:
        """Let the time pass in which the trial of an address should have been answered."""
        now = asyncio.get_running_loop().time()
        [balancer] = self.proxy.plane._runtime.upstreams._balancers.known.values()
        list(balancer.peers())[number].breaker._trial_by = now
        balancer.sort_out(now)


@pytest.fixture
def several(start_upstream: Any, start_proxy: Any) -> Several:
    return Several(start_upstream, start_proxy)


@pytest.mark.parametrize("balance", ["least_requests", "round_robin"])
async def test_every_url_gets_its_share_over_kept_connections(
    several: Several, balance: str
) -> None:
    await several.start(*(answer(name) for name in (b"a", b"b", b"c")), balance=balance)
    assert await several.ask(30) == {"a": 10, "b": 10, "c": 10}
    assert [server.connections for server in several.servers] == [1, 1, 1]
    assert several.addresses()[0] == {
        "address": f"127.0.0.1:{several.servers[0].port}",
        "under_way": 0,
        "idle": 1,
        "breaker": "closed",
        "health": "unknown",
    }


async def test_the_busy_one_is_spared_and_shows_what_it_has_under_way(several: Several) -> None:
    held = Held(b"slow")
    proxy = await several.start(held, answer(b"quick"))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(held.begun.wait())
    assert several.addresses()[0]["under_way"] == 1
    assert await several.ask(8) == {"quick": 8}
    held.go.set()
    assert (await within(client.answer())).body == b"slow"
    assert several.addresses()[0]["under_way"] == 0
    assert await several.ask(8) == {"quick": 4, "slow": 4}


async def test_nobody_sees_that_one_refuses_and_it_is_used_when_it_is_back(
    several: Several, start_upstream: Any
) -> None:
    proxy = await several.start(answer(b"a"), answer(b"b"), breaker=LONG)
    gone = several.servers[0]
    await gone.stop()
    assert await several.ask(6) == {"b": 6}
    assert await several.ask(6, method="POST") == {"b": 6}
    assert several.breakers()[1] == "closed"
    assert several.addresses()[0]["breaker_why"] == "connect_failed"
    assert proxy.count("upstream_address_changes", upstream="monolith", change="opened") == 1
    gone._server = await asyncio.start_server(gone._handle, "127.0.0.1", gone.port)
    several.half_open(0)
    assert (await several.ask(4))["a"] >= 1
    assert several.breakers() == ["closed", "closed"]
    assert await several.ask(6) == {"a": 3, "b": 3}
    assert proxy.count("upstream_address_changes", upstream="monolith", change="closed") == 1


@pytest.mark.slow
async def test_one_that_hangs_costs_as_many_requests_as_it_is_allowed_failures(
    several: Several,
) -> None:
    is_well = False

    async def flapping(connection: Any) -> None:
        while await connection.request():
            if not is_well:
                await asyncio.Event().wait()
            await connection.send(answer(b"a"))

    breaker = {"failures": 3, **LONG}
    timeouts = {"response": "1s"}
    await several.start(flapping, answer(b"b"), breaker=breaker, timeouts=timeouts)
    assert await several.ask(16) == {"504": 3, "b": 13}
    assert several.breakers() == ["open", "closed"]
    several.half_open(0)
    assert await several.ask(8) == {"504": 1, "b": 7}, "one trial, and it fails"
    is_well = True
    several.half_open(0)
    assert (await several.ask(2))["a"] >= 1
    assert several.breakers() == ["closed", "closed"]


async def closes(connection: Any) -> None:
    await connection.request()
    connection.close()


async def nonsense(connection: Any) -> None:
    while await connection.request():
        await connection.send(b"FTP/1.0 hello\r\n\r\n")


async def cuts(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
    connection.close()


@pytest.mark.parametrize("handler", [closes, nonsense, cuts])
async def test_every_kind_of_unusable_answer_opens_it(several: Several, handler: Any) -> None:
    proxy = await several.start(handler, answer(b"b"), breaker={"failures": 2, **LONG})
    statuses: Counter[int] = Counter()
    for _ in range(10):
        try:
            statuses[(await proxy.get()).status] += 1
        except h11.RemoteProtocolError:  # the answer was cut, and is seen as cut
            statuses[0] += 1
    assert statuses.total() - statuses[200] == 2
    assert several.breakers() == ["open", "closed"]


@pytest.mark.parametrize("status", [b"500 Oops", b"502 Bad", b"503 Busy", b"404 Not Found"])
async def test_an_answer_is_an_answer_whatever_its_status(several: Several, status: bytes) -> None:
    await several.start(answer(b"", status), answer(b"b"), breaker={"failures": 1})
    assert await several.ask(8) == {status[:3].decode(): 4, "b": 4}
    assert several.breakers() == ["closed", "closed"]


async def test_clients_that_leave_never_count(several: Several) -> None:
    begun = asyncio.Event()

    async def hang(connection: Any) -> None:
        await connection.request()
        begun.set()
        await connection.reader.read()

    proxy = await several.start(hang, breaker={"failures": 1})
    for _ in range(5):
        begun.clear()
        client = await proxy.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await within(begun.wait())
        client.close()
        await until(lambda: several.addresses()[0]["under_way"] == 0)
    assert several.breakers() == ["closed"]
    assert proxy.counts("upstream_address_changes") == {}


async def test_kept_connections_that_were_closed_meanwhile_never_count(several: Several) -> None:
    async def once(connection: Any) -> None:
        await connection.request()
        await connection.send(answer(b"a"))
        await connection.request()  # never answered: closed in the face of who asks
        connection.close()

    proxy = await several.start(once, breaker={"failures": 1})
    assert await several.ask(6) == {"a": 6}
    assert proxy.count("upstream_connections", upstream="monolith", use="reused") >= 3
    assert proxy.counts("upstream_address_changes") == {}


async def test_the_only_address_is_asked_however_often_it_failed(several: Several) -> None:
    is_well = False

    async def flapping(connection: Any) -> None:
        while await connection.request():
            if not is_well:
                connection.close()
                return
            await connection.send(answer(b"a"))

    await several.start(flapping, breaker={"failures": 2, **LONG})
    assert await several.ask(10) == {"502": 10}
    assert len(several.servers[0].requests) == 10
    assert several.breakers() == ["open"]
    is_well = True
    assert await several.ask(3) == {"a": 3}
    assert several.breakers() == ["closed"]


async def test_an_answer_on_a_connection_that_is_not_kept_counts_too(several: Several) -> None:
    is_well = False

    async def flapping(connection: Any) -> None:
        await connection.request()
        if is_well:
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
        connection.close()

    await several.start(flapping, breaker={"failures": 2, **LONG})
    assert await several.ask(2) == {"502": 2}
    assert several.breakers() == ["open"]
    is_well = True
    assert (await several.proxy.get(method="HEAD")).status == 200
    assert several.breakers() == ["closed"]


async def test_where_it_is_written_nothing_is_sent_while_all_are_open(several: Several) -> None:
    is_well = False

    async def flapping(connection: Any) -> None:
        while await connection.request():
            if not is_well:
                connection.close()
                return
            await connection.send(answer(b"ok"))

    breaker = {"failures": 2, "when_all_open": "refuse", **LONG}
    proxy = await several.start(flapping, flapping, breaker=breaker)
    assert await several.ask(4) == {"502": 4}
    before = [len(server.requests) for server in several.servers]
    assert several.breakers() == ["open", "open"]
    refused = await proxy.get(method="POST")
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    assert [len(server.requests) for server in several.servers] == before
    assert proxy.count("errors", upstream="monolith", phase="connect", kind="all_open") == 1
    assert proxy.count("upstream_connections", upstream="monolith", use="opened") == 4
    is_well = True
    several.half_open(0)
    several.half_open(1)
    assert await several.ask(4) == {"ok": 4}
    assert several.breakers() == ["closed", "closed"]


async def test_a_trial_whose_client_leaves_is_followed_by_another(several: Several) -> None:
    hangs = True
    begun = asyncio.Event()

    async def flapping(connection: Any) -> None:
        while await connection.request():
            begun.set()
            if hangs:
                await connection.reader.read()
                return
            await connection.send(answer(b"ok"))

    breaker = {"failures": 1, "when_all_open": "refuse", **LONG}
    proxy = await several.start(flapping, breaker=breaker, timeouts={"response": "1s"})
    assert await several.ask(1) == {"504": 1}
    several.reload(several.written(breaker=breaker))
    several.half_open(0)
    begun.clear()
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(begun.wait())
    assert await several.ask(2) == {"503": 2}, "one trial at a time"
    client.close()
    await until(lambda: several.addresses()[0]["under_way"] == 0)
    hangs = False
    assert await several.ask(2) == {"ok": 2}


async def test_a_reload_keeps_connections_and_breakers_of_what_stays(
    several: Several, start_upstream: Any
) -> None:
    breaker = {"failures": 1, **LONG}
    await several.start(answer(b"a"), closes, answer(b"c"), breaker=breaker)
    await several.ask(9)
    assert several.breakers() == ["closed", "open", "closed"]
    a, bad, c = several.servers
    new = await start_upstream(answer(b"new"))
    several.reload(several.written(new.port, bad.port, a.port, breaker=breaker))
    assert several.breakers() == ["closed", "open", "closed"]
    await until(lambda: several.proxy.connections() == {"open": 1, "idle": 1})
    assert await several.ask(6) == {"a": 3, "new": 3}
    assert (a.connections, c.connections) == (1, 1)


async def test_an_answer_under_way_ends_although_its_url_is_gone(several: Several) -> None:
    held = Held(b"old")
    proxy = await several.start(held, answer(b"b"))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(held.begun.wait())
    several.reload(several.written(several.servers[1].port))
    assert await several.ask(4) == {"b": 4}
    held.go.set()
    assert (await within(client.answer())).body == b"old"
    await until(lambda: proxy.connections() == {"open": 1, "idle": 1})


async def test_a_host_is_told_to_http_1_0_though_there_are_several(several: Several) -> None:
    proxy = await several.start(answer(b"a"), answer(b"b"))
    assert b"200 OK" in await within(proxy.ask(b"GET / HTTP/1.0\r\n\r\n"))
    assert b"200 OK" in await within(proxy.ask(b"GET / HTTP/1.0\r\n\r\n"))
    told = {request.headers[b"host"] for server in several.servers for request in server.requests}
    assert told == {b"127.0.0.1:%d" % several.servers[0].port}


async def test_a_url_where_nobody_listens_costs_nobody_anything(several: Several) -> None:
    await several.start(answer(b"a"))
    several.reload(several.written(free_port(), several.servers[0].port))
    assert await several.ask(10) == {"a": 10}


class Recovering:
    """A server that resets each connection, until it is well: then it answers, now and then for long."""

    def __init__(self) -> None:
        self.is_well = False
        self.is_over = asyncio.Event()
        self.has_upload = asyncio.Event()

    async def handle(self, connection: Any) -> None:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        if not self.is_well:
            connection.reset()
        elif b" /chat " in head:
            await connection.send(SWITCH)
            await echo(connection)
        elif b" /events " in head:
            await connection.send(EVENTS)
            await self.is_over.wait()
            connection.reset()
        elif b" /upload " in head:
            self.has_upload.set()
            await connection.reader.read()
        else:
            await connection.send(answer(b"ok"))

    async def half_open(self, several: Several, **upstream: Any) -> Any:
        """A proxy whose next request is the trial."""
        breaker = {"failures": 1, "when_all_open": "refuse", **LONG}
        proxy = await several.start(self.handle, breaker=breaker, **upstream)
        assert await several.ask(2) == {"502": 1, "503": 1}
        self.is_well = True
        several.half_open(0)
        return proxy


async def test_a_tunnel_as_the_trial_closes_it_when_it_is_granted(several: Several) -> None:
    proxy = await Recovering().half_open(several, **UPGRADES)
    client = await proxy.connect()
    client.send(ASK)
    assert await within(client.until(b"\r\n\r\n")) == SWITCH
    assert several.breakers() == ["closed"]
    assert await several.ask(2) == {"ok": 2}


async def test_events_as_the_trial_close_it_when_they_begin_and_open_it_when_they_are_cut(
    several: Several,
) -> None:
    server = Recovering()
    proxy = await server.half_open(several)
    client = await proxy.connect()
    client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(client.until(b"data: 1\n\n"))
    assert several.breakers() == ["closed"]
    assert await several.ask(2) == {"ok": 2}
    server.is_over.set()
    await until(lambda: several.breakers() == ["open"])


async def test_events_that_are_cut_in_a_row_open_it(several: Several) -> None:
    server = Recovering()
    server.is_well = True
    server.is_over.set()
    proxy = await several.start(server.handle, breaker={"failures": 2, **LONG})
    for state in ("closed", "open"):
        client = await proxy.connect()
        client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        await within(client.rest())
        assert several.breakers() == [state]


async def test_an_upload_as_the_trial_does_not_keep_all_others_out(several: Several) -> None:
    server = Recovering()
    proxy = await server.half_open(several)
    client = await proxy.connect()
    client.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nslow")
    await within(server.has_upload.wait())
    assert await several.ask(1) == {"503": 1}
    several.overdue(0)
    assert await several.ask(2) == {"ok": 2}
    assert several.breakers() == ["closed"]
