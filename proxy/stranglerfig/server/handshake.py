"""A client that has yet to prove that it speaks TLS: until then it costs a socket and a deadline, and then has a session."""

import asyncio
import ssl
from typing import Final

from stranglerfig.http1.failure import Failure
from stranglerfig.server.answers import error_answer
from stranglerfig.server.patience import LINGER_S
from stranglerfig.server.peer import Peer
from stranglerfig.server.reset import reset
from stranglerfig.server.runtime import Runtime, new_request_id
from stranglerfig.server.session import ClientSession
from stranglerfig.tls.connection import TlsConnection
from stranglerfig.tls.reasons import HandshakeFailure, reason_of
from stranglerfig.upstream.deadlines import NEVER

# Two round trips and a signature; slow networks take a second or two.
HANDSHAKE_S: Final = 10.0
_LETTERS: Final = range(
    ord("A"), ord("Z") + 1
)  # a TLS record begins with 22, a method with a letter


class ClientHandshake(TlsConnection):
    """An accepted connection of a listener with TLS."""

    __slots__ = ("_has_begun", "_is_open", "_peer", "_runtime", "deadline")

    def __init__(self, runtime: Runtime, context: ssl.SSLContext) -> None:
        super().__init__(
            context, on_open=self._open, on_failed=self._on_handshake_failed, server_side=True
        )
        self.deadline = runtime.loop.time() + HANDSHAKE_S
        self._runtime = runtime
        self._has_begun = False
        self._is_open = False
        runtime.sessions.add(self)
        runtime.deadlines.add(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place: who has yet to shake hands holds a connection too. A refusal is told when that can be read."""
        super().connection_made(transport)
        self._peer = Peer(self, self._runtime.places)
        refused = self._peer.refused
        if refused is not None and not refused.is_told:
            self._runtime.meters.refused(refused.failure.kind)
            self._on_failed = None
            self._is_closing = True
            reset(self.raw)

    def handshake_received(self, data: bytes) -> None:
        """Go on, unless it is plain HTTP: whoever speaks that gets an answer that can be read."""
        if not self._has_begun:
            self._has_begun = True
            if data[0] in _LETTERS:
                self._refuse_plain()
                return
        super().handshake_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, and so is its session if it had one."""
        super().connection_lost(exc)
        if not self._is_open:
            self._forget()
            self._peer.leave()
            if not self._runtime.sessions:
                self._runtime.on_last_session_gone.set()

    def on_deadline(self) -> None:
        """The client took too long."""
        if not self._is_closing:
            self._runtime.meters.handshake_failed(HandshakeFailure.TIMEOUT)
            self._on_failed = None
        self.abort()

    def drain(self) -> None:
        """Close if the client has said nothing; else it gets its session, and an answer."""
        if not self._has_begun:
            self._on_failed = None
            self.abort()

    def _open(self, _: TlsConnection) -> ClientSession:
        self._is_open = True
        self._forget()
        return ClientSession(self._runtime, self._peer)

    def _forget(self) -> None:
        self.deadline = NEVER
        self._runtime.sessions.discard(self)
        self._runtime.deadlines.discard(self)

    def _on_handshake_failed(self, error: Exception) -> None:
        self._runtime.meters.handshake_failed(reason_of(error))

    def _refuse_plain(self) -> None:
        self._on_failed = None
        self._is_closing = True
        runtime, failure = self._runtime, Failure.PLAIN_HTTP
        runtime.meters.handshake_failed(HandshakeFailure.PLAIN_HTTP)
        runtime.meters.refused(failure.kind)
        # What the client goes on to send is thrown away for a while, or it might lose the answer.
        self.deadline = runtime.loop.time() + LINGER_S
        self.raw.write(error_answer(failure, None, new_request_id(), keep_alive=False))
        self.raw.write_eof()
