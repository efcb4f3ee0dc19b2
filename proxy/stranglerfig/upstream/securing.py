"""TLS on a connection to an upstream that is open: the handshake, and what the kernel knows below it."""

import asyncio
import os
import socket
import ssl
from typing import Final

from stranglerfig.config.model import UpstreamTls
from stranglerfig.tls.connection import TlsConnection
from stranglerfig.tls.contexts import CLIENT_CONTEXTS
from stranglerfig.tls.pem import PemError
from stranglerfig.tls.reasons import explain
from stranglerfig.upstream.kernel import KernelView

_READ_BYTES: Final = 64 * 1024


class TlsFailedError(OSError):
    """Whoever answers there is not believed to be the upstream; says why, and how to mend it."""


async def secure(
    loop: asyncio.AbstractEventLoop,
    opened: socket.socket,
    tls: UpstreamTls,
    host: str,
    protocol: asyncio.Protocol,
) -> None:
    """Let ``protocol`` speak to ``host``, as it is written, over TLS on the connected socket ``opened``, which it owns from here on.

    Returns when ``protocol`` has got its transport. Raises ``TlsFailedError``; cancelled or failed it leaves nothing open.
    """
    name = (tls.server_name or host).partition("%")[0].removesuffix(".")
    is_open: asyncio.Future[None] = loop.create_future()

    def on_open(_: TlsConnection) -> asyncio.Protocol:
        if not is_open.done():
            is_open.set_result(None)
        return protocol

    def on_failed(error: Exception) -> None:
        if not is_open.done():
            is_open.set_exception(error)

    connection: TlsConnection | None = None
    try:
        connection = TlsConnection(
            CLIENT_CONTEXTS.of(tls), on_open=on_open, on_failed=on_failed, server_name=name
        )
        await loop.create_connection(lambda: connection, sock=opened)
        await is_open
    except (PemError, ssl.SSLError, ValueError, OSError) as error:
        _end(connection, opened)
        raise TlsFailedError(explain(error, tls, host)) from error
    except BaseException:
        _end(connection, opened)
        raise


def _end(connection: TlsConnection | None, opened: socket.socket) -> None:
    if connection is not None and connection.is_made:
        connection.abort()
    else:
        opened.close()


class SecuredView:
    """What ``KernelView`` is for plain TCP: what waits in the kernel may be TLS's own, and is looked into."""

    __slots__ = ("_kernel", "_secured")

    def __init__(self, secured: TlsConnection) -> None:
        self._secured = secured
        self._kernel = KernelView(secured.raw)

    def has_news(self) -> bool:
        """Whether the upstream said anything on a kept connection, or ended. Session tickets and new keys are nothing."""
        if self.has_spoken():
            return True
        if self._secured.is_amid_record:
            # What it will say can't be known now, and it may be that nobody is told.
            self._secured.abort()
            return True
        return False

    def has_spoken(self) -> bool:
        """The same of a new connection: a part of a record is nothing yet, for tickets come with the handshake's end."""
        secured = self._secured
        if self._kernel.has_news():
            try:
                data = os.read(self._kernel.descriptor, _READ_BYTES)
            except OSError:
                return True  # the transport meets it too
            if not data:
                return True
            secured.take_in(data)
        return secured.has_spoken

    def send(self, data: bytes) -> None:
        """Give ``data`` to the kernel now, behind what TLS itself has to send."""
        secured = self._secured
        encrypted = secured.encrypt(data)
        if secured.get_write_buffer_size():
            secured.raw.write(encrypted)
        else:
            self._kernel.send(encrypted)

    def has_delivered_all(self) -> bool:
        """Whether the other side's kernel has acknowledged all that ours was given."""
        return self._kernel.has_delivered_all()


View = KernelView | SecuredView


def view_of(transport: asyncio.Transport) -> View:
    """What can be known of a connection besides what its transport tells."""
    if isinstance(transport, TlsConnection):
        return SecuredView(transport)
    return KernelView(transport)
