"""What ``fig explain --live`` adds: the table that runs, and how what stands behind it is now."""

import time
from typing import Any

from rich.markup import escape

from stranglerfig.cli.output import ExitCode, fail, out
from stranglerfig.cli.place import fail_with_admin_error, find_place
from stranglerfig.control.client import AdminClient, AdminError
from stranglerfig.routing.recent import Lag
from stranglerfig.routing.snapshot import Snapshot, read_snapshot


class Live:
    """The proxy that runs, for one explanation. Ends the command where none does."""

    def __init__(self, config: str) -> None:
        client = find_place(config).client
        if client is None:
            fail(
                "no fig serve runs here",
                mend="start it, or leave --live out: then the file is explained",
                code=ExitCode.NO,
            )
        self._client: AdminClient = client

    def snapshot(self) -> Snapshot:
        """What runs: its config and its aborts, compiled as the workers do it."""
        try:
            told = self._client.config()
            return read_snapshot(told["config"], told["overrides"], int(told["generation"]))
        except AdminError as error:
            fail_with_admin_error(error)
        except (KeyError, ValueError) as error:
            fail(
                f"the proxy that runs is of another version: {error}",
                mend="use its own fig, or leave --live out",
                code=ExitCode.NO,
            )

    def facts(self, capability: str | None) -> dict[str, Any]:
        """What stands behind ``capability`` now; None: behind what no capability claims."""
        try:
            return self._client.live(capability or "-")
        except AdminError as error:
            fail_with_admin_error(error)


def lags_of(facts: dict[str, Any]) -> dict[str, Lag]:
    """The lag that the workers decide by, as of now."""
    lag = facts["measured_lag"]
    if lag is None:
        return {}
    return {facts["capability"]: Lag(lag["lag_s"], time.time() - lag["age_s"])}


def tell_live(facts: dict[str, Any]) -> None:
    """Print what stands behind the explanation, for people."""
    lines = [("runs", f"generation {facts['generation']}")]
    if facts["aborted"]:
        lines.append(("abort", f"by {facts['aborted']['who']}: {facts['aborted']['why']}"))
    for name, addresses in facts["upstreams"].items():
        lines += [("upstream", f"{name} {_address(each)}") for each in addresses]
    for slot, worker in facts["workers"].items():
        lines.append(("worker", f"{slot}: {_worker(worker)}"))
    if facts["lag"] is not None:
        lines.append(("lag", _lag(facts["lag"])))
    observed = facts["observed"]
    for side, seen in observed["sides"].items():
        lines.append(("observed", f"{side}, last {observed['seconds']:g} s: {_seen(seen)}"))
    out.print("[bold]now[/]")
    width = max(len(about) for about, _ in lines)
    for about, says in lines:
        out.print(f"  [cyan]{about:<{width}}[/]  {escape(says)}")


def _address(told: dict[str, Any]) -> str:
    words = [str(told.get("address", "?"))]
    words += [f"{told[key]} {text}" for key, text in (("under_way", "under way"), ("idle", "idle")) if key in told]  # fmt: skip
    words += [f"{key} {told[key]}" for key in ("breaker", "health") if told.get(key) is not None]
    return f"at {', '.join(words)} (worker {told['worker']})"


def _worker(told: dict[str, Any]) -> str:
    if told["generation"] is None:
        return "has said nothing yet"
    connections = told["upstream_connections"]
    return (
        f"generation {told['generation']}, {told['exchanges']} requests under way, upstream connections:"
        f" {connections.get('open', 0)} open, {connections.get('idle', 0)} of them idle"
    )


def _lag(told: dict[str, Any]) -> str:
    if told["lost"]:
        return "lost: the service must copy again, or the changes are not captured"
    if told["lag_s"] is None:
        return f"not known: {told['trouble']}" if told["trouble"] else "not known"
    stopped = ", and it has stopped asking" if told["stopped"] else ""
    return f"{told['lag_s']:g} s, as of {told['age_s']:g} s ago{stopped}"


def _seen(told: dict[str, Any]) -> str:
    if not told["requests"]:
        return "no request"
    statuses = ", ".join(f"{count:,} {status}" for status, count in told["by_status"].items())
    text = f"{told['requests']:,} requests ({statuses})"
    if told["p50_ms"] is not None:
        text += f", half within {told['p50_ms']:g} ms, 99 % within {told['p99_ms']:g} ms"
    return text
