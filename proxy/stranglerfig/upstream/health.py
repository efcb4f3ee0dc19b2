"""Whether an address is well, as far as it was asked: pure, time is an argument.

``rise`` good answers in a row make an unhealthy address healthy, ``fall`` bad ones a healthy one unhealthy, so that one
lost answer changes nothing. Of one that was never asked the first good answer is believed.
"""

from enum import StrEnum

from stranglerfig.config.balancing import HealthProbe


class HealthState(StrEnum):
    """What is known."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Health:
    """The health of one address."""

    __slots__ = ("_against", "since", "state", "why")

    def __init__(self) -> None:
        self.state = HealthState.UNKNOWN
        self.why = ""
        """What was wrong with the last bad answer, as long as the address is unhealthy."""
        self.since = 0.0
        """When the state began."""
        self._against = 0  # answers in a row that speak against the state

    def good(self, now: float, probe: HealthProbe) -> bool:
        """Take notice of a good answer; gives whether the state changed."""
        if self.state is HealthState.HEALTHY:
            self._against = 0
            return False
        if self.state is HealthState.UNHEALTHY:
            self._against += 1
            if self._against < probe.rise:
                return False
        return self._become(HealthState.HEALTHY, "", now)

    def bad(self, now: float, probe: HealthProbe, why: str) -> bool:
        """Take notice of a bad answer, or of none; gives whether the state changed."""
        if self.state is HealthState.UNHEALTHY:
            self._against = 0
            self.why = why
            return False
        self._against += 1
        if self._against < probe.fall:
            return False
        return self._become(HealthState.UNHEALTHY, why, now)

    def forget(self, now: float) -> None:
        """Nobody asks any more."""
        self._become(HealthState.UNKNOWN, "", now)

    def _become(self, state: HealthState, why: str, now: float) -> bool:
        self.state, self.why, self.since, self._against = state, why, now, 0
        return True
