"""Connections to all upstreams of one process: reused where that is safe, opened where it is not."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from stranglerfig.config.model import Upstream
from stranglerfig.upstream.connection import UpstreamConnection
from stranglerfig.upstream.deadlines import Deadlines
from stranglerfig.upstream.pool import Pool

MAX_IDLE_PER_UPSTREAM: Final = (
    256  # sockets kept by one process; more are opened when needed, and closed after use
)
_EXPIRE_EVERY_S: Final = 1.0

Address = tuple[str, int]


class Upstreams:
    """Gives connections and keeps those that can be used again."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        on_taken: Callable[[str, bool], None],
        *,
        on_poisoned: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``on_taken`` is called for each use with the upstream's name and whether the connection was reused.

        ``on_poisoned`` is called with its name when it sent bytes that no request asked for.
        """
        self._loop = loop
        self._deadlines = deadlines
        self._on_taken = on_taken
        self._on_poisoned = on_poisoned
        self._pool: Pool[Address, UpstreamConnection] = Pool(MAX_IDLE_PER_UPSTREAM)
        self._all: set[UpstreamConnection] = set()
        self.deadline = 0.0
        deadlines.add(self)

    def take(self, upstream: Upstream, *, fresh: bool) -> UpstreamConnection:
        """Give a connection for one request: with ``fresh`` a new one, so that it can't be stale."""
        name = upstream.name
        if not fresh:
            idle = self._take_quiet((upstream.host, upstream.port), self._loop.time())
            if idle is not None:
                self._on_taken(name, True)
                return idle
        self._on_taken(name, False)
        connection = UpstreamConnection(upstream, self._loop, self)
        self._all.add(connection)
        self._deadlines.add(connection)
        return connection

    def _take_quiet(self, address: Address, now: float) -> UpstreamConnection | None:
        """Give a kept connection with nothing to say. One that has is closed when the loop comes to read it."""
        while (idle := self._pool.take(address, now)) is not None:
            if idle.is_quiet:
                return idle
        return None

    def on_free(self, connection: UpstreamConnection) -> None:
        """Keep a connection for later."""
        upstream = connection.upstream
        too_many = self._pool.give(
            (upstream.host, upstream.port),
            connection,
            self._loop.time() + upstream.timeouts.idle_s,
        )
        if too_many is not None:
            too_many.abort()

    def on_poisoned(self, connection: UpstreamConnection) -> None:
        """Count that a connection is given up for bytes that no request asked for."""
        self._on_poisoned(connection.upstream.name)

    def on_gone(self, connection: UpstreamConnection) -> None:
        """Forget a closed connection."""
        upstream = connection.upstream
        self._pool.forget((upstream.host, upstream.port), connection)
        self._all.discard(connection)
        self._deadlines.discard(connection)

    def retain(self, upstreams: Iterable[Upstream]) -> None:
        """Close the idle connections of upstreams that are no longer used; those at work end their exchange."""
        for connection in self._pool.retain({(each.host, each.port) for each in upstreams}):
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
        for connection in list(self._all):
            connection.abort()

    def state(self) -> dict[str, int]:
        """Count connections: all, and those that are idle."""
        return {"open": len(self._all), "idle": len(self._pool)}
