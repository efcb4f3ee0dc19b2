"""Where a connection is opened, and what its owner notes of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stranglerfig.config.balancing import Endpoint
from stranglerfig.config.model import Upstream
from stranglerfig.http1.failure import Failure
from stranglerfig.upstream.deadlines import NEVER
from stranglerfig.upstream.peer import Peer

if TYPE_CHECKING:
    from stranglerfig.upstream.balancer import Balancer
    from stranglerfig.upstream.bulkhead import Bulkhead


class Placement:
    """A connection's place in the world. A base class, for one object less per connection."""

    __slots__ = (
        "balancer",
        "deadline",
        "elsewhere",
        "is_under_way",
        "peer",
        "place",
        "refusal",
        "upstream",
        "waits_at",
    )

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.deadline = NEVER
        """By when what is waited for must have come; it is swept by ``Deadlines``."""
        self.peer: Peer | None = None
        """Where it is opened; None: at the first endpoint, or where its owner finds."""
        self.elsewhere: Sequence[Peer] = ()
        """Where it is tried, in this order, when it does not come about there."""
        # What follows is the owner's.
        self.balancer: Balancer | None = None
        """Who gave it its address."""
        self.is_under_way = False
        """Whether it counts at ``peer``."""
        self.place: Bulkhead[object] | None = None
        """Where its request has a place."""
        self.waits_at: Bulkhead[object] | None = None
        """Where its request waits for one."""
        self.refusal: Failure | None = None
        """Why it can't be begun."""

    @property
    def server(self) -> Endpoint | None:
        """What ``fig.yaml`` has of where it is; None as long as that is not chosen."""
        return None if self.peer is None else Endpoint(self.peer.host, self.peer.port)

    @property
    def host(self) -> str:
        """The host that it speaks to, as it is written."""
        return self.upstream.host if self.peer is None else self.peer.host

    def where(self) -> tuple[str, int]:
        """Address and port to be connected to."""
        peer, upstream = self.peer, self.upstream
        return (upstream.host, upstream.port) if peer is None else (peer.address, peer.port)
