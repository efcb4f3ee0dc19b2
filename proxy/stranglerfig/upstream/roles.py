"""What an upstream connection needs of those around it: who gets its answers, who keeps it between two requests, who may get it for good."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.response_parser import ResponseEvent
from stranglerfig.upstream.peer import Peer

if TYPE_CHECKING:
    from stranglerfig.upstream.connection import UpstreamConnection


class Receiver(Protocol):
    """Who gets what the upstream sends."""

    def on_response(self, events: Sequence[ResponseEvent]) -> None:
        """Take the next part of the answer."""

    def on_upstream_failed(self, failure: Failure, detail: str) -> None:
        """Take notice that the exchange is over."""

    def on_upstream_congested(self) -> None:
        """Write no more for now."""

    def on_upstream_writable(self) -> None:
        """Write on."""


class Detached(NamedTuple):
    """A connection that is HTTP no longer, given away by who had it."""

    transport: asyncio.Transport
    owner: asyncio.Protocol
    """Who had it, and must be told of ``connection_lost``."""
    rest: bytes
    """What came behind the last of HTTP."""
    is_congested: bool
    """Whether its transport is paused for writing."""


class Owner(Protocol):
    """Who keeps connections between two requests."""

    def on_free(self, connection: "UpstreamConnection") -> None:
        """Take back a connection that can carry another request."""

    def on_opened(self, connection: "UpstreamConnection", seconds: float) -> None:
        """Take notice that it is open now, and how long that took."""

    def on_poisoned(self, connection: "UpstreamConnection") -> None:
        """Take notice that bytes came which no request asked for; ``on_gone`` follows."""

    def on_gone(self, connection: "UpstreamConnection") -> None:
        """Forget a connection that is closed."""

    def on_answered(self, connection: "UpstreamConnection") -> None:
        """Take notice of a whole answer on a connection that can't carry another; ``on_gone`` follows."""

    def on_failed(self, connection: "UpstreamConnection", failure: Failure) -> None:
        """Take notice that the upstream gave no whole answer; ``on_gone`` follows."""

    async def find(self, connection: "UpstreamConnection") -> None:
        """Give it the address at which it is opened, or an open connection, if it has neither.

        Raises ``OSError`` and ``UpstreamError``.
        """

    def on_moved(self, connection: "UpstreamConnection", peer: Peer, failure: Failure) -> None:
        """Take notice of why it did not come about at its address, and give it ``peer``, where it is tried next."""
