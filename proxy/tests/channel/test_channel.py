"""The control channel, both ends over a real Unix socket: order, descriptors, deaths, nonsense."""

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import structlog

from stranglerfig.channel.child import ChildChannel
from stranglerfig.channel.hub import Hub, Link
from stranglerfig.channel.messages import (
    Drain,
    Hello,
    LagsMessage,
    MeasuredLag,
    MessageError,
    SnapshotMessage,
    parse,
)


def snapshot(generation: int) -> SnapshotMessage:
    return SnapshotMessage(
        generation=generation,
        config={"x": "y" * 300_000},
        overrides={},
        rules={},
        secret="s3cret",
        cookie_key="s3cret",
    )


class Child:
    """One child in a task, and what reached it."""

    def __init__(self, path: Path, listen_fd: int | None = None, *, listens: bool = True) -> None:
        self.taken: list[int] = []
        self.told: list[dict[str, tuple[float, float]]] = []
        self.drained: list[float] = []
        self.drain_may_end = asyncio.Event()
        self.refuses = False
        self.channel = ChildChannel(
            role="worker",
            slot=3,
            on_snapshot=self._take,
            on_drain=self._drain,
            state=lambda: {"connections": 7},
            on_lags=self._learn if listens else None,
            listen_fd=listen_fd,
            path=str(path),
        )
        self.task = asyncio.create_task(self.channel.run())

    async def _take(self, message: SnapshotMessage) -> None:
        if self.refuses:
            raise ValueError("no")
        self.taken.append(message.generation)

    def _learn(self, message: LagsMessage) -> None:
        self.told.append({name: (lag.lag_s, lag.age_s) for name, lag in message.lags.items()})

    async def _drain(self, deadline_s: float) -> None:
        self.drained.append(deadline_s)
        await self.drain_may_end.wait()


class Supervisor:
    """A hub and the links that came."""

    def __init__(self) -> None:
        self.links: asyncio.Queue[Link] = asyncio.Queue()
        self.hub = Hub(self.links.put_nowait)

    async def next(self) -> Link:
        return await asyncio.wait_for(self.links.get(), 10)


Start = Callable[[], Awaitable[Supervisor]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
async def start(path: Path) -> AsyncIterator[Start]:
    started: list[Supervisor] = []

    async def start_one() -> Supervisor:
        supervisor = Supervisor()
        supervisor.hub.start(str(path))
        started.append(supervisor)
        return supervisor

    yield start_one
    for supervisor in started:
        await supervisor.hub.stop()


@pytest.fixture
async def make_child(path: Path) -> AsyncIterator[Callable[..., Child]]:
    made: list[Child] = []

    def make(listen_fd: int | None = None, *, listens: bool = True) -> Child:
        made.append(Child(path, listen_fd, listens=listens))
        return made[-1]

    yield make
    for child in made:
        child.task.cancel()
    await asyncio.gather(*(child.task for child in made), return_exceptions=True)


async def acked(link: Link, generation: int) -> bool:
    return await asyncio.wait_for(link.acked(generation), 10)


async def test_a_snapshot_is_acknowledged_when_it_is_taken(
    start: Start, make_child: Callable[..., Child]
) -> None:
    supervisor, child = await start(), make_child()
    link = await supervisor.next()
    assert (link.hello.role, link.hello.slot, link.generation) == ("worker", 3, 0)
    for generation in (1, 2, 3):
        link.send(snapshot(generation))
    assert await acked(link, 3)
    assert child.taken == [1, 2, 3]
    assert "s3cret" not in repr(snapshot(1))


async def test_lags_are_taken_in_order_and_make_no_generation(
    start: Start, make_child: Callable[..., Child]
) -> None:
    supervisor, child, deaf = await start(), make_child(), make_child(listens=False)
    links = [await supervisor.next(), await supervisor.next()]
    for link in links:
        link.send(LagsMessage(lags={"catalog": MeasuredLag(lag_s=0.2, age_s=0.5)}))
        link.send(snapshot(1))
        link.send(LagsMessage(lags={}))
        link.send(snapshot(2))
        assert await acked(link, 2)
    assert child.told == [{"catalog": (0.2, 0.5)}, {}]
    assert (child.taken, deaf.taken, deaf.told) == ([1, 2], [1, 2], [])


@pytest.mark.parametrize("lag", ["-1", "NaN", "Infinity", '"x"', "null"])
def test_a_lag_is_a_number_of_seconds(lag: str) -> None:
    line = b'{"type":"lags","lags":{"a":{"lag_s":%b,"age_s":0}}}\n' % lag.encode()
    with pytest.raises(MessageError):
        parse(line)


async def test_the_listening_socket_comes_with_the_hello(
    start: Start, make_child: Callable[..., Child]
) -> None:
    supervisor = await start()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        make_child(listening.fileno())
        link = await supervisor.next()
        assert link.listener is not None
        assert link.listener.getsockname() == listening.getsockname()
        assert link.listener.fileno() != listening.fileno()


async def test_a_snapshot_that_cannot_be_taken_is_not_acknowledged(
    start: Start, make_child: Callable[..., Child]
) -> None:
    supervisor, child = await start(), make_child()
    link = await supervisor.next()
    child.refuses = True
    link.send(snapshot(1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(link.acked(1), 0.2)
    child.refuses = False
    link.send(snapshot(2))
    assert await acked(link, 2)
    assert child.taken == [2]


async def test_a_child_comes_back_to_the_next_supervisor_with_its_generation(
    start: Start, make_child: Callable[..., Child]
) -> None:
    first, child = await start(), make_child()
    link = await first.next()
    link.send(snapshot(5))
    assert await acked(link, 5)
    await first.hub.stop()
    assert not await link.acked(6)
    assert link.closed.is_set()

    second = await start()
    again = await second.next()
    assert again.hello.generation == 5
    assert not child.task.done()


async def test_a_draining_child_still_follows_changes_and_ends_when_done(
    start: Start, make_child: Callable[..., Child]
) -> None:
    supervisor, child = await start(), make_child()
    link = await supervisor.next()
    link.send(snapshot(1))
    link.send(Drain(deadline=4.0))
    link.send(Drain(deadline=9.0))
    link.send(snapshot(2))
    assert await acked(link, 2)
    assert child.drained == [4.0]
    child.drain_may_end.set()
    await asyncio.wait_for(child.task, 10)
    await asyncio.wait_for(link.closed.wait(), 10)


@pytest.mark.parametrize(
    "first_bytes",
    [
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b'{"type":"ack","generation":1}\n',
        b'{"type":"hello"}\n',
        b'{"type":"hello","role":"king","slot":0,"pid":1,"generation":0}\n',
        b"\xff\xfe\n",
        b"x" * 100_000,
    ],
)
async def test_who_does_not_say_hello_is_hung_up_on_and_harms_nobody(
    start: Start, make_child: Callable[..., Child], path: Path, first_bytes: bytes
) -> None:
    supervisor = await start()
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(first_bytes)
    with contextlib.suppress(ConnectionResetError):  # hung up on with bytes unread
        assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    make_child()
    link = await supervisor.next()
    link.send(snapshot(1))
    assert await acked(link, 1)


async def test_a_child_that_talks_nonsense_later_is_hung_up_on(start: Start, path: Path) -> None:
    supervisor = await start()
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(Hello(role="worker", slot=0, pid=1, generation=0).line())
    link = await supervisor.next()
    writer.write(b"nonsense\n")
    assert await asyncio.wait_for(reader.read(), 10) == b""
    assert link.closed.is_set()
    writer.close()


def test_fields_that_a_newer_version_adds_are_ignored() -> None:
    message = parse(b'{"type":"drain","deadline":1,"reason":"new"}')
    assert message == Drain(deadline=1.0)
    with pytest.raises(MessageError):
        parse(b'{"type":"promote"}')


async def test_a_child_gets_in_once_a_descriptor_is_free_again(start: Start, path: Path) -> None:
    supervisor = await start()
    child = socket.socket(socket.AF_UNIX)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with child, (path.parent / "last").open("w") as last, structlog.testing.capture_logs() as logs:
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, before[1]))
        fillers = list(_descriptors())
        try:
            child.connect(str(path))
            async with asyncio.timeout(10):
                # A log line is nothing that can be awaited.
                while not any(entry["event"] == "child_not_accepted" for entry in logs):  # noqa: ASYNC110
                    await asyncio.sleep(0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            for filler in fillers:
                os.close(filler)
        child.send(Hello(role="worker", slot=0, pid=1, generation=0).line())
        assert (await supervisor.next()).hello.slot == 0


def _descriptors() -> Iterator[int]:
    """Take every descriptor that is left."""
    with contextlib.suppress(OSError):
        while True:
            yield os.open("/dev/null", os.O_RDONLY)
