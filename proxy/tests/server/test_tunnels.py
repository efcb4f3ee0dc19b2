"""Upgraded connections byte by byte: what goes through, in which order, and how either side's end is told to the other."""

import asyncio
from typing import Any

import pytest
from upgrading import (
    ASK,
    ASK_WEBSOCKET,
    SWITCH,
    SWITCH_WEBSOCKET,
    UPGRADES,
    echo,
    hold,
    reset,
    switching,
)
from waiting import until, within

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def open_tunnel(
    start_upstream: Any, start_proxy: Any, then: Any, **timeouts: str
) -> tuple[Any, Any]:
    """A proxy, and a client whose connection is a tunnel to ``then``."""
    upstream = await start_upstream(switching(then))
    times = {"timeouts": {"connect": "60s", "response": "60s", **timeouts}}
    proxy = await start_proxy(
        upstream, upstreams={"monolith": {"url": f"http://127.0.0.1:{upstream.port}", **UPGRADES, **times}}
    )  # fmt: skip
    client = await proxy.connect()
    client.send(ASK)
    assert await within(client.until(b"\r\n\r\n")) == SWITCH
    return proxy, client


async def is_over(proxy: Any, reason: str) -> None:
    await until(lambda: proxy.counts("stream_ends") == {("tunnel", reason): 1})
    await until(lambda: proxy.plane.state()["connections"] == 0)
    state = proxy.plane.state()
    assert (state["tunnels"], state["exchanges"]) == (0, {"1": 0})
    assert proxy.connections() == {"open": 0, "idle": 0}


@pytest.mark.parametrize("ask", [ASK, ASK_WEBSOCKET])
async def test_the_upstream_is_asked_in_one_hop_and_the_client_told_in_the_next(
    start_upstream: Any, start_proxy: Any, ask: bytes
) -> None:
    answer = SWITCH if ask is ASK else SWITCH_WEBSOCKET
    upstream = await start_upstream(
        switching(echo, answer.replace(b"\r\n\r\n", b"\r\nX-Y: z\r\n\r\n"))
    )
    proxy = await start_proxy(
        upstream, upstreams={"monolith": {"url": f"http://127.0.0.1:{upstream.port}", **UPGRADES}}
    )
    client = await proxy.connect()
    client.send(
        ask.replace(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade, X-Hop\r\nX-Hop: 1")
    )
    got = await within(client.until(b"\r\n\r\n"))
    assert got.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert sorted(got.splitlines()) == sorted((answer + b"X-Y: z").splitlines())
    (seen,) = upstream.requests
    assert [line for line in seen.splitlines() if line.lower().startswith((b"conn", b"upg", b"x-hop"))] == [
        b"Connection: Upgrade",
        b"Upgrade: chat" if ask is ASK else b"Upgrade: websocket",
    ]  # fmt: skip
    client.send(b"anything\r\n")
    assert await within(client.reader.readexactly(10)) == b"anything\r\n"
    assert proxy.plane.state()["tunnels"] == 1


@pytest.mark.parametrize(
    ("ask", "answer"), [(ASK, SWITCH), (ASK_WEBSOCKET, SWITCH_WEBSOCKET)], ids=["chat", "websocket"]
)
@pytest.mark.parametrize("cut", [0, 1, 20])
async def test_nothing_that_came_too_early_is_lost(
    start_upstream: Any, start_proxy: Any, ask: bytes, answer: bytes, cut: int
) -> None:
    """The upstream's first bytes come with the 101, and the client's before it."""
    upstream = await start_upstream(switching(echo, answer + b"with the 101"))
    proxy = await start_proxy(
        upstream, upstreams={"monolith": {"url": f"http://127.0.0.1:{upstream.port}", **UPGRADES}}
    )
    client = await proxy.connect()
    early = b"GET /early HTTP/1.1\r\nHost: a\r\n\r\n"  # it looks like a request, and is none
    sent = ask + early
    at = len(ask) + cut
    client.send(sent[:at])
    await client.writer.drain()
    await asyncio.sleep(0)
    client.send(sent[at:] + b"late")
    await within(client.until(b"\r\n\r\n"))
    expected = b"with the 101" + early + b"late"
    assert await within(client.reader.readexactly(len(expected))) == expected
    client.writer.write_eof()
    assert await within(client.rest()) == b""
    assert len(upstream.requests) == 1
    await is_over(proxy, "client")


@pytest.mark.parametrize("ask", [ASK, ASK_WEBSOCKET], ids=["chat", "websocket"])
@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone",
        b"HTTP/1.1 426 Upgrade Required\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnone\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnone",
    ],
)
async def test_a_refused_upgrade_keeps_its_body_and_the_connection_goes_on(
    start_upstream: Any, start_proxy: Any, refusal: bytes, ask: bytes
) -> None:
    async def handle(connection: Any) -> None:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        assert b"\r\nUpgrade: " in head
        await connection.send(refusal)
        while await connection.request():
            await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_proxy(
        upstream, upstreams={"monolith": {"url": f"http://127.0.0.1:{upstream.port}", **UPGRADES}}
    )
    client = await proxy.connect()
    client.send(ask)
    answer = await within(client.answer())
    assert answer.body == b"none"
    assert (await within(client.get("/next"))).body == b"ok"
    # And so it does for what was sent behind it, in one go or cut.
    for at in (0, 7):
        client.send(ask + LAST + ask + LAST[:at])
        client.send(LAST[at:])
        for body in (b"none", b"ok", b"none", b"ok"):
            assert (await within(client.answer())).body == body
    assert proxy.counts("stream_ends") == {}
    assert proxy.counts("upgrades") == {}


@pytest.mark.parametrize(
    ("demanded", "told"),
    [
        (b"websocket", [b"websocket"]),
        (b"h2c, HTTP/2.0, websocket,chat/2", [b"websocket, chat/2"]),
        (b"h2c", []),
    ],
)
async def test_a_426_says_which_protocol_is_demanded(
    start_upstream: Any, start_proxy: Any, demanded: bytes, told: list[bytes]
) -> None:
    head = b"HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: " + demanded
    proxy = await start_proxy(await start_upstream(head + b"\r\nContent-Length: 2\r\n\r\nno"))
    client = await proxy.connect()
    for _ in range(2):
        answer = await within(client.get())
        assert (answer.status, answer.body) == (426, b"no")
        assert answer.values(b"Upgrade") == told
        assert answer.values(b"Connection") == [b"Upgrade"] * len(told)


async def test_a_request_that_began_behind_a_refused_upgrade_is_read_on(
    start_upstream: Any, start_proxy: Any
) -> None:
    asked, refuse = asyncio.Event(), asyncio.Event()

    async def handle(connection: Any) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        asked.set()
        await refuse.wait()
        await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(ASK_WEBSOCKET)
    await within(asked.wait())
    client.send(LAST[:7])
    (session,) = proxy.plane._runtime.sessions
    await until(lambda: session._parser._held == LAST[:7])
    refuse.set()
    assert (await within(client.answer())).body == b"ok"
    client.send(LAST[7:])
    assert (await within(client.answer())).body == b"ok"


async def test_thousands_of_refused_upgrades_in_one_go_are_no_recursion(
    start_upstream: Any, start_proxy: Any
) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    asking = ASK_WEBSOCKET.replace(b"/chat", b"/_chassis")
    client.send(asking * 1500 + LAST)
    for _ in range(1500):
        assert (await within(client.answer())).status == 404
    assert (await within(client.answer())).body == b"ok"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        SWITCH,  # to another protocol
        SWITCH_WEBSOCKET.replace(b"s3pP", b"xxxx"),
        SWITCH_WEBSOCKET.replace(b"Sec-WebSocket-Accept", b"X-Accept"),
    ],
)
async def test_a_101_that_proves_nothing_is_502_and_opens_nothing(
    start_upstream: Any, start_proxy: Any, answer: bytes
) -> None:
    upstream = await start_upstream(switching(echo, answer))
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(ASK_WEBSOCKET + LAST.replace(b"last", b"_chassis"))
    assert (await within(client.answer())).status == 502
    assert (await within(client.answer())).status == 404
    assert proxy.counts("errors") == {("bad_response", "head", "monolith"): 1}
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "ask",
    [
        ASK,  # the upstream's `upgrades` do not name it
        ASK_WEBSOCKET.replace(b"Connection: Upgrade", b"Connection: keep-alive"),
        ASK_WEBSOCKET.replace(b"GET", b"POST"),
        ASK_WEBSOCKET.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        ASK_WEBSOCKET.replace(b"Sec-WebSocket-Key", b"X-Key"),
    ],
)
async def test_who_does_not_ask_for_a_known_upgrade_gets_a_plain_request_and_no_tunnel(
    start_upstream: Any, start_proxy: Any, ask: bytes
) -> None:
    upstream = await start_upstream(switching(echo, SWITCH_WEBSOCKET))
    proxy = await start_proxy(upstream)
    client = await proxy.connect()
    client.send(ask)
    assert (await within(client.answer())).status == 502
    assert b"Upgrade:" not in upstream.requests[0]
    assert b"Connection:" not in upstream.requests[0]


# Ends

MUCH = bytes(range(256)) * 8192  # 2 MiB


async def test_an_upstream_that_has_said_all_still_hears(
    start_upstream: Any, start_proxy: Any
) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def say_and_listen(connection: Any) -> None:
        await connection.send(MUCH)
        connection.writer.write_eof()
        heard.set_result(await connection.reader.read())

    proxy, client = await open_tunnel(start_upstream, start_proxy, say_and_listen)
    assert await within(client.reader.read()) == MUCH
    client.send(MUCH)
    client.writer.write_eof()
    assert await within(heard) == MUCH
    await is_over(proxy, "upstream")


async def test_a_client_that_has_said_all_still_hears(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def listen_and_say(connection: Any) -> None:
        assert await connection.reader.read() == MUCH
        await connection.send(MUCH)

    proxy, client = await open_tunnel(start_upstream, start_proxy, listen_and_say)
    client.send(MUCH)
    client.writer.write_eof()
    assert await within(client.reader.read()) == MUCH
    await is_over(proxy, "client")


async def test_the_end_of_one_side_is_no_reason_to_wait_less_for_the_other(
    start_upstream: Any, start_proxy: Any
) -> None:
    go = asyncio.Event()

    async def listen_and_say(connection: Any) -> None:
        assert await connection.reader.read() == b"?"
        while not go.is_set():
            await connection.send(b"!")
            await asyncio.sleep(0.001)

    proxy, client = await open_tunnel(start_upstream, start_proxy, listen_and_say)
    client.send(b"?")
    client.writer.write_eof()
    (tunnel,) = proxy.plane._runtime.streams._open
    await until(lambda: tunnel._client.has_ended)
    due = tunnel.deadline
    await until(lambda: tunnel.deadline > due)
    go.set()
    assert set(await within(client.reader.read())) == set(b"!")
    await is_over(proxy, "client")


async def test_a_reset_is_passed_on_as_one(start_upstream: Any, start_proxy: Any) -> None:
    async def leave(connection: Any) -> None:
        await connection.reader.readexactly(1)
        connection.reset()

    proxy, client = await open_tunnel(start_upstream, start_proxy, leave)
    client.send(b"?")
    with pytest.raises(ConnectionResetError):
        await within(client.reader.read())
    await is_over(proxy, "upstream")


async def test_a_client_that_is_reset_resets_the_upstream(
    start_upstream: Any, start_proxy: Any
) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def listen(connection: Any) -> None:
        try:
            heard.set_result(await connection.reader.read())
        except ConnectionResetError as error:
            heard.set_result(error)

    proxy, client = await open_tunnel(start_upstream, start_proxy, listen)
    reset(client.writer)
    assert isinstance(await within(heard), ConnectionResetError)
    await is_over(proxy, "client")


async def test_last_words_reach_a_slow_client_though_it_talks_to_one_that_is_gone(
    start_upstream: Any, start_proxy: Any
) -> None:
    said, is_enough = 0, asyncio.Event()

    async def say_and_go(connection: Any) -> None:
        nonlocal said
        while not is_enough.is_set():
            await connection.send(b"x" * 4096)
            said += 4096
            await asyncio.sleep(0.001)
        # and closes the socket: who writes to it now is reset

    proxy, client = await open_tunnel(start_upstream, start_proxy, say_and_go)
    (tunnel,) = proxy.plane._runtime.streams._open
    client.writer.transport.pause_reading()
    # Until some of it waits in the proxy, and not so much that it reads no more.
    await until(tunnel._client.transport.get_write_buffer_size)
    is_enough.set()
    await until(lambda: tunnel._upstream.has_ended)
    assert tunnel._client.transport.get_write_buffer_size()
    await until(lambda: client.send(b"still there?") or tunnel._upstream.is_lost)
    client.writer.transport.resume_reading()
    assert len(await within(client.reader.read())) == said
    client.close()
    await is_over(proxy, "upstream")


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_ends_at_any_moment_leave_nothing_behind(
    start_upstream: Any, start_proxy: Any, how: str
) -> None:
    async def end(connection: Any) -> None:
        number = connection.number
        await connection.reader.readexactly(number % 4)
        getattr(connection, how)()

    upstream = await start_upstream(switching(end, SWITCH + b"hello"))
    proxy = await start_proxy(
        upstream, upstreams={"monolith": {"url": f"http://127.0.0.1:{upstream.port}", **UPGRADES}}
    )

    async def visit(number: int) -> None:
        client = await proxy.connect()
        client.send(ASK + b"xyz")
        if number % 3 == 0:
            client.writer.transport.abort()
        elif number % 3 == 1:
            client.writer.write_eof()
        await client.rest()

    await within(asyncio.gather(*map(visit, range(48))), 20)
    await until(lambda: proxy.plane.state()["connections"] == 0)
    await until(lambda: proxy.plane.state()["upstream_connections"]["open"] == 0)
    state = proxy.plane.state()
    assert (state["tunnels"], state["exchanges"]) == (0, {"1": 0})


async def test_a_tunnel_in_which_nothing_moves_is_closed(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy, client = await open_tunnel(start_upstream, start_proxy, hold, tunnel="200ms")
    assert await within(client.rest()) == b""
    await is_over(proxy, "idle")


def upgrading(upstream: Any, **more: Any) -> dict[str, Any]:
    return {"monolith": {"url": f"http://127.0.0.1:{upstream.port}", **UPGRADES, **more}}


async def echo_target(connection: Any) -> None:
    while (seen := await connection.request()) is not None:
        size = len(seen.target)
        await connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, seen.target)
        )


async def test_a_request_for_an_upgrade_waits_for_the_answer_before_it_and_what_is_behind_waits_for_its_own(
    start_upstream: Any, start_proxy: Any
) -> None:
    """All in one read, and the first is answered at once."""
    upstream = await start_upstream(echo_target)
    proxy = await start_proxy(upstream, upstreams=upgrading(upstream))
    client = await proxy.connect()
    third = b"GET /third HTTP/1.1\r\nHost: a\r\n\r\n"
    client.send(b"GET /_chassis/x HTTP/1.1\r\nHost: a\r\n\r\n" + ASK + third)
    answers = [await within(client.answer()) for _ in range(3)]
    assert [each.status for each in answers] == [404, 200, 200]
    assert [each.body for each in answers[1:]] == [b"/chat", b"/third"]
    assert [seen.target for seen in upstream.requests] == [b"/chat", b"/third"]


async def test_what_comes_early_behind_a_pipelined_upgrade_goes_into_the_tunnel(
    start_upstream: Any, start_proxy: Any
) -> None:
    async def handle(connection: Any) -> None:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        if b"/chat" in head:
            await connection.send(SWITCH)
            await echo(connection)
        else:
            await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_proxy(upstream, upstreams=upgrading(upstream))
    client = await proxy.connect()
    client.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n" + ASK + b"early bytes")
    assert (await within(client.answer())).status == 200
    assert await within(client.until(b"\r\n\r\n")) == SWITCH
    assert await within(client.until(b"early bytes")) == b"early bytes"


async def test_tunnels_are_no_requests_under_way(start_upstream: Any, start_proxy: Any) -> None:
    async def handle(connection: Any) -> None:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        if b"/chat" in head:
            await connection.send(SWITCH)
            await echo(connection)
        else:
            await connection.send(OK)

    upstream = await start_upstream(handle)
    proxy = await start_proxy(
        upstream, workers=1, upstreams=upgrading(upstream), limits={"requests": 1}
    )
    tunnel = await proxy.connect()
    tunnel.send(ASK)
    await within(tunnel.until(b"\r\n\r\n"))
    assert (await within(proxy.get())).status == 200
