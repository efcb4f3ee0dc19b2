"""How long a client is waited for, by a clock that the test moves."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stranglerfig.config.limits import Limits
from stranglerfig.http1.failure import Failure
from stranglerfig.server.loop_delay import STANDING_LOOKS, StandingDelay
from stranglerfig.server.patience import LINGER_S, Patience

LIMITS = Limits.model_validate(
    {"idle": "75s", "head_time": "30s", "stall": "60s", "min_rate": "100B/s"}
)
IDLE = "idle"


class World:
    """A loop's clock, a transport's buffer, and the client who is told."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.now = 1000.0
        self.unsent = 0
        self.told: list[Failure | str] = []
        self.loop: Any = self
        self.limits = limits
        transport: Any = self
        self.patience = Patience(self, self, transport)

    def time(self) -> float:
        return self.now

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def on_too_slow(self, failure: Failure | None) -> None:
        self.told.append(failure or IDLE)
        self.patience.nothing()

    def pass_s(self, seconds: float) -> None:
        """Let time go by as the sweep sees it."""
        end = self.now + seconds
        while self.patience.deadline <= end:
            self.now = max(self.patience.deadline, self.now)
            self.patience.deadline = float("inf")
            self.patience.on_deadline()
        self.now = end


def test_requests_and_heads_have_one_bound() -> None:
    world = World()
    world.pass_s(74.9)
    assert world.told == []
    world.pass_s(0.2)
    assert world.told == [IDLE]
    world.patience.head()
    world.pass_s(30)
    assert world.told == [IDLE, Failure.HEAD_TIMEOUT]
    world.patience.linger()
    world.pass_s(LINGER_S)
    assert world.told[-1] == IDLE


def test_time_in_which_somebody_else_is_waited_for_never_counts() -> None:
    world = World()
    world.patience.nothing()
    world.pass_s(10_000)
    world.patience.body(1)
    world.pass_s(59)
    world.patience.nothing()
    world.pass_s(10_000)
    world.patience.body(0)
    world.pass_s(59)
    assert world.told == []
    world.pass_s(1)
    assert world.told == [Failure.BODY_TIMEOUT]


@pytest.mark.parametrize(
    ("every_s", "count", "ends"),
    [
        (59, 1, Failure.BODY_TOO_SLOW),
        (1, 1, Failure.BODY_TOO_SLOW),
        (1, 99, Failure.BODY_TOO_SLOW),
        (1, 102, None),
        (29, 3100, None),
        (59, 6000, None),
        (61, 1_000_000, Failure.BODY_TIMEOUT),
    ],
)
def test_a_body_may_be_slow_but_not_that_slow(
    every_s: float, count: int, ends: Failure | None
) -> None:
    world = World()
    world.patience.body(0)
    for _ in range(100):
        world.pass_s(every_s)
        if world.told:
            break
        world.patience.body(count)
    assert world.told == ([] if ends is None else [ends])


def test_without_a_rate_only_silence_ends_a_body() -> None:
    limits = Limits.model_validate({"stall": "60s", "min_rate": "off"})
    world = World(limits)
    world.patience.body(0)
    for _ in range(100):
        world.pass_s(59)
        world.patience.body(1)
    assert world.told == []
    world.pass_s(60)
    assert world.told == [Failure.BODY_TIMEOUT]


@given(st.lists(st.tuples(st.floats(0.1, 70), st.integers(1, 20_000)), max_size=40))
def test_a_body_is_cut_if_and_only_if_some_minute_was_silent_or_too_slow(
    pieces: list[tuple[float, int]],
) -> None:
    world = World()
    world.patience.body(0)
    came: list[tuple[float, int]] = [(world.now, 0)]
    for gap_s, count in pieces:
        world.pass_s(gap_s)
        if world.told:
            break
        world.patience.body(count)
        came.append((world.now, count))
    moments = [at for at, _ in came] + [world.now]
    silent = any(later - at >= 60 for at, later in pairwise(moments))
    if world.told:
        assert silent or _slow_somewhere(came, world.now)
    else:
        assert not silent
        assert not _slow_somewhere(came, world.now)


def _slow_somewhere(came: list[tuple[float, int]], now: float) -> bool:
    """Whether one of the minutes, counted from the first moment, was too slow."""
    start = came[0][0]
    while start + 60 <= now:
        if sum(count for at, count in came if start <= at < start + 60) < 100 * 60:
            return True
        start += 60
    return False


@pytest.mark.parametrize(
    ("every_s", "taken", "ends"),
    [(1, 0, Failure.CLIENT_STALLED), (1, 90, Failure.CLIENT_STALLED), (1, 110, None)],
)
def test_an_answer_may_be_taken_slowly_but_not_that_slowly(
    every_s: float, taken: int, ends: Failure | None
) -> None:
    world = World()
    world.unsent = 70_000
    world.patience.reader()
    for _ in range(300):
        world.pass_s(every_s)
        if world.told:
            break
        world.unsent -= taken
        world.unsent += 100  # of what the upstream had sent before it was held back
        world.patience.wrote(100)
    assert world.told == ([] if ends is None else [ends])


def test_the_last_bytes_are_waited_for_while_they_are_taken() -> None:
    world = World()
    world.unsent = 30_000
    world.patience.flush()
    for _ in range(4):
        world.unsent -= 6_500
        world.pass_s(60)
        assert world.told == []
    world.pass_s(60)
    assert world.told == [IDLE]


def test_other_limits_hold_from_the_next_wait_on() -> None:
    world = World()
    world.limits = Limits.model_validate({"idle": "1s"})
    world.pass_s(74)
    assert world.told == []
    world.patience.request()
    world.pass_s(1)
    assert world.told == [IDLE]


def test_only_a_delay_that_stands_is_overload() -> None:
    delay = StandingDelay()
    assert not any(delay.look(late, 1.0) for late in (5.0, 0.0, 5.0, 5.0, 1.0, 2.0, 2.0))
    assert [delay.look(2.0, 1.0) for _ in range(2)] == [True, True]
    assert not delay.look(1.0, 1.0)
    assert not any(delay.look(100.0, 0) for _ in range(STANDING_LOOKS * 2)), "off"
