"""``fig status``: what runs, what was counted, what is wrong."""

import time
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stranglerfig.cli.addresses import address_notes, addresses_table, is_worth_showing
from stranglerfig.cli.output import (
    ConfigOption,
    ExitCode,
    JsonFlag,
    fail,
    out,
    print_json,
    print_json_line,
    span,
)
from stranglerfig.cli.place import fail_with_admin_error, find_place, warn_of_orphans
from stranglerfig.control.client import AdminClient, AdminError
from stranglerfig.control.lock import read_serve
from stranglerfig.control.takeover import living_orphans
from stranglerfig.tls.needs import SOON_DAYS

_WATCH_EVERY_S = 1.0
_MUCH_LAG_S = 10.0
_OLD_LAG_S = 5.0  # it is measured once a second
_CHANGES = {
    "reload": "fig.yaml was saved",
    "set": "set",
    "abort": "abort",
    "file_follows_abort": "abort written into fig.yaml",
}


def status(
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", "-w", help="Show it again each second until Ctrl-C; with --json a line each."
        ),
    ] = False,
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Show what runs: stage, requests, errors and latency of both sides, lag, comparison.

    Pairs are monolith / service; lag is how far the service's data is behind the
    monolith's, where the monolith is asked for it (CHASSIS_CREDENTIAL). Ends with 1 when the proxy does not run, or goes on
    with an older config or certificate because what stands in the file can't be used.

    [bold]Examples[/]

      fig status

      fig status --json | jq '.capabilities[] | {name, stage, observed_percent}'

      fig status --watch --json | jq '.capabilities[].requests'
    """
    place = find_place(config)
    client = place.client
    if client is None:
        stopped = {
            "running": False,
            "state_dir": str(place.state_dir),
            "orphans": living_orphans(read_serve(place.state_dir)),
        }
        if as_json:
            tell = print_json_line if watch else print_json
            tell(stopped)
            raise typer.Exit(ExitCode.NO)
        warn_of_orphans(stopped)
        fail("no proxy runs here", mend="start it with `fig serve`", code=ExitCode.NO)
    try:
        if watch and as_json:
            _stream(client)
        elif watch:
            _watch(client)
        found = client.status()
    except AdminError as error:
        fail_with_admin_error(error)
    if as_json:
        print_json({"running": True, **found})
    else:
        # A pipe has no width of its own; what reads it wants whole lines.
        out.print(_render(found), width=None if out.is_terminal else 200)
    if found["config_bad"] or any(each["refused"] for each in found["certificates"]):
        raise typer.Exit(ExitCode.NO)


def _watch(client: AdminClient) -> None:
    with Live(_render(client.status()), console=out, auto_refresh=False, screen=False) as live:
        while True:
            time.sleep(_WATCH_EVERY_S)
            live.update(_render(client.status()), refresh=True)


def _stream(client: AdminClient) -> None:
    while True:
        print_json_line({"running": True, **client.status()})
        time.sleep(_WATCH_EVERY_S)


def _render(found: dict[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [_head(found)]
    if found["config_bad"]:
        parts.append(_bad(found["config_bad"]))
    parts += _tls_notes(found)
    if found["capabilities"]:
        parts += [_traffic(found["capabilities"]), _comparison(found["capabilities"])]
        parts += [note for item in found["capabilities"] for note in _notes(item)]
    shown = [upstream for upstream in found.get("upstreams", ()) if is_worth_showing(upstream)]
    if shown:
        parts += [addresses_table(shown), *address_notes(shown)]
    return Group(*parts)


def _head(found: dict[str, Any]) -> Text:
    up = sum(worker["up"] for worker in found["workers"])
    comparer = found["comparer"] or {}
    workers = f"workers {up}/{len(found['workers'])} up, {_restarts(found['workers'])}"
    comparing = "up" if comparer.get("up") else "down"
    lines = [
        f"listen {found['listen']}   admin {found['admin']}   generation {found['generation']}",
        f"{workers}; comparer {comparing}, {_restarts([comparer] if comparer else [])}",
    ]
    if change := found["last_change"]:
        lines.append(
            f"last change: {_change(change)}, effective after {change['effective_ms']:g} ms"
        )
        # What set and abort change, their own names say.
        if change["what"] == "reload":
            lines += [f"  {line}" for line in change.get("changed", ())]
    return Text("\n".join(lines))


def _change(change: dict[str, Any]) -> str:
    """What was changed, in words: the audit log's own are for programs."""
    return _CHANGES.get(change["what"], str(change["what"]))


def _restarts(processes: list[dict[str, Any]]) -> str:
    count = sum(process["restarts"] for process in processes)
    return f"{count} restart{'s' * (count != 1)}"


def _bad(bad: dict[str, Any]) -> Text:
    text = Text("fig.yaml is refused as it stands; the last good one goes on:\n", style="bold red")
    text.append("\n".join(f"  {problem}" for problem in bad["problems"]), style="red")
    return text


def _tls_notes(found: dict[str, Any]) -> list[Text]:
    """What is wrong with certificates, or soon will be, and who is believed without any."""
    notes = []
    for name in found["unverified_upstreams"]:
        said = f"{name} is verified by nothing (insecure_accept_any_certificate): whoever answers there sees all"
        notes.append(Text(said, style="bold red"))
    for each in found["certificates"]:
        file = each["files"][0]
        if each["refused"]:
            said = f"{file} is refused as it stands; the last good one goes on: {each['refused']['trouble']}"
            notes.append(Text(said, style="bold red"))
        if each["untimely"]:
            notes.append(Text(f"{file} {each['untimely']}", style="bold red"))
        elif each["days_left"] is not None:
            style = "yellow" if each["days_left"] < SOON_DAYS else "dim"
            names = ", ".join(each["names"]) or "no host"
            said = f"{file} ({names}) expires in {each['days_left']:.0f} days"
            notes.append(Text(said, style=style))
    return notes


def _traffic(capabilities: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("capability", "stage", "observed"):
        table.add_column(title, no_wrap=True)
    # Each a pair: the monolith's and the service's.
    for title in ("requests", "errors", "p50 ms", "p99 ms"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("lag", justify="right")  # the one that may be folded on a narrow terminal
    for item in capabilities:
        is_canary = item["stage"] == "canary" and not item["aborted"]
        stage = f"canary {item['percent']:g} %" if is_canary else item["stage"]
        observed = item["observed_percent"]
        latency = item["latency_ms"]
        table.add_row(
            escape(item["name"]),
            "[red]aborted[/]" if item["aborted"] else stage,
            f"{observed:g} %" if is_canary and observed is not None else "",
            _pair(item["requests"]),
            _pair(item["errors"]),
            _pair({side: latency[side]["p50"] for side in latency}),
            _pair({side: latency[side]["p99"] for side in latency}),
            _lag(item["lag"]),
        )
    return table


def _lag(lag: dict[str, Any]) -> Text:
    """How far the service is behind the monolith; red where that is a trouble, dim where it was measured a while ago."""
    if lag["lost"]:
        return Text("lost", style="red")
    if lag["lag_s"] is None:
        return Text("–")
    if lag["stopped"]:
        return Text(f"stopped {span(lag['asked_s_ago'])}", style="red")
    style = "red" if lag["lag_s"] > _MUCH_LAG_S else "dim" if lag["age_s"] > _OLD_LAG_S else ""
    return Text(span(lag["lag_s"]), style=style)


def _comparison(capabilities: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("compared")
    # What most never see takes no room of a narrow terminal until there is some.
    # A proxy of an earlier version, which --replace has not taken over yet, has none.
    rare = [
        name
        for name in ("lag", "noise")
        if any(item["comparison"].get(name) for item in capabilities)
    ]
    names = (
        "asked",
        "equal",
        "different",
        "ignored",
        *rare,
        "no_answer",
        "skipped",
        "lost",
        "waiting",
    )
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for item in capabilities:
        account = item["comparison"]
        flat = {
            **account,
            "skipped": sum(account["skipped"].values()) + sum(account["not_teed"].values()),
            "lost": sum(account["lost"].values()),
            "waiting": account["waiting"] + account["under_way"],
        }
        table.add_row(escape(item["name"]), *(str(flat.get(name, 0)) for name in names))
    return table


def _notes(item: dict[str, Any]) -> list[Text]:
    """Who changed a capability last, and what its numbers alone don't say: an abort, writers' reads, trouble with the lag."""
    notes = []
    if change := item["last_change"]:
        said = f"{item['name']}: {_change(change)} by {change['who']}: {change['why']}"
        notes.append(Text(f"{said} (generation {change['generation']})", style="dim"))
    if aborted := item["aborted"]:
        said = f"{item['name']} is aborted since {aborted['since']} by {aborted['who']}"
        notes.append(Text(f"{said}: {aborted['why']}", style="red"))
    if wrote := sum(item["wrote"].values()):
        said = (
            f"{wrote} of the requests stayed with the side that had just taken their user's write"
        )
        notes.append(Text(f"{item['name']}: {said}", style="dim"))
    if fallbacks := item["fallbacks"]:
        total, answered = sum(fallbacks.values()), fallbacks.get("answered", 0)
        failures = f"{total} failure{'s' * (total != 1)} of the service"
        said = f"{failures}, {answered} answered by the monolith in its place"
        notes.append(Text(f"{item['name']}: {said}", style="yellow"))
    if trouble := item["lag"]["trouble"]:
        age_s = item["lag"]["age_s"]
        when = f" (last told {span(age_s)} ago)" if age_s is not None and age_s > _OLD_LAG_S else ""
        notes.append(Text(f"{item['name']}: {trouble}{when}", style="yellow"))
    return notes


def _pair(values: dict[str, Any]) -> str:
    return " / ".join(_short(values[side]) for side in ("monolith", "service"))


def _short(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if value < 10 and value % 1 else f"{value:.0f}"
