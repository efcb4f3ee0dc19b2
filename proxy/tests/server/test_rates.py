"""How fast a client may ask: the arithmetic, the table, and that all workers count together."""

import asyncio
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.config.model import Config
from stranglerfig.routing.snapshot import compile_snapshot
from stranglerfig.server.client_key import client_key
from stranglerfig.server.rate_table import SETS, SIZE_BYTES, WAYS, RateTable

KEY = b"a key of the tests"
S = 1_000_000_000


@pytest.fixture
def evicted() -> list[None]:
    """One entry for each client that was forgotten early."""
    return []


@pytest.fixture
def table(tmp_path: Path, evicted: list[None]) -> Iterator[RateTable]:
    made = RateTable.open(tmp_path / "rates.cells", KEY, lambda: evicted.append(None))
    yield made
    made.close()


def test_a_burst_comes_at_once_and_then_one_a_period(table: RateTable) -> None:
    now = 5 * S
    assert [table.ask("a", now, S, 3) for _ in range(4)] == [0, 0, 0, S]
    assert table.ask("b", now, S, 3) == 0
    assert table.ask("a", now + S - 1, S, 3) == 1
    assert table.ask("a", now + S, S, 3) == 0
    assert table.ask("a", now + S, S, 3) == S
    # Rest gives the whole burst back, and no more.
    assert [table.ask("a", now + 100 * S, S, 3) for _ in range(4)] == [0, 0, 0, S]


@given(st.lists(st.integers(0, 3 * S), max_size=60), st.integers(1, 2 * S), st.integers(1, 5))
def test_no_client_gets_more_than_a_burst_and_its_rate_and_none_is_refused_too_early(
    gaps: list[int], period: int, burst: int
) -> None:
    table = RateTable(mmap.mmap(-1, SIZE_BYTES), KEY, lambda: None)
    now, admitted = S, []
    for gap in gaps:
        now += gap
        wait = table.ask("a", now, period, burst)
        if wait:
            assert table.ask("a", now + wait - 1, period, burst) > 0
            # What was told is kept: exactly then it may come.
            now += wait
            assert table.ask("a", now, period, burst) == 0
        admitted.append(now)
    for first in range(len(admitted)):
        for last in range(first, len(admitted)):
            assert last - first + 1 <= burst + (admitted[last] - admitted[first]) / period
    table.close()


def test_workers_share_the_table_and_a_restart_keeps_it(tmp_path: Path) -> None:
    first = RateTable.open(tmp_path / "r", KEY, lambda: None)
    second = RateTable.open(tmp_path / "r", KEY, lambda: None)
    assert [first.ask("a", S, S, 2), second.ask("a", S, S, 2)] == [0, 0]
    assert first.ask("a", S, S, 2) == second.ask("a", S, S, 2) == S
    first.close()
    second.close()
    third = RateTable.open(tmp_path / "r", KEY, lambda: None)
    assert third.ask("a", S, S, 2) == S
    third.close()


def test_a_smaller_burst_holds_nobody_for_longer_than_itself(table: RateTable) -> None:
    assert [table.ask("a", S, S, 10) for _ in range(11)] == [0] * 10 + [S]
    assert table.ask("a", S, S, 2) == S
    assert table.ask("a", 2 * S, S, 2) == 0  # exactly when it was told
    assert [table.ask("a", 9 * S, S, 4) for _ in range(2)] == [0, 0]


def test_a_faster_rate_holds_at_once_for_who_used_up_a_slower_one(table: RateTable) -> None:
    hour, period = 3600 * S, S // 100
    assert [table.ask("a", S, hour, 40) for _ in range(41)] == [0] * 40 + [hour]
    # Refused once more, for as long as at the new rate; what it waits counts.
    assert table.ask("a", 2 * S, period, 40) == period
    assert table.ask("a", 2 * S + period - 1, period, 40) == 1
    assert table.ask("a", 2 * S + period, period, 40) == 0
    assert [table.ask("a", 3 * S, period, 40) for _ in range(41)] == [0] * 40 + [period]


def test_clients_at_their_rate_are_forgotten_for_nothing_and_others_are_counted(
    table: RateTable, evicted: list[None]
) -> None:
    clients = [f"client {number}" for number in range(3 * SETS * WAYS)]
    for client in clients[: 2 * SETS]:
        table.ask(client, S, S, 1)
    few = len(evicted)
    for client in clients:
        table.ask(client, 10 * S, S, 1)
    assert few < 2 * SETS * 0.06  # Poisson with mean 2: more than four in a set
    # All of the first have rested by then: only those who came now push each other out.
    assert len(evicted) - few > SETS * WAYS
    # Nobody was refused for somebody else: a stranger has his own burst.
    assert table.ask("a stranger", 10 * S, S, 1) == 0
    assert table.ask("a stranger", 10 * S, S, 1) > 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_ipv6_clients_are_networks(address: str, key: str) -> None:
    assert client_key(address) == key


async def test_each_client_has_its_own_rate_behind_a_trusted_proxy(
    start_upstream: Any, start_proxy: Any
) -> None:
    proxy = await start_proxy(
        await start_upstream(),
        trusted_proxies=["127.0.0.1"],
        limits={"rate": {"per_client": "1/h", "burst": 2}},
    )
    client = await proxy.connect()

    async def ask(address: str) -> Any:
        return await client.get("/", f"X-Forwarded-For: {address}")

    assert [(await ask("192.0.2.1")).status for _ in range(3)] == [200, 200, 429]
    # Whoever hides behind it can't choose: the address that the trusted proxy saw counts.
    assert (await ask("203.0.113.9, 192.0.2.1")).status == 429
    assert [(await ask(f"2001:db8::{n}")).status for n in range(3)] == [200, 200, 429]
    refused = await ask("192.0.2.1")
    assert 3500 <= int(refused.headers[b"retry-after"]) <= 3600
    assert (await ask("192.0.2.2")).status == 200
    assert proxy.count("refused_requests", reason="rate_exceeded") == 4


async def test_a_reload_turns_the_rate_on_and_off(start_upstream: Any, start_proxy: Any) -> None:
    proxy = await start_proxy(await start_upstream())
    client = await proxy.connect()
    written = proxy.config.model_dump(mode="json", exclude_none=True)

    def swap(per_client: str, generation: int) -> None:
        rate = {"limits": {"rate": {"per_client": per_client, "burst": 1}}}
        config = Config.model_validate(written | rate)
        proxy.plane.swap(compile_snapshot(config, {}, generation), cookie_key=KEY)

    assert [(await client.get()).status for _ in range(3)] == [200] * 3
    swap("1/m", 2)
    assert [(await client.get()).status for _ in range(3)] == [200, 429, 429]
    swap("off", 3)
    assert [(await client.get()).status for _ in range(3)] == [200] * 3


async def test_a_refused_upload_ends_its_connection(start_upstream: Any, start_proxy: Any) -> None:
    upstream = await start_upstream()
    proxy = await start_proxy(upstream, limits={"rate": {"per_client": "1/m", "burst": 1}})
    assert (await proxy.get()).status == 200
    got = await asyncio.wait_for(
        proxy.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell"), 15
    )
    assert got.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nConnection: close" in got
    assert len(upstream.requests) == 1
