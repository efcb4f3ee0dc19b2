"""What a process knows of its upstreams' addresses, as JSON can hold it."""

from collections.abc import Callable, Iterable
from typing import Any

from stranglerfig.upstream.balancer import Balancer
from stranglerfig.upstream.breaker import BreakerState
from stranglerfig.upstream.health import HealthState
from stranglerfig.upstream.peer import Key, Peer


def seen_of(
    balancers: Iterable[Balancer], idle: Callable[[Key], int], now: float
) -> dict[str, Any]:
    """Tell of each upstream's addresses, and of its places if they are limited. ``now`` is of the loop's time."""
    known = {balancer.upstream.name: balancer for balancer in balancers}
    return {
        "upstreams": {
            name: [_peer(peer, idle, now) for peer in balancer.peers()]
            for name, balancer in known.items()
        },
        "places": {
            name: {
                "limit": balancer.bulkhead.places,
                "taken": balancer.bulkhead.taken,
                "waiting": balancer.bulkhead.waiting,
            }
            for name, balancer in known.items()
            if balancer.bulkhead is not None
        },
    }


def _peer(peer: Peer, idle: Callable[[Key], int], now: float) -> dict[str, Any]:
    breaker, health = peer.breaker, peer.health
    told: dict[str, Any] = {
        "address": peer.authority,
        "under_way": peer.under_way,
        "idle": idle(peer.key),
        "breaker": breaker.state(now).value,
        "health": health.state.value,
    }
    if told["breaker"] != BreakerState.CLOSED and breaker.why is not None:
        told["breaker_why"] = breaker.why.kind
        told["breaker_for_s"] = round(now - breaker.since, 1)
    if health.state is not HealthState.UNKNOWN:
        told["health_why"] = health.why
        told["health_for_s"] = round(now - health.since, 1)
    return told
