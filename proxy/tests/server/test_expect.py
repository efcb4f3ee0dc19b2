"""``Expect: 100-continue``: until the client may send its body the upstream is waited for, and from then on the client.

Where a test must let a time pass, somebody else to whom it is sure to pass is the clock.
"""

import asyncio
import contextlib
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.server.attempts import Attempts
from stranglerfig.upstream.deadlines import NEVER

EXPECTS = b"Expect: 100-continue\r\n"
LENGTH = b"Content-Length: 5\r\n\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"
BODIES = {LENGTH: b"hello", CHUNKS: b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
PATIENT = {"connect": "20s", "response": "20s", "idle": "20s"}
HASTY = {"connect": "20s", "response": "700ms", "idle": "700ms"}
STALL = {"limits": {"stall": "300ms"}}  # less than a hasty upstream may think
CLOCK = b"POST /clock HTTP/1.1\r\nHost: a\r\n"


def put(framing: bytes = LENGTH, version: bytes = b"1.1", expects: bytes = EXPECTS) -> bytes:
    """The head of a request that may be sent twice, and whose answer the other side may give."""
    return b"PUT /api/x HTTP/" + version + b"\r\nHost: a\r\n" + expects + framing


class Thinking:
    """An upstream that says something to each head at once, goes on when a test says so, and answers a whole request."""

    def __init__(self, first: bytes = b"", then: bytes = CONTINUE) -> None:
        self.first = first
        self.then = then
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.go = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, connection: Any) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await connection.reader.readuntil(b"\r\n\r\n")
                if b" /clock " in head:
                    await connection.reader.read()
                    return
                self.heads.append(head)
                await connection.send(self.first)
                await until(lambda: self.go.is_set() or connection.reader.at_eof())
                if connection.reader.at_eof():
                    self.left.set()
                    return
                await connection.send(self.then)
                last = b"0\r\n\r\n" if b"chunked\r\n" in head else b"hello"
                self.bodies.append(await connection.reader.readuntil(last))
                await connection.send(OK)


async def is_asked(upstream: Thinking, times: int = 1) -> None:
    await until(lambda: len(upstream.heads) == times)


async def stall_passes(proxy: Any) -> None:
    """Somebody else does not send a body that it should."""
    client = await proxy.connect()
    client.send(CLOCK + LENGTH)
    assert (await within(client.answer("POST"))).status == 408
    client.close()


async def response_time_passes(proxy: Any) -> None:
    """Somebody else gets no answer."""
    client = await proxy.connect()
    client.send(CLOCK + LENGTH + b"hello")
    assert (await within(client.answer("POST"))).status == 504
    client.close()


# Before a word of the upstream: its time


@pytest.mark.parametrize("framing", BODIES)
@pytest.mark.parametrize("hints", [b"", HINTS])
async def test_an_upstream_may_think_for_longer_than_a_client_may_be_silent(
    start_upstream: Any, start_proxy: Any, framing: bytes, hints: bytes
) -> None:
    thinking = Thinking(hints)
    upstream = await start_upstream(thinking)
    proxy = await start_proxy(upstream, **STALL)
    client = await proxy.connect()
    for number in (1, 2):  # the client's connection goes on
        client.send(put(framing))
        await is_asked(thinking, number)
        await stall_passes(proxy)
        thinking.go.set()
        assert await within(client.reader.readexactly(len(hints + CONTINUE))) == hints + CONTINUE
        thinking.go.clear()
        client.send(BODIES[framing])
        assert (await within(client.answer("PUT"))).status == 200
    assert len(thinking.bodies) == 2
    assert proxy.counts("refused_requests") == {("body_timeout",): 2}, "the clock's"


@pytest.mark.parametrize("status", [b"200 OK", b"401 Who", b"417 No", b"503 Busy"])
async def test_it_may_think_before_a_final_answer_too(
    start_upstream: Any, start_proxy: Any, status: bytes
) -> None:
    thinking = Thinking(then=b"HTTP/1.1 " + status + b"\r\nContent-Length: 3\r\n\r\nend")
    proxy = await start_proxy(await start_upstream(thinking), **STALL)
    client = await proxy.connect()
    client.send(put())
    await is_asked(thinking)
    await stall_passes(proxy)
    thinking.go.set()
    answer = await within(client.answer("PUT"))
    assert (b"%d" % answer.status, answer.body) == (status[:3], b"end")
    assert answer.headers[b"connection"] == b"close"
    assert await within(client.rest()) == b""


async def test_an_answer_before_the_body_may_come_slowly(
    start_upstream: Any, start_proxy: Any
) -> None:
    thinking = Thinking(b"HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nn", b"ay")
    proxy = await start_proxy(await start_upstream(thinking), **STALL)
    client = await proxy.connect()
    client.send(put())
    await within(client.until(b"\r\n\r\nn"))
    await stall_passes(proxy)
    thinking.go.set()
    assert await within(client.rest()) == b"ay"


async def test_one_that_stops_is_the_upstreams_fault(start_upstream: Any, start_proxy: Any) -> None:
    thinking = Thinking(b"HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nn")
    proxy = await start_proxy(await start_upstream(thinking), timeouts=HASTY, **STALL)
    client = await proxy.connect()
    client.send(put())
    assert (await within(client.rest())).endswith(b"\r\n\r\nn")
    assert proxy.counts("errors") == {("body_stalled", "body", "monolith"): 1}


@pytest.mark.parametrize("hints", [b"", HINTS])
async def test_an_upstream_that_says_nothing_is_too_late(
    start_upstream: Any, start_proxy: Any, hints: bytes
) -> None:
    thinking = Thinking(hints)
    proxy = await start_proxy(await start_upstream(thinking), timeouts=HASTY, **STALL)
    client = await proxy.connect()
    client.send(put())
    if hints:
        assert await within(client.until(b"\r\n\r\n")) == hints
    answer = await within(client.answer("PUT"))
    assert (answer.status, answer.headers[b"connection"]) == (504, b"close")
    assert await within(client.rest()) == b""
    await within(thinking.left.wait())
    assert proxy.counts("errors") == {("response_timeout", "head", "monolith"): 1}
    assert proxy.counts("refused_requests") == {}


async def test_a_client_that_leaves_meanwhile_is_nobodys_failure(
    start_upstream: Any, start_proxy: Any
) -> None:
    thinking = Thinking()
    proxy = await start_proxy(await start_upstream(thinking))
    client = await proxy.connect()
    client.send(put())
    await is_asked(thinking)
    client.close()
    await within(thinking.left.wait())
    await until(lambda: proxy.plane.state()["exchanges"] == {"1": 0})
    assert proxy.counts("errors") == {}


async def test_clients_that_never_send_their_body_shut_nobody_out(
    start_upstream: Any, start_proxy: Any
) -> None:
    """An upstream that knows no 100 waits for the body, and rightly: what lasts too long is not its fault."""
    thinking = Thinking()
    upstream = await start_upstream(thinking)
    monolith = {
        "url": f"http://127.0.0.1:{upstream.port}",
        "timeouts": HASTY,
        "breaker": {"failures": 1, "when_all_open": "refuse", "open": "30s"},
    }
    proxy = await start_proxy(upstream, upstreams={"monolith": monolith}, **STALL)
    client = await proxy.connect()
    client.send(put())
    assert (await within(client.answer("PUT"))).status == 504
    thinking.go.set()
    other = await proxy.connect()
    other.send(put(expects=b"") + b"hello")
    assert (await within(other.answer("PUT"))).status == 200


async def test_an_upstream_that_hangs_up_on_the_head_gives_no_answer(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def hanging_up(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")

    proxy = await start_proxy(await start_upstream(hanging_up), timeouts=PATIENT)
    client = await proxy.connect()
    client.send(put())
    assert (await within(client.answer("PUT"))).status == 502
    assert proxy.counts("errors") == {("closed_early", "head", "monolith"): 1}


async def test_the_size_of_a_chunk_begins_the_body_in_the_heads_own_read_too(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(await start_upstream(Thinking()), timeouts=PATIENT, **STALL)
    client = await proxy.connect()
    client.send(put(CHUNKS) + b"5\r\n")
    assert (await within(client.answer("PUT"))).status == 408


# From then on: the client's


async def test_a_client_that_was_told_to_go_on_must(start_upstream: Any, start_proxy: Any) -> None:
    thinking = Thinking(CONTINUE)
    proxy = await start_proxy(await start_upstream(thinking), **STALL)
    client = await proxy.connect()
    client.send(put())
    assert await within(client.until(b"\r\n\r\n")) == CONTINUE
    assert (await within(client.answer("PUT"))).status == 408
    assert proxy.counts("errors") == {("body_timeout", "body", "-"): 1}


async def test_it_may_take_its_time_for_it(start_upstream: Any, start_proxy: Any) -> None:
    thinking = Thinking(CONTINUE, b"")
    proxy = await start_proxy(await start_upstream(thinking), timeouts=HASTY)
    client = await proxy.connect()
    client.send(put())
    assert await within(client.until(b"\r\n\r\n")) == CONTINUE
    await response_time_passes(proxy)
    client.send(b"hello")
    thinking.go.set()
    assert (await within(client.answer("PUT"))).status == 200
    assert thinking.bodies == [b"hello"]


BEGINNINGS = {
    "a byte": (LENGTH, b"h", b"ello"),
    "the size of a chunk": (CHUNKS, b"5", b"\r\nhello\r\n0\r\n\r\n"),
    "a piece of a chunk": (CHUNKS, b"5\r\nhel", b"lo\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("beginning", BEGINNINGS)
async def test_a_client_that_did_not_wait_must_go_on(
    start_upstream: Any, start_proxy: Any, beginning: str
) -> None:
    framing, first, _ = BEGINNINGS[beginning]
    thinking = Thinking()
    proxy = await start_proxy(await start_upstream(thinking), **STALL)
    client = await proxy.connect()
    client.send(put(framing))
    await is_asked(thinking)
    client.send(first)
    assert (await within(client.answer("PUT"))).status == 408


@pytest.mark.parametrize("beginning", BEGINNINGS)
async def test_it_may_take_its_time_for_the_rest(
    start_upstream: Any, start_proxy: Any, beginning: str
) -> None:
    framing, first, rest = BEGINNINGS[beginning]
    thinking = Thinking(then=b"")
    proxy = await start_proxy(await start_upstream(thinking), timeouts=HASTY)
    client = await proxy.connect()
    client.send(put(framing))
    await is_asked(thinking)
    client.send(first)
    await response_time_passes(proxy)
    thinking.go.set()
    client.send(rest)
    assert (await within(client.answer("PUT"))).status == 200


@pytest.mark.parametrize("framing", BODIES)
async def test_a_whole_body_makes_it_the_upstreams_time_again(
    start_upstream: Any, start_proxy: Any, framing: bytes
) -> None:
    thinking = Thinking()
    proxy = await start_proxy(await start_upstream(thinking), timeouts=HASTY, **STALL)
    client = await proxy.connect()
    client.send(put(framing) + BODIES[framing])
    assert (await within(client.answer("PUT"))).status == 504
    assert proxy.counts("errors") == {("response_timeout", "head", "monolith"): 1}


@pytest.mark.parametrize(
    ("version", "expects"), [(b"1.0", EXPECTS), (b"1.1", b"Expect: x\r\n"), (b"1.1", b"")]
)
async def test_who_expects_nothing_is_waited_for_from_the_head_on(
    start_upstream: Any, start_proxy: Any, version: bytes, expects: bytes
) -> None:
    """HTTP/1.0 has no 100: a client of that version can't wait for one."""
    thinking = Thinking()
    proxy = await start_proxy(await start_upstream(thinking), **STALL)
    client = await proxy.connect()
    client.send(put(LENGTH, version, expects))
    assert (await within(client.answer("PUT"))).status == 408


# With further attempts, and where there is a wait before the upstream is asked


def attempts_of(proxy: Any) -> Attempts:
    (attempts,) = [each for each in proxy.plane._runtime.deadlines._items if isinstance(each, Attempts)]  # fmt: skip
    return attempts


async def start_both(
    start_upstream: Any, start_proxy: Any, service: Thinking, monolith: Thinking, **limits: Any
) -> Any:
    """A proxy before a hasty service, in whose place a patient monolith may answer."""
    catalog = {
        "upstream": "catalog",
        "stage": "service",
        "fallback": "monolith",
        "routes": [{"match": "PUT /api/**", "safe": True}],
    }
    url = f"http://127.0.0.1:{(await start_upstream(service)).port}"
    return await start_proxy(
        await start_upstream(monolith),
        timeouts=PATIENT,
        upstreams={"catalog": {"url": url, "timeouts": HASTY, "retries": {"attempts": 0}}},
        capabilities={"catalog": catalog},
        **limits,
    )


FAULTS = {"hangs": (b"", "response_timeout"), "says 503": (BUSY, "status_503")}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_other_side_may_think_too(
    start_upstream: Any, start_proxy: Any, fault: str
) -> None:
    said, reason = FAULTS[fault]
    service, monolith = Thinking(said), Thinking()
    proxy = await start_both(start_upstream, start_proxy, service, monolith, **STALL)
    client = await proxy.connect()
    client.send(put())
    await is_asked(monolith)
    await stall_passes(proxy)
    monolith.go.set()
    assert await within(client.until(b"\r\n\r\n")) == CONTINUE
    client.send(b"hello")
    assert (await within(client.answer("PUT"))).status == 200
    assert monolith.bodies == [b"hello"]
    assert proxy.counts("fallbacks") == {("catalog", reason, "answered"): 1}


async def test_who_was_told_to_go_on_is_answered_by_who_said_so(
    start_upstream: Any, start_proxy: Any
) -> None:
    service, monolith = Thinking(CONTINUE, BUSY), Thinking()
    proxy = await start_both(start_upstream, start_proxy, service, monolith)
    client = await proxy.connect()
    client.send(put())
    assert await within(client.until(b"\r\n\r\n")) == CONTINUE
    service.go.set()
    assert (await within(client.answer("PUT"))).status == 503
    assert monolith.heads == []


async def test_all_attempts_share_one_deadline_until_the_client_may_go_on(
    start_upstream: Any, start_proxy: Any
) -> None:
    service, monolith = Thinking(BUSY), Thinking(then=HINTS)
    proxy = await start_both(start_upstream, start_proxy, service, monolith)
    client = await proxy.connect()
    client.send(put())
    await is_asked(monolith)
    loop = asyncio.get_running_loop()
    attempts = attempts_of(proxy)
    due = attempts.deadline
    assert 0 < due - loop.time() <= 40.0
    monolith.go.set()  # not the word that the client waits for
    assert await within(client.until(b"\r\n\r\n")) == HINTS
    assert attempts.deadline == due
    client.send(b"he")
    await until(lambda: attempts.deadline == NEVER)
    client.send(b"llo")
    assert (await within(client.answer("PUT"))).status == 200


async def test_a_body_of_nothing_is_a_whole_one(start_upstream: Any, start_proxy: Any) -> None:
    service, monolith = Thinking(BUSY), Thinking(then=b"")
    proxy = await start_both(start_upstream, start_proxy, service, monolith, **STALL)
    client = await proxy.connect()
    client.send(put(CHUNKS))
    await is_asked(monolith)
    attempts_of(proxy)._started_at -= 60  # from now on the deadline counts from the body's end
    client.send(b"0\r\n\r\n")
    await stall_passes(proxy)
    monolith.go.set()
    assert (await within(client.answer("PUT"))).status == 200


async def test_the_shared_deadline_ends_the_attempt_under_way(
    start_upstream: Any, start_proxy: Any
) -> None:
    service, monolith = Thinking(BUSY), Thinking()
    proxy = await start_both(start_upstream, start_proxy, service, monolith)
    client = await proxy.connect()
    client.send(put())
    await is_asked(monolith)
    attempts_of(proxy).on_deadline()  # as when it has passed
    assert (await within(client.answer("PUT"))).status == 504
    assert proxy.counts("errors") == {("response_timeout", "head", "monolith"): 1}


async def test_a_further_attempt_may_think_too(start_upstream: Any, start_proxy: Any) -> None:
    thinking = Thinking()

    async def hang_up_once(connection: Any) -> None:
        if connection.number == 1:
            await connection.reader.readuntil(b"\r\n\r\n")
            return
        await thinking(connection)

    upstream = await start_upstream(hang_up_once)
    written = {
        "url": f"http://127.0.0.1:{upstream.port}",
        "timeouts": PATIENT,
        "retries": {"when": ["connect", "early_close"]},
    }
    proxy = await start_proxy(
        upstream,
        upstreams={"monolith": written, "catalog": "http://127.0.0.1:9"},
        capabilities={
            "catalog": {"upstream": "catalog", "routes": [{"match": "PUT /api/**", "retry": True}]}
        },
        **STALL,
    )
    client = await proxy.connect()
    client.send(put())
    await is_asked(thinking)
    assert upstream.connections == 2
    await stall_passes(proxy)
    thinking.go.set()
    assert await within(client.until(b"\r\n\r\n")) == CONTINUE
    client.send(b"hello")
    assert (await within(client.answer("PUT"))).status == 200
    assert thinking.bodies == [b"hello"]


async def test_who_waited_for_a_place_may_wait_for_the_upstream_too(
    start_upstream: Any, start_proxy: Any
) -> None:
    thinking = Thinking()
    upstream = await start_upstream(thinking)
    written = {
        "url": f"http://127.0.0.1:{upstream.port}",
        "timeouts": PATIENT,
        "concurrency": 1,
        "queue": {"wait": "20s"},
    }
    clock = [{"match": "POST /clock", "safe": True}]
    other = {"upstream": "other", "stage": "service", "compare": False, "routes": clock}
    proxy = await start_proxy(
        upstream,
        upstreams={"monolith": written, "other": f"http://127.0.0.1:{upstream.port}"},
        capabilities={"other": other},
        workers=1,
        **STALL,
    )
    first = await proxy.connect()
    first.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
    await is_asked(thinking)
    client = await proxy.connect()
    client.send(put())
    places = proxy.plane._runtime.upstreams.state
    await until(lambda: places()["places"]["monolith"]["waiting"] == 1)
    await stall_passes(proxy)
    first.close()
    await is_asked(thinking, 2)
    await stall_passes(proxy)
    thinking.go.set()
    assert await within(client.until(b"\r\n\r\n")) == CONTINUE
    client.send(b"hello")
    assert (await within(client.answer("PUT"))).status == 200
