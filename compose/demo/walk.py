"""The walk: the catalogue moves stage by stage while shoppers browse, and every step shows its evidence.

Between two steps the shoppers pause and the comparer finishes what waits, so that the proxy's counts, the shoppers'
and the upstreams' access logs speak of exactly the same requests.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.access_log import AccessLog, Asked
from demo.failure import DemoError
from demo.fig import Counts, Fig
from demo.pages import CATALOG
from demo.shoppers import Shoppers, Tally

ANSWERS_A_STEP = 250
STEP_WITHIN_S = 90.0
SETTLE_WITHIN_S = 30.0


@dataclass(frozen=True)
class Step:
    """One word changed in fig.yaml."""

    stage: str
    percent: int | None
    why: str

    @property
    def name(self) -> str:
        return f"{self.stage} {self.percent} %" if self.percent is not None else self.stage


STEPS = (
    Step("monolith", None, "the baseline: nothing has moved"),
    Step("shadow", None, "ask the service too, compare, answer nobody with it"),
    Step("canary", 10, "no difference seen: let a tenth of the users through"),
    Step("canary", 50, "still none: half of the users"),
    Step("service", None, "cut over; the monolith is still asked for comparison"),
    Step("monolith", None, "and back, because we can"),
)


@dataclass(frozen=True)
class Evidence:
    """What one step showed: three independent accounts of the same requests."""

    step: Step
    effective_ms: float | None
    shoppers: Tally
    counts: Counts
    monolith_log: Asked
    service_log: Asked

    def mismatches(self) -> list[str]:
        """Every account that does not add up, in words; empty when all agree."""
        counts = self.counts
        claims = [
            ("answers that shoppers got", self.shoppers.answers[CATALOG], "counted by the proxy", counts.answered),
            ("answered by the monolith", counts.monolith, "in its access log", self.monolith_log.by_users),
            ("answered by the service", counts.service, "in its access log", self.service_log.by_users),
            ("handed to the comparer", counts.teed, "judged or counted as not", counts.accounted),
            ("answers asked for comparison", counts.asked_again, "marked in the logs",
             self.monolith_log.as_shadow + self.service_log.as_shadow),
        ]  # fmt: skip
        return [f"{a} {left}, but {b} {right}" for a, left, b, right in claims if left != right]

    def problems(self) -> list[str]:
        """Mismatches, failed requests and differing answers."""
        failed = [f"{n} x {error}" for error, n in self.shoppers.errors.most_common()]
        differing = (
            [f"{self.counts.different} answers differ: see fig diffs"]
            if self.counts.different
            else []
        )
        return self.mismatches() + failed + differing


class Walk:
    """Takes every step of ``STEPS`` in turn."""

    def __init__(
        self, fig: Fig, shoppers: Shoppers, monolith_log: AccessLog, service_log: AccessLog
    ) -> None:
        self._fig = fig
        self._shoppers = shoppers
        self._logs = (monolith_log, service_log)

    def take(self, step: Step, progress: Callable[[int], None]) -> Evidence:
        """Set the stage under traffic, let shoppers browse, settle, and collect the evidence."""
        before = self._fig.counts()
        logged_before = [_copy(log.read_on()) for log in self._logs]
        self._shoppers.take()
        self._shoppers.resume()
        effective_ms = self._fig.set_stage(step.stage, step.percent, step.why)
        for goal in range(ANSWERS_A_STEP // 10, ANSWERS_A_STEP + 1, ANSWERS_A_STEP // 10):
            if not self._shoppers.wait_for_answers(CATALOG, goal, STEP_WITHIN_S):
                raise DemoError(f"shoppers got fewer than {goal} answers in {STEP_WITHIN_S:.0f} s")
            progress(goal)
        self._shoppers.pause()
        counts = self._settled().since(before)
        tally = self._shoppers.take()
        monolith, service = (
            self._logged(log, start, expected)
            for log, start, expected in zip(
                self._logs, logged_before, (counts.monolith, counts.service), strict=True
            )
        )
        return Evidence(step, effective_ms, tally, counts, monolith, service)

    def _settled(self) -> Counts:
        deadline = time.monotonic() + SETTLE_WITHIN_S
        while (counts := self._fig.counts()).waiting and time.monotonic() < deadline:
            time.sleep(0.05)
        return counts

    def _logged(self, log: AccessLog, start: Asked, expected: int) -> Asked:
        """What the log gained; a line is written just after its answer, so give the last ones a moment."""
        deadline = time.monotonic() + 2
        while (now := _gained(log.read_on(), start)).by_users < expected:
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        return now


def _copy(asked: Asked) -> Asked:
    return Asked(asked.by_users, asked.as_shadow)


def _gained(now: Asked, start: Asked) -> Asked:
    return Asked(now.by_users - start.by_users, now.as_shadow - start.as_shadow)
