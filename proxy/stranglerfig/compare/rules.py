"""``fig.rules.yaml``: what is known to differ and may, and which values may be kept in clear.

    rules:
      - name: search-duration
        action: ignore
        capability: catalog
        route: GET /api/catalog/**      # optional: as written in fig.yaml
        where: body
        path: $.took_ms                 # list positions as [], keys that are data as *
        kinds: [value]                  # the default: the field may vary, and must stay there with its type
        reason: measured anew for each answer
        owner: search team
        expires: 2027-03-01             # the last day on which it holds

      - name: tags
        action: list                    # the order of these means nothing
        capability: catalog
        where: body
        path: $.results[].tags
        as: bag                         # ordered | bag | key, with key: sku
        reason: a set to everyone who reads it

A rule covers a kind of difference at one place, never a whole answer: what is refused here as too broad would hide the
differences that the comparison is for. Names are compared whole, never as parts of others.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from stranglerfig.compare.diff.difference import BODY, STATUS, Difference, Kind
from stranglerfig.compare.diff.reading import As, ListReading, Reading
from stranglerfig.compare.rule_place import HEADER, LINES, QUERY, check_form, read_where
from stranglerfig.compare.rule_reading import check_reading
from stranglerfig.compare.rule_term import Vouched, today
from stranglerfig.config.capability import Route
from stranglerfig.config.load import read_text
from stranglerfig.config.mistake import mistake
from stranglerfig.config.problem import ConfigError, Problem
from stranglerfig.config.written import NAME, Written
from stranglerfig.config.yaml_source import problems_from_pydantic, read_yaml


class Action(StrEnum):
    """What a rule does."""

    IGNORE = (
        "ignore"  # the difference is expected: the answer counts as `ignored`, not as `different`
    )
    EXPECT = "expect"  # the same, and it must occur: an answer without it is different
    SHOW = "show"  # values at this place hold nothing private: keep them in clear
    LIST = "list"  # what the order of a list means, and what its elements are known by
    PLACEHOLDER = "placeholder"  # values of a kind are new with each release: they must be there


class Rule(Vouched):
    """One named rule."""

    name: str = Field(description="what the rule is called where its hits are counted")
    action: Action = Field(description="ignore, expect, show, list or placeholder")
    capability: str = Field(description="the capability it holds for")
    route: str | None = Field(None, description="only for this route, as written in fig.yaml")
    where: Annotated[str, BeforeValidator(read_where)] = Field(
        description="status, body, header NAME, or (show only) query NAME"
    )
    path: str | None = Field(None, description="the place inside it: $.results[].updated_at")
    kinds: tuple[Kind, ...] = Field(
        (Kind.VALUE,), description="the kinds of difference that the rule covers"
    )
    reading: As | None = Field(
        None,
        validation_alias="as",
        serialization_alias="as",
        description="of a list: ordered, bag or key; of a placeholder: asset",
    )
    key: str | None = Field(None, description="the member that an element is known by: sku")
    reason: str = Field(description="why this may differ, may be shown, or is read so")

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise mistake(
                f"{value!r} is not a name",
                "use a letter, then letters, digits, - and _, at most 63 characters",
            )
        return value

    @field_validator("route")
    @classmethod
    def _read_route(cls, value: str | None) -> str | None:
        """The spelling in which fig.yaml's routes are known: ``POST,GET /x`` is ``GET,POST /x``."""
        if value is None:
            return None
        try:
            return Route.model_validate(value).text
        except ValidationError:
            raise mistake(
                f"{value!r} is not a route", "write it as in fig.yaml, such as GET /api/catalog/**"
            ) from None

    @field_validator("reason")
    @classmethod
    def _check_reason(cls, value: str) -> str:
        if not value.strip():
            raise mistake("the reason is empty", "say why this may differ, or may be shown")
        return value

    @field_validator("kinds", mode="before")
    @classmethod
    def _read_kinds(cls, value: Any) -> Any:
        """YAML reads the word null as no value; here it is the name of a kind."""
        if not isinstance(value, list):
            return value
        return [Kind.NULL if kind is None else kind for kind in value]

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, value: tuple[Kind, ...]) -> tuple[Kind, ...]:
        if not value:
            raise mistake("kinds is empty", "write kinds: [value]")
        return value

    @model_validator(mode="after")
    def _check_breadth(self) -> Self:
        check_reading(self.action, self.path, self.reading, self.key)
        if self.action in READING:
            self._check_body_alone()
        elif self.where == BODY:
            self._check_body_path()
        elif self.path is not None and not self.where.startswith(HEADER):
            raise mistake(f"a path means nothing in {self.where}", "remove it", ("path",))
        if self.action in COVERING:
            self._check_covering()
            self.check_owner_and_expiry(needs_expiry=self.action is Action.IGNORE)
        elif self.action is Action.SHOW and self.where == STATUS:
            raise mistake("the status is always shown", "remove the rule", ("where",))
        return self

    def _check_body_path(self) -> None:
        if self.path is None or self.path == "$":
            raise mistake(
                "the rule covers the whole body, and with it every difference",
                "name the field: path: $.results[].updated_at",
                ("path",) if self.path is not None else (),
            )
        check_form(self.path)

    def _check_body_alone(self) -> None:
        if self.where != BODY:
            raise mistake(f"{self.action} reads bodies alone", "write where: body", ("where",))
        if "kinds" in self.model_fields_set and self.kinds != (Kind.VALUE,):
            raise mistake(f"kinds mean nothing to {self.action}", "remove them", ("kinds",))

    def _check_covering(self) -> None:
        if self.where.startswith(QUERY):
            raise mistake(
                "a query is sent, not answered, so it cannot differ",
                "use action: show, or name another place",
                ("where",),
            )
        if set(self.kinds) == set(Kind):
            raise mistake(
                "the rule covers every kind of difference: the field could vanish unseen",
                "list the kinds that are known to occur, mostly [value]",
                ("kinds",),
            )
        if self.route is None and (self.where == STATUS or self.path == LINES):
            what = "every status" if self.where == STATUS else "every line of every text"
            raise mistake(
                f"the rule covers {what} of the capability", "narrow it with route: GET /path"
            )
        if self.action is Action.EXPECT:
            self._check_expect()

    def _check_expect(self) -> None:
        """Only what occurs in every answer can be missed in one."""
        if self.where == STATUS or self.path == LINES:
            what = "a status" if self.where == STATUS else "a line of a text"
            raise mistake(
                f"{what} does not change in every answer, so nobody could say where it must",
                "use action: ignore",
                ("where",) if self.where == STATUS else ("path",),
            )
        if self.where != BODY and self.path is not None:
            raise mistake("a header is expected to change as a whole", "remove the path", ("path",))
        if "kinds" not in self.model_fields_set:
            raise mistake(
                "the rule does not say what is expected to change",
                "add kinds: [extra] for what the service adds, [missing] for what it leaves out",
            )

    @property
    def covers(self) -> str:
        """Stands for what the rule says of answers: a rule that is changed has no hits from before."""
        # Without defaults: a key that a later version adds must not make every rule look new.
        said = self.model_dump(
            mode="json", exclude={"name", "reason", "owner", "expires"}, exclude_defaults=True
        )
        said["kinds"] = sorted(self.kinds)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]

    def holds_for(self, capability: str, route: str) -> bool:
        """Whether the rule speaks of this route."""
        return self.capability == capability and self.route in (None, route)


READING: Final = (Action.LIST, Action.PLACEHOLDER)
"""The actions that say how bodies are read."""

COVERING: Final = (Action.IGNORE, Action.EXPECT)
"""The actions that take differences out of `different`; their rules are counted and vouched for."""


class Rules(Written):
    """A whole rules file; without one there are no rules."""

    rules: tuple[Rule, ...] = ()

    @field_validator("rules")
    @classmethod
    def _check_names(cls, value: tuple[Rule, ...]) -> tuple[Rule, ...]:
        seen: dict[str, int] = {}
        for position, rule in enumerate(value):
            if rule.name in seen:
                raise mistake(
                    f"two rules are called {rule.name!r}",
                    "give each its own name: hits are counted by name",
                    (position, "name"),
                )
            seen[rule.name] = position
        return value

    def for_route(self, capability: str, route: str, day: date | None = None) -> "RouteRules":
        """The rules of one route that hold on ``day`` (today), ready to be asked many times."""
        day = day or today()
        return RouteRules(
            [
                rule
                for rule in self.rules
                if rule.holds_for(capability, route) and rule.holds_on(day)
            ]
        )


def load_rules(path: Path) -> Rules:
    """Read and check a rules file; without a file there are no rules. Raises ConfigError with every mistake in it."""
    return parse_rules(read_text(path), path) if path.exists() else Rules()


def parse_rules(text: str, path: Path) -> Rules:
    """Check ``text`` as the content of ``path``. Raises ConfigError with every mistake in it."""
    data, positions = read_yaml(text, str(path))
    if data is None:
        return Rules()
    if isinstance(data, list):
        problem = Problem(str(path), 1, 1, "", "the file is a list", "put `rules:` on top")
        raise ConfigError([problem])
    try:
        return Rules.model_validate(data)
    except ValidationError as error:
        raise ConfigError(problems_from_pydantic(error, positions, str(path), Rules)) from None


class RouteRules:
    """What may differ, what must, and what may be shown on one route."""

    __slots__ = ("_expecting", "_ignoring", "_showing", "covering", "expected", "reading")

    def __init__(self, rules: list[Rule]) -> None:
        self._ignoring = _by_place(rule for rule in rules if rule.action is Action.IGNORE)
        self.expected = tuple(rule for rule in rules if rule.action is Action.EXPECT)
        self._expecting = _by_place(self.expected)
        self._showing = {(rule.where, rule.path) for rule in rules if rule.action is Action.SHOW}
        self.reading = Reading(
            {
                rule.path: ListReading(rule.reading, rule.key or "")
                for rule in reversed(rules)
                if rule.action is Action.LIST and rule.path and rule.reading
            },
            are_assets_hashed=any(rule.action is Action.PLACEHOLDER for rule in rules),
        )
        self.covering = {rule.name: rule.covers for rule in rules if rule.action in COVERING}

    def ignoring(self, difference: Difference) -> str | None:
        """The name of the rule that takes a difference out of `different`: it expects it, or else ignores it."""
        return _find(self._expecting, difference) or _find(self._ignoring, difference)

    def shows(self, where: str, template: str) -> bool:
        """Whether values at this place may be kept in clear."""
        return (where, template or None) in self._showing or (where, None) in self._showing


_Places = Mapping[tuple[str, str | None, Kind], str]


def _by_place(rules: Iterable[Rule]) -> _Places:
    return {
        (rule.where, rule.path, kind): rule.name
        for rule in reversed(list(rules))  # the first rule in the file is the one that is named
        for kind in rule.kinds
    }


def _find(places: _Places, difference: Difference) -> str | None:
    where, kind = difference.where, difference.kind
    return places.get((where, difference.template or None, kind)) or places.get((where, None, kind))
