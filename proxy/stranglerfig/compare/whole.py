"""Two answers asked for on purpose and held side by side, values in clear: what ``fig same`` says of a path.

The comparer judges live traffic and keeps shapes only. Here somebody asks their own two servers on their own terminal, so
values may be shown; and bytes are compared first, since a proxy that promises to change nothing must not reorder a header.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from stranglerfig.compare.diff.answer import findings
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.difference import Found
from stranglerfig.compare.diff.headers import Context, diff_headers
from stranglerfig.compare.diff.reading import PLAIN, Reading
from stranglerfig.compare.noise import beyond_noise
from stranglerfig.compare.observation import Headers, RecordedResponse
from stranglerfig.compare.offline import apply_rules, is_missed
from stranglerfig.compare.rules import RouteRules

PASSED_OVER: Final = frozenset(
    {
        *("date", "age"),
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        "upgrade",
    }
)
"""Headers of the moment or of the connection, which any proxy sets for itself. ``NOT_COMPARED`` has the reasons; what else
stands there (``Server``, ``Content-Length``) makes two answers alike, not identical."""


class Sameness(StrEnum):
    """How much two answers are one."""

    IDENTICAL = "identical"
    """Status, headers in their order, and body, byte for byte; ``PASSED_OVER`` headers aside."""
    ALIKE = "alike"
    """The bytes differ, and mean the same: another order of JSON members, a CSRF token made anew."""
    UNSTEADY = "unsteady"
    """They differ only where the control differs from itself when it is asked again."""
    IGNORED = "ignored"
    """They differ, and rules cover all of it."""
    DIFFERENT = "different"
    NO_ANSWER = "no answer"


_ONE: Final = frozenset({Sameness.IDENTICAL, Sameness.ALIKE})


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one path. ``passed_over`` names the headers that were there and are not compared."""

    sameness: Sameness
    found: tuple[Found, ...] = ()
    passed_over: frozenset[str] = frozenset()
    is_unsteady_too: bool = False
    """The control differs from itself as well, which explains other differences than ``found``."""
    hits: Mapping[str, int] = field(default_factory=dict)
    """How often each rule covered something."""


def compare_whole(
    control: RecordedResponse,
    candidate: RecordedResponse,
    context: Context,
    reading: Reading = PLAIN,
) -> Compared:
    """Hold two answers side by side."""
    passed_over = _passed_over(control.headers, candidate.headers)
    same_bytes = (control.status, _kept(control.headers), control.body) == (
        candidate.status,
        _kept(candidate.headers),
        candidate.body,
    )
    # A page that says `Expires: now` is the same page a second later.
    times = _times(control.headers), _times(candidate.headers)
    if same_bytes and not any(diff_headers(times[0], times[1], context)):
        return Compared(Sameness.IDENTICAL, (), passed_over)
    try:
        found = tuple(findings(control, candidate, context, reading))
    except NotComparableError:
        # Too large to be unpacked: only the bytes are known, and they differ.
        return Compared(Sameness.DIFFERENT, (), passed_over)
    return Compared(Sameness.DIFFERENT if found else Sameness.ALIKE, found, passed_over)


def by_rules(
    compared: Compared, answers: tuple[RecordedResponse, RecordedResponse], rules: RouteRules
) -> Compared:
    """The same comparison without what rules cover, and with what they expect in vain."""
    ruled = apply_rules(compared.found, rules, answers)
    if ruled.found:
        sameness = Sameness.DIFFERENT
    else:
        sameness = Sameness.IGNORED if ruled.hits else compared.sameness
    return replace(compared, sameness=sameness, found=ruled.found, hits=ruled.hits)


def without_noise(
    compared: Compared,
    answers: tuple[RecordedResponse, RecordedResponse, RecordedResponse],
    context: Context,
    reading: Reading = PLAIN,
) -> Compared:
    """The same comparison, told apart from how the control differs from itself between two askings.

    ``answers``: the control's first and second, and the candidate's.
    """
    control, again, candidate = answers
    itself = context._replace(candidate_authority=context.control_authority)
    own = compare_whole(control, again, itself, reading).found
    if not own or not compared.found:
        return compared
    missed = tuple(each for each in compared.found if is_missed(each))
    found = tuple(each for each in compared.found if not is_missed(each))
    left = beyond_noise(found, own, answers) + missed
    if not left or (
        not missed and compare_whole(again, candidate, context, reading).sameness in _ONE
    ):
        return replace(compared, sameness=Sameness.UNSTEADY)
    return replace(compared, found=left, is_unsteady_too=True)


def _times(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if _name(name) in ("date", "expires"))


def _kept(headers: Headers) -> Headers:
    return tuple(
        (name, value) for name, value in headers if _name(name) not in PASSED_OVER | {"expires"}
    )


def _passed_over(*answers: Headers) -> frozenset[str]:
    return frozenset(_name(name) for headers in answers for name, _ in headers) & PASSED_OVER


def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()
