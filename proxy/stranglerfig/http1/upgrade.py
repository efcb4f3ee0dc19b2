"""Upgrades (RFC 9110 section 7.8): which one a client may ask of an upstream, and whether a 101 grants that and nothing else.

A 101 makes of two connections a tunnel, in which a client says what it likes, past every route. So a request for one goes
on only as far as it is allowed, and a 101 to WebSocket must prove that it was meant: an answer that just happens to have
that status, or was talked into it, does not carry the right ``Sec-WebSocket-Accept`` (RFC 6455 section 4.2.2).
"""

import base64
import hashlib
from collections.abc import Collection
from typing import Final, NamedTuple

from stranglerfig.http1.headers import WHITESPACE, connection_tokens, values_of
from stranglerfig.http1.request_head import RequestHead, may_be_asked_for
from stranglerfig.http1.response_head import ResponseHead

SWITCHING: Final = 101
UPGRADE_REQUIRED: Final = 426
_WEBSOCKET: Final = b"websocket"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class Upgrade(NamedTuple):
    """One protocol that is asked for."""

    protocol: bytes
    """As the client spelt it."""
    accept: bytes | None
    """What ``Sec-WebSocket-Accept`` must be; None for other protocols."""

    @property
    def is_websocket(self) -> bool:
        """Whether it is WebSocket."""
        return self.accept is not None

    @property
    def lines(self) -> bytes:
        """The headers that ask for it, or grant it."""
        return _lines(self.protocol)


def choose_upgrade(head: RequestHead, allowed: Collection[str]) -> Upgrade | None:
    """Give the first protocol that the client asks for and that is ``allowed``, in lower case; None if there is none.

    A request for WebSocket must be a GET with one key: without it no answer could prove anything.
    """
    for protocol in head.upgrade:
        name = protocol.lower()
        if name.decode("latin-1") not in allowed:
            continue
        if name != _WEBSOCKET:
            return Upgrade(protocol, None)
        keys = values_of(head.kept, b"sec-websocket-key")
        if head.method == "GET" and len(keys) == 1:
            return Upgrade(protocol, _accept_of(keys[0]))
    return None


def find_fault(upgrade: Upgrade, response: ResponseHead) -> str | None:
    """Say what is wrong with a 101 to a request for ``upgrade``; None if it grants it."""
    if b"upgrade" not in connection_tokens(values_of(response.headers, b"connection")):
        return "101 without Connection: upgrade"
    granted = [value.strip().lower() for value in values_of(response.headers, b"upgrade")]
    if granted != [upgrade.protocol.lower()]:
        return "101 to a protocol that was not asked for"
    if upgrade.accept is not None:
        accepts = values_of(response.headers, b"sec-websocket-accept")
        if [value.strip() for value in accepts] != [upgrade.accept]:
            return "101 without the right Sec-WebSocket-Accept"
    return None


def offer_lines(response: ResponseHead) -> bytes:
    """Pass on which protocols a 426 demands (RFC 9110 section 15.5.22), without those that nobody is let through to."""
    named = [
        part.strip(WHITESPACE)
        for value in values_of(response.headers, b"upgrade")
        for part in value.split(b",")
    ]
    protocols = [protocol for protocol in named if protocol and may_be_asked_for(protocol)]
    return _lines(b", ".join(protocols)) if protocols else b""


def _lines(protocols: bytes) -> bytes:
    return b"Connection: Upgrade\r\nUpgrade: %b\r\n" % protocols


def _accept_of(key: bytes) -> bytes:
    # No secret is made of it: RFC 6455 section 10.8.
    digest = hashlib.sha1(key.strip() + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest)
