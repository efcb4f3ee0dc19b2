"""Requests that wait for a place at their upstream, and the places that connections have: a bulkhead with an event loop."""

import asyncio
from typing import cast

from stranglerfig.upstream.bulkhead import Bulkhead
from stranglerfig.upstream.connection import UpstreamConnection


class Waiting:
    """Lets connections wait for a place. ``place`` and ``waits_at`` of a connection are set here."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._may_reuse: dict[UpstreamConnection, bool] = {}
        self._turns: dict[UpstreamConnection, asyncio.Future[None]] = {}

    def begin(
        self, connection: UpstreamConnection, bulkhead: Bulkhead[object], *, fresh: bool
    ) -> bool:
        """Let a connection wait behind all others; False if too many do."""
        if not bulkhead.wait(connection):
            return False
        connection.waits_at = bulkhead
        self._may_reuse[connection] = not fresh
        self._turns[connection] = self._loop.create_future()
        return True

    async def over(self, connection: UpstreamConnection) -> bool | None:
        """Wait until a connection has its place, if it has to; gives whether it may go on with one that was kept.

        None if it had not to wait. Sets the connection's deadline: first that of waiting, then that of connecting.
        """
        turn = self._turns.get(connection)
        if turn is None:
            return None
        upstream = connection.upstream
        connection.deadline = self._loop.time() + upstream.queue.wait_s
        await turn
        del self._turns[connection]
        connection.deadline = self._loop.time() + upstream.timeouts.connect_s
        return self._may_reuse.pop(connection)

    def admit(self, who: object) -> None:
        """Let go on who has a place now."""
        connection = cast("UpstreamConnection", who)
        connection.place, connection.waits_at = connection.waits_at, None
        connection.deadline = self._loop.time() + connection.upstream.timeouts.connect_s
        self._turns[connection].set_result(None)

    def give_up(self, connection: UpstreamConnection) -> None:
        """Let a connection that ends wait no longer."""
        if self._turns.pop(connection, None) is None:
            return
        del self._may_reuse[connection]
        if connection.waits_at is not None:
            connection.waits_at.give_up(connection)
            connection.waits_at = None

    def leave(self, connection: UpstreamConnection) -> None:
        """Give the place of a connection back, if it still has one."""
        bulkhead, connection.place = connection.place, None
        if bulkhead is not None:
            for admitted in bulkhead.leave():
                self.admit(admitted)

    def hand_on(self, connection: UpstreamConnection | None, bulkhead: Bulkhead[object]) -> bool:
        """Take its place from a connection whose request goes on elsewhere; False if it has none there."""
        if connection is None or connection.place is not bulkhead:
            return False
        connection.place = None
        return True
