"""Who may speak to the admin server: checks before any route runs.

A browser on the operator's machine reaches loopback too, and so does every page it shows. Two tricks matter: a page
whose name is made to point at 127.0.0.1 (DNS rebinding; its requests carry its own name in Host) and a form or fetch
sent across sites (it carries Origin and Sec-Fetch-Site). Off loopback a token is needed as well.
"""

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from stranglerfig.config.scalar import Address

OPEN_PATHS = frozenset({"/livez", "/readyz"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is refused."""

    status: int
    detail: str
    mend: str


class Guard:
    """The rules of one admin address."""

    def __init__(self, admin: Address, token: str | None, hosts: frozenset[str]) -> None:
        self._admin = admin
        self._token = token
        self._hosts = frozenset(host.lower() for host in hosts)

    def denial(self, method: str, path: str, headers: Mapping[str, str]) -> Denial | None:
        """Say why the request is refused; ``None`` lets it through. ``headers`` has lower-case names."""
        host = _host_name(headers.get("host", ""))
        if host is None or not self._is_own(host):
            return Denial(
                403,
                f"the admin server does not answer for Host {headers.get('host', '')!r}",
                "use the admin address itself, or list the name in FIG_ADMIN_HOSTS",
            )
        if method not in SAFE_METHODS:
            if denial := self._cross_site(headers):
                return denial
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                return Denial(415, "the body must be JSON", "send Content-Type: application/json")
        if self._token is not None and path not in OPEN_PATHS:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not _same(given.strip(), self._token):
                return Denial(
                    401,
                    "the admin token is missing or wrong",
                    "send Authorization: Bearer with the value of FIG_ADMIN_TOKEN",
                )
        return None

    def _is_own(self, host: str) -> bool:
        if host == self._admin.host.lower() or host in self._hosts:
            return True
        if host == "localhost":
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        # An address is nobody's name and can't be rebound; off loopback the token stands behind it.
        return address.is_loopback or not self._admin.is_loopback

    def _cross_site(self, headers: Mapping[str, str]) -> Denial | None:
        site = headers.get("sec-fetch-site", "none").lower()
        origin = headers.get("origin")
        own = f"http://{headers['host']}".lower()
        secure = f"https://{headers['host']}".lower()
        if site in ("none", "same-origin") and (origin is None or origin.lower() in (own, secure)):
            return None
        return Denial(
            403,
            f"changes are not taken from another site (Origin {origin!r}, Sec-Fetch-Site {site!r})",
            "send it from a command or from the admin address itself",
        )


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def _host_name(header: str) -> str | None:
    """The name or address in a Host header, lower case, without port and brackets; ``None`` if it is none."""
    if header.startswith("["):
        name, bracket, rest = header[1:].partition("]")
        is_whole = bool(bracket) and (not rest or (rest[0] == ":" and rest[1:].isdigit()))
        return name.lower() if is_whole and name else None
    name, colon, port = header.partition(":")
    if not name or (colon and not port.isdigit()):
        return None
    return name.lower().removesuffix(".")
