"""The models of how requests are spread over an upstream's addresses, and of what keeps it from being overrun."""

import re
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import AfterValidator, Field, StrictInt, model_validator

from stranglerfig.config.mistake import mistake
from stranglerfig.config.scalar import Address, Seconds
from stranglerfig.config.written import Written

Balance = Literal["least_requests", "round_robin"]

_AUTHORITY: Final = re.compile(
    r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?", re.ASCII
)


class Endpoint(NamedTuple):
    """What one URL of an upstream says: a host, which is a name or an address, and a port."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host:port``, an IPv6 host in brackets."""
        return str(Address(*self))


def _check_path(path: str) -> str:
    if not re.fullmatch(r"/[\x21-\x22\x24-\x7e]*", path):
        raise mistake(
            f"{path!r} is not a path in ASCII that begins with /", "write one: /_chassis/readyz"
        )
    return path


def _check_authority(host: str) -> str:
    if not _AUTHORITY.fullmatch(host):
        raise mistake(f"{host!r} is not a Host", "write a name that the upstream answers to")
    return host


class BreakerLimits(Written):
    """When an address that fails is left alone."""

    failures: StrictInt = Field(
        default=5,
        ge=1,
        le=1000,
        description="failures in a row that open it; where there is another address, one failed connect does",
    )
    open_s: Seconds = Field(
        default=1.0,
        validation_alias="open",
        serialization_alias="open",
        description="how long it stays open at first; twice as long after each trial that fails",
    )
    longest_s: Seconds = Field(
        default=30.0,
        validation_alias="longest",
        serialization_alias="longest",
        description="how long it stays open at most",
    )
    when_all_open: Literal["try", "refuse"] = Field(
        default="try",
        description="when no address is left: try all the same, or refuse with 503 and Retry-After",
    )

    @model_validator(mode="after")
    def _check(self) -> "BreakerLimits":
        if self.longest_s < self.open_s:
            raise mistake(
                f"longest ({self.longest_s:g}s) is shorter than open ({self.open_s:g}s)",
                "make it as long or longer",
                ("longest",),
            )
        return self


class HealthProbe(Written):
    """How each address is asked whether it is well."""

    path: Annotated[str, AfterValidator(_check_path)] = Field(
        description="asked by GET; an answer from 200 to 399 is a good one"
    )
    interval_s: Seconds = Field(
        default=2.0,
        validation_alias="interval",
        serialization_alias="interval",
        description="from one question to the next, by each worker",
    )
    timeout_s: Seconds = Field(
        default=1.0,
        validation_alias="timeout",
        serialization_alias="timeout",
        description="for the whole answer",
    )
    rise: StrictInt = Field(
        default=2, ge=1, le=100, description="good answers in a row that make it healthy again"
    )
    fall: StrictInt = Field(
        default=3, ge=1, le=100, description="bad answers in a row that make it unhealthy"
    )
    host: Annotated[str, AfterValidator(_check_authority)] | None = Field(
        default=None,
        description="the Host it is asked for; by default the host and port of its URL",
    )


class QueueLimits(Written):
    """Who may wait for one of the places that ``concurrency`` gives."""

    size: StrictInt = Field(
        default=100,
        ge=0,
        le=100_000,
        description="how many requests wait at most, in the whole proxy",
    )
    wait_s: Seconds = Field(
        default=1.0,
        validation_alias="wait",
        serialization_alias="wait",
        description="how long each waits at most",
    )
