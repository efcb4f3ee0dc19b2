"""One end of TLS on a plain socket, so that a test decides when which bytes are on their way."""

import asyncio
import contextlib
import socket
import ssl


class TlsPeer:
    """Speaks TLS on ``connected``, as a server or to ``server_name``; what it has to send it gives to the test."""

    def __init__(
        self, connected: socket.socket, context: ssl.SSLContext, server_name: str | None = None
    ) -> None:
        connected.setblocking(False)
        # What is sent is then at the other end at once, as there is but the loopback between.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connected
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_name is None,
            server_hostname=server_name,
        )

    async def shake_hands(self, early: bytes = b"") -> bytes:
        """Do so; gives what is left to be sent: a server's session tickets, of which ``early`` goes with our first flight."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                flight = self._outgoing.read()
                if flight:
                    self.send(flight + early)
                await self._receive()
            else:
                return self._outgoing.read()

    async def request(self) -> bytes:
        """Read a head, and nothing behind it."""
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            with contextlib.suppress(ssl.SSLWantReadError):
                got += self._tls.read(1)
                continue
            await self._receive()
        return got

    async def hear(self) -> bytes:
        """Read on up to the announced end."""
        got = bytearray()
        with contextlib.suppress(ssl.SSLZeroReturnError):
            while True:
                try:
                    data = self._tls.read(65536)
                except ssl.SSLWantReadError:
                    await self._receive()
                    continue
                if not data:
                    break
                got += data
        return bytes(got)

    def records(self, data: bytes) -> bytes:
        """What ``data`` is on the wire; it must be sent next."""
        self._tls.write(data)
        return self._outgoing.read()

    def goodbye(self) -> bytes:
        """The announcement of an end."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        return self._outgoing.read()

    def send(self, data: bytes) -> None:
        """Give ciphertext to the kernel now."""
        self.socket.sendall(data)

    async def say(self, data: bytes) -> None:
        """Send ``data``, however much it is."""
        await asyncio.get_running_loop().sock_sendall(self.socket, self.records(data))

    def end(self) -> None:
        """Announce the end and close our half in one go; what the other side says can still be heard."""
        self.send(self.goodbye())
        self.socket.shutdown(socket.SHUT_WR)

    async def _receive(self) -> None:
        async with asyncio.timeout(5):
            data = await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        assert data, "the proxy hung up"
        self._incoming.write(data)
