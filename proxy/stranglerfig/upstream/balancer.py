"""The addresses of one upstream, and which of them gets the next request: pure, time and chance are arguments.

Requests go to the addresses that are *available*: not unhealthy, and their breaker lets them. Where none is, all are tried
as if all were available, unless the upstream is written to refuse then: neither a breaker nor a health check can tell "this
address is broken" from "all of it is slow today", and to send nothing would make the second worse.

What is available is sorted out when something changed, or the time of an open breaker or of a trial is over, not for each request.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from stranglerfig.config.balancing import Endpoint
from stranglerfig.config.upstream import Upstream
from stranglerfig.http1.failure import Failure, Phase
from stranglerfig.upstream.addresses import Addresses
from stranglerfig.upstream.bulkhead import Bulkhead, share_of
from stranglerfig.upstream.choice import BY_NAME, Chance
from stranglerfig.upstream.health import HealthState
from stranglerfig.upstream.peer import Key, Peer

NEVER: Final = float("inf")

AddressesOf = Callable[[str], Addresses | None]
"""Gives the addresses of a host name, None for what is an address itself."""


class Balancer:
    """One upstream as one process sees it. Lives through reloads as long as the upstream's name does."""

    __slots__ = (
        "_addresses",
        "_chance",
        "_choose",
        "_due",
        "_is_dropped",
        "_others",
        "_peers",
        "_ready",
        "_turn",
        "_workers",
        "bulkhead",
        "has_several",
        "is_refusing",
        "upstream",
    )

    def __init__(
        self, upstream: Upstream, addresses_of: AddressesOf, chance: Chance, workers: int
    ) -> None:
        """``workers``: among how many processes the limits of the upstream are divided."""
        self._chance = chance
        self._workers = workers
        self._turn = -1
        self._is_dropped = False
        self._peers: list[Peer] = []
        """Those that requests are spread over."""
        self._others: list[Peer] = []
        """Those of the other address family."""
        self._ready: Sequence[Peer] = ()
        self._due = NEVER
        """When a breaker that lets nobody through now does."""
        self.is_refusing = False
        """Whether no address is available, and none may be tried."""
        self.has_several = False
        """Whether there is more than one address."""
        self.bulkhead: Bulkhead[object] | None = None
        self.adapt(upstream, addresses_of, 0.0)

    def adapt(self, upstream: Upstream, addresses_of: AddressesOf, now: float) -> Sequence[object]:
        """Take another form of the same upstream; gives those who have a place now and waited for it.

        Addresses that stay keep what is known of them.
        """
        self.upstream = upstream
        self._choose = BY_NAME[upstream.balance]
        self._addresses: list[tuple[Endpoint, Addresses | None]] = [
            (endpoint, addresses_of(endpoint.host)) for endpoint in upstream.endpoints
        ]
        if upstream.health is None:
            for peer in self.peers():
                peer.health.forget(now)
        self.refresh(now)
        return self._resize()

    def _resize(self) -> Sequence[object]:
        limit, bulkhead = self.upstream.concurrency, self.bulkhead
        if limit is None:
            self.bulkhead = None
            return () if bulkhead is None else bulkhead.resize(bulkhead.taken + bulkhead.waiting, 0)
        places = share_of(limit, self._workers)
        size = self.upstream.queue.size
        room = share_of(size, self._workers) if size else 0
        if bulkhead is None:
            self.bulkhead = Bulkhead(places, room)
            return ()
        return bulkhead.resize(places, room)

    def refresh(self, now: float) -> None:
        """Take the addresses that the names have now."""
        old = {peer.key: peer for peer in self.peers()}
        self._peers = [
            old.get(key) or Peer(key) for key in dict.fromkeys(self._keys(is_preferred=True))
        ]
        kept = {peer.key for peer in self._peers}
        others = (key for key in dict.fromkeys(self._keys(is_preferred=False)) if key not in kept)
        self._others = [old.get(key) or Peer(key) for key in others]
        self.has_several = len(self._peers) + len(self._others) > 1
        for gone in old.keys() - kept - {peer.key for peer in self._others}:
            old[gone].is_gone = True
        if self._is_dropped:
            self.drop()
        self.sort_out(now)

    def _keys(self, *, is_preferred: bool) -> Iterator[Key]:
        tls = self.upstream.tls
        for (host, port), addresses in self._addresses:
            if addresses is not None:
                for address in addresses.known if is_preferred else addresses.others:
                    yield host, port, tls, address
            elif is_preferred:
                yield host, port, tls, host

    def drop(self) -> None:
        """Keep no connection from now on: the upstream is no longer written."""
        self._is_dropped = True
        for peer in self.peers():
            peer.is_gone = True

    def peers(self) -> Iterator[Peer]:
        """Every address, those that are spread over first."""
        yield from self._peers
        yield from self._others

    def unknown(self) -> list[tuple[str, Addresses]]:
        """The names of which no address is known, if no address of any endpoint is."""
        if self._peers:
            return []
        return [
            (endpoint.host, addresses)
            for endpoint, addresses in self._addresses
            if addresses is not None
        ]

    # Choosing

    def pick(self, now: float) -> Peer | None:
        """The address for the next request. None where none is known, or ``is_refusing`` says why."""
        if now >= self._due:
            self.sort_out(now)
        ready = self._ready
        if len(ready) == 1:
            return ready[0]
        if not ready:
            return None
        self._turn += 1
        return self._choose(ready, self._turn, self._chance)

    def besides(self, peer: Peer) -> list[Peer]:
        """Where else a connection may be tried when ``peer`` gives none: those that are available first."""
        ready = [each for each in self._ready if each is not peer]
        others = [each for each in self.peers() if each is not peer and each not in ready]
        return ready + sorted(others, key=lambda each: each.breaker.until is not None)

    def begin(self, peer: Peer, request: object, now: float) -> None:
        """Take notice of a request that goes to an address whose breaker is not closed."""
        timeouts = self.upstream.timeouts
        # By then a request that nobody holds up has failed, or its answer has begun.
        if peer.breaker.begin(request, now, now + timeouts.connect_s + timeouts.response_s):
            self.sort_out(now)

    # What came of it

    def succeed(self, peer: Peer, now: float) -> bool:
        """Take notice of a whole answer; gives whether that closed the breaker."""
        has_closed = peer.breaker.succeed()
        if has_closed:
            self.sort_out(now)
        return has_closed

    def fail(self, peer: Peer, request: object, failure: Failure, now: float) -> bool:
        """Take notice of a failure that counts; gives whether that opened the breaker."""
        was_closed = peer.breaker.until is None
        # Where there is another way, one failed connect is enough: to go round costs nothing.
        has_opened = peer.breaker.fail(
            request,
            failure,
            now,
            self.upstream.breaker,
            self._chance(),
            at_once=self.has_several and failure.phase is Phase.CONNECT,
        )
        if has_opened:
            self.sort_out(now)
        return has_opened and was_closed

    def give_up(self, peer: Peer, request: object, now: float) -> None:
        """Take notice of a request that ended without telling anything."""
        if peer.breaker.give_up(request):
            self.sort_out(now)

    def sort_out(self, now: float) -> None:
        """Find out which addresses are available."""
        available = _available(self._peers, now) or _available(self._others, now)
        self.is_refusing = (
            not available and bool(self._peers) and self.upstream.breaker.when_all_open == "refuse"
        )
        self._ready = available or (() if self.is_refusing else self._peers)
        self._due = min(
            (due for peer in self.peers() if (due := peer.breaker.changes_at(now)) is not None),
            default=NEVER,
        )


def _available(peers: Sequence[Peer], now: float) -> list[Peer]:
    return [
        peer
        for peer in peers
        if peer.health.state is not HealthState.UNHEALTHY and peer.breaker.allows(now)
    ]
