"""Tunnels over TLS, on either side or on both: who has said all still hears, as over plain TCP."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tls_peer import TlsPeer
from upgrading import ASK, SWITCH, UPGRADES
from waiting import until, within

MUCH = bytes(range(256)) * 8192  # 2 MiB
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
SIDES = {"a client's": (True, False), "an upstream's": (False, True), "both": (True, True)}


class PlainPeer:
    """What ``TlsPeer`` is, without TLS."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self.socket = connected

    async def request(self) -> bytes:
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            got += await within(asyncio.get_running_loop().sock_recv(self.socket, 1))
        return got

    async def hear(self) -> bytes:
        got = bytearray()
        loop = asyncio.get_running_loop()
        while data := await within(loop.sock_recv(self.socket, 65536)):
            got += data
        return bytes(got)

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    def end(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)


Open = Callable[..., Awaitable["Tunnel"]]


class Tunnel:
    """A proxy, and both ends of one tunnel through it."""

    def __init__(self, proxy: Any, client: Any, upstream: Any) -> None:
        self.proxy = proxy
        self.client = client
        self.upstream = upstream

    async def is_over(self, reason: str) -> None:
        await until(lambda: self.proxy.counts("stream_ends") == {("tunnel", reason): 1})
        await until(lambda: self.proxy.plane.state()["connections"] == 0)
        assert self.proxy.plane.state()["tunnels"] == 0
        assert self.proxy.connections() == {"open": 0, "idle": 0}


@pytest.fixture
async def open_tunnel(start_proxy: Any, secured: Any) -> AsyncIterator[Open]:
    """Open tunnels; ``sides``: whether the client's end is of TLS, and the upstream's."""
    with contextlib.ExitStack() as stack:

        async def open_tunnel(
            sides: tuple[bool, bool],
            version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
            *,
            ends_at_once: bool = False,
        ) -> Tunnel:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listening.setblocking(False)
            port = listening.getsockname()[1]
            written: dict[str, Any] = {"url": f"http://127.0.0.1:{port}", **UPGRADES}
            if sides[1]:
                written |= {"url": f"https://127.0.0.1:{port}", "tls": {"ca": str(secured.ca)}}
            shown = [secured.shown("shop.example")] if sides[0] else []
            proxy = await start_proxy(port, shown=shown, upstreams={"monolith": written})

            raw = stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port)))
            client: Any = PlainPeer(raw)
            if sides[0]:
                client = TlsPeer(raw, of(secured.authority.trusting(), version), "shop.example")
                client.send(await client.shake_hands())
            await client.say(ASK)
            loop = asyncio.get_running_loop()
            accepted, _ = await within(loop.sock_accept(listening))
            stack.enter_context(accepted)
            upstream: Any = PlainPeer(accepted)
            if sides[1]:
                upstream = TlsPeer(accepted, of(secured.serving("127.0.0.1"), version))
                upstream.send(await upstream.shake_hands())
            await upstream.request()
            if ends_at_once:
                upstream.send(upstream.records(SWITCH) + upstream.goodbye())
            else:
                await upstream.say(SWITCH)
            assert await client.request() == SWITCH
            return Tunnel(proxy, client, upstream)

        yield open_tunnel


def of(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Let ``context`` speak one version alone."""
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("first", ["client", "upstream"])
async def test_who_has_said_all_still_hears(
    open_tunnel: Open, sides: Any, version: ssl.TLSVersion, first: str
) -> None:
    tunnel = await open_tunnel(sides, version)
    ends = [tunnel.client, tunnel.upstream]
    for saying, listening in (ends, ends[::-1]) if first == "client" else (ends[::-1], ends):
        hearing = asyncio.create_task(listening.hear())
        await saying.say(MUCH)
        saying.end()
        assert await within(hearing) == MUCH
    await tunnel.is_over(first)


@pytest.mark.parametrize("at", [1, 5, 20])
async def test_what_is_under_way_when_the_other_side_ends_arrives(
    open_tunnel: Open, at: int
) -> None:
    tunnel = await open_tunnel((True, True))
    record = tunnel.upstream.records(b"hello")
    (stream,) = tunnel.proxy.plane._runtime.streams._open
    tunnel.upstream.send(record[:at])
    await until(lambda: stream._upstream.transport.is_amid_record)
    tunnel.client.end()
    await tunnel.upstream.hear()
    tunnel.upstream.send(record[at:])
    tunnel.upstream.end()
    assert await within(tunnel.client.hear()) == b"hello"
    await tunnel.is_over("client")


@pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES)
async def test_who_hears_nothing_more_leaves_nothing_behind(open_tunnel: Open, sides: Any) -> None:
    tunnel = await open_tunnel(sides)
    tunnel.client.end()
    tunnel.client.socket.close()
    assert await within(tunnel.upstream.hear()) == b""
    with contextlib.suppress(ConnectionError):
        await tunnel.upstream.say(MUCH)
        tunnel.upstream.end()
    await tunnel.is_over("client")


@pytest.mark.parametrize("is_silent", [True, False])
async def test_an_end_that_was_not_announced_is_a_cut(open_tunnel: Open, is_silent: bool) -> None:
    tunnel = await open_tunnel((True, False))
    if not is_silent:
        await tunnel.client.say(b"to be contin")
    tunnel.client.socket.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionResetError):
        await tunnel.upstream.hear()
    await tunnel.is_over("client")


async def test_so_is_one_after_the_other_side_has_said_all(open_tunnel: Open) -> None:
    tunnel = await open_tunnel((True, False))
    tunnel.upstream.end()
    assert await within(tunnel.client.hear()) == b""
    await tunnel.client.say(b"to be contin")
    tunnel.client.socket.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionResetError):
        await tunnel.upstream.hear()
    await tunnel.is_over("upstream")


async def test_an_end_in_one_read_with_the_101_is_the_tunnels(open_tunnel: Open) -> None:
    tunnel = await open_tunnel((False, True), ends_at_once=True)
    assert await within(tunnel.client.hear()) == b""
    hearing = asyncio.create_task(tunnel.upstream.hear())
    await tunnel.client.say(b"last words")
    tunnel.client.end()
    assert await within(hearing) == b"last words"
    await tunnel.is_over("upstream")
