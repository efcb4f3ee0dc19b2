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
from demo.pages import CATALOG, CHECKOUT
from demo.shoppers import Shoppers, Tally

ANSWERS_BEFORE = 30  # so that the word changes under traffic
ANSWERS_A_STEP = 250
STEP_WITHIN_S = 90.0
SETTLE_WITHIN_S = 30.0
AGREE_WITHIN_S = 5.0


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
class Window:
    """Three independent accounts of the same requests, from one pause to the next."""

    shoppers: Tally
    counts: Counts
    monolith_log: Asked
    service_log: Asked

    @property
    def failed(self) -> int:
        """Requests that did not end as a shopper would expect."""
        return sum(self.shoppers.errors.values())

    @property
    def by_others(self) -> int:
        """Answers to people who looked at the shop meanwhile."""
        return self.monolith_log.by_others + self.service_log.by_others

    def mismatches(self) -> list[str]:
        """Every account that does not add up, in words; empty when all agree."""
        counts, logs = self.counts, (self.monolith_log, self.service_log)
        shoppers = sum(log.by_shoppers for log in logs)
        shadows = sum(log.as_shadow for log in logs)
        claims = (
            (
                "shoppers got",
                self.shoppers.answers[CATALOG],
                "they stand in the logs with",
                shoppers,
            ),
            (
                "shoppers checked out",
                self.shoppers.answers[CHECKOUT],
                "the monolith's log has",
                self.monolith_log.checkouts,
            ),
            ("by the monolith", counts.monolith, "in its log", self.monolith_log.by_users),
            ("by the service", counts.service, "in its log", self.service_log.by_users),
            ("handed to the comparer", counts.teed, "accounted for", counts.accounted),
            ("asked for comparison", counts.asked_again, "marked in the logs", shadows),
        )
        return [f"{a} {left}, {b} {right}" for a, left, b, right in claims if left != right]

    def problems(self) -> list[str]:
        """Mismatches, failed requests and differing answers."""
        failed = [f"{n} x {error}" for error, n in self.shoppers.errors.most_common()]
        different = self.counts.different
        return self.mismatches() + failed + ([f"{different} answers differ"] if different else [])


@dataclass(frozen=True)
class Evidence:
    """What one step showed: while the word changed, and after that."""

    step: Step
    effective_ms: float | None
    changing: Window
    after: Window

    def problems(self) -> list[str]:
        """Everything that is not as the step promises; empty when it held."""
        found = [f"while it changed: {problem}" for problem in self.changing.problems()]
        found += self.after.problems()
        counts = self.after.counts
        strays = {
            "monolith": counts.service,
            "shadow": counts.service,
            "service": counts.monolith - counts.own_writes,
        }
        if stray := strays.get(self.step.stage):
            found.append(f"{stray} answers by the wrong side after the change")
        return found


class Walk:
    """Takes every step of ``STEPS`` in turn."""

    def __init__(
        self, fig: Fig, shoppers: Shoppers, monolith_log: AccessLog, service_log: AccessLog
    ) -> None:
        self._fig = fig
        self._shoppers = shoppers
        self._logs = (monolith_log, service_log)
        self._before: tuple[Counts, list[Asked]] = self._begin()

    def _begin(self) -> tuple[Counts, list[Asked]]:
        """Where counters and logs agree before anybody browses: the last line of who read the shelf may still come."""
        deadline = time.monotonic() + AGREE_WITHIN_S
        while True:
            counts, logged = self._fig.counts(), [log.read_on() for log in self._logs]
            agree = counts.answered == sum(log.by_users for log in logged)
            if agree or time.monotonic() > deadline:
                return counts, logged
            time.sleep(0.05)

    def take(self, step: Step, progress: Callable[[int], None]) -> Evidence:
        """Change the word under traffic, let shoppers browse on, and collect the evidence of both."""
        self._shoppers.resume()
        self._browse(ANSWERS_BEFORE, lambda _: None)
        effective_ms = self._fig.set_stage(step.stage, step.percent, step.why)
        changing = self._close_window()
        self._shoppers.resume()
        self._browse(ANSWERS_A_STEP, progress)
        return Evidence(step, effective_ms, changing, self._close_window())

    def _browse(self, answers: int, progress: Callable[[int], None]) -> None:
        for goal in range(10, answers + 1, 10):
            if not self._shoppers.wait_for_answers(CATALOG, goal, STEP_WITHIN_S):
                raise DemoError(f"shoppers got fewer than {goal} answers in {STEP_WITHIN_S:.0f} s")
            progress(goal)

    def _close_window(self) -> Window:
        """Pause the shoppers, let the comparer finish, and count what happened since the last pause."""
        self._shoppers.pause()
        tally = self._shoppers.take()
        deadline = time.monotonic() + AGREE_WITHIN_S
        window = self._window(tally)
        # A log line is written just after its answer, and somebody else may be looking at the shop: look again.
        while window.mismatches() and time.monotonic() < deadline:
            time.sleep(0.05)
            window = self._window(tally)
        self._before = (self._total, [log.total for log in self._logs])
        return window

    def _window(self, tally: Tally) -> Window:
        before, logged_before = self._before
        self._total = self._settled()
        monolith, service = (
            log.read_on() - start for log, start in zip(self._logs, logged_before, strict=True)
        )
        return Window(tally, self._total.since(before), monolith, service)

    def _settled(self) -> Counts:
        deadline = time.monotonic() + SETTLE_WITHIN_S
        while (counts := self._fig.counts()).unsettled and time.monotonic() < deadline:
            time.sleep(0.05)
        return counts
