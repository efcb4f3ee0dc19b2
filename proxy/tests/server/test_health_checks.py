"""Addresses are asked how they are, and those that are not well get nothing while others are."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from waiting import until, within

from stranglerfig.config.model import Config
from stranglerfig.routing.snapshot import compile_snapshot

KEY = b"a key of the tests"


class Server:
    """Answers its name, and ``/up`` with the status it has now."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.status: bytes | None = b"200 OK"
        self.asked: list[Any] = []
        self.port = 0
        self.script: Any = None

    async def handle(self, connection: Any) -> None:
        while seen := await connection.request():
            status, body = b"200 OK", self.name
            if seen.target == b"/up":
                self.asked.append(seen)
                if self.status is None:
                    await connection.reader.read()  # hangs
                    return
                status, body = self.status, b"" if self.status.startswith(b"204") else b"x"
            length = b"" if status.startswith(b"204") else b"Content-Length: %d\r\n" % len(body)
            await connection.send(b"HTTP/1.1 %b\r\n%b\r\n%b" % (status, length, body))


class Checked:
    """A proxy before servers whose health is asked for."""

    def __init__(self, start_upstream: Any, start_proxy: Any) -> None:
        self._start_upstream = start_upstream
        self._start_proxy = start_proxy

    async def start(self, *names: bytes, **upstream: Any) -> list[Server]:
        self.servers = [Server(name) for name in names]
        for server in self.servers:
            server.script = await self._start_upstream(server.handle)
            server.port = server.script.port
        written = self.written(**upstream)
        self.proxy = await self._start_proxy(1, upstreams={"monolith": written})
        return self.servers

    def written(self, *, health: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        urls = [f"http://127.0.0.1:{server.port}" for server in self.servers]
        probe = {"path": "/up", "interval": "10ms", "timeout": "20s", "rise": 2, "fall": 2}
        return {"urls": urls, "health": probe | (health or {}), **more}

    def reload(self, upstream: dict[str, Any]) -> None:
        config = Config.model_validate({"upstreams": {"monolith": upstream}})
        self.proxy.plane.swap(compile_snapshot(config, {}, 2), cookie_key=KEY)

    def seen(self) -> list[dict[str, Any]]:
        found = self.proxy.plane.state()["upstream_connections"]["upstreams"]["monolith"]
        assert isinstance(found, list)
        return found

    async def become(self, *health: str) -> None:
        await until(lambda: [address["health"] for address in self.seen()] == list(health))

    async def ask(self, times: int) -> Counter[str]:
        found: Counter[str] = Counter()
        for _ in range(times):
            got = await self.proxy.get()
            found[got.body.decode() if got.status == 200 else str(got.status)] += 1
        return found


@pytest.fixture
def checked(start_upstream: Any, start_proxy: Any) -> Checked:
    return Checked(start_upstream, start_proxy)


async def test_who_is_not_well_gets_nothing_until_it_is_well_again(checked: Checked) -> None:
    a, _ = await checked.start(b"a", b"b")
    await checked.become("healthy", "healthy")
    assert await checked.ask(8) == {"a": 4, "b": 4}
    a.status = b"503 Service Unavailable"
    await checked.become("unhealthy", "healthy")
    assert checked.seen()[0]["health_why"] == "status 503"
    assert checked.seen()[0]["health_for_s"] >= 0
    assert await checked.ask(8) == {"b": 8}
    a.status = b"204 No Content"
    await checked.become("healthy", "healthy")
    assert await checked.ask(8) == {"a": 4, "b": 4}
    count = checked.proxy.count
    assert count("upstream_address_changes", upstream="monolith", change="unhealthy") == 1
    assert count("upstream_address_changes", upstream="monolith", change="healthy") == 3


@pytest.mark.parametrize(
    ("status", "why"),
    [(None, "response_timeout"), (b"400 Bad", "status 400"), (b"500 Oops", "status 500")],
)
async def test_silence_and_errors_are_no_good_answers(
    checked: Checked, status: bytes | None, why: str
) -> None:
    a, _ = await checked.start(b"a", b"b", health={"timeout": "30ms" if status is None else "20s"})
    a.status = status
    await until(lambda: checked.seen()[0]["health"] == "unhealthy")
    assert checked.seen()[0]["health_why"] == why


async def test_a_redirect_is_a_good_answer(checked: Checked) -> None:
    [a] = await checked.start(b"a")
    a.status = b"302 Found"
    await checked.become("healthy")


async def test_where_none_is_well_all_are_asked_all_the_same(checked: Checked) -> None:
    a, b = await checked.start(b"a", b"b")
    a.status = b.status = b"503 Service Unavailable"
    await checked.become("unhealthy", "unhealthy")
    assert await checked.ask(8) == {"a": 4, "b": 4}


async def test_where_none_is_well_none_is_asked_if_that_is_written(checked: Checked) -> None:
    [a] = await checked.start(b"a", breaker={"when_all_open": "refuse"})
    a.status = b"503 Service Unavailable"
    await checked.become("unhealthy")
    refused = await checked.proxy.get()
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    a.status = b"200 OK"
    await checked.become("healthy")
    assert await checked.ask(2) == {"a": 2}


async def test_one_that_is_gone_is_found_out_without_any_request(checked: Checked) -> None:
    a, _ = await checked.start(b"a", b"b")
    await checked.become("healthy", "healthy")
    await a.script.stop()
    await checked.become("unhealthy", "healthy")
    assert checked.seen()[0]["health_why"] == "connect_failed"
    assert [address["breaker"] for address in checked.seen()] == ["closed", "closed"]
    assert await checked.ask(4) == {"b": 4}


async def test_what_is_asked_is_what_is_written(checked: Checked) -> None:
    [a] = await checked.start(b"a", health={"host": "shop.example"})
    await until(lambda: a.asked)
    assert a.asked[0].raw.startswith(b"GET /up HTTP/1.1\r\n")
    assert a.asked[0].headers[b"host"] == b"shop.example"
    assert a.asked[0].headers[b"user-agent"].startswith(b"fig/")
    checked.reload(checked.written())
    a.asked.clear()
    await until(lambda: a.asked and a.asked[-1].headers[b"host"] != b"shop.example")
    assert a.asked[-1].headers[b"host"] == b"127.0.0.1:%d" % a.port


async def test_a_reload_keeps_what_is_known_and_asks_only_what_is_written(checked: Checked) -> None:
    a, b = await checked.start(b"a", b"b")
    a.status = b"503 Service Unavailable"
    await checked.become("unhealthy", "healthy")
    checked.reload(checked.written(timeouts={"connect": "2s"}))
    assert [address["health"] for address in checked.seen()] == ["unhealthy", "healthy"]
    checked.reload({"urls": checked.written()["urls"]})
    assert [address["health"] for address in checked.seen()] == ["unknown", "unknown"]
    assert checked.proxy.plane._runtime.upstreams._balancers._checks._asking == {}
    assert await checked.ask(4) == {"a": 2, "b": 2}
    checked.reload(checked.written())
    await checked.become("unhealthy", "healthy")
    asked = len(b.asked)
    await until(lambda: len(b.asked) > asked)


async def test_nobody_is_asked_after_the_end(checked: Checked) -> None:
    await checked.start(b"a")
    await checked.become("healthy")
    await within(checked.proxy.plane.drain(0))
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "health" and not task.cancelling()]  # fmt: skip
    await until(lambda: not any(task.get_name() == "health" for task in asyncio.all_tasks()))
