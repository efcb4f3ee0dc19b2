"""What a parity case says: which requests, whose rules, which difference. ``parity`` says it as a decorator."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from stranglerfig.compare.diff.difference import Kind

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_REQUEST: Final = re.compile(r"([A-Z]+) (/.*)", re.DOTALL)
_FILL_IN: Final = re.compile(r"<FILL IN:? ?([^>]*)>")
TestT = TypeVar("TestT", bound=Callable[..., Any] | type)


class CaseError(Exception):
    """A case that cannot be asked, or would show nothing; the message says what to do."""


def fill_in(what: str) -> str:
    """What stands in a written case for something that is not kept: a case that holds it fails until it is filled in."""
    return f"<FILL IN: {what.replace('<', '?').replace('>', '?')}>"


@dataclass(frozen=True, slots=True)
class Case:
    """What holds for all requests of one test."""

    capability: str = ""
    route: str = ""
    place: str = ""
    kind: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: str | bytes = b""
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request, the same for both sides but for their cookies."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.target}"

    @property
    def is_safe(self) -> bool:
        """Whether it changes nothing, by its method."""
        return self.method in SAFE_METHODS

    def check(self) -> None:
        """Raises ``CaseError`` for a request that cannot be sent as it stands."""
        texts = [self.target, *(value for _, value in self.headers), self.body.decode("latin-1")]
        lacking = [each for text in texts for each in _FILL_IN.findall(text)]
        if lacking:
            raise CaseError(
                "this case is not complete: what was asked is not kept whole. Put in your own for\n  "
                + "\n  ".join(f"<FILL IN: {each}>" for each in lacking)
            )
        if not self.target.startswith("/") or not re.fullmatch(r"[!-~]+", self.target):
            raise CaseError(
                f"{self.target!r} is no path to ask for: write it as /api/items/?page=2, what is no ASCII as %C3%BC"
            )


def body_of(json_body: Any, data: Mapping[str, Any] | None, content: str | bytes) -> tuple[bytes, str]:  # fmt: skip
    """The body that is given in one of three ways, and its type. Raises ``CaseError``."""
    if sum((json_body is not None, data is not None, bool(content))) > 1:
        raise CaseError("a request has one body: give one of json, data and content")
    if json_body is not None:
        return json.dumps(json_body, ensure_ascii=False).encode(), "application/json"
    if data is not None:
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    return (content.encode() if isinstance(content, str) else content), ""


def read_request(text: str, case: Case) -> Request:
    """The request that ``parity`` was given as ``METHOD /path``."""
    read = _REQUEST.fullmatch(text)
    if read is None:
        raise CaseError(f"{text!r} is no request: write it as GET /api/items/?page=2")
    body, _ = body_of(None, None, case.content)
    return Request(read[1], read[2], tuple(case.headers.items()), body)


def parity(
    *requests: str,
    capability: str | None = None,
    route: str | None = None,
    place: str | None = None,
    kind: str | None = None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    content: str | bytes | None = None,
    writes: bool | None = None,
) -> Callable[[TestT], TestT]:
    """Ask the control and the candidate each of ``requests`` before the test goes on; it fails where they differ.

        @parity("GET /api/catalog/?page=1", "GET /api/catalog/?page=2", capability="catalog")
        def test_the_pages_of_the_list() -> None: ...

    Several requests are a test each. ``capability`` and ``route``, as fig.yaml writes them, choose the rules; without them
    the fig.yaml beside the rules does. ``place`` (``body $.rows[].price``) and ``kind`` limit the case to one difference,
    ``status`` is what the control must answer. On a class they hold for its tests. ``writes=True`` lets a test ask
    for what may change something, on both sides.
    """
    import pytest  # who compares without pytest needs none

    for text in requests:
        if _REQUEST.fullmatch(text) is None:
            raise ValueError(f"{text!r} is no request: write it as GET /api/items/?page=2")
    if kind is not None and kind not in set(Kind):
        raise ValueError(f"{kind!r} is no kind of difference: take one of {', '.join(Kind)}")
    if kind is not None and not place:
        raise ValueError("a kind alone says little: give its place too, such as body $.price")
    said = {
        "capability": capability, "route": route, "place": place, "kind": kind, "status": status,
        "headers": headers, "content": content, "writes": writes,
    }  # fmt: skip
    given = {name: value for name, value in said.items() if value is not None}

    def marked(test: TestT) -> TestT:
        uses = pytest.mark.usefixtures("_fig_both")(test)
        made: TestT = pytest.mark.fig_parity(*requests, **given)(uses)
        return made

    return marked
