"""Strata: kinds of requests of which one may be right and another wrong, so that each needs evidence of its own.

Route, method, status class, and whether somebody is signed in. Whether a request is of a signed-in user is told from its
credentials: an ``Authorization``, or a cookie that by its name holds a session. What the proxy cannot see it does not claim:
a session that belongs to a guest's cart counts as signed in.
"""

import re
from typing import Final, NamedTuple

from stranglerfig.compare.observation import Observation, RecordedRequest

_SESSION: Final = re.compile(
    rb"(?:^|;\s*)(?![^=;]*(?:csrf|xsrf))[^=;]*(?:sess|auth|token|jwt|login)[^=;]*=", re.IGNORECASE
)
_CREDENTIALS: Final = (b"authorization", b"cookie")


class Stratum(NamedTuple):
    """One kind of request of a capability."""

    route: str
    method: str
    status: str
    signed_in: str

    @property
    def name(self) -> str:
        """As people read it."""
        return f"{self.route} · {self.method} · {self.status} · {self.signed_in}"


SIGNED_IN: Final = "signed in"
GUEST: Final = "guest"


def stratum_of(seen: Observation, control_status: int) -> Stratum:
    """The stratum of a comparison: the status is the control's."""
    who = SIGNED_IN if is_signed_in(seen.request) else GUEST
    return Stratum(seen.route, seen.request.method, f"{control_status // 100}xx", who)


def is_signed_in(request: RecordedRequest) -> bool:
    """Whether the request carries what a session is known by."""
    return any(
        name.lower() == b"authorization" or (name.lower() == b"cookie" and _SESSION.search(value))
        for name, value in request.headers
    )


def credentials_of(request: RecordedRequest) -> bytes:
    """What tells users apart; empty where nothing does."""
    return b"\n".join(value for name, value in request.headers if name.lower() in _CREDENTIALS)
