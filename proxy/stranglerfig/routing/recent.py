"""A user's own writes: which side took the last one that concerns a read, and whether the other side may lack it still.

The service is known to have what was written before ``measured - lag``. So a read stays with the monolith while its
user's write is younger than the lag plus the age of that measurement, or than ``read_your_writes``, if that is longer.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from stranglerfig.routing.plan import Side
from stranglerfig.routing.snapshot import Claim
from stranglerfig.signing.wrote import KEPT_S, Wrote


class Lag(NamedTuple):
    """How far the service was behind at a time, both in seconds."""

    lag_s: float
    at_s: float

    def at_most_s(self, now_s: float) -> float:
        """How far it may be behind now, as far as that matters: what was written since the measurement may be missing too.

        However old that is: a service of which nothing is heard has not caught up for that.
        """
        return min(self.lag_s + max(now_s - self.at_s, 0.0), float(KEPT_S))


class OwnWrite(NamedTuple):
    """The last write of this user that concerns a read."""

    side: Side
    """Who took it."""
    age_s: float
    window_s: float

    @property
    def is_recent(self) -> bool:
        """Whether the other side may lack it still."""
        return self.age_s <= self.window_s


class RecentWrites:
    """The writes of the user who asks, read when a decision needs them, and how far the services are behind."""

    __slots__ = ("_lags", "_now_s", "_read", "_writes")

    def __init__(
        self, read: Callable[[], Mapping[str, Wrote]], lags: Mapping[str, Lag], now_s: float
    ) -> None:
        """``read`` gives the verified cookie at ``now_s`` (unix seconds); ``lags`` is by capability."""
        self._read = read
        self._lags = lags
        self._now_s = now_s
        self._writes: Mapping[str, Wrote] | None = None

    def last(self, claim: Claim) -> OwnWrite | None:
        """The user's last write that a read of ``claim`` must show, however old; None if there is none."""
        if self._writes is None:
            self._writes = self._read()
        at_ms, side = -1, None
        if (wrote := self._writes.get(claim.journey_scope)) is not None:
            at_ms = wrote.at_ms
            side = Side.MONOLITH if wrote.taker == "m" else Side.SERVICE
        # Of two at the same time the monolith's counts: it is the one that cannot be behind.
        if (wrote := self._writes.get(claim.candidate_scope)) is not None and wrote.at_ms > at_ms:
            at_ms, side = wrote.at_ms, Side.SERVICE
        if (wrote := self._writes.get(claim.control_scope)) is not None and wrote.at_ms >= at_ms:
            at_ms, side = wrote.at_ms, Side.MONOLITH
        if side is None:
            return None
        window_s = claim.window_s
        if side is Side.MONOLITH and (lag := self._lags.get(claim.capability)) is not None:
            window_s = max(window_s, lag.at_most_s(self._now_s))
        # A write of a clock that is a little ahead is one of this moment.
        return OwnWrite(side, max(self._now_s - at_ms / 1000, 0.0), window_s)
