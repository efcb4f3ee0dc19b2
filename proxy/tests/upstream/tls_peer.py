"""An upstream's end of TLS on a plain socket, so that a test decides when which bytes are on their way."""

import asyncio
import contextlib
import socket
import ssl


class TlsPeer:
    """Speaks TLS on ``accepted``; what it has to send it gives to the test."""

    def __init__(self, accepted: socket.socket, context: ssl.SSLContext) -> None:
        accepted.setblocking(False)
        # What is sent is then at the other end at once, as there is but the loopback between.
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = accepted
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def shake_hands(self, early: bytes = b"") -> bytes:
        """Do so; gives the session tickets, of which only ``early`` is sent, behind our first flight."""
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
        """Read a request without a body."""
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            with contextlib.suppress(ssl.SSLWantReadError):
                got += self._tls.read(65536)
                continue
            await self._receive()
        return got

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

    async def _receive(self) -> None:
        async with asyncio.timeout(5):
            data = await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        assert data, "the proxy hung up"
        self._incoming.write(data)
