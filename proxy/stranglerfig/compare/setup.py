"""What the comparer was last told: config, rules and secret as one value that a comparison takes and keeps to its end."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.ledger import Skip
from stranglerfig.compare.observation import Observation
from stranglerfig.compare.rule_term import today
from stranglerfig.compare.rules import RouteRules, Rules
from stranglerfig.config.model import Config, Upstream

MONOLITH: Final = "monolith"
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")  # RFC 9110, 9.2.1; TRACE is echoed, not answered


@dataclass(frozen=True, slots=True)
class Setup:
    """One generation of what to compare by."""

    config: Config
    rules: Rules
    secret: str | None
    shaper: Shaper
    _route_rules: dict[tuple[str, str, date], RouteRules] = field(default_factory=dict)

    def route_rules(self, capability: str, route: str) -> RouteRules:
        """The rules of a route that hold today, compiled once a day."""
        key = (capability, route, today())
        found = self._route_rules.get(key)
        if found is None:
            found = self._route_rules[key] = self.rules.for_route(*key)
        return found

    def other_side(self, seen: Observation) -> Upstream | Skip:
        """Whom to ask, or why nobody may be asked."""
        other = self.config.upstreams.get(seen.other)
        if other is None:
            return Skip.NO_UPSTREAM
        answered = self.config.upstreams.get(seen.answered_by)
        if answered is not None and set(answered.endpoints) & set(other.endpoints):
            return Skip.SAME_UPSTREAM
        if not self._is_safe(seen):
            return Skip.UNSAFE
        return other

    def _is_safe(self, seen: Observation) -> bool:
        """The plan has seen to this; asked again here, since a mistake would buy something twice."""
        capability = self.config.capabilities.get(seen.capability)
        routes = () if capability is None else capability.routes
        declared = next((route.safe for route in routes if route.text == seen.route), None)
        return seen.request.method in _SAFE_METHODS if declared is None else declared

    def context(self, seen: Observation) -> Context:
        """The hosts and addresses that the two answers may name."""
        answered, other = self._authority(seen.answered_by), self._authority(seen.other)
        is_control = seen.side == MONOLITH
        pair = (answered, other) if is_control else (other, answered)
        return Context.of(seen.request.headers, *pair)

    def _authority(self, name: str) -> str:
        upstream = self.config.upstreams.get(name)
        return "" if upstream is None else upstream.authority
