"""What a Fig-Force says: ``catalog=service,payments=monolith``."""

import re
from collections.abc import Mapping
from typing import Final, Literal

ForcedSide = Literal["monolith", "service"]
_PAIR: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,62})=(monolith|service)", re.ASCII)


def write_force(sides: Mapping[str, ForcedSide]) -> str:
    """The payload that sends each capability to its side."""
    return ",".join(f"{capability}={side}" for capability, side in sides.items())


def read_force(payload: str) -> dict[str, ForcedSide] | None:
    """The sides by capability; None if anything in ``payload`` is not understood, or contradicts itself."""
    sides: dict[str, ForcedSide] = {}
    for pair in payload.split(","):
        match = _PAIR.fullmatch(pair.strip())
        if match is None or match[1] in sides:
            return None
        sides[match[1]] = "service" if match[2] == "service" else "monolith"
    return sides
