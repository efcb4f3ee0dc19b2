"""Both sides of a parity case: asked the same, one after the other, and held side by side at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from stranglerfig.compare.diff.answer import findings
from stranglerfig.compare.diff.body import text_of
from stranglerfig.compare.diff.coding import NotComparableError
from stranglerfig.compare.diff.difference import Found
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.placeholder import CSRF_FIELD
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.traffic.parity.case import Case, CaseError, Request, body_of
from stranglerfig.traffic.parity.judging import judge
from stranglerfig.traffic.parity.settings import JudgedBy, Settings
from stranglerfig.traffic.parity.side import CSRF_COOKIE, NoAnswerError, Side
from stranglerfig.traffic.parity.told import tell

_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Answer:
    """One side's answer; ``content`` as it came."""

    status_code: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text, unpacked."""
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        return text_of(self.content, pairs)[0]

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Answers:
    """What both sides said to one request."""

    control: Answer
    candidate: Answer


class Both:
    """The fixture ``both``. What it asks is sent to the control, then to the candidate, each with its own cookies and CSRF token.

    It fails the test where the answers differ, rules aside. Redirects are compared, not followed.
    """

    def __init__(self, settings: Settings, case: Case, first: Request | None) -> None:
        self._settings, self._case, self._first = settings, case, first
        self._sides: tuple[Side, Side] | None = None

    def begin(self) -> None:
        """Ask what the case names; skip the test, or fail it, where that cannot be done."""
        try:
            if self._first is not None:
                self._first.check()
            if lacking := self._settings.lacking:
                if self._settings.is_strict:
                    raise CaseError(lacking)
                pytest.skip(lacking)
            self._sides = self._open("control"), self._open("candidate")
            if self._first is not None:
                self._ask(self._first, is_compared=True)
        except (AssertionError, CaseError) as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None

    def _open(self, name: str) -> Side:
        return Side(name, self._settings.side(name))

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answers:
        """GET of a path."""
        __tracebackhide__ = True
        return self.ask("GET", path, headers=headers)

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answers:
        """POST of JSON, or of a form's fields."""
        __tracebackhide__ = True
        return self.ask("POST", path, json=json, data=data, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        content: str | bytes = b"",
        headers: Mapping[str, str] | None = None,
        compare: bool = True,
    ) -> Answers:
        """Any request; ``compare=False`` only for what prepares the sides and is no part of what is shown."""
        __tracebackhide__ = True
        body, content_type = body_of(json, data, content)
        given = {**self._case.headers, **(headers or {})}
        if content_type and "content-type" not in map(str.lower, given):
            given["Content-Type"] = content_type
        request = Request(method, path, tuple(given.items()), body)
        return self._ask(request, is_compared=compare)

    def login(self, path: str, fields: Mapping[str, str]) -> Answers:
        """Log in by the form at a path, on both sides; fails where one of them lets nobody in."""
        __tracebackhide__ = True
        self._check_may_write(Request("POST", path))
        self.get(path)
        before = [set(side.cookies) for side in self._both]
        answers = self.post(path, data=fields)
        for side, answer, had in zip(
            self._both, (answers.control, answers.candidate), before, strict=True
        ):
            is_new = set(side.cookies) - had - {CSRF_COOKIE}
            if answer.status_code not in _REDIRECTS and not is_new:
                raise AssertionError(
                    f"POST {path}: the {side.name} lets nobody in (status {answer.status_code}, no redirect, no new "
                    "cookie): are the fields those of its form, and is this user in its database?"
                )
        return answers

    @property
    def _both(self) -> tuple[Side, Side]:
        if self._sides is None:
            raise CaseError("both sides are asked in a test, not before it: move this out of the fixture")  # fmt: skip
        return self._sides

    def _check_may_write(self, request: Request) -> None:
        if not request.is_safe and not self._case.writes:
            raise CaseError(
                f"{request} may change something, on both sides: say that it may with parity(…, writes=True)"
            )

    def _ask(self, request: Request, *, is_compared: bool) -> Answers:
        __tracebackhide__ = True
        request.check()
        self._check_may_write(request)
        control, candidate = self._both
        sent = [(side, self._headers(request, side)) for side in self._both]
        bodies = [self._body(request, side) for side in self._both]
        right = control.send(request.method, request.target, sent[0][1], bodies[0])
        other = candidate.send(request.method, request.target, sent[1][1], bodies[1])
        if is_compared:
            by = self._settings.judged_by(self._case, request)
            case = replace(self._case, capability=by.capability, route=by.route)
            asked = [
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in sent[0][1]
            ]
            context = Context.of(asked, control.authority, candidate.authority)
            judged = judge((right, other), case, by.rules, context)
            if judged.found:
                unsteady = self._unsteady(request, right, by, context) if request.is_safe else ()
                raise AssertionError(tell(request, case, judged, by.said, unsteady, sent))
        return Answers(_answer(right), _answer(other))

    def _headers(self, request: Request, side: Side) -> list[tuple[str, str]]:
        given = {name.lower() for name, _ in request.headers}
        host = self._settings.host or self._both[0].authority
        usual = [("Host", host), ("User-Agent", "fig"), ("Accept", "*/*")]
        if not request.is_safe and side.token:
            named = next((value for name, value in request.headers if name.lower() == "host"), host)
            # Django asks for a Referer of its own host where the request came by TLS.
            usual += [
                ("X-CSRFToken", side.token),
                ("Referer", f"{_scheme(request, side)}://{named}{request.target}"),
            ]
        kept = [each for each in usual if each[0].lower() not in given]
        return side.with_cookies([*kept, *request.headers])

    def _body(self, request: Request, side: Side) -> bytes:
        """Each side's own CSRF token in a form that has none."""
        types = [value for name, value in request.headers if name.lower() == "content-type"]
        is_form = types == ["application/x-www-form-urlencoded"]
        if not (is_form and side.token) or CSRF_FIELD.encode() in request.body:
            return request.body
        return (
            request.body + (b"&" if request.body else b"") + f"{CSRF_FIELD}={side.token}".encode()
        )

    def _unsteady(
        self, request: Request, right: RecordedResponse, by: JudgedBy, context: Context
    ) -> tuple[Found, ...]:
        """How the control differs from itself when it is asked again."""
        control = self._both[0]
        itself = context._replace(candidate_authority=context.control_authority)
        try:
            again = control.send(
                request.method, request.target, self._headers(request, control), b""
            )
            return tuple(findings(right, again, itself, by.rules.reading))
        except (NoAnswerError, NotComparableError):
            return ()


def _scheme(request: Request, side: Side) -> str:
    said = [value for name, value in request.headers if name.lower() == "x-forwarded-proto"]
    return said[0] if said else side.url.partition(":")[0]


def _answer(answer: RecordedResponse) -> Answer:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
    return Answer(answer.status, tuple(pairs), answer.body)
