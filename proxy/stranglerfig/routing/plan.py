"""What is to happen to one request: a value, made by ``decide`` and carried out by the server."""

from enum import StrEnum
from typing import NamedTuple

from stranglerfig.config.model import Stage
from stranglerfig.signing.wrote import Pin


class Side(StrEnum):
    """Whose answer: the monolith's (the control) or the service's (the candidate)."""

    MONOLITH = "monolith"
    SERVICE = "service"

    # Enum's own is a function in Python, and members are keys on every request's way.
    __hash__ = str.__hash__

    @property
    def other(self) -> "Side":
        """The opposite side."""
        return Side.SERVICE if self is Side.MONOLITH else Side.MONOLITH


class Reason(StrEnum):
    """Which rule chose the side."""

    FALLTHROUGH = "fallthrough"  # no capability claims the request
    NOWHERE = "nowhere"  # the same, and `fallthrough: none`: 404
    OWNER = "owner"  # unsafe: `writes` names the owner
    ABORTED = "aborted"  # an abort override is in force
    FORCED = "forced"  # a signed Fig-Force
    WROTE = "wrote"  # the user wrote a moment ago, and reads where it was written
    LISTED = "listed"  # the user is in `lists`
    BUCKET = "bucket"  # canary: the user's bucket against the share
    STAGE = "stage"  # the stage alone says

    __hash__ = str.__hash__  # as above


class Unit(StrEnum):
    """What the user was recognised by when the bucket decided."""

    COOKIE = "cookie"  # fig_user, as sent
    MINTED = "minted"  # fig_user, made and set in this exchange
    AUTHORIZATION = "authorization"  # a hash of the Authorization header
    HEADER = "header"  # `sticky: header NAME`
    IP = "ip"  # `sticky: ip`

    __hash__ = str.__hash__  # as above


class Plan(NamedTuple):
    """Who answers, who is asked too, which cookie is set, and why.

    A named tuple, for one is made for each claimed request and a frozen dataclass takes twice the time to make.
    """

    generation: int
    capability: str | None = None
    route: str | None = None
    """The route's text, as it stands in metrics."""
    stage: Stage | None = None
    """The effective stage: the lower of capability and route, and monolith under an abort."""
    side: Side = Side.MONOLITH
    upstream: str | None = None
    """Who answers; None: nobody does (404)."""
    reason: Reason = Reason.FALLTHROUGH
    bucket: int | None = None
    unit: Unit | None = None
    safe: bool = True
    repeatable: bool = True
    """Whether the request may arrive twice: it is safe, or its route says `retry: true`."""
    fallback: str | None = None
    """The upstream that is asked when this one gives no answer, 502, 503 or 504; None: nobody is."""
    other: str | None = None
    """The upstream that is asked too, and whose answer is compared; None: nobody is."""
    sampled: bool = False
    skip: str | None = None
    """Why nobody is asked although shadow or compare is on: ``sampled_out``, ``forced`` or ``wrote``."""
    set_cookie: str | None = None
    """The value of fig_user to set with the answer."""
    evidence: bool = True
    """Whether the outcome may count as evidence; not for forced requests and reads that follow a write."""
    pin: Pin | None = None
    """What an unsafe request puts into the cookie fig_wrote; None where that would change nothing."""
