"""How much a difference matters before anybody has looked at it: high, medium or low, and why.

It goes by kind and place alone, so that it can be told of a cluster as well, and of one that was stored by an older version. It decides
what is read first, never what counts: low is different too.
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from stranglerfig.compare.diff.difference import BODY, STATUS, Difference, Found, Kind
from stranglerfig.compare.diff.path import template


class Severity(StrEnum):
    """From the most to the least."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Weight(NamedTuple):
    """A severity and its reason."""

    severity: Severity
    why: str


RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}

_LOST: Final = frozenset({Kind.MISSING, Kind.VALUE})
_GIVEN: Final = frozenset({Kind.EXTRA, Kind.VALUE})
_ANY: Final = frozenset(Kind) - {Kind.FORMAT}
_SECURITY: Final = (
    "content-security-policy|cross-origin-(embedder|opener|resource)-policy|permissions-policy|referrer-policy"
    "|strict-transport-security|x-content-type-options|x-frame-options"
)


class _Line(NamedTuple):
    """One line of the table: kinds, where and path by a pattern, and what follows."""

    kinds: frozenset[Kind]
    where: str
    path: str
    weight: Weight


def _line(severity: Severity, kinds: frozenset[Kind], where: str, path: str, why: str) -> _Line:
    return _Line(kinds, where, path, Weight(severity, why))


_H, _M, _L = Severity.HIGH, Severity.MEDIUM, Severity.LOW
TABLE: Final = (
    _line(_M, _ANY, STATUS, r"(\d)\d\d → \1\d\d", "another status of the same class"),
    _line(_H, _ANY, STATUS, r".*", "another class of status: a client takes another way"),
    _line(_L, frozenset({Kind.FORMAT}), r".*", r".*", "the same meaning, written differently"),
    _line(_H, _LOST, f"header ({_SECURITY})", r".*", "a security header is missing, or says something else"),
    _line(_H, _LOST, "header set-cookie", r"\[.*\]\.(secure|httponly|samesite)", "a cookie has lost a protection"),
    _line(_H, _GIVEN, "header set-cookie", r"\[.*\]\.domain", "a cookie goes to other hosts"),
    _line(_H, _LOST, "header cache-control", r"\[(private|no-store)\]", "a cache may keep what is one user's"),
    _line(_H, _GIVEN, "header cache-control", r"\[(public|s-maxage)\]", "a cache may keep what is one user's"),
    _line(_H, _LOST, "header vary", r"\[(cookie|authorization)\]", "a cache may hand one user's answer to another"),
    _line(_H, _GIVEN, "header access-control-allow-(origin|credentials)", r".*", "other sites may read the answer"),
    _line(_H, _LOST, "header content-type", "", "another type of content"),
    _line(_L, _ANY, "header (etag|last-modified)", r".*", "follows from the body"),
    _line(_L, frozenset({Kind.EXTRA}), r"header .*", r".*", "said besides what the monolith says"),
    _line(_M, _ANY, r"header .*", r".*", "another header"),
    _line(_H, frozenset({Kind.TYPE, Kind.MISSING, Kind.EXTRA}), BODY, r"\$", "a body of another kind, or none"),
    _line(_H, frozenset({Kind.TYPE}), BODY, r".*", "a value of another type"),
    _line(_H, _LOST, BODY, r".*\.fields\.csrfmiddlewaretoken(\..*)?", "the form will be refused: its token is gone"),
    _line(_H, _LOST, BODY, r".*\.@nonce", "the script will not run where a policy asks for its nonce"),
    _line(_H, _ANY, BODY, r".*\.form(#[^.]*)?\.@method", "the form is sent in another way"),
    _line(_M, frozenset({Kind.NULL}), BODY, r".*", "null on one side alone"),
    _line(_M, frozenset({Kind.MISSING}), BODY, r".*", "the service lacks it"),
    _line(_M, frozenset({Kind.EXTRA}), BODY, r".*", "the service adds it"),
    _line(_M, frozenset({Kind.ORDER, Kind.SIZE}), BODY, r".*", "another order or number"),
    _line(_H, _ANY, r"expected .*", r".*", "a change that a rule promises did not occur"),
    _line(_M, _ANY, BODY, r".*", "another value"),
)  # fmt: skip
"""The first line that fits holds."""
_OTHER: Final = Weight(_M, "a difference of another kind")

_COMPILED: Final = tuple(
    (line.kinds, re.compile(line.where), re.compile(line.path, re.DOTALL), line.weight)
    for line in TABLE
)


def weigh(kind: str, where: str, path: str, change: str = "") -> Weight:
    """The weight of a difference by its kind and place, ``path`` as a template; of a status by its ``change``: ``200 → 404``."""
    path = change if where == STATUS else path
    fitting = (
        weight
        for kinds, place, below, weight in _COMPILED
        if kind in kinds and place.fullmatch(where) and below.fullmatch(path)
    )
    return next(fitting, _OTHER)


def weight_of(found: Found | Difference) -> Weight:
    """The weight of one difference."""
    if isinstance(found, Difference):
        change = f"{found.control.clear} → {found.candidate.clear}"
        return weigh(found.kind, found.where, found.template, change)
    root = "$" if found.where == BODY else ""
    change = f"{found.control} → {found.candidate}" if found.where == STATUS else ""
    return weigh(found.kind, found.where, template(found.steps, root=root), change)
