"""Who is at the other end of a client connection: its address, whether it is believed, the place that it takes."""

import asyncio
from collections.abc import Sequence

from stranglerfig.http1.forwarded import Network, PeerHeaders
from stranglerfig.server.places import Places, Refused


class Peer:
    """One client's end."""

    __slots__ = ("_address", "_headers", "_places", "_trusted", "refused")

    def __init__(self, transport: asyncio.BaseTransport, places: Places) -> None:
        """Take a place for an accepted connection; ``leave`` gives it back."""
        address = transport.get_extra_info("peername")
        self._address = str(address[0]) if isinstance(address, tuple) else ""
        self._trusted: Sequence[Network] | None = None
        self._headers: PeerHeaders | None = None
        self._places = places
        self.refused: Refused | None = places.enter(self._address)
        """Why there is no place for it."""

    def leave(self) -> None:
        """Be gone."""
        self._places.leave(self._address, self.refused)

    def headers(self, trusted: Sequence[Network]) -> PeerHeaders:
        """Give the maker of forwarded headers for this client, under the trusted networks of a snapshot."""
        if self._headers is None or self._trusted is not trusted:
            self._headers = PeerHeaders(self._address, trusted)
            self._trusted = trusted
        return self._headers

    @property
    def is_trusted(self) -> bool:
        """Whether the peer was in the trusted networks last asked for."""
        return self._headers is not None and self._headers.is_trusted
