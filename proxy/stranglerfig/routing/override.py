"""An abort of one capability, persisted beside the file: it sends safe requests back whatever the file says."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Override:
    """Capability ``capability`` is aborted."""

    capability: str
    since: float
    """Seconds since the epoch."""
    who: str
    why: str

    def to_dict(self) -> dict[str, Any]:
        """The override as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Override":
        """Read what ``to_dict`` wrote; raises ValueError for anything else."""
        match data:
            case {
                "capability": str(capability),
                "since": int() | float() as since,
                "who": str(who),
                "why": str(why),
            } if math.isfinite(since):
                return cls(capability, float(since), who, why)
        raise ValueError(f"not an override: {data!r}")
