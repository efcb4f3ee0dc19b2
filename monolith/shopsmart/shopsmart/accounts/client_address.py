"""Whose request this is, by network address.

`X-Forwarded-For` is a list to which every proxy adds, on the right, whom it heard the request from;
what stands further left was written by whoever came before, who may lie. So it is read from the
right, and only as long as the one who wrote the entry is a proxy of ours (`TRUSTED_PROXIES`).
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """What TRUSTED_PROXIES lists: addresses and networks. Raises ImproperlyConfigured."""
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES: {error}. Write addresses or networks, as in 10.0.0.7,192.168.4.0/24."
        ) from error


def client_of(request: Any) -> str:
    """What counts as one client: an IPv4 address, or the /64 that one customer of IPv6 gets."""
    address = client_address(
        peer=request.META.get("REMOTE_ADDR", ""),
        forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
    )
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address or "local")


def client_address(*, peer: str, forwarded_for: str) -> Address | None:
    """The nearest address that is no proxy of ours; None for a peer without one (a UNIX socket).

    A server that listens on a socket file is reached by its own machine only, so such a peer is
    believed like a trusted proxy.
    """
    address = _parse(peer)
    hops = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    while hops and (address is None or _is_trusted(address)):
        before = _parse(hops.pop())
        if before is None:
            break  # not an address: whoever wrote that is no proxy that we know how to read
        address = before
    return address


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
