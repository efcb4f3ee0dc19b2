"""``GET /api/live/CAPABILITY``: what stands behind an explanation at this moment."""

from typing import Any

from stranglerfig.control.status import View


def live(view: View, name: str) -> dict[str, Any] | None:
    """Tell of one capability what runs: its abort, its lag, its upstreams as the workers see them, and what was observed lately.

    ``-`` is what no capability claims. None: there is no such capability.
    """
    running = view.changes.running
    capability = running.config.capabilities.get(name)
    if capability is None and name != "-":
        return None
    if capability is None:
        wanted = [running.config.fallthrough]
    else:
        wanted = [running.config.control_of(capability), capability.upstream]
    override = running.overrides.get(name)
    measured = view.ownership.message().lags.get(name)
    states = {seat.slot: seat.state for seat in view.fleet.workers}
    return {
        "capability": name,
        "generation": running.generation,
        "aborted": override and override.to_dict(),
        "lag": view.ownership.status(name) if capability is not None else None,
        "measured_lag": measured and measured.model_dump(),
        "upstreams": {
            upstream: _upstream(states, upstream) for upstream in wanted if upstream is not None
        },
        "workers": {
            str(slot): {
                "generation": state.get("generation"),
                "exchanges": sum(state.get("exchanges", {}).values()),
                "upstream_connections": _totals(state),
            }
            for slot, state in states.items()
        },
        "observed": view.lately.observed(name),
    }


def _totals(state: dict[str, Any]) -> dict[str, int]:
    connections = state.get("upstream_connections", {})
    return {key: connections[key] for key in ("open", "idle") if key in connections}


def _upstream(states: dict[int, dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Each address as each worker sees it; nothing where workers do not tell."""
    return [
        {"worker": slot, **address}
        for slot, state in states.items()
        for address in state.get("upstream_connections", {}).get("upstreams", {}).get(name, ())
    ]
