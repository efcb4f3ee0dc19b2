"""An attempt that failed is followed by another one only where that does no harm, and not without bound."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.server.attempts import Attempts
from stranglerfig.server.request_body import MAX_KEPT_BYTES, RequestBody
from stranglerfig.upstream.budget import FLOOR, RetryBudget
from stranglerfig.upstream.retrying import LONGEST_PAUSE_S

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BOTH = {"when": ["connect", "early_close"]}
BODIES = {
    "none": (b"Content-Length: 0\r\n\r\n", b""),
    "length": (b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "chunked": (b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make no pauses."""
    monkeypatch.setattr("stranglerfig.server.attempts.pause_s", lambda *_: 0.0)


class Pauses:
    """In place of a proxy's loop: pauses end when a test says so."""

    def __init__(self, proxy: Any) -> None:
        self.time = proxy.plane._runtime.loop.time
        self._waiting: list[Callable[[], None]] = []
        proxy.plane._runtime.loop = self

    def call_later(self, pause_s: float, callback: Callable[..., None], *arguments: Any) -> Any:
        assert 0 <= pause_s <= LONGEST_PAUSE_S
        self._waiting.append(partial(callback, *arguments))
        return self

    def cancel(self) -> None:
        self._waiting.clear()

    async def begun(self) -> None:
        await until(lambda: self._waiting)

    def end(self) -> None:
        self._waiting.pop()()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A port on which nobody listens, and that nobody else gets."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def budget_of(proxy: Any, upstream: str = "monolith") -> RetryBudget:
    budget: RetryBudget = proxy.plane._runtime.generation.budgets[upstream]
    return budget


def attempts_of(proxy: Any) -> list[Attempts]:
    return [each for each in proxy.plane._runtime.deadlines._items if isinstance(each, Attempts)]


def is_quiet(proxy: Any) -> bool:
    budget = budget_of(proxy)
    return (budget.active, budget.retrying, attempts_of(proxy)) == (0, 0, [])


def closing(first: int, then: bytes = OK) -> Callable[[Any], Any]:
    """Take the request and hang up on the first connections; answer on the others."""

    async def handle(connection: Any) -> None:
        while await connection.request() is not None:
            if connection.number <= first:
                return
            await connection.send(then)

    return handle


async def start(start_proxy: Any, upstream: Any, retries: Any = BOTH, **keys: Any) -> Any:
    """A proxy whose monolith has ``retries``."""
    port = getattr(upstream, "port", upstream)
    timeouts = keys.pop("timeouts", {"connect": "2s", "response": "5s", "idle": "5s"})
    monolith = {"url": f"http://127.0.0.1:{port}", "timeouts": timeouts, "retries": retries}
    monolith |= {"breaker": keys.pop("breaker", {})}
    return await start_proxy(port, upstreams={"monolith": monolith}, **keys)


async def ask(proxy: Any, method: str, rest: bytes, target: str = "/") -> Any:
    client = await proxy.connect()
    client.send(f"{method} {target} HTTP/1.1\r\nHost: a\r\n".encode() + rest)
    return await within(client.answer(method))


@pytest.mark.parametrize(
    ("method", "body"),
    [("GET", "none"), ("POST", "length"), ("POST", "chunked"), ("PATCH", "none")],
)
async def test_what_was_not_sent_is_sent_once_somebody_listens(
    start_upstream: Any, start_proxy: Any, port: int, method: str, body: str
) -> None:
    sent, expected = BODIES[body]
    proxy = await start(start_proxy, port, {})  # by default
    pauses = Pauses(proxy)
    asking = asyncio.ensure_future(ask(proxy, method, sent))
    await pauses.begun()
    assert budget_of(proxy).retrying == 1
    upstream = await start_upstream(OK, port=port)
    pauses.end()
    answer = await asking
    assert (answer.status, answer.body) == (200, b"ok")
    assert [(seen.method, seen.body) for seen in upstream.requests] == [(method, expected)]
    assert proxy.counts("retries") == {("answered", "monolith", "connect"): 1}
    assert proxy.counts("retries_refused") == {}
    assert proxy.counts("errors") == {}
    await until(lambda: is_quiet(proxy))


@pytest.mark.parametrize(
    ("retries", "made"), [({"attempts": 0}, 0), ({}, 1), ({"attempts": 3, **BOTH}, 3)]
)
async def test_who_never_listens_is_asked_as_often_as_is_written(
    start_proxy: Any, port: int, at_once: None, retries: Any, made: int
) -> None:
    proxy = await start(start_proxy, port, retries)
    answer = await ask(proxy, "POST", BODIES["length"][0])
    assert answer.status == 502
    assert proxy.count("retries", upstream="monolith", when="connect", result="failed") == made
    refused = {("attempts", "monolith"): 1} if made else {}
    assert proxy.counts("retries_refused") == refused
    assert proxy.counts("errors") == {("connect_failed", "connect", "monolith"): 1}
    assert proxy.count("requests", capability="-", stage="-", side="monolith", status="5xx") == 1
    assert is_quiet(proxy)


FAILS: dict[str, Callable[[Any], Any]] = {}


def fails(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    FAILS[handler.__name__] = handler
    return handler


@fails
async def hangs_up(connection: Any) -> None:
    await connection.request()


@fails
async def resets(connection: Any) -> None:
    await connection.request()
    connection.reset()


@fails
async def dies_in_the_head(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 O")


@fails
async def dies_mid_body(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")


@fails
async def answers_503(connection: Any) -> None:
    await connection.request()
    await connection.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")


@fails
async def talks_garbage(connection: Any) -> None:
    await connection.request()
    await connection.send(b"SSH-2.0\r\n\r\n")


@fails
async def hangs(connection: Any) -> None:
    await connection.request()
    await connection.reader.read()


def patience(failing: str) -> dict[str, str]:
    """Short where it has to pass, and long where it must not."""
    return {"connect": "10s", "response": "300ms" if failing == "hangs" else "10s", "idle": "10s"}


@pytest.mark.parametrize("failing", FAILS)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_an_unsafe_request_is_never_delivered_twice(
    start_upstream: Any, start_proxy: Any, at_once: None, method: str, failing: str
) -> None:
    upstream = await start_upstream(FAILS[failing])
    proxy = await start(start_proxy, upstream, {"attempts": 5, **BOTH}, timeouts=patience(failing))
    client = await proxy.connect()
    client.send(f"{method} / HTTP/1.1\r\nHost: a\r\n".encode() + BODIES["length"][0])
    got = await within(client.until(b"\r\n\r\n"))
    assert got.split()[1] in (b"200", b"502", b"503", b"504")
    client.close()
    await until(lambda: is_quiet(proxy))
    assert (upstream.connections, len(upstream.requests)) == (1, 1)
    assert proxy.counts("retries") == {}
    refused = {("unsafe", "monolith"): 1} if failing in ("hangs_up", "resets") else {}
    assert proxy.counts("retries_refused") == refused


@pytest.mark.parametrize("failing", [name for name in FAILS if name not in ("hangs_up", "resets")])
async def test_after_a_byte_of_an_answer_or_a_time_out_nothing_is_tried_again(
    start_upstream: Any, start_proxy: Any, at_once: None, failing: str
) -> None:
    upstream = await start_upstream(FAILS[failing])
    proxy = await start(start_proxy, upstream, {"attempts": 5, **BOTH}, timeouts=patience(failing))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(client.until(b"\r\n\r\n"))
    assert upstream.connections == 1
    assert proxy.counts("retries") == proxy.counts("retries_refused") == {}


@pytest.mark.parametrize(
    ("retries", "status", "asked"),
    [
        ({}, 502, 1),  # by default only what was not sent is sent again
        (BOTH, 502, 2),
        ({"attempts": 2, **BOTH}, 200, 3),
        ({"attempts": 3, "when": ["early_close"]}, 200, 3),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_safe_request_is_sent_again_after_an_early_close(
    start_upstream: Any, start_proxy: Any, at_once: None, method: str, retries: Any, status: int, asked: int
) -> None:  # fmt: skip
    upstream = await start_upstream(closing(2))
    proxy = await start(start_proxy, upstream, retries)
    assert (await proxy.get(method=method)).status == status
    assert len(upstream.requests) == asked
    assert len({seen.raw for seen in upstream.requests}) == 1
    answered = proxy.count("retries", upstream="monolith", when="early_close", result="answered")
    assert answered == (1 if status == 200 else 0)
    assert sum(proxy.counts("retries").values()) == asked - 1
    await until(lambda: is_quiet(proxy))


def put_again(**keys: Any) -> dict[str, Any]:
    """A capability of the monolith's alone, whose PUT may arrive twice."""
    routes = [{"match": "PUT,DELETE /again/**", "retry": True}, "* /api/**"]
    catalog = {"upstream": "catalog", "routes": routes, **keys}
    return {"catalog": catalog}


async def start_with_put(start_proxy: Any, upstream: Any, **keys: Any) -> Any:
    monolith = {"url": f"http://127.0.0.1:{upstream.port}", "retries": {"attempts": 2, **BOTH}}
    return await start_proxy(
        upstream,
        upstreams={"monolith": monolith, "catalog": "http://127.0.0.1:9"},
        capabilities=put_again(**keys),
    )


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("method", "target", "asked"), [
    ("PUT", "/again/1", 2), ("DELETE", "/again/1", 2), ("PUT", "/api/1", 1), ("PUT", "/other", 1), ("POST", "/again/1", 1),
])  # fmt: skip
async def test_put_and_delete_are_sent_again_with_their_body_where_the_route_says_so(
    start_upstream: Any, start_proxy: Any, at_once: None, method: str, target: str, asked: int, body: str
) -> None:  # fmt: skip
    upstream = await start_upstream(closing(1))
    proxy = await start_with_put(start_proxy, upstream)
    sent, expected = BODIES[body]
    answer = await ask(proxy, method, sent, target)
    assert answer.status == (200 if asked == 2 else 502)
    assert [seen.body for seen in upstream.requests] == [expected] * asked


@pytest.mark.parametrize(
    ("size", "asked"), [(MAX_KEPT_BYTES, 2), (MAX_KEPT_BYTES + 1, 1), (3_000_000, 1)]
)
async def test_a_body_is_kept_up_to_a_cap_and_what_is_larger_is_counted(
    start_upstream: Any, start_proxy: Any, at_once: None, size: int, asked: int
) -> None:
    upstream = await start_upstream(closing(1))
    proxy = await start_with_put(start_proxy, upstream)
    body = b"x" * size
    answer = await ask(proxy, "PUT", b"Content-Length: %d\r\n\r\n" % size + body, "/again/1")
    assert answer.status == (200 if asked == 2 else 502)
    assert [seen.body for seen in upstream.requests] == [body] * asked
    too_large = proxy.count("retries_refused", upstream="monolith", reason="body_too_large")
    assert too_large == 2 - asked


def test_a_body_in_many_small_pieces_is_kept_in_about_its_size() -> None:
    pieces = MAX_KEPT_BYTES // 2
    tracemalloc.start()
    try:
        body = RequestBody(is_chunked=True)
        for number in range(pieces):
            body.add(b"%02d" % (number % 100), None)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body.is_kept
    assert taken < 2 * MAX_KEPT_BYTES
    body.add(b"x", None)
    assert not body.is_kept


@pytest.mark.parametrize(
    ("method", "retries", "fallback", "is_kept"),
    [
        ("GET", BOTH, "none", True),
        ("GET", {}, "monolith", True),
        ("GET", {}, "none", False),
        ("GET", {"attempts": 0}, "none", False),
        ("POST", BOTH, "monolith", False),
    ],
)
async def test_a_body_is_kept_only_as_long_as_it_may_be_sent_again(
    start_upstream: Any, start_proxy: Any, method: str, retries: Any, fallback: str, is_kept: bool
) -> None:
    got, go = asyncio.Event(), asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"hel")
        got.set()
        await go.wait()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        await connection.reader.read()

    port = (await start_upstream(handle)).port
    url = {"url": f"http://127.0.0.1:{port}", "retries": retries}
    service = {"upstream": "it", "stage": "service", "fallback": fallback, "writes": "stage"}
    proxy = await start_proxy(
        await start_upstream(OK),
        upstreams={"it": url},
        capabilities={"it": {**service, "routes": ["* /**"]}},
    )
    client = await proxy.connect()
    client.send(f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel".encode())
    await within(got.wait())
    (session,) = proxy.plane._runtime.sessions
    body = session._exchange._body
    assert body.is_kept is is_kept
    go.set()
    await within(client.until(b"\r\n\r\no"))
    assert not body.is_kept, "the client has a part of the answer"


async def test_a_large_upload_to_nobody_is_not_kept_for_another_attempt(
    start_proxy: Any, port: int, at_once: None
) -> None:
    proxy = await start(start_proxy, port, {})
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 200_000)
    answer = await within(client.answer("POST"))
    assert answer.status == 502
    counted = proxy.counts("retries_refused")
    # How much of it came before the connection failed is the kernel's choice.
    assert sum(counted.values()) == 1
    assert set(counted) <= {("body_too_large", "monolith"), ("attempts", "monolith")}
    await until(lambda: is_quiet(proxy))


async def test_a_body_that_is_still_coming_goes_on_to_the_next_attempt(
    start_upstream: Any, start_proxy: Any
) -> None:
    got_half = asyncio.Event()

    async def handle(connection: Any) -> None:
        if connection.number == 1:
            await connection.reader.readuntil(b"hel")
            got_half.set()
            return
        await connection.request()
        await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_with_put(start_proxy, upstream)
    pauses = Pauses(proxy)
    client = await proxy.connect()
    client.send(b"PUT /again/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
    await within(got_half.wait())
    await pauses.begun()
    client.send(b"lo")
    pauses.end()
    assert (await within(client.answer("PUT"))).status == 200
    assert [seen.body for seen in upstream.requests] == [b"hello"]
    client.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await within(client.answer())).status == 200


async def test_at_most_a_fifth_of_the_requests_under_way_is_sent_again(
    start_upstream: Any, start_proxy: Any
) -> None:
    clients, all_came, all_failed = 60, asyncio.Event(), asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.request()
        if connection.number == clients:
            all_came.set()
        await (all_came if connection.number <= clients else all_failed).wait()

    upstream = await start_upstream(handle)
    timeouts = {"connect": "30s", "response": "60s", "idle": "60s"}
    proxy = await start(start_proxy, upstream, timeouts=timeouts)
    asking = asyncio.gather(*(proxy.get() for _ in range(clients)))
    again = clients // 5
    refused = partial(proxy.count, "retries_refused", upstream="monolith")
    await until(lambda: refused(reason="budget") == clients - again)
    await until(lambda: upstream.connections == clients + again)
    assert budget_of(proxy).retrying == again
    all_failed.set()
    assert {answer.status for answer in await within(asking, 30)} == {502}
    assert upstream.connections == clients + again
    assert proxy.count("retries", upstream="monolith", when="early_close", result="failed") == again
    assert refused(reason="attempts") == again
    assert is_quiet(proxy)


async def test_further_attempts_take_of_the_same_budget_again(
    start_upstream: Any, start_proxy: Any
) -> None:
    """Hammered for a while, a dead upstream never has more than the floor on further attempts at once."""
    upstream = await start_upstream(hangs_up)
    proxy = await start(start_proxy, upstream, {"attempts": 5, **BOTH})
    seen: list[int] = []
    budget = budget_of(proxy)

    async def hammer() -> None:
        for _ in range(10):
            assert (await proxy.get()).status == 502
            seen.append(budget.retrying)

    await within(asyncio.gather(*(hammer() for _ in range(10))), 60)
    assert max(seen) <= FLOOR
    counted = proxy.counts("retries")
    assert upstream.connections == 100 + sum(counted.values())
    assert counted.keys() == {("failed", "monolith", "early_close")}
    refused = proxy.counts("retries_refused")
    assert refused[("budget", "monolith")] > 0
    assert sum(refused.values()) == 100


async def test_who_leaves_in_the_pause_is_not_asked_for_any_more(
    start_proxy: Any, port: int
) -> None:
    proxy = await start(start_proxy, port)
    pauses = Pauses(proxy)
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await pauses.begun()
    assert budget_of(proxy).retrying == 1
    client.close()
    await until(lambda: is_quiet(proxy))
    assert proxy.count("client_gone") == 1
    assert proxy.counts("retries") == {("left", "monolith", "connect"): 1}
    assert proxy.counts("errors") == {}
    assert proxy.plane.state()["exchanges"] == {"1": 0}


async def test_all_attempts_share_one_deadline(
    start_upstream: Any, start_proxy: Any, at_once: None
) -> None:
    """Each attempt takes 400 ms, all of them 1 s: there is no time for a fourth."""

    async def handle(connection: Any) -> None:
        await connection.request()
        await asyncio.sleep(0.4)

    upstream = await start_upstream(handle)
    timeouts = {"connect": "300ms", "response": "700ms", "idle": "5s"}
    proxy = await start(start_proxy, upstream, {"attempts": 5, **BOTH}, timeouts=timeouts)
    assert (await within(proxy.get())).status in (502, 504)
    assert upstream.connections <= 3


async def test_the_deadline_is_that_of_one_attempt_and_ends_the_one_under_way(
    start_upstream: Any, start_proxy: Any, at_once: None
) -> None:
    async def handle(connection: Any) -> None:
        await connection.request()
        if connection.number > 1:
            await connection.reader.read()

    upstream = await start_upstream(handle)
    timeouts = {"connect": "20s", "response": "40s", "idle": "60s"}
    proxy = await start(start_proxy, upstream, timeouts=timeouts, breaker={"failures": 2})
    asking = asyncio.ensure_future(proxy.get())
    await until(lambda: len(upstream.requests) == 2)
    (attempts,) = attempts_of(proxy)
    left_s = attempts.deadline - asyncio.get_running_loop().time()
    assert 20 < left_s <= 60
    attempts.on_deadline()  # as when it has passed
    assert (await within(asking)).status == 504
    assert proxy.counts("errors") == {("response_timeout", "head", "monolith"): 1}
    assert is_quiet(proxy)
    # The upstream had more time of its own, so only the first attempt counts at its breaker.
    (address,) = proxy.plane.state()["upstream_connections"]["upstreams"]["monolith"]
    assert address["breaker"] == "closed"
    await until(lambda: proxy.connections() == {"open": 0, "idle": 0})


async def test_the_deadline_ends_no_answer_that_has_begun(
    start_upstream: Any, start_proxy: Any, at_once: None
) -> None:
    go_on = asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.request()
        if connection.number > 1:
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
            await go_on.wait()
            await connection.send(b"llo")

    proxy = await start(start_proxy, await start_upstream(handle))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(client.until(b"\r\n\r\nhe"))
    (attempts,) = attempts_of(proxy)
    attempts.on_deadline()
    go_on.set()
    assert await within(client.reader.readexactly(3)) == b"llo"


async def test_a_stale_connection_costs_no_budget_and_needs_no_retries(
    start_upstream: Any, start_proxy: Any
) -> None:
    hang_up = asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.request()
        await connection.send(OK)
        if connection.number == 1:
            await (
                connection.request()
            )  # and closes without an answer, as a server that had closed before
            hang_up.set()

    upstream = await start_upstream(handle)
    proxy = await start(start_proxy, upstream, {"attempts": 0})
    budget_of(proxy).retrying = FLOOR
    assert (await proxy.get()).status == 200
    assert (await proxy.get()).status == 200
    assert hang_up.is_set()
    assert upstream.connections == 2
    assert (
        proxy.counts("retries") == proxy.counts("retries_refused") == proxy.counts("errors") == {}
    )


async def test_a_write_that_may_have_been_taken_is_remembered_though_the_last_attempt_reached_nobody(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream(closing(9))
    proxy = await start_with_put(start_proxy, upstream, stage="canary", percent=50)
    pauses = Pauses(proxy)
    asking = asyncio.ensure_future(ask(proxy, "PUT", BODIES["length"][0], "/again/1"))
    await pauses.begun()
    await upstream.stop()
    pauses.end()
    await pauses.begun()
    pauses.end()
    answer = await asking
    assert proxy.counts("errors") == {("connect_failed", "connect", "monolith"): 1}
    assert answer.status == 502
    assert answer.headers[b"set-cookie"].startswith(b"fig_wrote=")


@pytest.mark.parametrize("when", ["after a pause", "in the other's place"])
async def test_a_mistake_of_our_own_in_a_further_attempt_is_answered(
    start_upstream: Any, start_proxy: Any, at_once: None, when: str
) -> None:
    upstream = await start_upstream(closing(9))
    capability = {
        "upstream": "dead",
        "stage": "service",
        "fallback": "monolith",
        "routes": ["GET /api"],
    }
    dead = {"url": f"http://127.0.0.1:{upstream.port}", "retries": {"attempts": 0}}
    proxy = await start_proxy(
        upstream,
        upstreams={
            "monolith": {"url": f"http://127.0.0.1:{upstream.port}", "retries": BOTH},
            "dead": dead,
        },
        capabilities={"c": capability},
    )
    upstreams = proxy.plane._runtime.upstreams
    take, taken = upstreams.take, []

    def fail_then(*arguments: Any, **keys: Any) -> Any:
        taken.append(arguments)
        if len(taken) > 1:
            raise RuntimeError("a mistake")
        return take(*arguments, **keys)

    upstreams.take = fail_then
    target = "/" if when == "after a pause" else "/api"
    assert (await within(proxy.get(target))).status == 503
    assert len(taken) == 2
    assert is_quiet(proxy)
    assert proxy.plane.state()["exchanges"] == {"1": 0}


async def test_a_reload_keeps_what_is_counted(start_upstream: Any, start_proxy: Any) -> None:
    begun = asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.request()
        begun.set()
        await connection.reader.read()

    proxy = await start(start_proxy, await start_upstream(handle))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(begun.wait())
    runtime = proxy.plane._runtime
    proxy.plane.swap(runtime.generation.snapshot, cookie_key=b"key")
    assert budget_of(proxy).active == 1
    client.close()
    await until(lambda: is_quiet(proxy))
