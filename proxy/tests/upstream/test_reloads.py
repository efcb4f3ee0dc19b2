"""A reload may drop an upstream while its request is under way, and the next one may bring it back."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from receiving import Receiver, connections

from stranglerfig.config.model import Config, Upstream
from stranglerfig.http1.request_parser import END
from stranglerfig.upstream.deadlines import Deadlines
from stranglerfig.upstream.upstreams import Upstreams

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Reloading:
    """Asks one upstream, whose configuration comes and goes."""

    def __init__(self, server: socket.socket, host: str) -> None:
        loop = asyncio.get_running_loop()
        self._server = server
        server.setblocking(False)
        url = f"http://{host}:{server.getsockname()[1]}"
        self.upstream: Upstream = Config.model_validate({"upstreams": {"a": url}}).upstreams["a"]
        self.upstreams = Upstreams(loop, Deadlines(loop), lambda *_: None, self._look_up)

    async def _look_up(self, host: str) -> list[str]:
        return ["127.0.0.1"]

    async def look_up(self) -> None:
        """Let the address be found before it is needed."""
        self.upstreams._balancers.names.of(self.upstream.host)
        for _ in range(3):
            await asyncio.sleep(0)

    def drop(self) -> None:
        self.upstreams.retain([])

    def keep(self) -> None:
        self.upstreams.retain([self.upstream])

    def begin(self) -> Receiver:
        receiver = Receiver()
        connection = self.upstreams.take(self.upstream, fresh=False)
        connection.begin(receiver, self.upstream, GET, is_head=False, is_whole=True)
        return receiver

    async def accept(self) -> socket.socket:
        accepted, _ = await asyncio.wait_for(
            asyncio.get_running_loop().sock_accept(self._server), 5
        )
        accepted.setblocking(False)
        return accepted

    async def answer(self, accepted: socket.socket, receiver: Receiver) -> None:
        request = asyncio.get_running_loop().sock_recv(accepted, 65536)
        assert await asyncio.wait_for(request, 5) == GET
        accepted.sendall(OK)
        async with asyncio.timeout(5):
            await receiver.is_over.wait()
        assert (receiver.events[1:], receiver.failure) == ([b"ok", END], None)


@pytest.fixture(params=["catalog.example", "127.0.0.1"], ids=["name", "address"])
async def reloading(
    request: pytest.FixtureRequest, server: socket.socket
) -> AsyncIterator[Reloading]:
    made = Reloading(server, request.param)
    await made.look_up()
    yield made
    made.upstreams.close()


async def test_the_connection_of_a_dropped_upstream_ends_its_exchange_and_is_not_kept(
    reloading: Reloading,
) -> None:
    receiver = reloading.begin()
    with await reloading.accept() as accepted:
        reloading.drop()
        await reloading.answer(accepted, receiver)
        assert reloading.upstreams.state()["idle"] == 0


@pytest.mark.parametrize("is_back_before_the_answer", [True, False])
async def test_an_upstream_that_comes_back_is_asked_anew(
    reloading: Reloading, is_back_before_the_answer: bool
) -> None:
    receiver = reloading.begin()
    with await reloading.accept() as accepted:
        reloading.drop()
        if is_back_before_the_answer:
            await reloading.look_up()
            reloading.keep()
        await reloading.answer(accepted, receiver)
        await reloading.look_up()
        reloading.keep()
        assert reloading.upstreams.state()["idle"] == 0
    receiver = reloading.begin()
    with await reloading.accept() as accepted:
        await reloading.answer(accepted, receiver)
        assert connections(reloading.upstreams.state()) == {"open": 1, "idle": 1}
        receiver = reloading.begin()
        await reloading.answer(accepted, receiver)
        assert connections(reloading.upstreams.state()) == {"open": 1, "idle": 1}


async def test_an_upstream_that_stays_keeps_its_connection(reloading: Reloading) -> None:
    receiver = reloading.begin()
    with await reloading.accept() as accepted:
        reloading.keep()
        await reloading.answer(accepted, receiver)
        assert connections(reloading.upstreams.state()) == {"open": 1, "idle": 1}
