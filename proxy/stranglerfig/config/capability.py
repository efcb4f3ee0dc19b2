"""The model of a capability: its stage, its share of users, its routes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)

from stranglerfig.config.mistake import mistake
from stranglerfig.config.pattern import (
    KNOWN_METHODS,
    SAFE_METHODS,
    Pattern,
    PatternError,
    parse_methods,
    parse_pattern,
    parse_route,
)
from stranglerfig.config.scalar import Again, Percent, Window, hundredths
from stranglerfig.config.written import (
    NAME,
    NOT_BUILT,
    Named,
    OnlyNone,
    Written,
    Wrong,
    bad_name,
    raise_wrong,
)

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)  # RFC 9110: token


# What the proxy takes out, replaces or reads as something else: users can't be told apart by it.
_NO_USER: Final = frozenset({
    "connection", "content-length", "cookie", "expect", "forwarded", "host", "keep-alive", "proxy-authenticate",
    "proxy-authorization", "proxy-connection", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade",
    "x-real-ip", "x-request-id",
})  # fmt: skip
MAY_ARRIVE_TWICE: Final = SAFE_METHODS | {"PUT", "DELETE"}
"""Idempotent methods (RFC 9110 section 9.2.2)."""
_NO_USER_BEGINNINGS: Final = ("fig-", "x-forwarded-")


class Stage(StrEnum):
    """Who answers the safe requests of a capability."""

    MONOLITH = "monolith"
    SHADOW = "shadow"
    CANARY = "canary"
    SERVICE = "service"

    @property
    def rank(self) -> int:
        """How far along: 0 (monolith) to 3 (service)."""
        return _RANKS[self]

    def at_most(self, other: "Stage | None") -> "Stage":
        """The less far of the two; None sets no limit."""
        return self if other is None or self.rank <= other.rank else other


_RANKS: Final = {stage: rank for rank, stage in enumerate(Stage)}


class Writes(StrEnum):
    """Who takes the unsafe requests of a capability."""

    MONOLITH = "monolith"
    SERVICE = "service"
    STAGE = "stage"


@dataclass(frozen=True, slots=True)
class Sticky:
    """What a user is recognised by: the cookie fig_user, a header (lower-case name), or the address."""

    kind: Literal["cookie", "header", "ip"] = "cookie"
    header: str | None = None

    def __str__(self) -> str:
        return f"header {self.header}" if self.kind == "header" else self.kind


def _read_sticky(value: Any) -> Sticky:
    if isinstance(value, Sticky):
        return value
    match value.split() if isinstance(value, str) else []:
        case ["cookie"]:
            return Sticky("cookie")
        case ["ip"]:
            return Sticky("ip")
        case ["header", name] if HEADER_NAME.fullmatch(name):
            # An underscore counts as a hyphen, as in WSGI.
            folded = name.lower().replace("_", "-")
            if folded in _NO_USER or folded.startswith(_NO_USER_BEGINNINGS):
                raise mistake(
                    f"the header {name} is the proxy's own business and says nothing about users",
                    "name a header that the client or the proxy in front sets for each user",
                )
            return Sticky("header", name.lower())
        case ["identity"]:
            raise mistake("sticky: identity is not built yet", "write cookie, header NAME or ip")
    raise mistake(
        f"{value!r} says nothing to recognise users by", "write cookie, header NAME or ip"
    )


WrittenSticky = Annotated[
    Sticky,
    PlainValidator(_read_sticky),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(cookie|ip|header \S+)$"}),
]


def _read_set(value: Any) -> Any:
    return [] if value is None else value


UserSet = Annotated[
    frozenset[str],
    BeforeValidator(_read_set),
    PlainSerializer(sorted, return_type=list[str]),
    WithJsonSchema({"type": ["array", "null"], "items": {"type": "string"}}),
]


class Lists(Written):
    """Users who are sent to one side whatever their bucket, while in canary."""

    allow: UserSet = Field(default=frozenset(), description="users who get the service")
    deny: UserSet = Field(default=frozenset(), description="users who get the monolith")

    @model_validator(mode="after")
    def _check(self) -> "Lists":
        if both := self.allow & self.deny:
            raise mistake(f"{min(both)!r} is in allow and in deny", "remove it from one of them")
        return self


class Route(Written):
    """Which requests a capability claims: ``METHODS PATH``."""

    not_built: ClassVar[Mapping[str, str]] = NOT_BUILT
    short_keys: ClassVar[tuple[str, ...]] = ("match",)

    methods: Annotated[frozenset[str] | None, BeforeValidator(raise_wrong)] = Field(
        validation_alias="(methods)"
    )
    pattern: Annotated[str, BeforeValidator(raise_wrong)] = Field(validation_alias="(pattern)")
    safe: StrictBool | None = Field(
        default=None,
        description="whether these requests change nothing; by default the method says",
    )
    retry: StrictBool = Field(
        default=False,
        description="whether PUT and DELETE may be sent again once they were sent, as safe requests are",
    )
    stage: Stage | None = Field(
        default=None,
        description="the farthest stage of this route; the lower of it and the capability's counts",
    )

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Any:
        short = isinstance(value, str)
        if short:
            value = {"match": value}
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise mistake(
                f"{value!r} is not a route", "write METHODS PATH, such as GET /api/catalog/**"
            )
        is_from_file = info.context is not None and info.context.get("written")
        if "pattern" in value and "methods" in value and not is_from_file:
            return value
        data = dict(value)
        text = data.pop("match", None)
        try:
            if text is None:
                raise PatternError("the route has no match", "write match: GET /api/catalog/**")
            if not isinstance(text, str):
                raise PatternError(f"{text!r} is not a route", "write match: GET /api/catalog/**")
            methods, pattern = parse_route(text)
            data["(methods)"], data["(pattern)"] = methods, pattern.text
        except PatternError as error:
            at = ("match",) if text is not None and not short else ()
            data["(methods)"] = None
            data["(pattern)"] = Wrong(mistake(error.message, error.mend, at))
        return data

    @model_validator(mode="after")
    def _check(self) -> "Route":
        try:
            parse_methods(",".join(self.methods) if self.methods is not None else "*")
            _ = self.parsed
        except PatternError as error:
            raise mistake(error.message, error.mend) from None
        if self.retry and not self.safe:
            self._check_retry()
        return self

    def _check_retry(self) -> None:
        """Only what may be done twice as if once may arrive twice (RFC 9110 section 9.2.2)."""
        at = ("retry",)
        mend = "give PUT and DELETE a route of their own"
        if self.methods is None:
            raise mistake("* takes in POST and PATCH, which must not arrive twice", mend, at)
        if others := sorted(self.methods - MAY_ARRIVE_TWICE):
            names = " and ".join(others)
            raise mistake(f"{names} must not arrive twice: it may then do more than once", mend, at)

    @model_serializer
    def _write(self) -> dict[str, Any]:
        written: dict[str, Any] = {"match": self.text}
        if self.safe is not None:
            written["safe"] = self.safe
        if self.retry:
            written["retry"] = True
        if self.stage is not None:
            written["stage"] = self.stage.value
        return written

    @cached_property
    def parsed(self) -> Pattern:
        """The pattern of the path, read."""
        return parse_pattern(self.pattern)

    @property
    def may_be_safe(self) -> bool:
        """Whether some request of it changes nothing."""
        if self.safe is None:
            return self.methods is None or bool(self.methods & SAFE_METHODS)
        return self.safe

    @property
    def text(self) -> str:
        """The route in one spelling: ``GET,POST /x/**``, methods in a fixed order."""
        if self.methods is None:
            return f"* {self.pattern}"
        return f"{','.join(sorted(self.methods, key=KNOWN_METHODS.index))} {self.pattern}"


class Capability(Written):
    """A part of the monolith that moves to a service as one."""

    not_built: ClassVar[Mapping[str, str]] = NOT_BUILT

    name: str = Field(validation_alias="(name)", exclude=True)
    upstream: str = Field(description="the candidate: the upstream that takes over")
    control: str | None = Field(
        default=None,
        description="the upstream it is taken from; by default the one of `fallthrough`",
    )
    stage: Stage = Field(default=Stage.MONOLITH, description="who answers safe requests")
    percent: Percent = Field(
        0.0, description="share of users who get the service; read in canary only"
    )
    writes: Writes = Field(default=Writes.MONOLITH, description="who takes unsafe requests")
    read_your_writes_s: Window = Field(
        default=2.0,
        validation_alias="read_your_writes",
        serialization_alias="read_your_writes",
        description="how long a user's reads stay with the side that took a write of theirs; off: they do not",
    )
    journey: str = Field(
        default="", description="capabilities of one journey share their users' buckets"
    )
    compare: StrictBool = Field(
        default=True,
        description="in canary and service: also ask the other side, safe requests only",
    )
    sample: Percent = Field(
        100.0, description="percent of user sessions that are shadowed and compared"
    )
    ask_again: Again = Field(
        1.0,
        description="percent of alike answers of which both sides are asked again, to know what differs by itself",
    )
    sticky: WrittenSticky = Field(default=Sticky(), description="what a user is recognised by")
    lists: Lists = Lists()
    fallback: Literal["monolith", "none"] = Field(
        default="none",
        description="who is asked for safe requests when the service gives no answer, 502, 503 or 504",
    )
    identity: OnlyNone = Field(default="none", description="who the user is, told to the service")
    routes: tuple[Route, ...] = Field(description="what it claims")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, Named):
            return value
        if not isinstance(value.value, dict):
            raise mistake(
                f"capability {value.name!r} has no keys", "give it an upstream and its routes"
            )
        return {**value.value, "(name)": value.name}

    @model_validator(mode="after")
    def _default_journey(self) -> "Capability":
        if not self.journey:
            object.__setattr__(self, "journey", self.name)
        return self

    def has_default(self, name: str) -> bool:
        """Whether the field ``name`` is as it would be if nobody had written it."""
        return (name == "journey" and self.journey == self.name) or super().has_default(name)

    @field_validator("journey")
    @classmethod
    def _check_journey(cls, value: str) -> str:
        if value and not NAME.fullmatch(value):
            raise bad_name(value)
        return value

    @field_validator("routes")
    @classmethod
    def _check_routes(cls, value: tuple[Route, ...]) -> tuple[Route, ...]:
        if not value:
            raise mistake(
                "the capability claims no route", "add one, such as - GET /api/catalog/**"
            )
        return value

    @property
    def falls_back(self) -> bool:
        """Whether the monolith may answer for the service: it must be asked to, and have what was written."""
        return self.fallback == "monolith" and self.writes is not Writes.SERVICE

    @property
    def share(self) -> int:
        """``percent`` in hundredths, 0..10000: buckets below it get the service."""
        return hundredths(self.percent)

    @property
    def sample_share(self) -> int:
        """``sample`` in hundredths, 0..10000."""
        return hundredths(self.sample)
