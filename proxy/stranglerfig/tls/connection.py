"""TLS over a transport of the loop: its protocol, and the transport of whoever speaks HTTP above it.

The loop has TLS of its own. It closes with an announcement also where an answer was cut, gives no reason when the other side's
end was not announced, can't close one half, and puts a layer between a request and the kernel; the proxy needs it otherwise. OpenSSL does the
cryptography here too, on buffers in memory: this is the plumbing.

An end counts as one only if it was announced (close_notify; RFC 8446, 6.1): else somebody on the way may have cut what
came before, and ``connection_lost`` gets an error. It is the end of one direction: the other one stays open for whoever
is above and wants it.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, Final, cast

from stranglerfig.tls.records import Records

_READ_BYTES: Final = 16 * 1024  # as much as a record holds


class NotAnnouncedError(ConnectionResetError):
    """The other side ended the connection without saying so first."""

    def __init__(self) -> None:
        super().__init__("the connection ended without close_notify, so something may be missing")


class TlsConnection(asyncio.Transport, asyncio.Protocol):
    """One connection: ``on_open`` gives the protocol above when the handshake is done, else ``on_failed`` is called once."""

    __slots__ = (
        "_early",
        "_incoming",
        "_inner",
        "_is_closing",
        "_is_ended",
        "_is_write_closed",
        "_lost",
        "_on_failed",
        "_on_open",
        "_outgoing",
        "_records",
        "_tls",
        "raw",
    )

    raw: asyncio.Transport
    """The transport that carries the ciphertext, from ``connection_made`` on."""

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        on_open: "Callable[[TlsConnection], asyncio.Protocol]",
        on_failed: Callable[[Exception], None],
        server_side: bool = False,
        server_name: str | None = None,
    ) -> None:
        """``server_name``: of the server, to be asked for and to be proved."""
        super().__init__()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )
        self._records = Records()
        self._on_open = on_open
        self._on_failed: Callable[[Exception], None] | None = on_failed
        self._inner: asyncio.Protocol | None = None
        self._early = b""  # decrypted, and not handed on yet
        self._is_ended = False  # the other side announced its end
        self._is_write_closed = False  # and we ours
        self._is_closing = False
        self._lost: Exception | None = None

    # The protocol of the transport below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake: a client speaks first."""
        self.raw = cast("asyncio.Transport", transport)
        if not self._tls.server_side:
            self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """Decrypt what came, and hand it on."""
        if self._is_closing or self._is_ended:
            return
        if self._inner is None:
            self.handshake_received(data)
            return
        self._records.follow(data)
        self._incoming.write(data)
        self._decrypt()
        self._hand_on()

    def eof_received(self) -> bool:
        """The other side's bytes are over; whether that was announced has been seen by now."""
        if self._inner is None or self._is_closing:
            return False
        if not self._is_ended:
            self._lost = NotAnnouncedError()
        # Else whoever is above is told of the announcement, and closes the connection or wants to go on writing.
        return self._is_ended

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._is_closing = True
        if self._inner is not None:
            self._inner.connection_lost(exc or self._lost)
        else:
            self._fail(exc or NotAnnouncedError())

    def pause_writing(self) -> None:
        """Let nobody write for now."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Let them write on."""
        if self._inner is not None:
            self._inner.resume_writing()

    # The handshake

    def handshake_received(self, data: bytes) -> None:
        """Go on with the handshake."""
        self._records.follow(data)
        self._incoming.write(data)
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except (ssl.SSLError, ValueError) as error:
            self._flush()  # the alert that tells the other side why
            self._fail(error)
            return
        self._flush()
        self._on_failed = None
        self._decrypt()
        self._inner = self._on_open(self)
        self._inner.connection_made(self)
        self._hand_on()

    def _fail(self, error: Exception) -> None:
        on_failed, self._on_failed = self._on_failed, None
        if on_failed is not None:
            self._is_closing = True
            on_failed(error)
            self.raw.close()

    # Bytes in and out

    def _decrypt(self) -> None:
        """Turn what came into plain bytes, an announced end, or a reason why there is nothing more to come."""
        parts = [self._early] if self._early else []
        incoming, tls = self._incoming, self._tls
        try:
            while incoming.pending or tls.pending():
                data = tls.read(_READ_BYTES)
                if not data:
                    self._is_ended = True
                    break
                parts.append(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._is_ended = True
        except ssl.SSLError as error:
            self._lost = error
        self._early = b"".join(parts)
        self._flush()  # what TLS itself answers: new keys, an alert

    def _hand_on(self) -> None:
        """Give the protocol above what was decrypted for it."""
        assert self._inner is not None
        data, self._early = self._early, b""
        if data:
            self._inner.data_received(data)
        if self._lost is not None:
            self.close_unannounced()
        # Asked anew: what came may have made a tunnel of it, whose end this is.
        elif self._is_ended and not self._is_closing and not self._inner.eof_received():
            self.close()

    def take_in(self, data: bytes) -> None:
        """Take bytes that somebody else read below; whoever is above hears of them soon, and not within this call."""
        self._records.follow(data)
        self._incoming.write(data)
        self._decrypt()
        if self._early or self._is_ended or self._lost is not None:
            asyncio.get_running_loop().call_soon(self._hand_on)

    @property
    def has_spoken(self) -> bool:
        """Whether something of the other side is left here: bytes, or an end."""
        return bool(self._early) or self._is_ended or self._lost is not None

    @property
    def is_amid_record(self) -> bool:
        """Whether the other side has sent a part of something."""
        return not self._records.is_between

    @property
    def is_made(self) -> bool:
        """Whether it has its transport."""
        return hasattr(self, "raw")

    def encrypt(self, data: bytes) -> bytes:
        """Give the ciphertext of ``data``, which must be sent next, and once."""
        self._encrypt(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """Give what ``data`` says, the last bytes of a connection that is gone."""
        self._incoming.write(data)
        self._decrypt()
        plain, self._early = self._early, b""
        return plain

    @property
    def is_ended(self) -> bool:
        """Whether the other side announced its end."""
        return self._is_ended

    def _encrypt(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[self._tls.write(view) :]
        except ssl.SSLError as error:
            self._lost = error
            self.abort()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._is_write_closed and not self.raw.is_closing():
            self.raw.write(self._outgoing.read())

    # The transport of the protocol above

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let somebody else have the connection from now on."""
        self._inner = cast("asyncio.Protocol", protocol)

    def write(self, data: Any) -> None:
        """Send bytes."""
        if not self._is_closing and not self._is_write_closed:
            self._encrypt(data)
            self._flush()

    def can_write_eof(self) -> bool:
        """Whether one half can be closed."""
        return True

    def write_eof(self) -> None:
        """Announce the end and close our half; the other one is read on."""
        if not self._is_closing and not self._is_write_closed:
            self._announce_end()
            self._is_write_closed = True
            self.raw.write_eof()

    def close(self) -> None:
        """Announce the end, and close when all is sent."""
        if not self._is_closing and not self._is_write_closed:
            self._announce_end()
        self.close_unannounced()

    def close_unannounced(self) -> None:
        """Close when all is sent, so that the other side can tell that something is missing."""
        self._is_closing = True
        self.raw.close()

    def abort(self) -> None:
        """Close at once."""
        self._is_closing = True
        self.raw.abort()

    def _announce_end(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # it goes on to wait for the other side's
            self._tls.unwrap()
        self._flush()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._is_closing or self.raw.is_closing()

    def is_reading(self) -> bool:
        """Whether bytes are read."""
        return self.raw.is_reading()

    def pause_reading(self) -> None:
        """Read nothing for now."""
        self.raw.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self.raw.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set how many bytes of ciphertext may wait."""
        self.raw.set_write_buffer_limits(high=high, low=low)

    def get_write_buffer_size(self) -> int:
        """How many bytes of ciphertext wait."""
        return self.raw.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection below; ``ssl_object`` of this one."""
        return self._tls if name == "ssl_object" else self.raw.get_extra_info(name, default)
