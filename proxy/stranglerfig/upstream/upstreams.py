"""Connections to all upstreams of one process: reused where that is safe, opened where it is not.

The address comes first, then the connection: of several addresses each gets its share of the requests, also of those that
could go on with a connection that is open to another one. Before the address comes the place, if the upstream has a limit of
requests at once: who waits for one has no address yet.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Any, Final

from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure, UpstreamError
from stranglerfig.upstream.balancer import Balancer
from stranglerfig.upstream.balancers import Balancers
from stranglerfig.upstream.breaker import FAILS
from stranglerfig.upstream.bulkhead import Bulkhead
from stranglerfig.upstream.choice import Chance
from stranglerfig.upstream.connection import UpstreamConnection
from stranglerfig.upstream.deadlines import Deadlines
from stranglerfig.upstream.names import LookUp, look_up
from stranglerfig.upstream.peer import Key, Peer
from stranglerfig.upstream.pool import Pool
from stranglerfig.upstream.retrying import is_stale
from stranglerfig.upstream.seen import seen_of
from stranglerfig.upstream.waiting import Waiting

MAX_IDLE_PER_ADDRESS: Final = (
    256  # sockets kept by one process; more are opened when needed, and closed after use
)
_EXPIRE_EVERY_S: Final = 1.0


class Upstreams:
    """Gives connections and keeps those that can be used again."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        on_taken: Callable[[str, bool], None],
        look_up: LookUp = look_up,
        *,
        on_poisoned: Callable[[str], None] = lambda _: None,
        on_change: Callable[[str, str], None] = lambda *_: None,
        on_opened: Callable[[str, float], None] = lambda _, __: None,
        workers: int = 1,
        chance: Chance = random.random,
    ) -> None:
        """``on_taken`` is called for each use with the upstream's name and whether the connection was reused.

        ``on_poisoned`` is called with its name when it sent bytes that no request asked for, ``on_change`` with its name and
        opened, closed, healthy or unhealthy when an address became so, ``on_opened`` for each connection that came about, with the
        seconds it took. ``workers``: among how many processes limits are divided.
        """
        self._loop = loop
        self._deadlines = deadlines
        self._on_taken = on_taken
        self._on_poisoned = on_poisoned
        self._on_opened = on_opened
        self._balancers = Balancers(
            loop,
            deadlines,
            look_up,
            on_change=on_change,
            on_addresses=self._close_strays,
            workers=workers,
            chance=chance,
        )
        self._pool: Pool[Key, UpstreamConnection] = Pool(MAX_IDLE_PER_ADDRESS)
        self._all: set[UpstreamConnection] = set()
        self._waiting = Waiting(loop)
        self.deadline = 0.0
        deadlines.add(self)

    # Taking and giving back

    def take(
        self, upstream: Upstream, *, fresh: bool, follows: UpstreamConnection | None = None
    ) -> UpstreamConnection:
        """Give a connection for one request: with ``fresh`` a new one, so that it can't be stale.

        ``follows`` is the connection at which the same request just failed: its place is handed on, if it has one. That a
        request has to wait, or is refused, shows when the connection is begun.
        """
        balancer = self._balancers.known.get(id(upstream)) or self._balancers.of(upstream)
        bulkhead = balancer.bulkhead
        if bulkhead is not None and not (
            self._waiting.hand_on(follows, bulkhead) or bulkhead.enter()
        ):
            return self._queue(upstream, balancer, bulkhead, fresh=fresh)
        now = self._loop.time()
        peer = balancer.pick(now)
        idle = None if fresh or peer is None else self._take_quiet(peer.key, now)
        connection = self._new(upstream) if idle is None else idle
        connection.balancer = balancer
        connection.place = bulkhead
        if peer is not None:
            self._place(connection, balancer, peer, now)
        elif balancer.is_refusing:
            connection.refusal = Failure.ALL_OPEN
            return connection
        self._on_taken(upstream.name, idle is not None)
        return connection

    def _new(self, upstream: Upstream) -> UpstreamConnection:
        connection = UpstreamConnection(upstream, self._loop, self)
        self._all.add(connection)
        self._deadlines.add(connection)
        return connection

    def _queue(
        self,
        upstream: Upstream,
        balancer: Balancer,
        bulkhead: Bulkhead[object],
        *,
        fresh: bool,
    ) -> UpstreamConnection:
        """Give a connection that waits for a place when it is begun, or is refused."""
        connection = self._new(upstream)
        connection.balancer = balancer
        if not self._waiting.begin(connection, bulkhead, fresh=fresh):
            connection.refusal = Failure.QUEUE_FULL
        return connection

    def _place(
        self, connection: UpstreamConnection, balancer: Balancer, peer: Peer, now: float
    ) -> None:
        """Let a request go to an address."""
        if balancer.has_several and connection.peer is None:
            connection.elsewhere = balancer.besides(peer)
        connection.peer = peer
        connection.is_under_way = True
        peer.under_way += 1
        if peer.breaker.until is not None:
            balancer.begin(peer, connection, now)

    async def find(self, connection: UpstreamConnection) -> None:
        """Let a connection that was taken without an address wait for its place, and for what its name stands for."""
        balancer = connection.balancer
        if connection.peer is not None or balancer is None:
            return
        if connection.refusal is not None:
            raise UpstreamError(connection.refusal)
        may_reuse = await self._waiting.over(connection)
        while (peer := balancer.pick(self._loop.time())) is None:
            if balancer.is_refusing:
                raise UpstreamError(Failure.ALL_OPEN)
            await self._balancers.names.any_found(balancer.unknown())
            balancer.refresh(self._loop.time())
        now = self._loop.time()
        if may_reuse is not None:
            idle = self._take_quiet(peer.key, now) if may_reuse else None
            self._on_taken(connection.upstream.name, idle is not None)
            if idle is not None:
                self._place(connection, balancer, peer, now)
                self._forget(idle)
                connection.adopt(idle)
                return
        self._place(connection, balancer, peer, now)

    def on_moved(self, connection: UpstreamConnection, peer: Peer, failure: Failure) -> None:
        """Count that ``connection`` did not come about at its address; it is tried at ``peer`` now."""
        balancer = connection.balancer
        assert balancer is not None
        self._fail(connection, failure)
        self._release(connection)
        self._place(connection, balancer, peer, self._loop.time())

    def _take_quiet(self, key: Key, now: float) -> UpstreamConnection | None:
        """Give a kept connection with nothing to say. One that has is closed when the loop comes to read it."""
        while (idle := self._pool.take(key, now)) is not None:
            if idle.is_quiet:
                return idle
        return None

    def on_free(self, connection: UpstreamConnection) -> None:
        """Keep a connection for later, unless its upstream no longer has its address."""
        peer = connection.peer
        assert peer is not None
        connection.is_under_way = False
        peer.under_way -= 1
        if peer.breaker.failures:
            self._succeed(connection, peer)
        if connection.place is not None:
            self._waiting.leave(connection)
        if peer.is_gone:
            connection.abort()
            return
        expires = self._loop.time() + connection.upstream.timeouts.idle_s
        too_many = self._pool.give(peer.key, connection, expires)
        if too_many is not None:
            too_many.abort()

    def on_opened(self, connection: UpstreamConnection, seconds: float) -> None:
        """Tell how long a connection took to come about."""
        self._on_opened(connection.upstream.name, seconds)

    def on_answered(self, connection: UpstreamConnection) -> None:
        """Count a whole answer on a connection that is not kept, or one whose rest nobody wants."""
        peer = connection.peer
        if peer is not None and peer.breaker.failures:
            self._succeed(connection, peer)

    def on_lasting(self, connection: UpstreamConnection) -> None:
        """Count that an answer began which is not meant to end soon. It closes a breaker; that it is cut may still open one."""
        peer = connection.peer
        if peer is not None and peer.breaker.until is not None:
            self._succeed(connection, peer)

    def on_failed(self, connection: UpstreamConnection, failure: Failure) -> None:
        """Count that a request failed. It is over there: what is tried next finds the address without it."""
        was_stale = is_stale(
            failure, is_reused=connection.is_reused, has_answer=connection.has_answer
        )
        # Clients that never send the body they announced could else shut everybody out from an upstream that waits for it.
        is_clients = failure is Failure.RESPONSE_TIMEOUT and connection.awaits_continue
        if failure in FAILS and not was_stale and not is_clients:
            self._fail(connection, failure)
        self._release(connection)

    def on_poisoned(self, connection: UpstreamConnection) -> None:
        """Count that a connection is given up for bytes that no request asked for."""
        self._on_poisoned(connection.upstream.name)

    def on_gone(self, connection: UpstreamConnection) -> None:
        """Forget a closed connection."""
        self._release(connection)
        self._waiting.give_up(connection)
        if connection.place is not None:
            # A turn of the loop later, so that another attempt of the same request can go on with the place.
            self._loop.call_soon(self._waiting.leave, connection)
        if connection.peer is not None:
            self._pool.forget(connection.peer.key, connection)
        self._forget(connection)

    def _forget(self, connection: UpstreamConnection) -> None:
        self._all.discard(connection)
        self._deadlines.discard(connection)

    def _release(self, connection: UpstreamConnection) -> None:
        peer, balancer = connection.peer, connection.balancer
        if connection.is_under_way and peer is not None and balancer is not None:
            connection.is_under_way = False
            peer.under_way -= 1
            if peer.breaker.until is not None:
                balancer.give_up(peer, connection, self._loop.time())

    def _succeed(self, connection: UpstreamConnection, peer: Peer) -> None:
        if connection.balancer is not None:
            self._balancers.succeed(connection.balancer, peer)

    def _fail(self, connection: UpstreamConnection, failure: Failure) -> None:
        if connection.peer is not None and connection.balancer is not None:
            self._balancers.fail(connection.balancer, connection.peer, connection, failure)

    # What is written, and what changes by itself

    def retain(self, upstreams: Iterable[Upstream]) -> None:
        """Use ``upstreams`` from now on.

        What stays keeps its connections and all that is known of it. Connections to what goes are closed: the idle ones now,
        those at work after their exchange.
        """
        for admitted in self._balancers.retain(upstreams):
            self._waiting.admit(admitted)

    def _close_strays(self) -> None:
        """Close the idle connections to addresses that no upstream has any longer."""
        known = self._balancers.keys()
        for connection in self._pool.retain(lambda key: key in known):
            connection.abort()

    def on_deadline(self) -> None:
        """Close what has been idle for too long."""
        now = self._loop.time()
        self.deadline = now + _EXPIRE_EVERY_S
        for connection in self._pool.expire(now):
            connection.abort()

    def close(self) -> None:
        """Close every connection at once, also those at work."""
        self._deadlines.discard(self)
        self._balancers.close()
        for connection in list(self._all):
            connection.abort()

    def state(self) -> dict[str, Any]:
        """Count connections: all, and those that are idle; and tell of each address how it is."""
        return {
            "open": len(self._all),
            "idle": len(self._pool),
            **seen_of(self._balancers.known.values(), self._pool.idle, self._loop.time()),
        }
