"""The balancers of all upstreams that are written, in one process: made, changed by reloads, told of new addresses and of health."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure
from stranglerfig.upstream.balancer import Balancer
from stranglerfig.upstream.choice import Chance
from stranglerfig.upstream.deadlines import Deadlines
from stranglerfig.upstream.health_checks import HealthChecks
from stranglerfig.upstream.names import LookUp, Names, is_name
from stranglerfig.upstream.peer import Key, Peer

log = structlog.get_logger(__name__)


class Balancers:
    """Finds the balancer of an upstream, and keeps each for as long as its upstream is written."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        look_up: LookUp,
        *,
        on_change: Callable[[str, str], None],
        on_addresses: Callable[[], None],
        workers: int,
        chance: Chance,
    ) -> None:
        """``on_change`` is called with an upstream's name and what one of its addresses became: opened, closed, healthy, unhealthy.

        ``on_addresses`` is called when some upstream may have other addresses. Limits are divided among ``workers``.
        """
        self._loop = loop
        self._on_change = on_change
        self._on_addresses = on_addresses
        self._workers = workers
        self._chance = chance
        self.names = Names(loop, deadlines, self._on_names_changed, look_up)
        self._checks = HealthChecks(loop, self._on_health, chance)
        self._current: dict[str, Upstream] = {}
        self.known: dict[int, Balancer] = {}
        """By the identity of their ``upstream``, which is the quickest to look up; they keep it alive."""
        self._gone: dict[int, Balancer] = {}
        """Of upstreams that are no longer written so, by the same, for what requests of older generations still ask of them."""

    def of(self, upstream: Upstream) -> Balancer:
        """Find or make the balancer of an upstream; a request of an older generation has that of the same place."""
        current = self._current.get(upstream.name)
        if current is None:
            is_gone = bool(self._current)
        elif (current.endpoints, current.tls) == (upstream.endpoints, upstream.tls):
            upstream, is_gone = current, False
        else:
            is_gone = True
        if is_gone:
            return self._gone.get(id(upstream)) or self._make_gone(upstream, current)
        balancer = self.known.get(id(upstream))
        if balancer is None:
            balancer = self._make(upstream)
            if upstream.health is not None:
                self._checks.retain(self.known.values())
        return balancer

    def _make(self, upstream: Upstream) -> Balancer:
        balancer = Balancer(upstream, self.names.of, self._chance, self._workers)
        self.known[id(upstream)] = balancer
        return balancer

    def _make_gone(self, upstream: Upstream, current: Upstream | None) -> Balancer:
        """Make one that keeps no connection and asks for no health, with the places of what is written under its name now."""
        balancer = Balancer(upstream, self.names.of, self._chance, self._workers)
        balancer.drop()
        if current is not None:
            balancer.bulkhead = self.of(current).bulkhead
        self._gone[id(upstream)] = balancer
        return balancer

    def retain(self, upstreams: Iterable[Upstream]) -> list[object]:
        """Use ``upstreams`` from now on; gives those who waited for a place and have one now.

        What stays keeps all that is known of it.
        """
        now = self._loop.time()
        wanted = {upstream.name: upstream for upstream in upstreams}
        kept: dict[int, Balancer] = {}
        admitted: list[object] = []
        for balancer in self.known.values():
            upstream = wanted.get(balancer.upstream.name)
            if upstream is None or id(upstream) in kept:
                balancer.drop()
                continue
            kept[id(upstream)] = balancer
            admitted += balancer.adapt(upstream, self.names.of, now)
        self._current, self.known, self._gone = wanted, kept, {}
        for upstream in wanted.values():
            is_new = id(upstream) not in kept
            # A name is looked up when it is first used, and a health check is a use.
            if is_new and (upstream.health or not any(map(is_name, _hosts(upstream)))):
                self._make(upstream)
        self.names.retain({host for upstream in wanted.values() for host in _hosts(upstream)})
        self._checks.retain(self.known.values())
        self._on_addresses()
        return admitted

    def keys(self) -> set[Key]:
        """Every address that some upstream has."""
        return {peer.key for balancer in self.known.values() for peer in balancer.peers()}

    def succeed(self, balancer: Balancer, peer: Peer) -> None:
        """Take notice of a whole answer after failures."""
        if balancer.succeed(peer, self._loop.time()):
            self._changed(balancer, peer, "closed")

    def fail(self, balancer: Balancer, peer: Peer, request: object, failure: Failure) -> None:
        """Take notice of a failure that counts."""
        if balancer.fail(peer, request, failure, self._loop.time()):
            self._changed(balancer, peer, "opened")

    def close(self) -> None:
        """Look nothing up and ask nobody any more."""
        self._checks.close()
        self.names.close()

    def _on_names_changed(self) -> None:
        now = self._loop.time()
        for balancer in (*self.known.values(), *self._gone.values()):
            balancer.refresh(now)
        self._checks.retain(self.known.values())
        self._on_addresses()

    def _on_health(self, balancer: Balancer, peer: Peer) -> None:
        balancer.sort_out(self._loop.time())
        self._changed(balancer, peer, peer.health.state.value)

    def _changed(self, balancer: Balancer, peer: Peer, change: str) -> None:
        name, why = balancer.upstream.name, peer.health.why
        if change == "opened" and peer.breaker.why is not None:
            why = peer.breaker.why.kind
        self._on_change(name, change)
        log.info("upstream_address", upstream=name, address=peer.authority, change=change, why=why)


def _hosts(upstream: Upstream) -> Iterable[str]:
    return (endpoint.host for endpoint in upstream.endpoints)
