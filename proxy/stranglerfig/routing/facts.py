"""What ``decide`` may look at of one request. Cookies are parsed only when a decision needs them."""

from collections.abc import Callable, Mapping

from stranglerfig.routing.plan import Side
from stranglerfig.routing.recent import RecentWrites

_NOTHING_FORCED: Mapping[str, Side] = {}


class Facts:
    """One request, as far as routing is concerned.

    ``headers`` has lower-case names; of a name that was sent more than once it holds the first value, but all
    ``cookie`` headers joined by ``"; "``. ``path`` comes from ``wsgi_path``. ``address`` is the client's, found by
    ``trusted_proxies``. ``forced`` is a verified Fig-Force. ``recent`` tells of the user's own writes, and is None for
    who has no cookie fig_wrote: such requests pay nothing. ``mint`` makes a value of the cookie fig_user: 22
    characters of base64url; randomness is an argument, so that decisions can be tested.
    """

    __slots__ = ("_cookies", "address", "forced", "headers", "method", "mint", "path", "recent")

    def __init__(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        address: str,
        mint: Callable[[], str],
        *,
        forced: Mapping[str, Side] = _NOTHING_FORCED,
        recent: RecentWrites | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.address = address
        self.mint = mint
        self.forced = forced
        self.recent = recent
        self._cookies: dict[str, str] | None = None

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies by name; the last of a name counts, as in Django."""
        if self._cookies is None:
            self._cookies = parse_cookies(self.headers.get("cookie", ""))
        return self._cookies


def parse_cookies(header: str) -> dict[str, str]:
    """Read a Cookie header (RFC 6265 section 5.4) without unquoting: values are compared, never shown."""
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            cookies[name.strip()] = value.strip()
    return cookies
