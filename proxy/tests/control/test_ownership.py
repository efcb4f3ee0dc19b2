"""The monolith is asked how far services are behind: what it says is believed, and what it does touches nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from told_monolith import CREDENTIAL, ToldMonolith, reader

from stranglerfig.channel.messages import LagsMessage
from stranglerfig.config.model import Config
from stranglerfig.control import ownership
from stranglerfig.control.ownership import OwnershipWatch
from stranglerfig.signing.wrote import KEPT_S

DAY = 24 * 3600.0


class Asking:
    """A watch over one config that can be changed, and what the workers were told."""

    def __init__(self, *monoliths: ToldMonolith, credential: str | None = CREDENTIAL) -> None:
        self.told: list[LagsMessage] = []
        self.config = config(*monoliths)
        self.watch = OwnershipWatch(lambda: self.config, credential, self.told.append)
        self.task: asyncio.Task[None] | None = None

    def status(self, capability: str = "catalog") -> dict[str, Any]:
        return self.watch.status(capability)

    def change(self, *monoliths: ToldMonolith) -> None:
        self.config = config(*monoliths)
        self.watch.ask_anew()


def config(*monoliths: ToldMonolith) -> Config:
    """One capability per monolith: catalog, then c1, c2, …"""
    names = ["catalog", *(f"c{number}" for number in range(1, len(monoliths)))]
    upstreams = {f"m-{name}": monolith.url for name, monolith in zip(names, monoliths, strict=True)}
    return Config.model_validate(
        {
            "upstreams": {**upstreams, "service": "http://127.0.0.1:9"},
            "fallthrough": "none",
            "capabilities": {
                name: {"upstream": "service", "control": f"m-{name}", "routes": [f"GET /{name}"]}
                for name in names
            },
        }
    )


@pytest.fixture
def monolith() -> Iterator[ToldMonolith]:
    told = ToldMonolith()
    yield told
    told.close()


@pytest.fixture
async def ask(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Asking]]:
    """Begin to ask, ten times as fast as in earnest."""
    for name in ("ASK_EVERY_S", "DEADLINE_S", "_LONGEST_AFTER_FAILURE_S", "_LONGEST_AFTER_REFUSAL_S"):  # fmt: skip
        monkeypatch.setattr(ownership, name, getattr(ownership, name) / 10)
    begun: list[Asking] = []

    def begin(*monoliths: ToldMonolith, **keys: Any) -> Asking:
        asking = Asking(*monoliths, **keys)
        asking.task = asyncio.create_task(asking.watch.run())
        begun.append(asking)
        return asking

    yield begin
    for asking in begun:
        assert asking.task is not None
        asking.task.cancel()
        with suppress(asyncio.CancelledError):
            await asking.task


async def until(condition: Callable[[], object], explain: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, explain()
        await asyncio.sleep(0.01)


Ask = Callable[..., Asking]


async def test_a_lag_is_asked_for_with_the_credential_and_told_with_its_age(
    monolith: ToldMonolith, ask: Ask
) -> None:
    asking = ask(monolith)
    await until(lambda: asking.told)
    first = monolith.asked[0]
    assert first["path"] == "/_chassis/ownership/catalog"
    assert first["authorization"] == f"Bearer {CREDENTIAL}"
    assert first["host"] == f"127.0.0.1:{monolith.port}"
    measured = asking.told[-1].lags["catalog"]
    assert measured.lag_s == 0.2
    assert 0 <= measured.age_s < 5
    found = asking.status()
    assert (found["lag_s"], found["reader"], found["stopped"]) == (0.2, "catalog-service", False)
    assert (found["owner"], found["captured"], found["trouble"]) == ("monolith", True, None)
    monolith.lags(reader(3.5))
    await until(lambda: asking.told[-1].lags["catalog"].lag_s == 3.5)


async def test_without_a_credential_nobody_is_asked(monolith: ToldMonolith, ask: Ask) -> None:
    asking = ask(monolith, credential=None)
    assert asking.task is not None
    await asyncio.wait_for(asking.task, 5)  # it has nothing to do
    asking.watch.ask_anew()
    await asyncio.sleep(0.3)  # three times as long as to the first question otherwise
    assert monolith.connections == 0
    assert asking.told == []
    assert (asking.status()["asked"], asking.status()["lag_s"]) == (False, None)


async def test_it_is_asked_once_in_the_interval(monolith: ToldMonolith, ask: Ask) -> None:
    asking = ask(monolith)
    await until(lambda: asking.told)
    began, before = time.monotonic(), len(monolith.asked)
    await until(lambda: len(monolith.asked) >= before + 10)
    assert time.monotonic() - began > 0.7  # 10 intervals of a tenth of a second


READERS = [
    # readers -> lag, which, stopped, what is said
    ([reader(0.0)], 0.0, "catalog-service", False, None),
    ([reader(0.1), reader(4.0, caller="other")], 4.0, "other", False, None),
    ([reader(0.0, 45), reader(0.0, 1, "other")], 0.0, "catalog-service", True, "no longer asked for changes by catalog-service"),
    ([reader(45, 45)], 45.0, "catalog-service", True, "no longer asked for changes by catalog-service"),
    ([reader(45, 1)], 45.0, "catalog-service", False, None),
    ([reader(None), reader(9.0, caller="other")], None, "catalog-service", False, "no longer has the place where catalog-service read on"),
    ([reader(0.5, DAY + 1, "old"), reader(0.3)], 0.3, "catalog-service", False, None),  # replaced
    ([reader(None, DAY + 1, "old"), reader(0.3)], 0.3, "catalog-service", False, None),
    ([reader(0.5, DAY - 1, "old"), reader(0.3)], 0.5, "old", True, "no longer asked for changes by old"),
    ([reader(5.0, DAY + 1, "old")], 5.0, "old", True, "no longer asked for changes by old"),
    ([], None, None, False, "has no reader of its changes"),
]  # fmt: skip


@pytest.mark.parametrize(("readers", "lag_s", "which", "stopped", "trouble"), READERS)
async def test_the_reader_that_is_furthest_behind_counts(
    monolith: ToldMonolith,
    ask: Ask,
    readers: list[dict[str, Any]],
    lag_s: float | None,
    which: str | None,
    stopped: bool,
    trouble: str | None,
) -> None:
    monolith.lags(*readers)
    asking = ask(monolith)
    await until(lambda: asking.status()["owner"])
    found = asking.status()
    assert (found["lag_s"], found["reader"], found["stopped"]) == (lag_s, which, stopped)
    assert (trouble or "") in (found["trouble"] or "")
    assert (found["trouble"] is None) is (trouble is None)
    assert len(found["readers"]) == len(readers)
    told = asking.watch.message().lags
    assert ("catalog" in told) is (which is not None)
    # Who has lost its place may lack anything.
    assert which is None or told["catalog"].lag_s == (KEPT_S if lag_s is None else lag_s)


async def test_what_is_not_captured_is_lost_and_may_lack_anything(
    monolith: ToldMonolith, ask: Ask
) -> None:
    monolith.said |= {"captured": False}
    asking = ask(monolith)
    await until(lambda: asking.status()["trouble"])
    assert "manage.py capture" in asking.status()["trouble"]
    found = asking.status()
    assert (found["lag_s"], found["captured"], found["lost"]) == (None, False, True)
    assert asking.watch.message().lags["catalog"].lag_s == KEPT_S
    monolith.said |= {"captured": True}
    await until(lambda: not asking.status()["lost"])
    assert asking.watch.message().lags["catalog"].lag_s == 0.2


@pytest.mark.parametrize("readers", [[], [reader(None)]])
async def test_what_is_not_captured_is_lost_whoever_reads(
    monolith: ToldMonolith, ask: Ask, readers: list[dict[str, Any]]
) -> None:
    monolith.said |= {"captured": False}
    monolith.lags(*readers)
    asking = ask(monolith)
    await until(lambda: asking.status()["lost"])
    assert asking.watch.message().lags["catalog"].lag_s == KEPT_S


@pytest.mark.parametrize("captured", [True, False])
async def test_what_the_service_owns_has_no_lag_behind_the_monolith(
    monolith: ToldMonolith, ask: Ask, captured: bool
) -> None:
    monolith.said |= {"owner": "service", "captured": captured}
    asking = ask(monolith)
    await until(lambda: asking.status()["owner"] == "service")
    found = asking.status()
    assert (found["lag_s"], found["lost"], found["trouble"]) == (None, False, None)
    assert asking.watch.message().lags == {}


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


SAID: list[tuple[Any, str]] = [
    (b"", "the body"),
    (b"<html>", "the body"),
    (b"\xff\xfe", "the body"),
    (nested(30_000), "the body"),
    (b"null", "the body"),
    (b"[]", "the body"),
    (b"{}", "capability"),
    ({"capability": "other", "owner": "monolith", "captured": True, "readers": []}, "another capability"),
    ({"capability": "catalog", "owner": 5, "captured": True, "readers": []}, "owner"),
    ({"capability": "catalog", "owner": "monolith", "captured": "perhaps", "readers": []}, "captured"),
    ({"capability": "catalog", "owner": "monolith", "captured": True}, "readers"),
    ({"capability": "catalog", "owner": "monolith", "captured": True, "readers": {}}, "readers"),
    ({"capability": "catalog", "owner": "monolith", "captured": True, "readers": [reader(-1)]}, "readers.0.lag_s"),
    (b'{"capability":"catalog","owner":"monolith","captured":true,"readers":[{"caller":"x","lag_s":NaN,"asked_s_ago":0}]}', "lag_s"),
    (b'{"capability":"catalog","owner":"monolith","captured":true,"readers":[{"caller":"x","lag_s":1e999,"asked_s_ago":0}]}', "lag_s"),
    ({"capability": "catalog", "owner": "monolith", "captured": True, "readers": [reader(caller="\x1b[2J")]}, "caller"),
    ({"capability": "catalog", "owner": "monolith", "captured": True, "readers": [reader(caller="x" * 201)]}, "caller"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "place"), SAID)
async def test_nonsense_is_named_and_what_was_known_before_is_kept(
    monolith: ToldMonolith, ask: Ask, said: Any, place: str
) -> None:
    asking = ask(monolith)
    await until(lambda: asking.status()["lag_s"] == 0.2)
    monolith.said = said
    await until(lambda: asking.status()["trouble"])
    found = asking.status()
    assert found["trouble"].startswith("m-catalog gives an answer that says nothing of the kind: ")
    assert place in found["trouble"]
    assert "\x1b" not in found["trouble"]
    assert found["lag_s"] == 0.2
    age_s = found["age_s"]
    await until(lambda: asking.status()["age_s"] > age_s)


@pytest.mark.parametrize(
    ("mode", "word", "kept"),
    [
        (404, "does not know it (404)", False),
        (401, "refuses the credential (401)", True),
        (403, "needs the right status", True),
        (500, "answers 500", True),
        (301, "answers 301", True),
        ("hang", "gives no answer", True),
        ("trickle", "gives no answer", True),
        ("die", "gives no answer", True),
        ("huge", "too large", True),
    ],
)
async def test_whatever_the_monolith_does_is_a_word_and_it_is_asked_again(
    monolith: ToldMonolith, ask: Ask, mode: int | str, word: str, kept: bool
) -> None:
    asking = ask(monolith)
    await until(lambda: asking.status()["lag_s"] == 0.2)
    monolith.mode = mode
    await until(lambda: asking.status()["trouble"])
    assert word in asking.status()["trouble"]
    assert (asking.status()["lag_s"] is not None) is kept
    assert ("catalog" in asking.watch.message().lags) is kept
    monolith.mode = 200
    monolith.lags(reader(1.5))
    await until(lambda: asking.status()["lag_s"] == 1.5 and asking.status()["trouble"] is None)


async def test_a_monolith_that_is_away_is_found_again(ask: Ask) -> None:
    gone = ToldMonolith()
    asking = ask(gone)
    await until(lambda: asking.status()["lag_s"] == 0.2)
    gone.close()
    await until(lambda: asking.status()["trouble"])
    assert "could not be reached" in asking.status()["trouble"]
    assert asking.status()["lag_s"] == 0.2


async def test_who_says_no_is_asked_ever_more_seldom_until_the_config_changes(
    monolith: ToldMonolith, ask: Ask
) -> None:
    monolith.mode = 404
    asking = ask(monolith)
    times: list[float] = []
    for number in range(1, 5):
        await until(lambda n=number: len(monolith.asked) >= n)  # type: ignore[misc]
        times.append(time.monotonic())
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[1] > waits[0] * 1.5
    assert waits[2] > waits[1] * 1.5
    before = len(monolith.asked)
    asking.change(monolith)
    began = time.monotonic()
    await until(lambda: len(monolith.asked) > before)
    assert time.monotonic() - began < waits[2]


async def test_one_that_hangs_holds_up_no_other(ask: Ask) -> None:
    bad, good = ToldMonolith(), ToldMonolith(capability="c1")
    bad.mode = "hang"
    try:
        asking = ask(bad, good)
        await until(lambda: "c1" in asking.watch.message().lags)
        before = len(good.asked)
        await until(lambda: len(good.asked) >= before + 5)
        assert len(bad.asked) <= 3
    finally:
        bad.close()
        good.close()


async def test_a_capability_that_is_gone_is_not_asked_for_and_a_new_monolith_is(
    monolith: ToldMonolith, ask: Ask
) -> None:
    other = ToldMonolith()
    other.lags(reader(7.0))
    try:
        asking = ask(monolith)
        await until(lambda: asking.status()["lag_s"] == 0.2)
        asking.change(other)
        await until(lambda: asking.status()["lag_s"] == 7.0)
        before = len(monolith.asked)
        await until(lambda: len(other.asked) >= 5)
        assert len(monolith.asked) == before
        asking.config = asking.config.model_copy(update={"capabilities": {}})
        asking.watch.ask_anew()
        await until(lambda: asking.told[-1].lags == {})
        assert asking.status()["lag_s"] is None
    finally:
        other.close()


@pytest.mark.parametrize("mode", [401, 403, 500, "die"])
async def test_what_was_told_long_ago_is_told_to_workers_with_its_age(
    monolith: ToldMonolith, ask: Ask, mode: int | str
) -> None:
    asking = ask(monolith)
    await until(lambda: asking.status()["lag_s"] == 0.2)
    monolith.mode = mode
    await until(lambda: asking.status()["trouble"])
    asking.watch._known["catalog"].asked_at -= DAY
    measured = asking.watch.message().lags["catalog"]
    assert (measured.lag_s, measured.age_s > DAY) == (0.2, True)
    assert asking.status()["lag_s"] == 0.2
    assert asking.status()["age_s"] > DAY
    monolith.mode = 404
    asking.change(monolith)
    await until(lambda: asking.told[-1].lags == {})
    assert asking.status()["lag_s"] is None


@pytest.mark.parametrize("mode", [401, 403, 404, 500, "die"])
async def test_where_nothing_was_ever_measured_nothing_is_told(
    monolith: ToldMonolith, ask: Ask, mode: int | str
) -> None:
    monolith.mode = mode
    asking = ask(monolith)
    await until(lambda: asking.status()["trouble"])
    assert asking.watch.message().lags == {}
    assert (asking.status()["lag_s"], asking.status()["lost"]) == (None, False)


async def test_stopping_waits_for_nobody(monolith: ToldMonolith, ask: Ask) -> None:
    monolith.mode = "hang"
    asking = ask(monolith)
    await until(lambda: monolith.asked)
    assert asking.task is not None
    asking.task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(asking.task, 1)
    assert asking.watch.status("catalog")["lag_s"] is None
