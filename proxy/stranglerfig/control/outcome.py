"""What the one who asked for a change is told: what holds now, since when, and on which workers."""

import time
from typing import Any

from stranglerfig.control.fleet import Spread
from stranglerfig.control.running import Running


def outcome_of(
    running: Running, capability: str, began_at: float, spread: Spread | None
) -> dict[str, Any]:
    """The answer to a set or an abort that began at ``began_at`` (epoch seconds); ``None``: nothing had to be sent."""
    written = running.config.capabilities.get(capability)
    return {
        "capability": capability,
        "stage": written.stage.value if written else None,
        "percent": written.percent if written else None,
        "generation": running.generation,
        "effective_ms": round((time.time() - began_at) * 1000, 1),
        "workers": [
            {"slot": slot, "effective_ms": ms}
            for slot, ms in sorted((spread.worker_ms if spread else {}).items())
        ],
        "replaced_workers": list(spread.replaced) if spread else [],
        "missing_workers": list(spread.missing) if spread else [],
    }
