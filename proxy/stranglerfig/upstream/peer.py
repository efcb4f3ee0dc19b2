"""One address of an upstream, and what is known of it: pure."""

from stranglerfig.config.balancing import Endpoint
from stranglerfig.upstream.breaker import Breaker
from stranglerfig.upstream.health import Health

Key = tuple[str, int, str]
"""Host and port as written, and the address: the host itself where that is one. Connections are kept by it."""


class Peer:
    """An address where an upstream takes requests."""

    __slots__ = ("address", "breaker", "health", "host", "is_gone", "key", "port", "under_way")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.host, self.port, self.address = key
        self.under_way = 0
        """Requests of this process that it has not answered."""
        self.is_gone = False
        """Whether its upstream has it no longer: it gets nothing new."""
        self.breaker = Breaker()
        self.health = Health()

    @property
    def authority(self) -> str:
        """Address and port, for people."""
        return Endpoint(self.address, self.port).authority

    @property
    def written_authority(self) -> str:
        """Host and port as they are written."""
        return Endpoint(self.host, self.port).authority
