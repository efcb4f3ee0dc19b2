"""For your own tests: two answers compared as the proxy compares them, by the same fig.rules.yaml.

    from stranglerfig.testing import assert_same_answer, load_rules

    RULES = load_rules("fig.rules.yaml")

    def test_the_list_is_the_same(client, service):
        assert_same_answer(client.get("/api/catalog/"), service.get("/api/catalog/"), RULES, "catalog")

Answers of Django's test client, requests and httpx will do, and whatever else has ``status_code``, ``headers`` and ``content``.

Under pytest ``parity`` asks both sides itself, and compares (docs/parity.md):

    @parity("GET /api/catalog/?page=2", capability="catalog")
    def test_the_second_page() -> None: ...
"""

from collections.abc import Mapping
from http.cookies import BaseCookie
from pathlib import Path
from typing import Any, Final, Protocol

from stranglerfig.compare.diff.answer import findings
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.offline import apply_rules, is_missed, place_of, value_text
from stranglerfig.compare.rules import Rules, parse_rules
from stranglerfig.config.load import read_text
from stranglerfig.traffic.parity.case import parity

__all__ = ["Answer", "Rules", "assert_same_answer", "load_rules", "parity"]

_SHOWN: Final = 10
# requests and httpx unpack the content and leave the headers that speak of the packed one.
_OF_PACKED: Final = ("content-encoding", "content-length")


class Answer(Protocol):
    """An answer of a test client."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Any: ...
    @property
    def content(self) -> bytes: ...


def load_rules(path: str | Path) -> Rules:
    """The rules of a file, which must be there. Raises ``ConfigError`` with every mistake in it."""
    return parse_rules(read_text(Path(path)), Path(path))


def assert_same_answer(
    control: Answer,
    candidate: Answer,
    rules: Rules,
    capability: str,
    route: str = "",
    *,
    hosts: tuple[str, str] = ("", ""),
) -> Mapping[str, int]:
    """Fail unless the candidate answers as the control, rules aside; gives how often each rule was hit.

    ``route`` as fig.yaml writes it: without it only rules without a route hold. Expired rules hold nowhere. ``hosts`` are the
    two servers' own, as links and redirects in their answers name them.
    """
    answers = _recorded(control), _recorded(candidate)
    by = rules.for_route(capability, route)
    try:
        found = tuple(findings(*answers, Context("", *hosts), by.reading))
        ruled = apply_rules(found, by, answers)
    except NotComparableError as error:
        raise AssertionError(f"the answers cannot be compared: {error}") from error
    if ruled.found:
        lines = [_line(each) for each in ruled.found[:_SHOWN]]
        if (more := len(ruled.found) - _SHOWN) > 0:
            lines.append(f"… and {more} more")
        raise AssertionError("the answers differ:\n  " + "\n  ".join(lines))
    return ruled.hits


def _line(found: Any) -> str:
    if is_missed(found):
        return f"{place_of(found)}: a rule expects a change here, and it did not occur"
    values = f"control {value_text(found.control)}, candidate {value_text(found.candidate)}"
    return f"{found.kind} at {place_of(found)}: {values}"


def _recorded(answer: Answer) -> RecordedResponse:
    headers = [(str(name).encode(), str(value).encode()) for name, value in _headers(answer)]
    return RecordedResponse(answer.status_code, tuple(headers), answer.content)


def _headers(answer: Any) -> list[tuple[Any, Any]]:
    cookies = getattr(answer, "cookies", None)
    if isinstance(cookies, BaseCookie):  # Django keeps them apart
        return [
            *answer.headers.items(),
            *(("Set-Cookie", morsel.OutputString()) for morsel in cookies.values()),
        ]
    multi_items = getattr(answer.headers, "multi_items", None)
    if multi_items is not None:
        pairs = multi_items()
    elif (raw := getattr(answer, "raw", None)) is not None and hasattr(raw, "headers"):
        pairs = raw.headers.items()  # requests' own joins repeated headers
    else:
        return list(answer.headers.items())
    return [(name, value) for name, value in pairs if name.lower() not in _OF_PACKED]
