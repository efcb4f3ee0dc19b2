"""The part of ``fig status`` that tells of the upstreams' addresses."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stranglerfig.cli.output import span

_STYLES = {"open": "red", "half_open": "yellow", "unhealthy": "red", "unknown": "dim"}


def is_worth_showing(upstream: dict[str, Any]) -> bool:
    """Whether there is more to tell of an upstream than that it has its one address and is asked there."""
    addresses = upstream["addresses"]
    return (
        len(addresses) > 1
        or upstream["checked"]
        or upstream["places"] is not None
        # Without another address, and unless it may refuse, a breaker keeps nobody away.
        or (upstream["refuses"] and any(each["breaker"] != "closed" for each in addresses))
    )


def addresses_table(upstreams: list[dict[str, Any]]) -> Table:
    """A line for each address: what it does and how it is."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("upstream", "address"):
        table.add_column(title, no_wrap=True)
    for title in ("under way", "idle"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("breaker", "health"):
        table.add_column(title, no_wrap=True)
    table.add_column("places", justify="right", no_wrap=True)
    for upstream in upstreams:
        places, name = _places(upstream["places"]), escape(upstream["name"])
        for each in upstream["addresses"]:
            table.add_row(
                name,
                escape(each["address"]),
                str(each["under_way"]),
                str(each["idle"]),
                _state(each["breaker"]),
                _state(each["health"]) if upstream["checked"] else "",
                places,
            )
            places = name = ""
    return table


def address_notes(upstreams: list[dict[str, Any]]) -> list[Text]:
    """What is wrong with which address, why and for how long."""
    return [
        Text(f"{upstream['name']} at {each['address']}: {trouble}", style="red")
        for upstream in upstreams
        for each in upstream["addresses"]
        for trouble in _troubles(each)
    ]


def _troubles(address: dict[str, Any]) -> Iterator[str]:
    """``unhealthy for 3 s: status 503``, ``left alone for 12 s: connect failed``."""
    if address["breaker"] != "closed" and "breaker_why" in address:
        why = address["breaker_why"].replace("_", " ")
        yield f"left alone for {span(address['breaker_for_s'])}: {why}"
    if address["health"] == "unhealthy":
        why = address["health_why"].replace("_", " ")
        yield f"unhealthy for {span(address['health_for_s'])}: {why}"


def _state(state: str) -> str:
    said, style = state.replace("_", " "), _STYLES.get(state)
    return f"[{style}]{said}[/]" if style else said


def _places(places: dict[str, int] | None) -> str:
    """How many are taken, of how many, and who waits: ``25/25, 3 wait``."""
    if places is None:
        return ""
    waiting = f", {places['waiting']} wait" if places["waiting"] else ""
    return f"{places['taken']}/{places['limit']}{waiting}"
