"""The values of fig.yaml that are written as one word: durations, shares of users, addresses."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import (
    BeforeValidator,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)

from stranglerfig.config.mistake import mistake
from stranglerfig.signing.wrote import KEPT_S

DURATION_PATTERN: Final = r"^\d+(\.\d+)?(ms|s|m|h)$"
LONGEST_S: Final = 24 * 3600.0
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?(?:e-?\d+)?)(ms|s|m|h)", re.ASCII)
_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})", re.ASCII)

_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)


def is_host(text: str) -> bool:
    """Whether ``text`` can be a host: an IP address, or a name (underscores too, as container networks have them).

    What ends in a number is an IPv4 address or nothing, so ``999.1.1.1`` and ``10.1`` are neither.
    """
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        is_name = len(text) <= 253 and all(map(_LABEL.fullmatch, labels))
        return is_name and not labels[-1].isdigit()
    return True


def refuse_control_characters(text: str) -> None:
    """Raise PydanticCustomError for what no path should hold, and no terminal be shown."""
    if any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in text):
        raise mistake(f"{text!r} holds a control character", "remove it")


def duration(text: str) -> float:
    """The seconds that ``text`` says: ``250ms``, ``10s``, ``2m``, ``1h``. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise mistake(
            f"{text!r} is not a duration", "write a number with its unit: 250ms, 10s, 2m, 1h"
        )
    return float(match[1]) * _SECONDS[match[2]]


def _in_seconds(value: Any, info: ValidationInfo) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if info.context and info.context.get("written"):
            raise mistake(f"{value} has no unit", f"write it with one: {value}s or {value}ms")
        return float(value)
    return duration(str(value))


def _read_duration(value: Any, info: ValidationInfo) -> float:
    seconds = _in_seconds(value, info)
    if not 0.001 <= seconds <= LONGEST_S:
        raise mistake(f"{value} is out of range", "durations go from 1ms to 24h")
    return seconds


def _write_duration(seconds: float) -> str:
    """The same with its unit, so that what is sent to the workers is read by the same rule as the file."""
    return f"{repr(seconds).removesuffix('.0')}s"


Seconds = Annotated[
    float,
    BeforeValidator(_read_duration),
    PlainSerializer(_write_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
"""A duration in seconds, written with its unit: ``250ms``, ``10s``, ``2m``, ``1h``."""


def as_written(value: Any) -> str:
    """``value`` as it stands in YAML, for messages."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _or_off(longest_s: float, longest: str) -> BeforeValidator:
    """Read a duration up to ``longest``, or ``off`` as 0."""

    def read(value: Any, info: ValidationInfo) -> float:
        if value == "off":
            return 0.0
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _DURATION.fullmatch(value)):
            raise mistake(f"{as_written(value)} is not a duration", "write one such as 2s, or off")
        seconds = _in_seconds(value, info)
        if seconds and not 0.001 <= seconds <= longest_s:
            raise mistake(
                f"{value} is out of range", f"it goes from 1ms to {longest}; off is never"
            )
        return seconds

    return BeforeValidator(read)


_WRITTEN_OR_OFF: Final = (
    PlainSerializer(
        lambda seconds: _write_duration(seconds) if seconds else "off", return_type=str
    ),
    WithJsonSchema({"type": "string", "pattern": rf"^off$|{DURATION_PATTERN}"}),
)

Window = Annotated[float, _or_off(KEPT_S, "1h"), *_WRITTEN_OR_OFF]
"""A duration in seconds that may be 0, written ``off``; no longer than browsers keep the cookie it needs."""

SecondsOrOff = Annotated[float, _or_off(LONGEST_S, "24h"), *_WRITTEN_OR_OFF]
"""A duration in seconds that may be 0, written ``off``."""


def _read_percent(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise mistake(
            f"{value!r} is not a number", "write a number from 0 to 100, such as 10 or 2.5"
        )
    if not 0 <= value <= 100:  # also refuses NaN
        raise mistake(f"{value} is not from 0 to 100", "it is a share of users, in percent")
    if round(value, 2) != value:
        raise mistake(
            f"{value} has more than two decimals", "the finest share is 0.01 (one user in 10,000)"
        )
    return float(value)


Percent = Annotated[
    float,
    BeforeValidator(_read_percent),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]
"""A share of users in percent, at most two decimals."""

_MOST_AGAIN: Final = 10.0


def _read_again(value: Any) -> float:
    share = _read_percent(value)
    if share > _MOST_AGAIN:
        raise mistake(
            f"{value} is above {_MOST_AGAIN:g}",
            "each asks both sides once more: write a number from 0 to 10; 1 is much",
        )
    return share


Again = Annotated[
    float,
    BeforeValidator(_read_again),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST_AGAIN}),
]
"""A share of comparisons in percent, at most 10."""


def hundredths(percent: float) -> int:
    """The same share in hundredths of a percent, 0..10000: the scale of buckets."""
    return round(percent * 100)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a host (name, IPv4, or IPv6 without brackets) and a port; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``host:port``; an IPv6 host stands in brackets. Raises PydanticCustomError."""
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise mistake(
                f"{text!r} is not an address",
                'write host:port, such as 127.0.0.1:8000 or "[::1]:8000"',
            )
        host, port = match[1] or match[2], int(match[3])
        if port > 65535:
            raise mistake(f"port {port} does not exist", "ports go from 1 to 65535")
        if not is_host(host):
            raise mistake(
                f"{text!r}: {host!r} is neither an IP address nor a host name",
                "write one, such as 127.0.0.1 or localhost",
            )
        return cls(host, port)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _read_address(value: Any) -> Address:
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise mistake(f"{value!r} is not an address", "write host:port, such as 127.0.0.1:8000")
    return Address.parse(value)


WrittenAddress = Annotated[
    Address,
    PlainValidator(_read_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$"}
    ),
]
