"""The part of ``fig status`` that tells of the upstreams' addresses."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from stranglerfig.cli.output import span

_STYLES = {"open": "red", "half_open": "yellow", "unhealthy": "red", "unknown": "dim"}


def is_worth_showing(upstream: dict[str, Any]) -> bool:
    """Whether there is more to tell of an upstream than that it has its one address and is asked there."""
    addresses = upstream["addresses"]
    return (
        len(addresses) > 1
        or upstream["checked"]
        or upstream["places"] is not None
        or any(each["breaker"] != "closed" for each in addresses)
    )


def addresses_table(upstreams: list[dict[str, Any]]) -> Table:
    """A line for each address: what it does, and what is wrong with it, why and for how long."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("upstream", "address"):
        table.add_column(title, no_wrap=True)
    for title in ("under way", "idle"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("breaker", "health"):
        table.add_column(title)
    table.add_column("places", justify="right", no_wrap=True)
    for upstream in upstreams:
        places, name = _places(upstream["places"]), escape(upstream["name"])
        for each in upstream["addresses"]:
            table.add_row(
                name,
                escape(each["address"]),
                str(each["under_way"]),
                str(each["idle"]),
                _state(each, "breaker"),
                _state(each, "health") if upstream["checked"] else "",
                places,
            )
            places = name = ""
    return table


def _state(address: dict[str, Any], key: str) -> str:
    """A state in words: ``open for 3 s: connect_failed``."""
    state = address[key]
    said = str(state).replace("_", " ")
    if state in ("open", "half_open", "unhealthy") and f"{key}_why" in address:
        since, why = span(address[f"{key}_for_s"]), escape(address[f"{key}_why"])
        said = f"{said} for {since}: {why}"
    style = _STYLES.get(state)
    return f"[{style}]{said}[/]" if style else said


def _places(places: dict[str, int] | None) -> str:
    """How many are taken, of how many, and who waits: ``25/25, 3 wait``."""
    if places is None:
        return ""
    waiting = f", {places['waiting']} wait" if places["waiting"] else ""
    return f"{places['taken']}/{places['limit']}{waiting}"
