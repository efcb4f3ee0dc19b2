"""What is kept of a request: enough to send it again, nothing that says who sent it.

Kept: method, path, the names in its query, and the few headers that choose a representation. Values in the query become
a keyed hash and a pattern unless a rule shows them; credentials become ``user:`` and a keyed hash, so that one
person's differences can be seen to belong together.
"""

from dataclasses import dataclass
from typing import Final

from stranglerfig.compare.diff.shape import Shaper, pattern
from stranglerfig.compare.observation import RecordedRequest
from stranglerfig.compare.rule_place import QUERY
from stranglerfig.compare.rules import RouteRules

KEPT_HEADERS: Final = (
    b"host",
    b"x-forwarded-proto",
    b"accept",
    b"accept-encoding",
    b"accept-language",
    b"content-type",
)
_CREDENTIALS: Final = (b"authorization", b"cookie")
MAX_TARGET: Final = 2000
REPLACED: Final = "~"  # stands before the hash of a replaced value; may stand in a URL, unlike #


@dataclass(frozen=True, slots=True)
class RedactedRequest:
    """A request as it may be stored."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    user: str | None
    body_bytes: int


def redact(request: RecordedRequest, shaper: Shaper, rules: RouteRules) -> RedactedRequest:
    """The request without its private parts."""
    kept = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers
        if name.lower() in KEPT_HEADERS
    )
    credentials = [value for name, value in request.headers if name.lower() in _CREDENTIALS]
    user = b"\n".join(credentials).decode("latin-1")
    return RedactedRequest(
        method=request.method,
        target=_target(request.target.decode("latin-1"), shaper, rules)[:MAX_TARGET],
        headers=kept,
        user=f"user:{shaper.digest(user)}" if user else None,
        body_bytes=len(request.body),
    )


def _target(target: str, shaper: Shaper, rules: RouteRules) -> str:
    path, mark, query = target.partition("?")
    if not mark:
        return path
    return f"{path}?{'&'.join(_parameter(item, shaper, rules) for item in query.split('&'))}"


def _parameter(item: str, shaper: Shaper, rules: RouteRules) -> str:
    name, mark, value = item.partition("=")
    if not value:  # a bare word is a value too: ?someone@example.org
        return item if mark or not name else _stand_in(name, shaper)
    if rules.shows(f"{QUERY} {name}", ""):
        return item
    return f"{name}={_stand_in(value, shaper)}"


def _stand_in(value: str, shaper: Shaper) -> str:
    return f"{pattern(value)}{REPLACED}{shaper.digest(value)}"
