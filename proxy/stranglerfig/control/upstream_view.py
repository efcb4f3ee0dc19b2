"""What all workers together say of the upstreams' addresses: each breaker and each health as the worst of them has it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from stranglerfig.config.model import Config
from stranglerfig.upstream.breaker import BreakerState
from stranglerfig.upstream.health import HealthState

# The worst last.
_BREAKERS: Final = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)
_HEALTH: Final = (HealthState.UNKNOWN, HealthState.HEALTHY, HealthState.UNHEALTHY)


def upstreams_of(config: Config, states: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tell of each upstream of ``config`` what ``states``, those that workers sent, say of it.

    Requests and connections are added up. An upstream that no worker has asked yet has no addresses.
    """
    told = [state.get("upstream_connections", {}) for state in states]
    return [
        {
            "name": name,
            "addresses": _addresses(each.get("upstreams", {}).get(name, ()) for each in told),
            "places": _places(each.get("places", {}).get(name) for each in told),
            "checked": upstream.health is not None,
            "refuses": upstream.breaker.when_all_open == "refuse",
        }
        for name, upstream in config.upstreams.items()
    ]


def _addresses(told: Iterable[Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for addresses in told:
        for each in addresses:
            known = found.get(each["address"])
            if known is None:
                found[each["address"]] = dict(each)
                continue
            for number in ("under_way", "idle"):
                known[number] += each[number]
            _take_worse(known, each, "breaker", _BREAKERS)
            _take_worse(known, each, "health", _HEALTH)
    return list(found.values())


def _take_worse(
    known: dict[str, Any], each: Mapping[str, Any], key: str, order: tuple[str, ...]
) -> None:
    if order.index(each[key]) > order.index(known[key]):
        known |= {name: value for name, value in each.items() if name.startswith(key)}


def _places(told: Iterable[Mapping[str, int] | None]) -> dict[str, int] | None:
    limited = [each for each in told if each is not None]
    if not limited:
        return None
    return {key: sum(each[key] for each in limited) for key in ("limit", "taken", "waiting")}
