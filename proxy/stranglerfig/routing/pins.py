"""Which writes are worth remembering: those after which some read could otherwise go to the other side.

A write on a claimed route pins its journey. One that no capability claims pins whatever the upstream that took it may
have changed: behind a form of the monolith's own that may be anything, so it counts for every journey that has this
upstream on one side.
"""

from collections.abc import Mapping
from typing import Final

from stranglerfig.config.model import Capability, Config, Route, Stage
from stranglerfig.routing.plan import Side
from stranglerfig.signing.wrote import Pin, Taker, scope_of

_TAKERS: Final[Mapping[Side, Taker]] = {Side.MONOLITH: "m", Side.SERVICE: "s"}


class Pins:
    """The pins of one config, worked out once."""

    def __init__(self) -> None:
        self._journeys: dict[str, dict[Side, Pin]] = {}
        self._upstreams: dict[str, Pin] = {}

    def add(self, config: Config, capability: Capability, route: Route, stage: Stage) -> None:
        """Take in one route, whose effective stage is ``stage``."""
        if not capability.read_your_writes_s or not route.may_be_safe:
            return
        share, lists, is_canary = capability.share, capability.lists, stage is Stage.CANARY
        if stage is Stage.SERVICE or (is_canary and (share or lists.allow)):
            self._add(capability, Side.MONOLITH, config.control_of(capability))
        if is_canary and (share < 10_000 or lists.deny):
            self._add(capability, Side.SERVICE, capability.upstream)

    def _add(self, capability: Capability, side: Side, upstream: str | None) -> None:
        """Writes that ``side`` took matter: some reads of the journey could go to the other one."""
        journey = self._journeys.setdefault(capability.journey, {})
        journey[side] = Pin(scope_of("journey", capability.journey), _TAKERS[side])
        if upstream is not None:
            self._upstreams[upstream] = Pin(scope_of("upstream", upstream), "u")

    def of_journey(self, journey: str) -> Mapping[Side, Pin]:
        """What a write on a claimed route pins, by the side that took it; only where that matters."""
        return self._journeys.get(journey, {})

    def of_upstream(self, upstream: str | None) -> Pin | None:
        """What a write pins that no capability claims and ``upstream`` took."""
        return None if upstream is None else self._upstreams.get(upstream)
