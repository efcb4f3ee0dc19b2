"""Connections to all upstreams of one process: reused where that is safe, opened where it is not.

The address comes first, then the connection: of a name with several addresses each gets its share of the requests, also of
those that could go on with a connection that is open to another one.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from stranglerfig.config.model import Upstream
from stranglerfig.upstream.addresses import Addresses
from stranglerfig.upstream.connection import UpstreamConnection
from stranglerfig.upstream.deadlines import Deadlines
from stranglerfig.upstream.names import LookUp, Names, look_up
from stranglerfig.upstream.pool import Pool

MAX_IDLE_PER_ADDRESS: Final = (
    256  # sockets kept by one process; more are opened when needed, and closed after use
)
_EXPIRE_EVERY_S: Final = 1.0

Key = tuple[str, int, str]
"""Host and port as written, and the address: the host itself where that is one."""


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
        on_opened: Callable[[str, float], None] = lambda _, __: None,
    ) -> None:
        """``on_taken`` is called for each use with the upstream's name and whether the connection was reused.

        ``on_poisoned`` is called with its name when it sent bytes that no request asked for, ``on_opened`` for each connection that
        came about, with the seconds it took.
        """
        self._loop = loop
        self._deadlines = deadlines
        self._on_taken = on_taken
        self._on_poisoned = on_poisoned
        self._on_opened = on_opened
        self._names = Names(loop, deadlines, self._close_strays, look_up)
        self._pool: Pool[Key, UpstreamConnection] = Pool(MAX_IDLE_PER_ADDRESS)
        self._all: set[UpstreamConnection] = set()
        self._named: dict[UpstreamConnection, Addresses] = {}
        """Connections to an address of a name, or to one that will be known soon."""
        self._counted: set[UpstreamConnection] = set()
        """Those of them that carry a request, which counts as use of their address."""
        self._unwanted: set[UpstreamConnection] = set()
        """Those at work for an upstream that was dropped meanwhile. When it comes back, its addresses are new ones."""
        self.deadline = 0.0
        deadlines.add(self)

    def take(self, upstream: Upstream, *, fresh: bool) -> UpstreamConnection:
        """Give a connection for one request: with ``fresh`` a new one, so that it can't be stale."""
        host, port = upstream.host, upstream.port
        addresses = self._names.of(host)
        now = self._loop.time()
        address = None if addresses is None else addresses.pick(now)
        may_reuse = not fresh and (addresses is None or address is not None)
        connection = self._take_quiet((host, port, address or host), now) if may_reuse else None
        self._on_taken(upstream.name, connection is not None)
        if connection is None:
            connection = UpstreamConnection(upstream, self._loop, self)
            self._all.add(connection)
            self._deadlines.add(connection)
            if addresses is not None:
                self._named[connection] = addresses
        if addresses is not None and address is not None:
            self._place(connection, addresses, address)
        return connection

    async def find(self, connection: UpstreamConnection) -> None:
        """Let a connection that was taken before its name was known wait until it is."""
        addresses = self._named.get(connection)
        if addresses is not None and not _is_placed(connection):
            await self._names.found(connection.upstream.host, addresses)
            address = addresses.pick(self._loop.time())
            assert address is not None
            self._place(connection, addresses, address)

    def _place(self, connection: UpstreamConnection, addresses: Addresses, address: str) -> None:
        if not _is_placed(connection):
            connection.address, connection.elsewhere = address, addresses.besides(address)
        addresses.use(address)
        self._counted.add(connection)

    def on_moved(self, connection: UpstreamConnection, address: str) -> None:
        """Avoid the address at which ``connection`` did not come about; it is tried at ``address`` now."""
        addresses = self._named[connection]
        addresses.avoid(connection.address, self._loop.time())
        if connection in self._counted:
            addresses.release(connection.address)
            addresses.use(address)

    def _take_quiet(self, key: Key, now: float) -> UpstreamConnection | None:
        """Give a kept connection with nothing to say. One that has is closed when the loop comes to read it."""
        while (idle := self._pool.take(key, now)) is not None:
            if idle.is_quiet:
                return idle
        return None

    def on_free(self, connection: UpstreamConnection) -> None:
        """Keep a connection for later, unless its upstream was dropped or its name no longer stands for its address."""
        self._release(connection)
        if connection in self._unwanted or self._is_stray(connection):
            connection.abort()
            return
        expires = self._loop.time() + connection.upstream.timeouts.idle_s
        too_many = self._pool.give(_key(connection), connection, expires)
        if too_many is not None:
            too_many.abort()

    def on_opened(self, connection: UpstreamConnection, seconds: float) -> None:
        """Tell how long a connection took to come about."""
        self._on_opened(connection.upstream.name, seconds)

    def on_poisoned(self, connection: UpstreamConnection) -> None:
        """Count that a connection is given up for bytes that no request asked for."""
        self._on_poisoned(connection.upstream.name)

    def on_gone(self, connection: UpstreamConnection) -> None:
        """Forget a closed connection."""
        self._release(connection)
        self._named.pop(connection, None)
        self._pool.forget(_key(connection), connection)
        self._all.discard(connection)
        self._unwanted.discard(connection)
        self._deadlines.discard(connection)

    def retain(self, upstreams: Iterable[Upstream]) -> None:
        """Close the connections of upstreams that are no longer used: the idle ones now, those at work after their exchange."""
        used = {(each.host, each.port) for each in upstreams}
        self._names.retain({host for host, _ in used})
        for connection in self._pool.retain(lambda key: key[:2] in used):
            connection.abort()
        self._unwanted.update(each for each in self._all if _key(each)[:2] not in used)

    def on_deadline(self) -> None:
        """Close what has been idle for too long."""
        now = self._loop.time()
        self.deadline = now + _EXPIRE_EVERY_S
        for connection in self._pool.expire(now):
            connection.abort()

    def close(self) -> None:
        """Close every connection at once, also those at work."""
        self._deadlines.discard(self)
        self._names.close()
        for connection in list(self._all):
            connection.abort()

    def state(self) -> dict[str, int]:
        """Count connections: all, and those that are idle."""
        return {"open": len(self._all), "idle": len(self._pool)}

    def _close_strays(self) -> None:
        """Close the idle connections to addresses that their name no longer stands for."""
        for connection in list(self._named):
            if connection not in self._counted and self._is_stray(connection):
                connection.abort()

    def _is_stray(self, connection: UpstreamConnection) -> bool:
        addresses = self._named.get(connection)
        return (
            addresses is not None and _is_placed(connection) and connection.address not in addresses
        )

    def _release(self, connection: UpstreamConnection) -> None:
        if connection in self._counted:
            self._counted.discard(connection)
            self._named[connection].release(connection.address)


def _is_placed(connection: UpstreamConnection) -> bool:
    """Whether one to a name has an address; until then it has the name itself."""
    return connection.address != connection.upstream.host


def _key(connection: UpstreamConnection) -> Key:
    return connection.upstream.host, connection.upstream.port, connection.address
