"""How a connection comes about: at its address, else at another one of its upstream, by TCP and, where that is written, TLS."""

import asyncio
import socket
from collections.abc import Callable

from stranglerfig.http1.failure import Failure
from stranglerfig.upstream.peer import Peer
from stranglerfig.upstream.placement import Placement
from stranglerfig.upstream.reaching import reach
from stranglerfig.upstream.securing import TlsFailedError, secure


async def open_connection(
    loop: asyncio.AbstractEventLoop,
    placement: Placement,
    protocol: asyncio.Protocol,
    on_moved: Callable[[Peer, Failure], None],
) -> None:
    """Let ``protocol`` have a transport to where ``placement`` is. Nothing has been sent yet, so any address will do.

    ``on_moved`` is called with the next address when one failed, and must make it that of ``placement``. Raises ``OSError``.
    """
    for tried, other in enumerate(placement.elsewhere):
        # An address that is silent must leave time for the others.
        share_s = (placement.deadline - loop.time()) / (len(placement.elsewhere) - tried + 1)
        try:
            async with asyncio.timeout(share_s):
                opened = await reach(loop, *placement.where(), share_s)
                await _use(loop, placement, protocol, opened)
        except OSError as error:
            on_moved(other, failure_of(error))
        else:
            return
    if placement.upstream.tls is None:
        await loop.create_connection(lambda: protocol, *placement.where())
    else:
        left_s = placement.deadline - loop.time()
        await _use(loop, placement, protocol, await reach(loop, *placement.where(), left_s))


async def _use(
    loop: asyncio.AbstractEventLoop,
    placement: Placement,
    protocol: asyncio.Protocol,
    opened: socket.socket,
) -> None:
    tls = placement.upstream.tls
    if tls is None:
        await loop.create_connection(lambda: protocol, sock=opened)
    else:
        await secure(loop, opened, tls, placement.host, protocol)


def failure_of(error: Exception) -> Failure:
    """Why no connection came about."""
    return Failure.TLS_FAILED if isinstance(error, TlsFailedError) else Failure.CONNECT_FAILED
