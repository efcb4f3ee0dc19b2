"""What ``decide`` may look at of one request. A cookie is looked for only when a decision needs it."""

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

    __slots__ = ("address", "forced", "headers", "method", "mint", "path", "recent")

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

    def cookie(self, name: str) -> str | None:
        """Give the value of a cookie; None without one."""
        return read_cookie(self.headers.get("cookie", ""), name)


def read_cookie(header: str, name: str) -> str | None:
    """Read one cookie of a Cookie header (RFC 6265 section 5.4), the last of its name, as Django does; None without one.

    Not unquoted: values are compared, never shown. And not all of them are read: a shop's users bring a dozen.
    """
    for pair in reversed(header.split(";")):
        if name in pair:
            known, equals, value = pair.partition("=")
            if equals and known.strip() == name:
                return value.strip()
    return None
