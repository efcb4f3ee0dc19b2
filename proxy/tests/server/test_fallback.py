"""A service that gives no answer, and the monolith that is asked in its place: once, and without hiding it."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.config.model import Config
from stranglerfig.routing.snapshot import compile_snapshot
from stranglerfig.server.exchange import Exchange
from stranglerfig.server.request_body import MAX_KEPT_BYTES
from stranglerfig.signing import sign

MONOLITH = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nmonolith"
KEY = b"a key of the tests"
SERVICE = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nservice"
FAST = {"connect": "2s", "response": "300ms", "idle": "2s"}
SLOW = {"connect": "5s", "response": "10s", "idle": "10s"}
GET = b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n"
Fault = Callable[[Any], Awaitable[None]]


def says(data: bytes, *, then_waits: bool = False) -> Fault:
    """Read a request, answer with ``data``, and hang up, or not."""

    async def handle(connection: Any) -> None:
        while await connection.request():
            await connection.send(data)
            if not then_waits:
                return

    return handle


async def resets(connection: Any) -> None:
    await connection.request()
    connection.reset()


async def says_503_without_end(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await connection.send(b"5\r\nsorry\r\n")
        await asyncio.sleep(0.001)


FAULTS: dict[str, tuple[Fault, str, str]] = {
    "hangs": (says(b"", then_waits=True), "response_timeout", "head"),
    "hangs up": (says(b""), "closed_early", "head"),
    "resets": (resets, "closed_early", "head"),
    "dies in the head": (says(b"HTTP/1.1 200 O"), "closed_early", "head"),
    "talks garbage": (says(b"SSH-2.0\r\n\r\n"), "bad_response", "head"),
    "gives two lengths": (
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        "bad_response",
        "head",
    ),
    "says 502": (says(b"HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\nbad", then_waits=True), "status_502", ""),
    "says 503": (says(b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 4\r\n\r\nbusy"), "status_503", ""),
    "says 504 and ends it by closing": (says(b"HTTP/1.1 504 Late\r\n\r\nlate"), "status_504", ""),
    "says 503 and dies in its body": (says(b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nbu"), "status_503", ""),
    "says 503 in broken chunks": (
        says(b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n"), "status_503", "",
    ),
    "says 503 without end": (says_503_without_end, "status_503", ""),
}  # fmt: skip


class World:
    """A proxy, the monolith, and a service that fails."""

    def __init__(self, proxy: Any, monolith: Any, service: Any) -> None:
        self.proxy = proxy
        self.monolith = monolith
        self.service = service

    def fallbacks(self) -> dict[tuple[str, ...], int]:
        """By reason and result."""
        counted = self.proxy.counts("fallbacks")
        assert all(capability == "catalog" for capability, _, _ in counted)
        return {key[1:]: n for key, n in counted.items()}

    def requests(self) -> dict[tuple[str, ...], int]:
        """By side, and status class."""
        return {(side, status): n for (_, side, _, status), n in self.proxy.counts("requests").items()}  # fmt: skip

    @property
    def is_quiet(self) -> bool:
        runtime = self.proxy.plane._runtime
        budgets = runtime.generation.budgets.values()
        return not any(each.active or each.retrying for each in budgets)


@pytest.fixture
async def start_world(start_upstream: Any, start_proxy: Any) -> Any:
    async def start(
        fault: Fault | int,
        *,
        monolith: Any = MONOLITH,
        timeouts: Any = SLOW,
        retries: Any = None,
        **capability: Any,
    ) -> World:
        control = monolith if isinstance(monolith, int) else await start_upstream(monolith)
        service = fault if isinstance(fault, int) else await start_upstream(fault)
        port = getattr(service, "port", service)
        catalog = {"url": f"http://127.0.0.1:{port}", "timeouts": timeouts}
        catalog |= {"retries": retries or {"attempts": 0}}
        capability = {
            "upstream": "catalog",
            "stage": "service",
            "fallback": "monolith",
        } | capability
        capability["routes"] = ["* /api/**", {"match": "POST /api/search", "safe": True}]
        proxy = await start_proxy(
            control,
            timeouts=SLOW,
            upstreams={"catalog": catalog},
            capabilities={"catalog": capability},
        )
        return World(proxy, control, service)

    return start


@pytest.fixture
async def nobody() -> AsyncIterator[int]:
    """A port on which nobody listens, and that nobody else gets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("fault", "reason", "phase"), FAULTS.values(), ids=FAULTS)
async def test_the_monolith_answers_and_it_counts_as_the_services_failure(
    start_world: Any, method: str, fault: Fault, reason: str, phase: str
) -> None:
    world = await start_world(fault, timeouts=FAST if reason == "response_timeout" else SLOW)
    client = await world.proxy.connect()
    answer = await within(client.get("/api/x", method=method))
    assert (answer.status, answer.body) == (200, b"monolith" if method == "GET" else b"")
    assert b"retry-after" not in answer.headers
    assert [seen.method for seen in world.service.requests] == [method]
    (seen,) = world.monolith.requests
    assert (seen.method, seen.target, seen.headers[b"host"]) == (method, b"/api/x", b"shop.example")
    assert seen.headers[b"x-request-id"] == world.service.requests[0].headers[b"x-request-id"]
    assert world.fallbacks() == {(reason, "answered"): 1}
    assert world.requests() == {("service", "5xx"): 1}
    assert world.proxy.counts("errors") == ({(reason, phase, "catalog"): 1} if phase else {})
    assert (await within(client.get("/other"))).body == b"monolith", "its connection goes on"
    assert world.is_quiet
    client.close()
    # What is not read to its end is not kept.
    await until(
        lambda: all(each.reader.at_eof() for each in world.service.opened) or "502" in reason
    )


async def test_a_service_that_is_down_is_one_that_gives_no_answer(
    start_world: Any, nobody: int
) -> None:
    world = await start_world(nobody)
    assert (await world.proxy.get("/api/x")).body == b"monolith"
    assert world.fallbacks() == {("connect_failed", "answered"): 1}
    assert world.requests() == {("service", "5xx"): 1}


NONE: list[tuple[bytes, bytes]] = [
    (b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", b"oops"),
    (b"HTTP/1.1 501 No\r\nContent-Length: 2\r\n\r\nno", b"no"),
    (b"HTTP/1.1 404 Gone\r\nContent-Length: 4\r\n\r\ngone", b"gone"),
    (b"HTTP/1.1 429 Many\r\nContent-Length: 4\r\n\r\nmany", b"many"),
    (SERVICE, b"service"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nserv", b"serv"),
    (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", b"busy"),
    (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", b""),
]  # fmt: skip


@pytest.mark.parametrize(("said", "end"), NONE)
async def test_any_other_answer_stands_and_so_does_one_that_has_begun(
    start_world: Any, said: bytes, end: bytes
) -> None:
    world = await start_world(says(said))
    got = await within(world.proxy.ask(GET[:-2] + b"Connection: close\r\n\r\n"))
    assert got.endswith(end)
    assert world.monolith.requests == []
    assert world.fallbacks() == {}


HTTP_1_0: list[list[bytes]] = [
    [b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"],
    [b"HTTP/1.1 103 Early\r\n\r\n", b"HTTP/1.1 103 Hi\r\n\r\nHTTP/1.1 503 Busy\r\n\r\nbusy"],
    [b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", b"HTTP/1.1 2"],
]  # fmt: skip


@pytest.mark.parametrize("pieces", HTTP_1_0)
async def test_an_interim_answer_that_is_not_passed_on_is_no_beginning(
    start_world: Any, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    """HTTP/1.0 has none, so its client has seen nothing yet."""
    seen = asyncio.Queue[None]()
    pass_on = Exchange.on_response

    def on_response(exchange: Exchange, events: Any) -> None:
        pass_on(exchange, events)
        seen.put_nowait(None)

    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(pieces[0])
        for piece in pieces[1:]:
            await seen.get()  # what was sent before has arrived by itself
            await connection.send(piece)

    monkeypatch.setattr(Exchange, "on_response", on_response)
    world = await start_world(handle)
    got = await within(world.proxy.ask(b"GET /api/x HTTP/1.0\r\nHost: a\r\n\r\n"))
    assert got.startswith(b"HTTP/1.1 200 ")
    assert got.endswith(b"\r\n\r\nmonolith")
    assert sum(world.fallbacks().values()) == 1


@pytest.mark.parametrize("fault", ["hangs up", "says 503"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_unsafe_requests_have_no_fallback(start_world: Any, method: str, fault: str) -> None:
    world = await start_world(FAULTS[fault][0], writes="stage")
    answer = await world.proxy.get("/api/x", "Content-Length: 0", method=method)
    assert answer.status in (502, 503)
    assert world.monolith.requests == []
    assert len(world.service.requests) == 1
    assert world.fallbacks() == {}


OFF: list[dict[str, Any]] = [{"fallback": "none"}, {"writes": "service"}]


@pytest.mark.parametrize("keys", OFF)
async def test_where_it_is_off_the_client_gets_what_the_service_gave(
    start_world: Any, keys: dict[str, Any]
) -> None:
    world = await start_world(FAULTS["says 503"][0], **keys)
    answer = await world.proxy.get("/api/x")
    assert (answer.status, answer.body, answer.headers[b"retry-after"]) == (503, b"busy", b"9")
    assert world.monolith.requests == []
    assert world.fallbacks() == {}


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("fault", ["hangs up", "says 503", "says 502"])
async def test_a_body_of_a_safe_request_goes_to_the_monolith_too(
    start_world: Any, fault: str, is_chunked: bool
) -> None:
    world = await start_world(FAULTS[fault][0])
    client = await world.proxy.connect()
    body = (
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        if is_chunked
        else b"Content-Length: 5\r\n\r\nhello"
    )
    client.send(b"POST /api/search HTTP/1.1\r\nHost: a\r\n" + body)
    assert (await within(client.answer("POST"))).body == b"monolith"
    assert [seen.body for seen in world.service.requests] == [b"hello"]
    assert [seen.body for seen in world.monolith.requests] == [b"hello"]


async def test_a_chunked_body_of_nothing_goes_to_the_monolith_too(start_world: Any) -> None:
    world = await start_world(FAULTS["hangs up"][0])
    client = await world.proxy.connect()
    client.send(
        b"POST /api/search HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET
    )
    for method in ("POST", "GET"):
        assert (await within(client.answer(method))).body == b"monolith"
    assert [seen.body for seen in world.monolith.requests] == [b"", b""]


@pytest.mark.parametrize("size", [MAX_KEPT_BYTES, MAX_KEPT_BYTES + 1])
async def test_a_body_is_kept_for_it_up_to_a_cap(start_world: Any, size: int) -> None:
    world = await start_world(FAULTS["hangs up"][0])
    client = await world.proxy.connect()
    client.send(b"POST /api/search HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
    client.send(b"x" * size)
    answer = await within(client.answer("POST"))
    if size > MAX_KEPT_BYTES:
        assert answer.status == 502
        assert world.fallbacks() == {("closed_early", "body_too_large"): 1}
        assert world.monolith.requests == []
    else:
        assert answer.body == b"monolith"
        assert [len(seen.body) for seen in world.monolith.requests] == [size]


async def test_an_upload_that_is_refused_half_way_goes_on_to_the_monolith(start_world: Any) -> None:
    async def refuse(connection: Any) -> None:
        await connection.reader.readuntil(b"hel")
        await connection.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
        await connection.reader.read()

    world = await start_world(refuse)
    client = await world.proxy.connect()
    client.send(b"POST /api/search HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
    await until(lambda: world.monolith.opened)
    client.send(b"lo" + GET.replace(b"/api/x", b"/next"))
    for method in ("POST", "GET"):
        assert (await within(client.answer(method))).body == b"monolith"
    assert [seen.body for seen in world.monolith.requests] == [b"hello", b""]


async def test_when_the_monolith_is_down_too_both_failures_are_counted(
    start_world: Any, nobody: int
) -> None:
    world = await start_world(FAULTS["says 503"][0], monolith=nobody)
    assert (await world.proxy.get("/api/x")).status == 502
    assert world.fallbacks() == {("status_503", "failed"): 1}
    assert world.proxy.counts("errors") == {("connect_failed", "connect", "monolith"): 1}
    assert world.requests() == {("service", "5xx"): 1}
    assert world.proxy.counts("retries") == {}, "the other side is asked once"


async def test_the_monolith_is_asked_once_and_its_503_stands(start_world: Any) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\ntoo"
    world = await start_world(FAULTS["hangs up"][0], monolith=busy)
    answer = await world.proxy.get("/api/x")
    assert (answer.status, answer.body) == (503, b"too")
    assert len(world.monolith.requests) == 1
    assert world.fallbacks() == {("closed_early", "answered"): 1}


async def test_an_answer_of_the_monolith_that_is_cut_is_cut(start_world: Any) -> None:
    cut = says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nmono")
    world = await start_world(FAULTS["hangs up"][0], monolith=cut)
    assert (await within(world.proxy.ask(GET))).endswith(b"\r\n\r\nmono")
    assert world.fallbacks() == {("closed_early", "failed"): 1}
    assert world.requests() == {("service", "5xx"): 1}


async def test_retries_come_first_and_then_the_other_side(start_world: Any) -> None:
    retries = {"attempts": 2, "when": ["early_close"]}
    world = await start_world(FAULTS["hangs up"][0], retries=retries)
    assert (await within(world.proxy.get("/api/x"))).body == b"monolith"
    assert len(world.service.requests) == 3
    assert len(world.monolith.requests) == 1
    assert world.proxy.counts("retries") == {("failed", "catalog", "early_close"): 2}
    assert world.proxy.counts("retries_refused") == {("attempts", "catalog"): 1}
    assert world.proxy.counts("errors") == {("closed_early", "head", "catalog"): 1}
    assert world.requests() == {("service", "5xx"): 1}


async def test_a_further_attempt_that_is_answered_503_is_answered(start_world: Any) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        if connection.number > 1:
            await connection.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")

    retries = {"attempts": 2, "when": ["early_close"]}
    world = await start_world(handle, retries=retries)
    assert (await within(world.proxy.get("/api/x"))).body == b"monolith"
    assert world.proxy.counts("retries") == {("answered", "catalog", "early_close"): 1}
    assert world.fallbacks() == {("status_503", "answered"): 1}
    assert world.is_quiet


async def test_a_stale_connection_to_the_service_is_no_failure_of_it(start_world: Any) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(SERVICE)
        if connection.number == 1:
            await connection.request()

    world = await start_world(handle)
    for _ in range(2):
        assert (await world.proxy.get("/api/x")).body == b"service"
    assert world.service.connections == 2
    assert world.fallbacks() == {}


async def test_a_stale_connection_to_the_monolith_does_not_spoil_it(start_world: Any) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(MONOLITH)
        if connection.number == 1:
            await connection.request()

    world = await start_world(FAULTS["hangs up"][0], monolith=handle)
    for _ in range(2):
        assert (await within(world.proxy.get("/api/x"))).body == b"monolith"
    assert world.fallbacks() == {("closed_early", "answered"): 2}


async def test_who_leaves_meanwhile_is_not_answered(start_world: Any) -> None:
    asked = asyncio.Event()

    async def hang(connection: Any) -> None:
        await connection.request()
        asked.set()
        await connection.reader.read()

    world = await start_world(FAULTS["hangs up"][0], monolith=hang)
    client = await world.proxy.connect()
    client.send(GET)
    await within(asked.wait())
    client.close()
    await until(lambda: world.proxy.count("client_gone"))
    assert world.fallbacks() == {("closed_early", "left"): 1}
    assert world.requests() == {}
    assert world.is_quiet


async def test_when_time_is_up_the_other_side_is_not_asked(start_world: Any) -> None:
    world = await start_world(FAULTS["hangs"][0], timeouts=FAST)
    client = await world.proxy.connect()
    client.send(GET)
    await until(lambda: world.service.requests)
    (session,) = world.proxy.plane._runtime.sessions
    session._exchange._started_at -= 60
    assert (await within(client.answer())).status == 504
    assert world.fallbacks() == {("response_timeout", "no_time"): 1}
    assert world.monolith.requests == []


async def test_the_more_patient_side_gives_the_time(start_world: Any) -> None:
    """A service that is given up early leaves the monolith the time that its own clients have."""
    asked = asyncio.Event()

    async def hang(connection: Any) -> None:
        await connection.request()
        asked.set()
        await connection.reader.read()

    world = await start_world(FAULTS["hangs"][0], timeouts=FAST, monolith=hang)
    asking = asyncio.ensure_future(world.proxy.get("/api/x"))
    await within(asked.wait())
    runtime = world.proxy.plane._runtime
    (attempts,) = [each for each in runtime.deadlines._items if hasattr(each, "fallback")]
    assert 0 < attempts.deadline - runtime.loop.time() <= 15.0 - 0.3
    attempts.on_deadline()  # as when it has passed
    assert (await within(asking)).status == 504
    assert world.fallbacks() == {("response_timeout", "failed"): 1}


async def test_a_status_whose_body_nobody_waits_for_is_an_answer_at_the_breaker(
    start_world: Any,
) -> None:
    """As many failures as open it, and more, but not in a row."""
    busy = says(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\n", then_waits=True)

    async def flapping(connection: Any) -> None:
        await (resets if connection.number % 2 else busy)(connection)

    world = await start_world(flapping)
    for _ in range(12):
        assert (await within(world.proxy.get("/api/x"))).body == b"monolith"
    assert world.fallbacks() == {("closed_early", "answered"): 6, ("status_503", "answered"): 6}
    (address,) = world.proxy.plane.state()["upstream_connections"]["upstreams"]["catalog"]
    assert address["breaker"] == "closed"


async def test_a_reload_meanwhile_leaves_nothing_of_the_old_monolith_behind(
    start_upstream: Any, start_proxy: Any
) -> None:
    """It is asked all the same, for it is what the request was planned for, and has the places of the new one."""
    asked, fail, go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def service(connection: Any) -> None:
        await connection.request()
        asked.set()
        await fail.wait()
        connection.reset()

    async def old_monolith(connection: Any) -> None:
        while seen := await connection.request():
            if seen.target != b"/health":
                await go.wait()
            await connection.send(MONOLITH)

    old, new = await start_upstream(old_monolith), await start_upstream(MONOLITH)
    failing = await start_upstream(service)

    def written(monolith: Any) -> dict[str, Any]:
        return {
            "upstreams": {
                "monolith": {
                    "url": f"http://127.0.0.1:{monolith.port}",
                    "timeouts": SLOW,
                    "health": {"path": "/health"},
                    "concurrency": 10,
                },
                "catalog": {"url": f"http://127.0.0.1:{failing.port}", "timeouts": SLOW},
            },
            "capabilities": {
                "catalog": {
                    "upstream": "catalog",
                    "stage": "service",
                    "fallback": "monolith",
                    "routes": ["GET /api/**"],
                }
            },
        }

    proxy = await start_proxy(old, **written(old))
    asking = asyncio.ensure_future(proxy.get("/api/x"))
    await within(asked.wait())
    config = Config.model_validate(written(new))
    proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)
    fail.set()
    await until(lambda: any(seen.target == b"/api/x" for seen in old.requests))
    state = proxy.plane.state()["upstream_connections"]
    assert [each["address"] for each in state["upstreams"]["monolith"]] == [f"127.0.0.1:{new.port}"]
    assert state["places"]["monolith"]["taken"] == 1
    checks = proxy.plane._runtime.upstreams._balancers._checks
    assert {peer.port for peer in checks._asking} == {new.port}
    go.set()
    assert (await within(asking)).body == b"monolith"
    await until(lambda: proxy.connections() == {"open": 0, "idle": 0})
    assert proxy.plane.state()["upstream_connections"]["places"]["monolith"]["taken"] == 0


async def test_a_user_gets_the_cookie_of_the_canary_once(start_world: Any) -> None:
    world = await start_world(FAULTS["says 503"][0], stage="canary", percent=100)
    answer = await world.proxy.get("/api/x")
    (cookie,) = answer.values(b"set-cookie")
    assert cookie.startswith(b"fig_user=")
    assert world.proxy.count("user_cookies") == 1
    again = await world.proxy.get("/api/x", f"Cookie: {cookie.split(b';')[0].decode()}")
    assert (again.body, again.values(b"set-cookie")) == (b"monolith", [])


def signed(name: str, payload: str) -> str:
    return f"{name}: {sign(name, payload, int(time.time()) + 60, b'a key of the tests')}"


async def test_the_plan_tells_of_it(start_world: Any) -> None:
    world = await start_world(FAULTS["hangs up"][0])
    answer = await world.proxy.get("/api/x", signed("Fig-Debug", "plan"))
    said = answer.headers[b"fig-plan"].decode()
    for words in ("side=service", "upstream=catalog", "fallback=monolith", "failed=closed_early"):
        assert words in said
    answer = await world.proxy.get("/other", signed("Fig-Debug", "plan"))
    assert b"fallback" not in answer.headers[b"fig-plan"]


async def test_who_forces_the_service_sees_it_fail(start_world: Any) -> None:
    world = await start_world(FAULTS["says 503"][0])
    answer = await world.proxy.get("/api/x", signed("Fig-Force", "catalog=service"))
    assert (answer.status, answer.body) == (503, b"busy")
    assert world.monolith.requests == []


async def test_the_answer_is_not_compared_as_the_services(start_world: Any, tmp_path: Path) -> None:
    world = await start_world(FAULTS["says 503"][0])
    assert (await world.proxy.get("/api/x")).body == b"monolith"
    proxy = world.proxy
    assert proxy.count("compare_asked", capability="catalog") == 1
    assert proxy.count("compare_tee_skipped", capability="catalog", reason="fell_back") == 1
    assert proxy.counts("compare_teed") == {}
    assert sum(proxy.counts("compare_tee_skipped").values()) == 1


async def test_http_1_0_without_a_host_gets_the_monoliths(start_world: Any) -> None:
    world = await start_world(FAULTS["hangs up"][0])
    got = await within(world.proxy.ask(b"GET /api/x HTTP/1.0\r\n\r\n"))
    assert got.endswith(b"monolith")
    for upstream in (world.service, world.monolith):
        (seen,) = upstream.requests
        assert seen.headers[b"host"] == b"127.0.0.1:%d" % upstream.port


async def test_pipelined_requests_are_answered_in_order(start_world: Any) -> None:
    async def every_other(connection: Any) -> None:
        while seen := await connection.request():
            if seen.target.endswith(b"bad"):
                await connection.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
            else:
                await connection.send(SERVICE)

    world = await start_world(every_other)
    client = await world.proxy.connect()
    targets = ["bad", "good", "bad", "bad", "good"]
    client.send(
        b"".join(b"GET /api/%b HTTP/1.1\r\nHost: a\r\n\r\n" % each.encode() for each in targets)
    )
    bodies = [(await within(client.answer())).body for _ in targets]
    assert bodies == [b"monolith" if each == "bad" else b"service" for each in targets]
    assert world.service.connections == 1, "what answered 503 whole can be used again"
