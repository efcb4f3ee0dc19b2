"""The tee: never in the way, whatever the comparer does, and every offer in the account."""

import asyncio
import time

import pytest
from comparer_world import World, connected, offer

from stranglerfig.compare.observation import Observation, SkipReason
from stranglerfig.compare.wire import FrameReader, Hello
from stranglerfig.server.tee import MAX_BUFFERED_BYTES


class DeafComparer:
    """Accepts connections and reads only when told to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.connected = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, self._path)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append((reader, writer))
        self.connected.set()

    async def read_all(self) -> list[Hello | Observation]:
        """Everything on the newest connection, which must have been closed by the other end."""
        reader, _ = self.connections[-1]
        return list(FrameReader().feed(await reader.read()))

    async def stop(self) -> None:
        self._server.close()
        for _, writer in self.connections:
            writer.close()


async def test_without_a_comparer_offers_are_skipped_at_once(world: World) -> None:
    tee = await world.tee()
    started = time.perf_counter()
    assert not any(offer(tee) for _ in range(1000))
    assert time.perf_counter() - started < 10
    account = world.account()
    assert (account.asked, account.teed, account.skipped) == (1000, 0, {"comparer_away": 1000})


async def test_a_comparer_that_hangs_fills_the_buffer_and_no_more(world: World) -> None:
    comparer = DeafComparer(world.socket_path)
    await comparer.start()
    tee = await world.tee()
    await connected(tee)
    longest_s = 0.0
    for _ in range(2000):
        started = time.perf_counter()
        offer(tee, body=b"x" * 20_000)
        longest_s = max(longest_s, time.perf_counter() - started)
        assert tee.buffered_bytes <= MAX_BUFFERED_BYTES + 20_000
        await asyncio.sleep(0)
    assert longest_s < 5
    account = world.account()
    assert account.skipped["queue_full"] > 1000
    assert account.teed + account.skipped["queue_full"] == account.asked == 2000
    assert tee.buffered_bytes > MAX_BUFFERED_BYTES * 0.9
    await tee.close(0.1)
    await comparer.stop()


async def test_closing_does_not_wait_for_a_comparer_that_hangs(world: World) -> None:
    comparer = DeafComparer(world.socket_path)
    await comparer.start()
    tee = await world.tee()
    await connected(tee)
    while offer(tee, body=b"x" * 100_000):
        pass
    started = time.perf_counter()
    await tee.close(0.2)
    assert time.perf_counter() - started < 10
    await comparer.stop()


async def test_what_was_offered_arrives_in_order_and_numbered_from_one(world: World) -> None:
    comparer = DeafComparer(world.socket_path)
    await comparer.start()
    tee = await world.tee()
    await connected(tee)
    for number in range(5):
        assert offer(tee, request_id=f"r{number}")
    offer(tee, capability="payments", asked=False)
    await tee.close()
    hello, *seen = await comparer.read_all()
    assert isinstance(hello, Hello)
    assert (hello.slot, hello.fresh, hello.teed) == (0, True, ())
    numbers = [
        (each.capability, each.sequence, each.request_id)
        for each in seen
        if isinstance(each, Observation)
    ]
    assert numbers == [*(("catalog", n + 1, f"r{n}") for n in range(5)), ("payments", 1, "r1")]
    await comparer.stop()


async def test_a_new_worker_goes_on_counting_where_the_last_one_stopped(world: World) -> None:
    comparer = DeafComparer(world.socket_path)
    await comparer.start()
    first = world.block("worker-0")
    tee = await world.tee(first)
    await connected(tee)
    offer(tee)
    offer(tee)
    await tee.close()
    first.close()
    tee = await world.tee(capabilities=["catalog"])
    await connected(tee)
    offer(tee)
    await tee.close()
    hello, seen = await comparer.read_all()
    assert isinstance(hello, Hello)
    assert isinstance(seen, Observation)
    assert (hello.teed, hello.fresh, seen.sequence) == ((("catalog", 2),), True, 3)
    await comparer.stop()


async def test_a_comparer_that_comes_back_is_found_and_told(world: World) -> None:
    for fresh in (True, False):
        comparer = DeafComparer(world.socket_path)
        await comparer.start()
        if fresh:
            tee = await world.tee()
        await comparer.connected.wait()
        await connected(tee)
        offer(tee)
        if not fresh:
            await tee.close()
            hello, _ = await comparer.read_all()
            assert isinstance(hello, Hello)
            assert (hello.fresh, hello.teed) == (False, (("catalog", 1),))
        await comparer.stop()


async def test_what_a_killed_worker_had_under_way_is_counted_when_the_slot_starts_again(
    world: World,
) -> None:
    block = world.block("worker-0")
    tee = await world.tee(block)
    for _ in range(3):
        tee.asked("catalog")
    tee.skip("catalog", SkipReason.UPSTREAM_FAILED)
    block.close()  # as a kill leaves it: two exchanges neither offered nor skipped
    await world.tee(capabilities=["catalog"])
    account = world.account()
    assert account.skipped == {"upstream_failed": 1, "worker_died": 2}
    assert account.waiting == 0


async def test_an_observation_that_cannot_be_written_is_skipped_and_nothing_is_raised(
    world: World,
) -> None:
    comparer = DeafComparer(world.socket_path)
    await comparer.start()
    tee = await world.tee()
    await connected(tee)
    assert not offer(tee, request_id="\ud800")
    assert not offer(tee, generation=-1)
    assert offer(tee)
    account = world.account()
    assert (account.skipped, account.teed) == ({"tee_error": 2}, 1)
    await tee.close()
    await comparer.stop()


@pytest.mark.parametrize("size", [0, 1_000_000])
async def test_a_closed_tee_skips(world: World, size: int) -> None:
    await world.compare()
    tee = await world.tee()
    await connected(tee)
    offer(tee, body=b'"' + b"x" * size + b'"')
    await tee.close()
    await tee.close()
    assert not tee.is_connected
    assert not offer(tee)
    account = await world.settled()
    assert account.skipped == {"comparer_away": 1}
