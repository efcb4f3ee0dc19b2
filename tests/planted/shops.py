"""Both shops as processes, each on a database of its own, and the same session told to one after the other."""

import json
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType

from journeys.transcript import HOST, Answer, Visitor
from stack import SeededData
from stack.data import MONOLITH
from stack.gunicorn import Gunicorn
from stack.process import REPOSITORY
from stack.system import ALLOWED_HOSTS, NOBODY

from planted.bug import Step
from planted.words import PASSWORD, SHOPPER, SLUGS, STOCK_KEEPER, filled, read_words
from stranglerfig.compare.diff.headers import Context
from stranglerfig.compare.diff.shape import Shaper
from stranglerfig.compare.observation import RecordedResponse
from stranglerfig.compare.rules import RouteRules, load_rules
from stranglerfig.compare.verdict import Judgement, judge

ACCOUNTANT = "accounts"
LOGGED_IN = (SHOPPER, STOCK_KEEPER, ACCOUNTANT)
RULES_FILE = REPOSITORY / "compose" / "fig.rules.yaml"
_SHAPER = Shaper(b"planted")
_DATABASE = "monolith.sqlite3"

Pair = tuple[RecordedResponse, RecordedResponse]


def all_rules(file: Path) -> RouteRules:
    """The rules of a file, as if the whole shop were one route of their capability."""
    return RouteRules(list(load_rules(file).rules))


RULES = all_rules(RULES_FILE)


class TwoShops:
    """The control and the candidate. Every session begins with the same rows on both sides."""

    def __init__(self, folder: Path, control: Gunicorn, candidate: Gunicorn) -> None:
        self.control = control
        self.candidate = candidate
        self._folder = folder
        self.words: dict[str, str] = {}
        self.slugs: list[str] = []
        """Of all products that are sold."""
        self._jars: dict[str, dict[str, str]] = {"": {}}

    @classmethod
    @contextmanager
    def started(cls, folder: Path, data: SeededData) -> "Iterator[TwoShops]":
        """Start both, log the usual people in, and remember the rows."""
        key = secrets.token_urlsafe(50)
        control = _shop("control", folder, data, key, {})
        try:
            switch = folder / "planted"
            switch.write_text("", encoding="utf-8")
            found = os.environ.get("PYTHONPATH", "")
            planted = {
                "DJANGO_SETTINGS_MODULE": "planted.site.settings",
                "PLANTED_FILE": str(switch),
                "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "tests"), found]).rstrip(
                    os.pathsep
                ),
            }
            candidate = _shop("candidate", folder, data, key, planted)
            try:
                shops = cls(folder, control, candidate)
                shops._log_in()
                yield shops
            finally:
                candidate.stop()
        finally:
            control.stop()

    def context(self, asked: Mapping[str, str]) -> Context:
        """What the answers to a request with these headers may name."""
        headers = {"host": HOST, "x_forwarded_proto": "http", **asked}  # as the proxy says it
        return Context.of(
            [(n.replace("_", "-").encode(), value.encode()) for n, value in headers.items()],
            self.control.url.partition("//")[2],
            self.candidate.url.partition("//")[2],
        )

    def switch_on(self, *names: str) -> None:
        """These bugs and no others, from the next request on."""
        (self._folder / "planted").write_text(" ".join(names), encoding="utf-8")

    def restore(self) -> None:
        """Both have the rows with which they began."""
        for name in ("control", "candidate"):
            _copy(self._folder / "before.sqlite3", self._folder / name / _DATABASE)

    def tell(self, session: Sequence[Step], visitor: str = "") -> list[Pair]:
        """Walk both through a session, step by step; gives their answers. Both begin with the same rows."""
        self.restore()
        with self.visit(visitor) as ask:
            return [ask(step) for step in session]

    @contextmanager
    def visit(self, visitor: str = "") -> Iterator[Callable[[Step], Pair]]:
        """A visit of both, for as long as one likes, with whatever rows there are now."""
        jar = self._jars[visitor]
        with (
            closing(Visitor(self.control.url, dict(jar))) as control,
            closing(Visitor(self.candidate.url, dict(jar))) as candidate,
        ):

            def ask(step: Step) -> Pair:
                told = filled_step(step, self.words)
                ours = _do(control, told)
                assert ours.status == step.status, f"{told.path}: the control gave {ours.status}"
                return recorded(ours), recorded(_do(candidate, told))

            yield ask

    def judge(
        self,
        answers: Pair,
        rules: RouteRules | None = None,
        asked: Mapping[str, str] = MappingProxyType({}),
    ) -> Judgement:
        """As the comparer does it; by the rules of the demo, if no others are given."""
        context = self.context(asked)
        return judge(*answers, context=context, rules=rules or RULES, shaper=_SHAPER)

    def judged(self, session: Sequence[Step], visitor: str = "") -> list[Judgement]:
        """A judgement for each step of a session."""
        told = zip(session, self.tell(session, visitor), strict=True)
        return [self.judge(pair, asked=step.headers) for step, pair in told]

    def _log_in(self) -> None:
        """At the control alone: with its rows and the same key, the candidate knows these sessions too."""
        for name in LOGGED_IN:
            with closing(Visitor(self.control.url)) as visitor:
                login = {"username": name, "password": PASSWORD}
                answer = visitor.submit("/account/login/", "username", login)
                assert answer.status == 302, f"{name} can't log in"
                visitor.ask("GET", "/account/")  # takes the message away
                self._jars[name] = dict(visitor.cookies)
        rows = self._folder / "control" / _DATABASE
        _copy(rows, self._folder / "before.sqlite3")
        database = SeededData(rows.parent, None, "").monolith
        self.words = read_words(database)
        self.slugs = [slug for (slug,) in database.rows(SLUGS)]


def filled_step(step: Step, words: dict[str, str]) -> Step:
    """The step with its words filled in."""
    content = None if step.content is None else filled(dict(step.content), words)
    return Step(
        step.method,
        filled(step.path, words),
        content=content,
        form=step.form,
        headers=step.headers,
        has_token=step.has_token,
    )


def recorded(answer: Answer) -> RecordedResponse:
    """An answer as the proxy would have recorded it."""
    headers = tuple(
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers
    )
    return RecordedResponse(answer.status, headers, answer.body)


def _do(visitor: Visitor, step: Step) -> Answer:
    headers = {"accept_encoding": "gzip", **step.headers}
    if step.form:
        return visitor.submit(step.path, step.form, dict(step.content or {}), **headers)
    if step.content is None:
        return visitor.ask(step.method, step.path, **headers)
    if step.has_token:
        headers["x_csrftoken"] = visitor.cookies["csrftoken"]
    body = json.dumps(step.content).encode()
    return visitor.ask(step.method, step.path, body, content_type="application/json", **headers)


def _shop(name: str, folder: Path, data: SeededData, key: str, more: Mapping[str, str]) -> Gunicorn:
    own = data.copy(folder / name)
    environment = {
        "ALLOWED_HOSTS": ALLOWED_HOSTS,
        "SECRET_KEY": key,
        "LOG_LEVEL": "ERROR",
        "DATABASE_URL": own.monolith.url,
        "MEDIA_ROOT": str(own.media),
        "CARD_GATEWAY_URL": NOBODY,
        "THROTTLES": "off",
        "EMAIL_URL": f"file:{folder / name / 'mail'}",
        **more,
    }
    # One process: what a bug keeps in memory is found there by the next request.
    return Gunicorn(
        name, "shopsmart.wsgi", folder=MONOLITH, logs=folder, environment=environment, workers=1
    )


def _copy(rows: Path, over: Path) -> None:
    """Through SQLite, since a shop has its database open."""
    with closing(sqlite3.connect(rows)) as old, closing(sqlite3.connect(over, timeout=20)) as new:
        old.backup(new)
