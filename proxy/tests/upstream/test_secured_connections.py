"""Whose answer it is, over TLS: what the upstream says unasked is told from what TLS itself says."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from certificates import Authority, serving
from receiving import Owner, Receiver
from tls_peer import TlsPeer
from waiting import until

from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure
from stranglerfig.upstream.connection import UpstreamConnection

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"


class World:
    """A connection that was used once and is kept, and the upstream's end of it."""

    def __init__(self, server: socket.socket, folder: Path) -> None:
        authority = Authority()
        (folder / "ca.pem").write_text(authority.pem)
        self.server = server
        self.context = serving(folder, authority.sign("127.0.0.1"))
        self.upstream = Upstream.model_validate(
            {
                "(name)": "u",
                "url": f"https://127.0.0.1:{server.getsockname()[1]}",
                "tls": {"ca": str(folder / "ca.pem")},
            }
        )
        self.owner = Owner()
        self.receiver = Receiver()
        self.connection: UpstreamConnection
        self.peer: TlsPeer

    async def begin(self, early: bytes = b"") -> bytes:
        """Ask, up to the end of the handshake; gives the tickets."""
        self.connection = UpstreamConnection(
            self.upstream,
            asyncio.get_running_loop(),
            self.owner,  # type: ignore[arg-type]
        )
        self.ask()
        self.server.setblocking(False)
        accepted, _ = await asyncio.get_running_loop().sock_accept(self.server)
        self.peer = TlsPeer(accepted, self.context)
        return await self.peer.shake_hands(early)

    def ask(self) -> Receiver:
        self.receiver = Receiver()
        self.connection.begin(self.receiver, self.upstream, GET, is_head=False, is_whole=True)
        return self.receiver

    async def over(self) -> None:
        async with asyncio.timeout(5):
            await self.receiver.is_over.wait()

    async def keep(self) -> "World":
        self.peer_tickets = await self.begin()
        await self.peer.request()
        self.peer.send(self.peer_tickets + self.peer.records(OK))
        await self.over()
        assert self.owner.heard == ["free"]
        return self


@pytest.fixture
async def world(server: socket.socket, tmp_path: Path) -> AsyncIterator[World]:
    made = World(server, tmp_path)
    yield made
    made.connection.abort()
    made.peer.socket.close()
    await until(lambda: "gone" in made.owner.heard)


async def test_a_kept_connection_that_is_silent_is_used_again(world: World) -> None:
    await world.keep()
    for _ in range(3):
        assert world.connection.is_quiet
        world.ask()
        assert await world.peer.request() == GET
        world.peer.send(world.peer.records(OK))
        await world.over()
        assert world.receiver.failure is None
    assert world.owner.heard == ["free"] * 4


async def test_the_request_is_in_the_kernel_before_the_loop_turns(world: World) -> None:
    await world.keep()
    world.ask()
    assert world.peer.socket.recv(65536)  # it does not block, and nothing was awaited


async def test_session_tickets_are_nothing_that_was_said(world: World) -> None:
    tickets = await world.begin()
    assert tickets
    await world.peer.request()
    world.peer.send(tickets)
    # Looked at before the loop has read them: they are read here, and the answer behind them is no worse for it.
    assert world.connection.is_quiet
    world.peer.send(world.peer.records(OK))
    await world.over()
    assert world.receiver.failure is None
    assert world.owner.heard == ["free"]


async def test_the_beginning_of_a_ticket_with_the_handshake_is_nothing_that_was_said(
    world: World,
) -> None:
    """Some servers send tickets with their part of the handshake, and a segment may end within one."""
    early = b"\x17\x03\x03"
    tickets = await world.begin(early)
    assert tickets.startswith(early)
    assert await world.peer.request() == GET
    world.peer.send(tickets[len(early) :] + world.peer.records(OK))
    await world.over()
    assert world.receiver.failure is None
    assert world.owner.heard == ["free"]


async def test_an_answer_that_waits_is_no_answer_to_what_comes(world: World) -> None:
    await world.keep()
    world.peer.send(world.peer.records(POISON))
    assert not world.connection.is_quiet  # the loop has not turned: the kernel alone has it
    await until(lambda: len(world.owner.heard) >= 3)
    assert world.owner.heard == ["free", "poisoned", "gone"]


@pytest.mark.parametrize("at", [1, 4, 5, 20])
async def test_half_a_record_gives_the_connection_up(world: World, at: int) -> None:
    await world.keep()
    record = world.peer.records(POISON)
    world.peer.send(record[:at])
    assert not world.connection.is_quiet
    await until(lambda: len(world.owner.heard) >= 2)
    assert world.owner.heard == ["free", "gone"]


async def test_half_a_record_that_the_loop_has_read_gives_it_up_too(world: World) -> None:
    await world.keep()
    world.peer.send(world.peer.records(POISON)[:20])
    await until(lambda: not world.connection._transport._records.is_between)  # type: ignore[union-attr]
    assert not world.connection.is_quiet
    await until(lambda: len(world.owner.heard) >= 2)
    assert world.owner.heard == ["free", "gone"]


@pytest.mark.parametrize("how", ["announced", "not announced", "reset"])
async def test_an_end_that_waits(world: World, how: str) -> None:
    await world.keep()
    if how == "announced":
        world.peer.send(world.peer.goodbye())
    elif how == "reset":
        world.peer.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
    world.peer.socket.close()
    assert not world.connection.is_quiet
    await until(lambda: len(world.owner.heard) >= 2)
    assert world.owner.heard == ["free", "gone"]


async def test_an_answer_before_the_request_was_acknowledged_is_unasked(world: World) -> None:
    """The upstream's kernel has not even got the request: nobody can have answered it."""
    world.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await world.keep()
    receiver = Receiver()
    large = GET[:-2] + b"X: " + b"x" * 6_000_000 + b"\r\n\r\n"
    world.receiver = receiver
    world.connection.begin(receiver, world.upstream, large, is_head=False, is_whole=True)
    world.peer.send(world.peer.records(POISON))
    await world.over()
    assert (receiver.failure, receiver.events) == (Failure.UNASKED_RESPONSE, [])
    assert "poisoned" in world.owner.heard
