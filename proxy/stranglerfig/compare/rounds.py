"""One comparison with the answers of its rounds: each is judged as it comes. No I/O; the clock is given."""

from dataclasses import replace

from stranglerfig.compare.again import Outcome, Round, cause_of, conclude
from stranglerfig.compare.diff.difference import Difference
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.drift import Values, values_of
from stranglerfig.compare.expectation import EXPECTED
from stranglerfig.compare.observation import Observation, RecordedResponse
from stranglerfig.compare.pairing import Noise, Pair, Place, pair_up
from stranglerfig.compare.setup import Setup
from stranglerfig.compare.verdict import Judgement, Verdict, judge

Answers = tuple[RecordedResponse, RecordedResponse]
"""The control's and the candidate's."""


class Rounds:
    """The rounds of one comparison so far."""

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

    def outcome(self, *, is_last: bool, now: float) -> Outcome | None:
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
            delay_s=max(0.0, now - self.seen.started_at - self.seen.elapsed_s),
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
