"""The compiled form of config and overrides: what a request takes when it begins and keeps to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from stranglerfig.config.model import Capability, Config, Route, Stage, Sticky, Writes
from stranglerfig.routing.override import Override
from stranglerfig.routing.pins import Pins
from stranglerfig.routing.plan import Plan, Reason, Side
from stranglerfig.routing.table import Table
from stranglerfig.signing.wrote import Pin, scope_of


@dataclass(frozen=True, slots=True)
class Claim:
    """One route of one capability, with all that does not depend on the request worked out."""

    capability: str
    route: Route
    stage: Stage
    """The effective stage: the lower of route and capability, and monolith under an abort."""
    aborted: bool
    safe: bool | None
    """As the route says; None: the method says."""
    writes: Writes
    salt: str
    share: int
    sample_salt: str
    sample_share: int
    compare: bool
    sticky: Sticky
    allow: frozenset[str]
    deny: frozenset[str]
    control: str | None
    candidate: str
    fallback: str | None
    """Who is asked when the candidate fails; None: nobody, or its data is no longer kept in step."""
    text: str
    """The route's text, as it stands in plans and metrics."""
    window_s: float
    """``read_your_writes`` where some user's reads could go to either side; 0 elsewhere."""
    pins: Mapping[Side, Pin]
    """What an unsafe request puts into the cookie fig_wrote, by the side that took it."""
    journey_scope: str
    control_scope: str
    candidate_scope: str

    def upstream_of(self, side: Side) -> str | None:
        """The name of the upstream on ``side``."""
        return self.candidate if side is Side.SERVICE else self.control


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable routing table with a generation; a reload swaps one reference to it."""

    generation: int
    config: Config
    overrides: Mapping[str, Override]
    table: Table[Claim]
    unclaimed_safe: Plan
    unclaimed_unsafe: Plan


def compile_snapshot(
    config: Config, overrides: Mapping[str, Override], generation: int
) -> Snapshot:
    """Compile ``config``, which has no contradictions. Overrides of capabilities it does not know are kept unused."""
    pins = Pins()
    routes = [
        (capability, route, capability.name in overrides)
        for capability in config.capabilities.values()
        for route in capability.routes
    ]
    for capability, route, aborted in routes:
        pins.add(config, capability, route, effective_stage(capability, route, aborted=aborted))
    claims = [
        _claim(config, capability, route, pins, aborted=aborted)
        for capability, route, aborted in routes
    ]
    unclaimed = Plan(
        generation,
        upstream=config.fallthrough,
        reason=Reason.NOWHERE if config.fallthrough is None else Reason.FALLTHROUGH,
    )
    return Snapshot(
        generation=generation,
        config=config,
        overrides=MappingProxyType(dict(overrides)),
        table=Table(claims),
        unclaimed_safe=unclaimed,
        unclaimed_unsafe=unclaimed._replace(
            safe=False, repeatable=False, pin=pins.of_upstream(config.fallthrough)
        ),
    )


def read_snapshot(
    config: Mapping[str, Any], overrides: Mapping[str, Mapping[str, Any]], generation: int
) -> Snapshot:
    """Compile what a supervisor tells of what runs. Raises ValueError for what this version can't read."""
    known = {name: Override.from_dict(item) for name, item in overrides.items()}
    return compile_snapshot(Config.model_validate(config), known, generation)


def effective_stage(capability: Capability, route: Route, *, aborted: bool) -> Stage:
    """The lower of the capability's and the route's stage; monolith under an abort."""
    return Stage.MONOLITH if aborted else capability.stage.at_most(route.stage)


def _claim(
    config: Config, capability: Capability, route: Route, pins: Pins, *, aborted: bool
) -> Claim:
    stage = effective_stage(capability, route, aborted=aborted)
    control = config.control_of(capability)
    return Claim(
        capability=capability.name,
        route=route,
        stage=stage,
        aborted=aborted,
        safe=route.safe,
        writes=capability.writes,
        salt=capability.journey,
        share=capability.share,
        # Another salt than the buckets', or the users of a 10 % canary would be the first ones sampled.
        sample_salt=f"{capability.journey}.",
        sample_share=capability.sample_share,
        compare=capability.compare,
        sticky=capability.sticky,
        allow=capability.lists.allow,
        deny=capability.lists.deny,
        control=control,
        candidate=capability.upstream,
        fallback=control if capability.falls_back else None,
        text=route.text,
        window_s=capability.read_your_writes_s if stage.rank >= Stage.CANARY.rank else 0.0,
        pins=pins.of_journey(capability.journey),
        journey_scope=scope_of("journey", capability.journey),
        control_scope=scope_of("upstream", control or ""),
        candidate_scope=scope_of("upstream", capability.upstream),
    )
