"""The comparer: takes observations from workers, asks the other side, judges, settles, and has every outcome counted.

Nothing here is waited for by a worker. Work is bounded per upstream, in number and in bytes, so that a side that hangs
fills its own lane and nobody else's; what does not fit is counted, and what waited too long is not judged, since
the data may have changed in between. The evidence is stored before the verdict is counted: killed in between, a
difference may be stored and counted as lost, never counted and gone.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog

from stranglerfig.compare.ask import ask
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.evidence import Evidence
from stranglerfig.compare.intake import Intake
from stranglerfig.compare.keeping import Keeper
from stranglerfig.compare.key import value_key
from stranglerfig.compare.ledger import Ledger, Skip
from stranglerfig.compare.observation import Observation
from stranglerfig.compare.rounds import Answers
from stranglerfig.compare.rules import Rules
from stranglerfig.compare.settling import AGAIN_AFTER_S, Settler
from stranglerfig.compare.setup import MONOLITH, Setup
from stranglerfig.compare.store import Store
from stranglerfig.compare.triage_watch import TriageWatch
from stranglerfig.compare.verdict import Judgement, judge
from stranglerfig.compare.wire import SOCKET_NAME
from stranglerfig.config.model import Capability, Config, Stage, Upstream
from stranglerfig.counters import COUNTERS_NAME, CounterBlock
from stranglerfig.http1.failure import Failure, UpstreamError

log = structlog.get_logger(__name__)

ASKED_AT_ONCE: Final = 16  # per upstream
MAX_WAITING: Final = 512  # per upstream
MAX_WAITING_BYTES: Final = 32 * 1024 * 1024  # per upstream
MAX_AGE_S: Final = 30.0
_LAST_READ_S: Final = 1.0
_WORKERS_COME_S: Final = 5.0  # a worker looks for its comparer every 2 s at the latest


class _Lane:
    """The work for one upstream."""

    __slots__ = ("slots", "waiting", "waiting_bytes")

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(ASKED_AT_ONCE)
        self.waiting = 0
        self.waiting_bytes = 0


class Comparer:
    """The logic of the comparer process, without its control channel."""

    def __init__(
        self,
        config: Config,
        rules: Rules,
        secret: str | None,
        store_path: Path,
        counters: CounterBlock,
        *,
        socket_path: str = SOCKET_NAME,
        again_after_s: tuple[float, ...] = AGAIN_AFTER_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._state_dir = store_path.parent
        self._has_warned = False
        self._ledger = Ledger(counters)
        self._store = Store(store_path)
        self._triage = TriageWatch(self._state_dir, counters)
        self._evidence = Evidence(self._state_dir, self._later)
        self._evidence.begin(config, rules)
        self._setup = self._make_setup(config, rules, secret)
        self._settler = Settler(self._ledger, after_s=again_after_s, chance=chance)
        self._keeper = Keeper(self._ledger, self._store, self._triage, self._evidence, chance)
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._intake = Intake(socket_path, self._ledger.hello, self._take)
        self._drained = asyncio.Event()
        self.started = asyncio.Event()

    async def run(self) -> None:
        """Serve until drained."""
        await self._intake.start()
        self.started.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drained.wait(), _WORKERS_COME_S)
        if not self._drained.is_set():
            self._settle_absent()
        await self._drained.wait()

    def swap(self, config: Config, rules: Rules, secret: str | None) -> None:
        """Judge what comes from now on by these; comparisons under way keep what they began with."""
        self._evidence.begin(config, rules)
        self._setup = self._make_setup(config, rules, secret)

    async def drain(self, deadline_s: float) -> None:
        """Read what workers have still sent, finish what is under way, count the rest as skipped, and end ``run``."""
        ends_at = asyncio.get_running_loop().time() + deadline_s
        await self._intake.stop(min(_LAST_READ_S, deadline_s / 2))
        self._settler.stop()
        tasks = set(self._tasks)
        if tasks:
            left_s = max(ends_at - asyncio.get_running_loop().time(), 0.0)
            await asyncio.wait(tasks, timeout=left_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._settle_absent()
        self._store.close()
        self._evidence.close()
        self._drained.set()

    def state(self) -> dict[str, Any]:
        """What the process tells the supervisor once a second."""
        return {"workers": self._intake.connections, "waiting": len(self._tasks)}

    def _make_setup(self, config: Config, rules: Rules, secret: str | None) -> Setup:
        if (
            not secret
            and not self._has_warned
            and any(map(_asks_both, config.capabilities.values()))
        ):
            self._has_warned = True
            log.warning("shadows_are_unmarked", mend="set FIG_SECRET, so that services can tell")
        return Setup(config, rules, secret, Shaper(value_key(secret, self._state_dir)))

    def _later(self, after_s: float, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(after_s, call)

    def _settle_absent(self) -> None:
        self._ledger.settle_absent(self._state_dir / COUNTERS_NAME, self._intake.slots)

    def _take(self, seen: Observation) -> None:
        """Accept one observation, or count why not."""
        if not self._ledger.receive(seen.slot, seen.capability, seen.sequence):
            return
        lane = self._lanes.setdefault(seen.other, _Lane())
        size = len(seen.request.body) + len(seen.response.body)
        if lane.waiting >= MAX_WAITING or lane.waiting_bytes + size > MAX_WAITING_BYTES:
            self._ledger.skipped(seen.capability, Skip.BUSY)
            return
        lane.waiting += 1
        lane.waiting_bytes += size
        task = asyncio.create_task(self._settle(seen, lane, size), name="compare")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, seen: Observation, lane: _Lane, size: int) -> None:
        """Bring one observation to exactly one outcome."""
        try:
            async with lane.slots:
                compared = await self._compare(seen)
            if compared is not None:  # others are not held up while it settles
                await self._finish(seen, *compared)
        except asyncio.CancelledError:
            self._ledger.skipped(seen.capability, Skip.STOPPED)
            raise
        except UpstreamError as error:
            self._count_failure(seen, error)
        except NotComparableError as error:
            self._ledger.skipped(seen.capability, error.reason)
        except Exception:
            log.exception("comparison_failed", request_id=seen.request_id, route=seen.route)
            self._ledger.skipped(seen.capability, Skip.ERROR)
        finally:
            lane.waiting -= 1
            lane.waiting_bytes -= size

    async def _compare(self, seen: Observation) -> tuple[Setup, Answers, Judgement] | None:
        """Ask the other side and judge; ``None`` when it is counted already that nobody was asked."""
        setup = self._setup
        if not self._evidence.is_of_today:
            self._evidence.begin(setup.config, setup.rules)
        other = setup.other_side(seen)
        if not isinstance(other, Upstream):
            self._ledger.skipped(seen.capability, other)
            return None
        if time.time() - (seen.started_at + seen.elapsed_s) > MAX_AGE_S:
            self._ledger.skipped(seen.capability, Skip.STALE)
            return None
        answer = await ask(other, seen, setup.secret)
        answers = (seen.response, answer) if seen.side == MONOLITH else (answer, seen.response)
        judgement = judge(
            *answers,
            context=setup.context(seen),
            rules=setup.route_rules(seen.capability, seen.route),
            shaper=setup.shaper,
        )
        return setup, answers, judgement

    async def _finish(
        self, seen: Observation, setup: Setup, answers: Answers, judgement: Judgement
    ) -> None:
        settled = await self._settler.settle(
            seen,
            setup,
            answers,
            judgement,
            lambda: self._evidence.noise(seen.capability, seen.route),
        )
        self._keeper.keep(seen, setup, settled.answers, settled.outcome)

    def _count_failure(self, seen: Observation, error: UpstreamError) -> None:
        if error.failure is Failure.BODY_OVER_CAP:
            self._ledger.skipped(seen.capability, Skip.TOO_LARGE)
        else:
            self._ledger.no_answer(seen.capability, error.failure.kind)


def _asks_both(capability: Capability) -> bool:
    return capability.stage is Stage.SHADOW or (
        capability.compare and capability.stage is not Stage.MONOLITH
    )
