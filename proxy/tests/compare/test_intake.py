"""The comparer's sockets: a slot's connections are read one after the other, and impostors are sent away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from comparer_world import ROUTE

from stranglerfig.compare import intake as intake_module
from stranglerfig.compare.intake import Intake
from stranglerfig.compare.observation import Observation, RecordedRequest, RecordedResponse
from stranglerfig.compare.wire import Hello, encode


def seen(slot: int, sequence: int) -> Observation:
    return Observation(
        slot=slot, sequence=sequence, request_id="r", generation=1, capability="catalog", route=ROUTE, stage="shadow",
        side="monolith", answered_by="monolith", other="catalog", request=RecordedRequest("GET", b"/", (), b""),
        response=RecordedResponse(200, (), b""), started_at=0.0, elapsed_s=0.0,
    )  # fmt: skip


class Listening:
    """An intake that writes down what it hears."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.heard: list[str] = []
        self._more = asyncio.Event()
        self.intake = Intake(
            path,
            lambda hello: self._hear(f"hello {hello.slot}"),
            lambda each: self._hear(f"{each.slot}:{each.sequence}"),
        )

    def _hear(self, what: str) -> None:
        self.heard.append(what)
        self._more.set()

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                self._more.clear()
                await self._more.wait()
        return self.heard

    async def connect(
        self, *messages: Hello | Observation
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(self.path)
        writer.write(b"".join(map(encode, messages)))
        return reader, writer


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[Listening]:
    made = Listening(str(tmp_path / "comparer.sock"))
    await made.intake.start()
    yield made
    await made.intake.stop(0.0)


async def test_a_successor_waits_until_its_predecessor_is_read_to_the_end(
    listening: Listening,
) -> None:
    _, old = await listening.connect(Hello(0, 1, True, ()), seen(0, 1))
    await listening.until(2)
    _, new = await listening.connect(Hello(0, 2, True, ()), seen(0, 3))
    _, other = await listening.connect(Hello(1, 3, True, ()), seen(1, 1))
    await listening.until(4)
    old.write(encode(seen(0, 2)))
    old.close()
    assert await listening.until(7) == ["hello 0", "0:1", "hello 1", "1:1", "0:2", "hello 0", "0:3"]
    assert listening.intake.slots == {0, 1}
    new.close()
    other.close()


async def test_a_predecessor_that_never_ends_is_replaced(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "_PREDECESSOR_S", 0.05)
    reader, old = await listening.connect(Hello(0, 1, True, ()))
    await listening.until(1)
    _, new = await listening.connect(Hello(0, 2, True, ()), seen(0, 1))
    assert await listening.until(3) == ["hello 0", "hello 0", "0:1"]
    assert await reader.read() == b""
    old.close()
    new.close()


@pytest.mark.parametrize(
    "messages",
    [(seen(0, 1),), (Hello(0, 1, True, ()), seen(1, 1)), (Hello(0, 1, True, ()), Hello(0, 1, True, ()))],
)  # fmt: skip
async def test_who_does_not_keep_to_the_order_is_sent_away(
    listening: Listening, messages: tuple[Hello | Observation, ...]
) -> None:
    reader, writer = await listening.connect(*messages)
    assert await reader.read() == b""
    writer.close()
    assert not [each for each in listening.heard if ":" in each]


async def test_stopping_reads_what_was_sent_before_the_end(listening: Listening) -> None:
    _, writer = await listening.connect(Hello(0, 1, True, ()), seen(0, 1), seen(0, 2))
    await listening.until(1)
    writer.close()
    await listening.intake.stop(5.0)
    assert listening.heard == ["hello 0", "0:1", "0:2"]
    with pytest.raises(OSError, match=r"Connection refused|No such file"):
        await asyncio.open_unix_connection(listening.path)


async def test_a_socket_file_left_by_a_killed_comparer_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "comparer.sock")
    left = await asyncio.start_unix_server(lambda reader, writer: None, path)
    left.close()
    again = Listening(path)
    await again.intake.start()
    _, writer = await again.connect(Hello(0, 1, True, ()))
    assert await again.until(1) == ["hello 0"]
    writer.close()
    await again.intake.stop(0.0)
