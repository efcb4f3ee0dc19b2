"""What an upstream connection needs of those around it: who gets its answers, and who keeps it between two requests."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from stranglerfig.http1.failure import Failure
from stranglerfig.http1.response_parser import ResponseEvent

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

    async def find(self, connection: "UpstreamConnection") -> None:
        """Give it the address at which it is opened, if it has none yet. Raises ``OSError``."""

    def on_moved(self, connection: "UpstreamConnection", address: str) -> None:
        """Take notice that it did not come about at its address, and is tried at ``address``."""
