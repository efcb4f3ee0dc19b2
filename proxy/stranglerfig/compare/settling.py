"""Asks both sides again until a difference settles, and now and then where there is none, to measure noise.

Off the client's path and bounded: in rounds, in time, in how many settle at once, in their bytes, and in how many questions are
under way. What finds no room, or gets no answer, stays what it was: a difference. Which side is asked first is a
matter of chance each time, or else whatever changes meanwhile would look like one side's doing.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple

from stranglerfig.compare.again import Outcome, Round, cause_of, conclude
from stranglerfig.compare.ask import ask
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.difference import Difference
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.drift import Values, values_of
from stranglerfig.compare.expectation import EXPECTED
from stranglerfig.compare.ledger import Ledger
from stranglerfig.compare.observation import Observation, RecordedResponse
from stranglerfig.compare.pairing import Noise, Pair, Place, pair_up
from stranglerfig.compare.setup import MONOLITH, Setup
from stranglerfig.compare.verdict import Judgement, Verdict, judge
from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import UpstreamError

AGAIN_AFTER_S: Final = (0.0, 0.3, 1.2)
"""Before each round: a copy that is fed is there after a quarter of a second, one that is polled after a second or so."""
WITHIN_S: Final = 15.0  # all rounds together
SETTLING_AT_ONCE: Final = 64
SETTLING_BYTES: Final = 64 * 1024 * 1024
ASKED_AT_ONCE: Final = 4  # questions under way, on top of those of the first comparisons

_SIDES: Final = {"control": MONOLITH, "candidate": "service"}
Answers = tuple[RecordedResponse, RecordedResponse]
"""The control's and the candidate's."""


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
        self._slots = asyncio.Semaphore(ASKED_AT_ONCE)
        self._stopping = asyncio.Event()
        self._settling = 0
        self._bytes = 0

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
        if self._settling >= SETTLING_AT_ONCE or self._bytes + size > SETTLING_BYTES:
            self._note(seen, first, Unsettled.BUSY)
            return Settled(Outcome(first), answers)
        self._settling += 1
        self._bytes += size
        try:
            return await self._settle(_Case(seen, setup, answers, first, noise()))
        finally:
            self._settling -= 1
            self._bytes -= size

    def _is_sampled(self, seen: Observation, setup: Setup) -> bool:
        capability = setup.config.capabilities.get(seen.capability)
        return capability is not None and self._chance() * 100.0 < capability.ask_again

    async def _settle(self, case: "_Case") -> Settled:
        reason = Unsettled.STOPPED
        try:
            async with asyncio.timeout(WITHIN_S):
                for number, after_s in enumerate(self._after_s, start=1):
                    if not await self._wait(after_s):
                        break
                    case.take(await self._ask_both(case))
                    outcome = case.outcome(is_last=number == len(self._after_s))
                    if outcome is not None:
                        return Settled(outcome, case.answers)
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

    async def _ask_both(self, case: "_Case") -> Answers:
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
            async with self._slots:
                self._ledger.asked_again(seen.capability, _SIDES[side])
                got[side] = await ask(upstream, seen, setup.secret)
        return got["control"], got["candidate"]

    def _note(self, seen: Observation, judgement: Judgement, reason: Unsettled) -> None:
        """Count a difference that stays one for want of an answer; of what was alike nothing is lost."""
        if judgement.differences:
            self._ledger.unsettled(seen.capability, reason)


class _NoUpstreamError(Exception):
    """A side is no longer in the config."""


class _Case:
    """One comparison with the answers of its rounds."""

    def __init__(
        self, seen: Observation, setup: Setup, answers: Answers, first: Judgement, noise: Noise
    ) -> None:
        self.seen = seen
        self.setup = setup
        self._first = first
        self._noise = noise
        self._first_answers = self.answers = answers
        self._control_before, self._candidate_last = answers
        self._rounds: list[Round] = []
        self._pairs: dict[Place, Pair] = {}
        self._context = setup.context(seen)

    def take(self, answers: Answers) -> None:
        """Judge one more answer of each side. May raise ``NotComparableError``."""
        control, candidate = answers
        judgement = self._judge(control, candidate)
        own = self._moved(self._control_before, control, "control")
        values = self._values(control, candidate) if judgement.differences else {}
        own_values = self._values(self._control_before, control) if own else {}
        if not self._rounds:
            crossed = self._judge(self._first_answers[0], candidate).differences
            self._pairs = pair_up(crossed, own, judgement.differences)
        self._rounds.append(Round(judgement, own, values, own_values))
        if judgement.differences:
            self.answers = answers
        self._control_before, self._candidate_last = answers

    def outcome(self, *, is_last: bool) -> Outcome | None:
        """What came of it, if that is known by now."""
        outcome = conclude(self._first, self._rounds, self._noise, is_last=is_last)
        if outcome is None:
            return None
        if outcome.judgement.verdict is not Verdict.LAG:
            return replace(outcome, pairs=self._pairs)
        moved = self._moved(self._first_answers[1], self._candidate_last, "candidate")
        return replace(
            outcome,
            pairs={},  # data that changed says nothing of noise
            cause=cause_of(self._first, self._rounds, moved),
            delay_s=max(0.0, time.time() - self.seen.started_at - self.seen.elapsed_s),
        )

    def so_far(self) -> Outcome:
        """What is known when nothing more will come: the last judgement that differs, or the first."""
        judgements = [self._first, *(each.judgement for each in self._rounds)]
        differing = [each for each in judgements if each.differences]
        return Outcome(differing[-1] if differing else self._first, len(self._rounds))

    def _moved(
        self, before: RecordedResponse, now: RecordedResponse, side: str
    ) -> tuple[Difference, ...]:
        """How an answer of one side differs from an earlier one of it; what a rule expects to differ between sides does not."""
        known = self._context
        context = known._replace(candidate_authority=known.control_authority)
        if side == "candidate":
            context = known._replace(control_authority=known.candidate_authority)
        differences = self._judge(before, now, context).differences
        return tuple(each for each in differences if not each.where.startswith(EXPECTED))

    def _values(self, control: RecordedResponse, candidate: RecordedResponse) -> Values:
        return values_of(
            control,
            candidate,
            context=self._context,
            rules=self.setup.route_rules(self.seen.capability, self.seen.route),
            shaper=self.setup.shaper,
        )

    def _judge(
        self,
        control: RecordedResponse,
        candidate: RecordedResponse,
        context: Context | None = None,
    ) -> Judgement:
        return judge(
            control,
            candidate,
            context=context or self._context,
            rules=self.setup.route_rules(self.seen.capability, self.seen.route),
            shaper=self.setup.shaper,
        )
