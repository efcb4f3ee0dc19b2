"""More values of fig.yaml that are written as one word with a unit: sizes, byte rates, request rates, counts; ``off`` is none."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from stranglerfig.config.mistake import mistake
from stranglerfig.config.scalar import as_written

OFF: Final = "off"
LARGEST_BYTES: Final = 1 << 50
_UNITS: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE: Final = r"\d{1,15}(B|KiB|MiB|GiB)"
_PERIODS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_READ_SIZE: Final = re.compile(r"(\d{1,15})(B|KiB|MiB|GiB)", re.ASCII)
_READ_RATE: Final = re.compile(r"(\d{1,9})/(s|m|h)", re.ASCII)


def size(text: str) -> int:
    """The bytes that ``text`` says: ``512B``, ``64KiB``, ``10MiB``, ``2GiB``. Raises PydanticCustomError."""
    match = _READ_SIZE.fullmatch(text)
    if match is None:
        raise mistake(f"{text!r} is not a size", "write a whole number with its unit: 64KiB, 10MiB")
    return int(match[1]) * _UNITS[match[2]]


def written_size(count: int) -> str:
    """``count`` bytes as one writes them, in the largest unit that leaves a whole number."""
    for unit in ("GiB", "MiB", "KiB"):
        if count and count % _UNITS[unit] == 0:
            return f"{count // _UNITS[unit]}{unit}"
    return f"{count}B"


def _read_size(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        raise mistake(f"{value} has no unit", f"write it with one: {value}B or {value}KiB")
    if not isinstance(value, str):
        raise mistake(
            f"{as_written(value)} is not a size", "write one with its unit, such as 64KiB"
        )
    found = size(value)
    if not 1 <= found <= LARGEST_BYTES:
        raise mistake(f"{value} is out of range", "sizes go from 1B to 1048576GiB")
    return found


def _read_byte_rate(value: Any) -> int:
    text = value if isinstance(value, str) else ""
    if not text.endswith("/s") or not _READ_SIZE.fullmatch(text[:-2]):
        raise mistake(
            f"{as_written(value)} is not a rate of bytes", "write one such as 240B/s, or off"
        )
    found = size(text[:-2])
    if not 1 <= found <= 1 << 30:
        raise mistake(f"{value} is out of range", "it goes from 1B/s to 1GiB/s; off is none")
    return found


def _read_request_rate(value: Any) -> float:
    match = _READ_RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise mistake(
            f"{as_written(value)} is not a rate of requests",
            "write one such as 20/s or 600/m, or off",
        )
    per_s = int(match[1]) / _PERIODS[match[2]]
    if not 1 / 3600 <= per_s <= 1_000_000:
        raise mistake(f"{value} is out of range", "it goes from 1/h to 1000000/s; off is none")
    return per_s


def _write_request_rate(per_s: float) -> str:
    """The same in the shortest unit in which it is a whole number; what was read is one in some."""
    for unit, seconds in _PERIODS.items():
        count = round(per_s * seconds)
        if count and abs(count - per_s * seconds) < 1e-6:
            return f"{count}/{unit}"
    return f"{max(round(per_s * 3600), 1)}/h"


def _read_count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise mistake(f"{as_written(value)} is not a number", "write a whole number, or off")
    if not 1 <= value <= 1_000_000_000:
        raise mistake(f"{value} is out of range", "write 1 or more; off is no limit")
    return value


def _or_off(read: Callable[[Any], Any]) -> BeforeValidator:
    """Read ``off`` as 0 and anything else by ``read``, which never gives 0."""
    return BeforeValidator(lambda value: 0 if value == OFF else read(value))


Size = Annotated[
    int,
    BeforeValidator(_read_size),
    PlainSerializer(written_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_SIZE}$"}),
]
"""A size in bytes, written with its unit."""

SizeOrOff = Annotated[
    int,
    _or_off(_read_size),
    PlainSerializer(lambda count: written_size(count) if count else OFF, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^off$|^{_SIZE}$"}),
]
"""A size in bytes; 0 is written ``off``."""

ByteRateOrOff = Annotated[
    int,
    _or_off(_read_byte_rate),
    PlainSerializer(lambda count: f"{written_size(count)}/s" if count else OFF, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^off$|^{_SIZE}/s$"}),
]
"""Bytes a second; 0 is written ``off``."""

RequestRateOrOff = Annotated[
    float,
    _or_off(_read_request_rate),
    PlainSerializer(lambda per_s: _write_request_rate(per_s) if per_s else OFF, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^off$|^\d{1,9}/(s|m|h)$"}),
]
"""Requests a second, written ``20/s``, ``600/m``, ``100/h``; 0 is written ``off``."""

CountOrOff = Annotated[
    int,
    _or_off(_read_count),
    PlainSerializer(lambda count: count or OFF, return_type=int | str),
    WithJsonSchema({"type": ["integer", "string"], "minimum": 1, "pattern": "^off$"}),
]
"""How many; 0 is written ``off``."""
