"""Asks both sides again until a difference settles, and now and then where there is none, to measure noise.

Off the client's path and bounded: in rounds, in time, in how many settle at once, in their bytes, and in how many questions are
under way. What finds no room, or gets no answer, stays what it was: a difference. Which side is asked first is a
matter of chance each time, or else whatever changes meanwhile would look like one side's doing.
"""

import asyncio
import random
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from stranglerfig.compare.again import Outcome
from stranglerfig.compare.ask import ask
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.ledger import Ledger
from stranglerfig.compare.observation import Observation, RecordedResponse
from stranglerfig.compare.pairing import Noise
from stranglerfig.compare.rounds import Answers, Rounds
from stranglerfig.compare.setup import MONOLITH, Setup
from stranglerfig.compare.verdict import Judgement
from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import UpstreamError

AGAIN_AFTER_S: Final = (0.0, 0.3, 1.2)
"""Before each round: a copy that is fed is there after a quarter of a second, one that is polled after a second or so."""
WITHIN_S: Final = 15.0  # all rounds together
SETTLING_AT_ONCE: Final = 64  # of one capability
SETTLING_BYTES: Final = 16 * 1024 * 1024  # of one capability
ASKED_AT_ONCE: Final = (
    4  # questions under way at one upstream, on top of those of the first comparisons
)

_SIDES: Final = {"control": MONOLITH, "candidate": "service"}


class Unsettled(StrEnum):
    """Why a difference was not asked again to the end."""

    BUSY = "busy"
    LATE = "late"
    STOPPED = "stopped"
    NO_ANSWER = "no_answer"
    NOT_COMPARABLE = "not_comparable"
    NO_UPSTREAM = "no_upstream"


class Settled(NamedTuple):
    """The outcome, and the answers that it is about."""

    outcome: Outcome
    answers: Answers


class _Room:
    """What of one capability settles now."""

    __slots__ = ("bytes", "settling")

    def __init__(self) -> None:
        self.settling = 0
        self.bytes = 0


class Settler:
    """Settles the differences of one comparer."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        after_s: tuple[float, ...] = AGAIN_AFTER_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._ledger = ledger
        self._after_s = after_s
        self._chance = chance
        self._stopping = asyncio.Event()
        # A side that hangs must not keep what settles elsewhere.
        self._slots: dict[str, asyncio.Semaphore] = {}  # by upstream
        self._rooms: dict[str, _Room] = {}  # by capability

    def stop(self) -> None:
        """Wait for nothing any more: what is under way ends with what is known."""
        self._stopping.set()

    async def settle(
        self,
        seen: Observation,
        setup: Setup,
        answers: Answers,
        first: Judgement,
        noise: Callable[[], Noise],
    ) -> Settled:
        """Bring a first judgement to its outcome; trouble on the way leaves it as it was."""
        if not first.differences and not self._is_sampled(seen, setup):
            return Settled(Outcome(first), answers)
        size = sum(len(answer.body) for answer in answers)
        room = self._rooms.setdefault(seen.capability, _Room())
        if room.settling >= SETTLING_AT_ONCE or room.bytes + size > SETTLING_BYTES:
            self._note(seen, first, Unsettled.BUSY)
            return Settled(Outcome(first), answers)
        room.settling += 1
        room.bytes += size
        try:
            return await self._settle(Rounds(seen, setup, answers, first, noise()))
        finally:
            room.settling -= 1
            room.bytes -= size

    def _is_sampled(self, seen: Observation, setup: Setup) -> bool:
        capability = setup.config.capabilities.get(seen.capability)
        return capability is not None and self._chance() * 100.0 < capability.ask_again

    async def _settle(self, case: Rounds) -> Settled:
        reason = Unsettled.STOPPED
        try:
            async with asyncio.timeout(WITHIN_S):
                for number, after_s in enumerate(self._after_s, start=1):
                    if not await self._wait(after_s):
                        break
                    case.take(await self._ask_both(case))
                    outcome = case.outcome(is_last=number == len(self._after_s), now=time.time())
                    if outcome is not None:
                        return Settled(outcome, case.answers)
        except asyncio.CancelledError:
            pass  # at the end of a drain: what is known to differ is still kept, and nothing more awaited
        except TimeoutError:
            reason = Unsettled.LATE
        except UpstreamError:
            reason = Unsettled.NO_ANSWER
        except NotComparableError:
            reason = Unsettled.NOT_COMPARABLE
        except _NoUpstreamError:
            reason = Unsettled.NO_UPSTREAM
        outcome = case.so_far()
        self._note(case.seen, outcome.judgement, reason)
        return Settled(outcome, case.answers)

    async def _wait(self, after_s: float) -> bool:
        """Wait before a round; false when there is no time for one."""
        if after_s and not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), after_s)
            except TimeoutError:
                return True
        return not self._stopping.is_set()

    async def _ask_both(self, case: Rounds) -> Answers:
        seen, setup = case.seen, case.setup
        names = {"control": seen.answered_by, "candidate": seen.other}
        if seen.side != MONOLITH:
            names = {"control": seen.other, "candidate": seen.answered_by}
        order = ("control", "candidate") if self._chance() < 0.5 else ("candidate", "control")
        got: dict[str, RecordedResponse] = {}
        for side in order:
            upstream = setup.config.upstreams.get(names[side])
            if not isinstance(upstream, Upstream):
                raise _NoUpstreamError
            slots = self._slots.setdefault(names[side], asyncio.Semaphore(ASKED_AT_ONCE))
            async with slots:
                self._ledger.asked_again(seen.capability, _SIDES[side])
                got[side] = await ask(upstream, seen, setup.secret)
        return got["control"], got["candidate"]

    def _note(self, seen: Observation, judgement: Judgement, reason: Unsettled) -> None:
        """Count a difference that stays one for want of an answer; of what was alike nothing is lost."""
        if judgement.differences:
            self._ledger.unsettled(seen.capability, reason)


class _NoUpstreamError(Exception):
    """A side is no longer in the config."""
