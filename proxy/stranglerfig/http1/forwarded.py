"""Who the client is: the forwarded headers that strangers may not set and upstreams rely on.

From a stranger all of them are dropped and then set from the connection. A trusted proxy is believed, and itself added
to ``X-Forwarded-For``; the client is then the right-most address in it that is not a trusted proxy's.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from stranglerfig.http1.headers import WHITESPACE, Header

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}", re.ASCII)
# Replaced as a whole; any other X-Forwarded-* of a trusted proxy is passed unchanged.
_REPLACED = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-real-ip",
        b"x-request-id",
    }
)


# Of a link-local address: an interface's name. The standard library takes anything for one, and the address is logged.
_SCOPE: Final = re.compile(r"[A-Za-z0-9._-]{0,15}", re.ASCII)


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Read an address as it stands in X-Forwarded-For, with or without a port; None when it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        if not _SCOPE.fullmatch(text.partition("%")[2]):
            return None
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether ``address`` lies in one of the networks."""
    if not trusted:
        return False
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in trusted)


class Origin:
    """Where one request came from, and the headers that say so to the upstream."""

    __slots__ = ("_headers", "_lines", "address", "https", "request_id")

    def __init__(
        self,
        address: str,
        headers: tuple[Header, ...],
        lines: bytes,
        request_id: bytes,
        *,
        https: bool,
    ) -> None:
        self._headers = headers
        self._lines = lines
        self.address = address
        self.request_id = request_id
        self.https = https

    @property
    def headers(self) -> tuple[Header, ...]:
        """What is added to the request."""
        return (*self._headers, (b"X-Request-Id", self.request_id))

    @property
    def lines(self) -> bytes:
        """The same as it is sent, each line with its CRLF."""
        return self._lines + b"X-Request-Id: " + self.request_id + b"\r\n"


class PeerHeaders:
    """Makes the forwarded headers of one client connection's requests; ``peer`` is its address."""

    __slots__ = ("_host", "_https", "_lines", "_peer", "_plain", "_trusted", "is_trusted")

    def __init__(self, peer: str, trusted: Sequence[Network], *, https: bool = False) -> None:
        """``https``: it is connected by TLS."""
        parsed = parse_address(peer)
        self._peer = str(parsed) if parsed is not None else peer
        self._https = https
        self._trusted = trusted
        self.is_trusted = is_trusted(peer, trusted)
        """Whether the peer is believed."""
        # Nearly all requests of a connection name the same host, and a stranger's then differ in nothing but the id.
        self._host: bytes | None = None
        self._plain: tuple[Header, ...] = ()
        self._lines = b""

    def origin(
        self, forwarded: Sequence[Header], host: bytes | None, new_id: Callable[[], bytes]
    ) -> Origin:
        """Give the origin of a request that came with the headers ``forwarded``; ``new_id`` makes a request id."""
        if forwarded and self.is_trusted:
            return self._believe(forwarded, host, new_id)
        if not self._plain or host != self._host:
            peer = self._peer.encode()
            https = self._https
            scheme = b"https" if https else b"http"
            self._plain = _headers(peer, peer, scheme, host, _port_of(host, https=https))
            self._lines = _lines(self._plain)
            self._host = host
        return Origin(self._peer, self._plain, self._lines, new_id(), https=self._https)

    def _believe(
        self, forwarded: Sequence[Header], host: bytes | None, new_id: Callable[[], bytes]
    ) -> Origin:
        said: dict[bytes, list[bytes]] = {}
        passed: list[Header] = []
        for name, value in forwarded:
            lower = name.lower()
            said.setdefault(lower, []).append(value.strip(WHITESPACE))
            if lower not in _REPLACED:
                passed.append((name, value))
        chain = b", ".join(value for value in said.get(b"x-forwarded-for", ()) if value)
        address = self._client(chain)
        proto = said.get(b"x-forwarded-proto", [b""])[0].partition(b",")[0].strip().lower()
        # One that ends TLS says so itself; of one that says nothing the connection is all that is known.
        https = proto == b"https" if proto else self._https
        request_id = said.get(b"x-request-id", [b""])[0]
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = new_id()
        peer = self._peer.encode()
        if b"forwarded" in said:
            passed.append((b"Forwarded", b", ".join([*said[b"forwarded"], _forwarded_for(peer)])))
        headers = _headers(
            chain + b", " + peer if chain else peer,
            address.encode(),
            b"https" if https else b"http",
            said.get(b"x-forwarded-host", [host])[0],
            said.get(b"x-forwarded-port", [_port_of(host, https=https)])[0],
        )
        headers = (*passed, *headers)
        return Origin(address, headers, _lines(headers), request_id, https=https)

    def _client(self, chain: bytes) -> str:
        """Walk from the right over trusted proxies. What is no address ends the walk at the hop that said it."""
        client = self._peer
        for entry in reversed(chain.decode("latin-1").split(",")):
            address = parse_address(entry.strip())
            if address is None:
                break
            client = str(address)
            if not is_trusted(client, self._trusted):
                break
        return client


def _headers(
    chain: bytes, address: bytes, proto: bytes, host: bytes | None, port: bytes
) -> tuple[Header, ...]:
    named = ((b"X-Forwarded-Host", host),) if host is not None else ()
    return (
        (b"X-Forwarded-For", chain),
        (b"X-Forwarded-Proto", proto),
        *named,
        (b"X-Forwarded-Port", port),
        (b"X-Real-IP", address),
    )


def _lines(headers: Sequence[Header]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def _port_of(host: bytes | None, *, https: bool) -> bytes:
    """Give the port that the client used: the one in Host, or its scheme's."""
    port = host.rpartition(b":")[2] if host is not None and not host.endswith(b"]") else b""
    if host is not None and b":" in host and port.isdigit():
        return port
    return b"443" if https else b"80"


def _forwarded_for(peer: bytes) -> bytes:
    return b'for="[%b]"' % peer if b":" in peer else b"for=" + peer
