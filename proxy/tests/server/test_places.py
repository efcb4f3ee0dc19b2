"""An upstream with ``concurrency`` gets no more requests at once; the others wait in their order, for a while."""

import asyncio
import time
from typing import Any

import pytest
import structlog
from waiting import until, within

from stranglerfig.config.model import Config
from stranglerfig.http1.failure import Failure
from stranglerfig.routing.snapshot import compile_snapshot
from stranglerfig.server.refusal_lines import RefusalLines

KEY = b"a key of the tests"
GET = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
TIMEOUTS = {"connect": "60s", "response": "60s", "idle": "60s"}


class Held:
    """A server that answers each request, with its target, when it is told to."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.most = 0
        self._under_way: dict[bytes, asyncio.Event] = {}

    async def handle(self, connection: Any) -> None:
        while seen := await connection.request():
            target = bytes(seen.target)
            go = self._under_way[target] = asyncio.Event()
            self.begun.append(target)
            self.most = max(self.most, len(self._under_way))
            hung_up = asyncio.ensure_future(connection.reader.read(1))
            going = asyncio.ensure_future(go.wait())
            await asyncio.wait({hung_up, going}, return_when=asyncio.FIRST_COMPLETED)
            del self._under_way[target]
            hung_up.cancel()
            await asyncio.gather(hung_up, return_exceptions=True)
            if not going.done():
                going.cancel()
                return
            await connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target)
            )

    def let_go(self, target: bytes) -> None:
        self._under_way[target].set()

    async def has(self, *targets: bytes) -> None:
        """Wait until these, and no others, are under way."""
        await until(lambda: set(self._under_way) == set(targets))


class Places:
    """A proxy before a held server whose places are limited."""

    def __init__(self, start_upstream: Any, start_proxy: Any) -> None:
        self._start_upstream = start_upstream
        self._start_proxy = start_proxy
        self.held = Held()

    async def start(self, handler: Any = None, **upstream: Any) -> "Places":
        self.upstream = await self._start_upstream(handler or self.held.handle)
        written = self.written(**upstream)
        self.proxy = await self._start_proxy(1, upstreams={"monolith": written}, workers=1)
        return self

    def written(self, **upstream: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.upstream.port}"
        queue = {"size": 100, "wait": "60s"} | upstream.pop("queue", {})
        return {"url": url, "timeouts": TIMEOUTS, "queue": queue, **upstream}

    def reload(self, **upstream: Any) -> None:
        config = Config.model_validate(
            {"upstreams": {"monolith": self.written(**upstream)}, "workers": 1}
        )
        self.proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)

    async def send(self, target: bytes, request: bytes = GET) -> Any:
        """Send a request on a connection of its own, and wait until the proxy has it under way or waiting."""
        before = self.entered()
        client = await self.proxy.connect()
        client.send(request % target)
        await until(lambda: self.entered() == before + 1)
        return client

    def entered(self) -> int:
        places = self.places()
        return places["taken"] + places["waiting"]

    def places(self) -> dict[str, int]:
        found = self.proxy.plane.state()["upstream_connections"]["places"]["monolith"]
        assert isinstance(found, dict)
        return found

    async def is_empty(self) -> None:
        """Wait until no place is taken and nobody waits: nothing leaked."""
        await until(lambda: self.entered() == 0)

    def refused(self) -> dict[str, int]:
        return {kind: n for (kind, *_), n in self.proxy.counts("errors").items()}


@pytest.fixture
def places(start_upstream: Any, start_proxy: Any) -> Places:
    return Places(start_upstream, start_proxy)


async def test_the_time_that_a_connection_takes_is_without_that_of_waiting(places: Places) -> None:
    await places.start(concurrency=1)
    begun: list[float] = []
    upstreams = places.proxy.plane._runtime.upstreams
    upstreams._on_opened = lambda _, seconds: begun.append(time.perf_counter() - seconds)
    clients = [await places.send(target, POST) for target in (b"/1", b"/2")]
    await places.held.has(b"/1")
    had_waited = time.perf_counter()
    places.held.let_go(b"/1")
    await places.held.has(b"/2")
    places.held.let_go(b"/2")
    for client in clients:
        assert (await within(client.answer())).status == 200
    first, second = begun
    assert first < had_waited <= second


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
async def test_who_came_first_goes_first_and_never_are_there_more_than_the_places(
    places: Places, request_: bytes
) -> None:
    await places.start(concurrency=2)
    targets = [b"/%d" % number for number in range(6)]
    clients = [await places.send(target, request_) for target in targets]
    await places.held.has(b"/0", b"/1")
    assert places.places() == {"limit": 2, "taken": 2, "waiting": 4}
    for number in range(6):
        places.held.let_go(b"/%d" % number)
        method = request_.split()[0].decode()
        assert (await within(clients[number].answer(method))).body == targets[number]
        left = targets[number + 1 : number + 3]
        await places.held.has(*left)
    assert places.held.begun == targets
    assert places.held.most == 2
    await places.is_empty()


async def test_a_safe_request_that_waited_goes_on_with_the_connection_that_became_free(
    places: Places,
) -> None:
    await places.start(concurrency=1)
    clients = [await places.send(b"/%d" % number) for number in range(4)]
    for number, client in enumerate(clients):
        await places.held.has(b"/%d" % number)
        places.held.let_go(b"/%d" % number)
        assert (await within(client.answer())).body == b"/%d" % number
    assert places.upstream.connections == 1
    counted = places.proxy.counts("upstream_connections")
    assert sorted(counted.values()) == [1, 3]
    assert places.proxy.count("upstream_connections", upstream="monolith", use="reused") == 3
    assert places.proxy.connections() == {"open": 1, "idle": 1}
    await places.is_empty()


async def test_where_too_many_wait_the_next_is_refused_at_once(places: Places) -> None:
    await places.start(concurrency=1, queue={"size": 1})
    first, second = await places.send(b"/1"), await places.send(b"/2")
    refused = await within(places.proxy.get("/3", "Accept: application/json"))
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    assert b'"code": "queue_full"' in refused.body
    for target, client in ((b"/1", first), (b"/2", second)):
        await places.held.has(target)
        places.held.let_go(target)
        assert (await within(client.answer())).status == 200
    assert places.held.begun == [b"/1", b"/2"]
    assert places.proxy.count("errors", upstream="monolith", phase="connect", kind="queue_full") == 1  # fmt: skip
    await places.is_empty()


async def test_without_a_queue_nobody_waits(places: Places) -> None:
    await places.start(concurrency=1, queue={"size": 0})
    first = await places.send(b"/1")
    assert (await within(places.proxy.get("/2"))).status == 503
    await places.held.has(b"/1")
    places.held.let_go(b"/1")
    assert (await within(first.answer())).status == 200
    await places.is_empty()
    last = await places.send(b"/3")
    await places.held.has(b"/3")
    places.held.let_go(b"/3")
    assert (await within(last.answer())).status == 200


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
async def test_who_waited_too_long_is_refused_and_has_not_been_sent(
    places: Places, request_: bytes
) -> None:
    await places.start(concurrency=1, queue={"wait": "50ms"})
    first = await places.send(b"/1")
    client = await places.proxy.connect()
    client.send(request_ % b"/2")
    refused = await within(client.answer(), 30)
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    await until(lambda: places.places()["waiting"] == 0)
    await places.held.has(b"/1")
    places.held.let_go(b"/1")
    assert (await within(first.answer())).status == 200
    assert places.held.begun == [b"/1"]
    assert places.proxy.count("errors", upstream="monolith", phase="connect", kind="queue_timeout") == 1  # fmt: skip
    await places.is_empty()
    # Whoever comes next is served, also on the same connection.
    if request_ is GET:
        client.send(GET % b"/3")
        await places.held.has(b"/3")
        places.held.let_go(b"/3")
        assert (await within(client.answer())).body == b"/3"


async def test_a_client_that_leaves_while_it_waits_makes_room(places: Places) -> None:
    await places.start(concurrency=1, queue={"size": 1})
    first, second = await places.send(b"/1"), await places.send(b"/2")
    second.close()
    await until(lambda: places.places()["waiting"] == 0)
    third = await places.send(b"/3")
    await places.held.has(b"/1")
    places.held.let_go(b"/1")
    assert (await within(first.answer())).status == 200
    await places.held.has(b"/3")
    places.held.let_go(b"/3")
    assert (await within(third.answer())).body == b"/3"
    assert places.held.begun == [b"/1", b"/3"]
    await places.is_empty()


async def test_a_client_that_leaves_while_it_is_served_gives_its_place_to_the_next(
    places: Places,
) -> None:
    await places.start(concurrency=1)
    first, second = await places.send(b"/1"), await places.send(b"/2")
    await places.held.has(b"/1")
    first.close()
    await places.held.has(b"/2")
    places.held.let_go(b"/2")
    assert (await within(second.answer())).body == b"/2"
    await places.is_empty()


@pytest.mark.parametrize("fails", ["refused", "closed", "nonsense", "head"])
async def test_whatever_ends_a_request_its_place_is_given_back(places: Places, fails: str) -> None:
    async def handler(connection: Any) -> None:
        await connection.request()
        if fails == "nonsense":
            await connection.send(b"what?\r\n\r\n")
        if fails == "head":
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        connection.close()

    await places.start(handler, concurrency=1)
    if fails == "refused":
        await places.upstream.stop()
    method = "HEAD" if fails == "head" else "POST"
    for _ in range(5):
        status = (await within(places.proxy.get(method=method), 30)).status
        assert status == (200 if fails == "head" else 502)
        await places.is_empty()


async def test_a_request_that_met_a_stale_connection_keeps_its_place(places: Places) -> None:
    go = asyncio.Event()

    async def once(connection: Any) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await connection.request()
        await go.wait()
        connection.close()  # in the face of the second one

    await places.start(once, concurrency=1, queue={"size": 1})
    assert (await within(places.proxy.get("/1"))).status == 200
    await places.is_empty()
    second = await places.send(b"/2")
    third = await places.send(b"/3")  # fills the queue
    await until(lambda: len(places.upstream.requests) == 2)
    go.set()
    assert (await within(second.answer())).body == b"ok"
    assert (await within(third.answer())).body == b"ok"
    seen = [bytes(request.target) for request in places.upstream.requests]
    assert seen[:3] == [b"/1", b"/2", b"/2"], "it did not go behind the one that waits"
    assert places.proxy.counts("errors") == {}
    await places.is_empty()


async def test_a_changed_number_holds_from_now_on(places: Places) -> None:
    await places.start(concurrency=1)
    targets = [b"/%d" % number for number in range(6)]
    clients = [await places.send(target) for target in targets]
    await places.held.has(b"/0")
    places.reload(concurrency=3)
    await places.held.has(*targets[:3])
    assert places.places() == {"limit": 3, "taken": 3, "waiting": 3}
    places.reload(concurrency=1)
    for target in targets[:2]:  # two more than there may be: nobody follows them
        places.held.let_go(target)
    await places.held.has(b"/2")
    assert places.places() == {"limit": 1, "taken": 1, "waiting": 3}
    for number in range(2, 6):
        await places.held.has(targets[number])
        places.held.let_go(targets[number])
    for client, target in zip(clients, targets, strict=True):
        assert (await within(client.answer())).body == target
    assert places.held.begun == targets
    await places.is_empty()


async def test_who_waits_goes_on_when_there_is_no_limit_any_more(places: Places) -> None:
    await places.start(concurrency=1)
    clients = [await places.send(b"/%d" % number) for number in range(3)]
    places.reload()
    await places.held.has(b"/0", b"/1", b"/2")
    for number, client in enumerate(clients):
        places.held.let_go(b"/%d" % number)
        assert (await within(client.answer())).status == 200
    assert places.proxy.plane.state()["upstream_connections"]["places"] == {}


async def test_who_waits_for_an_upstream_that_was_dropped_is_still_served(places: Places) -> None:
    await places.start(concurrency=1)
    first, second = await places.send(b"/1"), await places.send(b"/2")
    await places.held.has(b"/1")
    config = Config.model_validate({"upstreams": {"other": "http://127.0.0.1:1"}, "fallthrough": "other"})  # fmt: skip
    places.proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)
    for target, client in ((b"/1", first), (b"/2", second)):
        await places.held.has(target)
        places.held.let_go(target)
        assert (await within(client.answer())).body == target
    await until(lambda: places.proxy.connections() == {"open": 0, "idle": 0})


async def test_a_name_that_is_not_known_yet_takes_a_place_and_gives_it_back(places: Places) -> None:
    await places.start(concurrency=1)
    url = "http://no-such-name.invalid"
    config = Config.model_validate(
        {"upstreams": {"monolith": {"url": url, "concurrency": 1}}, "workers": 1}
    )
    places.proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)
    for _ in range(3):
        assert (await within(places.proxy.get(), 30)).status in (502, 504)
        await places.is_empty()


async def test_many_that_come_and_go_at_random_leave_no_place_behind(places: Places) -> None:
    """Clients of all kinds at once: served, refused, gone while they wait, gone while they are served."""

    async def quick(connection: Any) -> None:
        while seen := await connection.request():
            if seen.target.endswith(b"3"):
                connection.close()
                return
            await asyncio.sleep(0)
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    await places.start(quick, concurrency=3, queue={"size": 5, "wait": "60s"})

    async def one(number: int) -> int:
        client = await places.proxy.connect()
        client.send((POST if number % 3 else GET) % b"/%d" % number)
        if number % 7 == 0:
            for _ in range(number % 11):
                await asyncio.sleep(0)
            client.close()
            return 0
        status = (await client.answer("POST" if number % 3 else "GET")).status
        client.close()
        return int(status)

    for batch in range(10):
        numbers = range(batch * 20, batch * 20 + 20)
        statuses = await within(asyncio.gather(*map(one, numbers)), 60)
        assert set(statuses) <= {0, 200, 502, 503}
        assert 200 in statuses
    await places.is_empty()
    assert places.places() == {"limit": 3, "taken": 0, "waiting": 0}


async def test_a_thousand_refusals_are_a_line_and_then_their_number(places: Places) -> None:
    await places.start(concurrency=1, queue={"size": 0})
    await places.send(b"/held")
    client = await places.proxy.connect()
    loop = asyncio.get_running_loop()
    began = loop.time()
    with structlog.testing.capture_logs() as lines:
        for _ in range(1000):
            assert (await within(client.get("/more"))).status == 503
        await until(lambda: sum(line.get("count", 1) for line in lines) == 1000)
        seconds = loop.time() - began
    assert places.refused() == {"queue_full": 1000}
    first, *others = lines
    assert first["request_id"]
    assert {(line["upstream"], line["kind"]) for line in lines} == {("monolith", "queue_full")}
    assert all("request_id" not in line and line["count"] for line in others)
    assert len(others) <= seconds + 1


async def test_refusals_are_told_apart_and_all_of_them_in_the_end() -> None:
    refusals = RefusalLines(asyncio.get_running_loop())
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            for upstream in ("monolith", "catalog"):
                refusals.add(upstream, Failure.ALL_OPEN, request_id="x")
        refusals.add("catalog", Failure.QUEUE_TIMEOUT, request_id="x")
        assert [(line["upstream"], line["kind"]) for line in lines] == [
            ("monolith", "all_open"),
            ("catalog", "all_open"),
            ("catalog", "queue_timeout"),
        ]
        refusals.close()
    assert [(line["upstream"], line["kind"], line["count"]) for line in lines[3:]] == [
        ("monolith", "all_open", 2),
        ("catalog", "all_open", 2),
    ]
