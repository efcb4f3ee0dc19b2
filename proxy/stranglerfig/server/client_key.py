"""Which client an address is: IPv4 addresses one by one, IPv6 by /64, the least that one household is given (RFC 6177)."""

import ipaddress
from functools import lru_cache
from typing import Final

from stranglerfig.http1.forwarded import parse_address

_HOST_BITS: Final = 64


@lru_cache(maxsize=4096)
def client_key(address: str) -> str:
    """The client behind ``address``; what is no address is one client."""
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return f"{ipaddress.IPv6Address(int(parsed) >> _HOST_BITS << _HOST_BITS)}/64"
    return str(parsed) if parsed is not None else ""
