"""The model of fig.yaml: every key, its default, and what it does. Frozen: a reload makes a new one."""

import ipaddress
import os
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    StrictInt,
    WithJsonSchema,
    field_validator,
    model_serializer,
)

from stranglerfig.config.capability import Capability, Lists, Route, Stage, Sticky, Writes
from stranglerfig.config.limits import Limits
from stranglerfig.config.mistake import mistake
from stranglerfig.config.retries import Retries
from stranglerfig.config.scalar import Address, WrittenAddress, refuse_control_characters
from stranglerfig.config.seeing import AccessLog, TraceContext
from stranglerfig.config.tls import CertificateFiles, ListenTls, UpstreamTls
from stranglerfig.config.upstream import Timeouts, Upstream
from stranglerfig.config.written import NOT_BUILT, Name, Written, with_names

__all__ = [
    "AccessLog", "Address", "Capability", "CertificateFiles", "Config", "Limits", "ListenTls", "Lists", "Retries", "Route", "Stage",
    "Sticky", "Timeouts", "TraceContext", "Upstream", "UpstreamTls", "Writes",
]  # fmt: skip


def _nothing_is_empty(value: Any) -> Any:
    """A key whose lines below are all commented out has no value; for a collection that means none."""
    return {} if value is None else value


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _read_network(value: Any) -> Network:
    try:
        if isinstance(value, str | ipaddress.IPv4Network | ipaddress.IPv6Network):
            return ipaddress.ip_network(value)
        raise ValueError("not a text")
    except ValueError as error:
        raise mistake(
            f"{value!r} is not a network: {error}", "write 10.0.0.0/8 or a single address"
        ) from None


WrittenNetwork = Annotated[
    Network,
    BeforeValidator(_read_network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]


class Config(Written):
    """What the user wrote in fig.yaml, plus defaults.

    A name in it may still mean nothing, or two routes may tie: ``load`` refuses what contradicts itself.
    """

    not_built: ClassVar[Mapping[str, str]] = NOT_BUILT

    listen: WrittenAddress = Field(
        default=Address("127.0.0.1", 8000), description="where clients connect"
    )
    admin: WrittenAddress = Field(
        default=Address("127.0.0.1", 8001),
        description="status, API and /metrics; off loopback the environment must hold FIG_ADMIN_TOKEN",
    )
    workers: StrictInt | None = Field(
        default=None, ge=1, le=256, description="processes that route; by default one per core"
    )
    tls: ListenTls | None = Field(
        default=None, description="clients connect by TLS and are shown this certificate"
    )
    trusted_proxies: Annotated[
        tuple[WrittenNetwork, ...],
        BeforeValidator(lambda value: () if value is None else value),
    ] = Field(
        default=(),
        description="whose X-Forwarded-* and client address are believed; by default nobody's",
    )
    upstreams: Annotated[dict[Name, Upstream], BeforeValidator(with_names)] = Field(
        description="the servers that answer, by name"
    )
    fallthrough: str | None = Field(
        default="monolith",
        description="the upstream that answers what no capability claims, or none (404)",
    )
    state_dir: str = Field(
        default=".fig",
        min_length=1,
        description="store, audit, overrides, lock; a relative path starts at this file",
    )
    dot_segments: Literal["refuse", "pass"] = Field(
        default="refuse",
        description="what becomes of a path with . or .. segments: 400, or passed unchanged",
    )
    access_log: AccessLog = AccessLog()
    trace_context: TraceContext = TraceContext()
    limits: Limits = Field(
        default=Limits(), description="how much of the proxy clients may take, and how slowly"
    )
    capabilities: Annotated[
        dict[Name, Capability], BeforeValidator(with_names), BeforeValidator(_nothing_is_empty)
    ] = Field(default_factory=dict, description="what moves, by name")

    @field_validator("fallthrough", mode="before")
    @classmethod
    def _read_fallthrough(cls, value: Any) -> Any:
        return None if value == "none" else value

    @field_validator("state_dir")
    @classmethod
    def _check_state_dir(cls, value: str) -> str:
        refuse_control_characters(value)
        return value

    @model_serializer(mode="wrap")
    def _write(self, handler: Any) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        if self.fallthrough is None:
            written["fallthrough"] = "none"
        return written

    @property
    def worker_count(self) -> int:
        """How many workers there are, among whom what holds for the whole proxy is divided."""
        return self.workers or os.cpu_count() or 1

    def control_of(self, capability: Capability) -> str | None:
        """The name of the upstream that answers as the monolith for ``capability``."""
        return capability.control or self.fallthrough
