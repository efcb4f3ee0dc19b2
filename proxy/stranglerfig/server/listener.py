"""Accepts clients on a listening socket that somebody else made and keeps."""

import asyncio
import socket
from typing import Final

from stranglerfig.server.handshake import ClientHandshake
from stranglerfig.server.runtime import Runtime
from stranglerfig.server.session import ClientSession

BACKLOG: Final = (
    4096  # connections kept until they are accepted; the kernel cuts it to net.core.somaxconn
)


class Listener:
    """Gives each accepted connection a session."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._server: asyncio.AbstractServer | None = None

    async def start(self, listening: socket.socket) -> None:
        """Accept from now on. ``listening`` stays the caller's and open: it may be handed to a successor."""
        own = listening.dup()  # the server closes the one it was given
        own.setblocking(False)
        self._server = await self._runtime.loop.create_server(
            self._greet, sock=own, backlog=BACKLOG
        )

    def _greet(self) -> ClientSession | ClientHandshake:
        """Give an accepted connection what takes it on: looked up each time, since certificates change."""
        context = self._runtime.server_context
        if context is None:
            return ClientSession(self._runtime)
        return ClientHandshake(self._runtime, context)

    def stop(self) -> None:
        """Accept no more. Connections that the kernel has queued stay for whoever else holds the socket."""
        if self._server is not None:
            self._server.close()
            self._server = None
