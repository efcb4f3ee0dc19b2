"""The cookie fig_wrote on its way in and out: verified when it is first asked for, and counted if it is not believed."""

import time
from collections.abc import Mapping
from typing import Final

from stranglerfig.http1.headers import Header
from stranglerfig.routing.recent import Lag, RecentWrites
from stranglerfig.server.meters import Meters
from stranglerfig.signing.wrote import KEPT_S, NAME, Ignored, Pin, Wrote, read_wrote, write_wrote

_NONE: Final[Mapping[str, Wrote]] = {}


class OwnWrites:
    """What one request's cookie says of its user's writes, and the cookie that its answer sets."""

    __slots__ = ("_key", "_meters", "_value")

    def __init__(self, value: bytes | None, key: bytes, meters: Meters) -> None:
        """``value`` is the cookie as it was sent; None: it was not."""
        self._value = value
        self._key = key
        self._meters = meters

    def recent(self, lags: Mapping[str, Lag]) -> RecentWrites:
        """Give what a decision may look at."""
        now_s = time.time()
        return RecentWrites(lambda: self._read(now_s), lags, now_s)

    def header(self, pin: Pin, *, https: bool) -> Header:
        """Give the header that adds a write of this moment to what the cookie said before."""
        now_s = time.time()
        writes = {**self._read(now_s), pin.scope: Wrote(pin.taker, int(now_s * 1000))}
        self._meters.write_remembered()
        return b"Set-Cookie", b"%b=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%b" % (
            NAME.encode(),
            write_wrote(writes, self._key).encode(),
            KEPT_S,
            b"; Secure" if https else b"",
        )

    def _read(self, now_s: float) -> Mapping[str, Wrote]:
        if self._value is None:
            return _NONE
        writes = read_wrote(self._value.decode("latin-1"), self._key, int(now_s * 1000))
        if isinstance(writes, Ignored):
            self._meters.write_cookie_ignored(writes)
            return _NONE
        return writes
