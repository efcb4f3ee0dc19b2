"""``fig diffs show``: one difference whole, how to ask both sides again, and what was decided about it."""

from dataclasses import asdict, replace
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from stranglerfig.cli.differences import (
    difference_dict,
    find_difference,
    mark_text,
    read_differences,
    reopened_text,
    shapes_shown,
)
from stranglerfig.cli.output import (
    ConfigOption,
    ExitCode,
    JsonFlag,
    fail,
    iso_time,
    local_time,
    out,
    print_json,
)
from stranglerfig.cli.place import Place, config_of, find_place
from stranglerfig.cli.reproduce import (
    curl_command,
    ignore_rule,
    missing_of,
    same_command,
    why_no_rule,
)
from stranglerfig.compare.diff.difference import STATUS, Shape
from stranglerfig.compare.reading import StoreError, read_example
from stranglerfig.compare.record import Cluster, ClusterDetail, Example, Exchange
from stranglerfig.compare.rule_term import today
from stranglerfig.compare.rules import COVERING, Rule, load_rules
from stranglerfig.compare.store import STORE_NAME
from stranglerfig.compare.triage import Mark, Reopening, Triaged
from stranglerfig.config.model import Config
from stranglerfig.config.problem import ConfigError
from stranglerfig.control.source import RULES_NAME

BOTH: Final = "both, with values in clear"


def show(
    which: Annotated[
        str,
        typer.Argument(metavar="ID", help="The number in `fig diffs`; or the place, '$.price'."),
    ],
    examples: Annotated[
        int, typer.Option(min=1, help="How many of the kept examples, the newest.")
    ] = 7,
    smallest: Annotated[
        bool, typer.Option("--smallest", help="The example with the smallest answers alone.")
    ] = False,
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Show one difference: both values side by side as shapes, and how to ask both sides again.

    Values are kept as type, length, digit pattern and a keyed hash; in clear only where a rule in fig.rules.yaml
    says [b]action: show[/]. The commands ask for the last of the examples that are shown.

    [bold]Examples[/]

      fig diffs show 3

      fig diffs show 3 --smallest

      fig diffs show '$.results[].price.amount' --examples 1
    """
    place = find_place(config)
    known = read_differences(place)
    each = find_difference(which, known)
    try:
        detail = read_example(place.state_dir / STORE_NAME, each.cluster.id)
    except StoreError as error:
        fail(str(error), code=ExitCode.NO)
    if detail is None:  # moved aside in between
        fail(f"there is no difference {each.cluster.id} any more", mend="fig diffs lists them")
    kept = detail.examples[-examples:]
    if smallest and detail.smallest is not None:
        kept = (detail.smallest,)
    shown = replace(detail, examples=kept)
    commands = _commands(shown, config_of(place))
    if as_json:
        print_json(_detail_dict(each, shown, commands))
    else:
        shapes = shapes_shown(each.cluster, [one.cluster for one in known])
        _print_detail(each, shown, commands, shapes, _expired_rules(place, each.cluster))


def _expired_rules(place: Place, cluster: Cluster) -> list[Rule]:
    """The rules that covered a difference until they expired: mostly why it is there again."""
    try:
        rules = load_rules(place.config_path.with_name(RULES_NAME)).rules
    except ConfigError:  # fig check says what is wrong with it
        return []
    return [
        rule
        for rule in rules
        if rule.action in COVERING
        and not rule.holds_on(today())
        and rule.holds_for(cluster.capability, cluster.route)
        and rule.where == cluster.where
        and rule.path in (None, cluster.path)
        and cluster.kind in rule.kinds
    ]


def _print_detail(
    each: Triaged,
    detail: ClusterDetail,
    commands: dict[str, str],
    shapes: str,
    expired: list[Rule],
) -> None:
    cluster = detail.cluster
    out.print(
        f"[bold]{cluster.kind}[/]{f' ({escape(shapes)})' if shapes else ''} at [bold]{escape(cluster.place)}[/]"
        f" of {escape(cluster.route)} ({escape(cluster.capability)}): {cluster.count:,} times,"
        f" {local_time(cluster.first_seen)} – {local_time(cluster.last_seen)}"
    )
    _print_decisions(each)
    for rule in expired:
        out.print(f"  expired   {rule.expires} rule {escape(rule.name)}, which covered it")
    smallest = detail.smallest if len(detail.examples) > 1 else None
    for example in detail.examples:
        out.print()
        _print_example(cluster, example, is_smallest=example is smallest)
    out.print()
    for side, command in commands.items():
        out.print(f"[bold]{side}[/]")
        out.print(f"  {escape(command)}")
    if detail.examples:
        for line in missing_of(detail.examples[-1].exchange.request):
            out.print(f"  ({escape(line)})")
    out.print(f"\nDecided? fig diffs mark {cluster.id} fixed|expected|open --why TEXT")
    if why_none := why_no_rule(cluster):
        out.print(f"\nNo rule is offered: {why_none}.")
    else:
        out.print("\nIf this may differ, say so in fig.rules.yaml (`rules:` stands there once):")
        out.print(escape(ignore_rule(cluster, today())))


def _print_decisions(each: Triaged) -> None:
    """Every decision, oldest first, and what became of the last one."""
    for event in each.history.past:
        if isinstance(event, Mark):
            out.print(f"  {event.state:<8}  {escape(mark_text(event))}")
        else:
            request = f", request {event.request_id}" if event.request_id else ""
            _print_reopened(event, request)
    if each.reopened is not None and each.history.reopened is None:
        _print_reopened(each.reopened)
    if each.has_stopped:
        out.print(f"  [bold red]not seen in the last {each.unseen:,} comparisons of its route[/]")


def _print_reopened(reopened: Reopening, request: str = "") -> None:
    word, _, rest = reopened_text(reopened).partition(" ")
    out.print(f"  [bold red]{word:<8}  {rest}[/]{escape(request)}")


def _print_example(cluster: Cluster, example: Example, *, is_smallest: bool) -> None:
    exchange = example.exchange
    request = exchange.request
    size = f"  [dim]the smallest: {exchange.size:,} bytes[/]" if is_smallest else ""
    out.print(f"{escape(request.method)} {escape(request.target)}{size}")
    out.print(
        f"  {local_time(exchange.seen_at)} · request {escape(exchange.request_id)} ·{_trace(exchange)} stage {exchange.stage}, generation"
        f" {exchange.generation} · the {exchange.answered_side} answered the user"
        + (f" {escape(request.user)}" if request.user else "")
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column(f"monolith ({escape(exchange.control)})")
    table.add_column(f"service ({escape(exchange.candidate)})")
    table.add_row("status", str(exchange.control_status), str(exchange.candidate_status))
    if cluster.where != STATUS:
        place = example.path or cluster.where
        table.add_row(escape(place), _shape(example.control), _shape(example.candidate))
    out.print(table)


def _trace(exchange: Exchange) -> str:
    """The trace, unless it is called as the request is."""
    if exchange.trace_id is None or exchange.trace_id == exchange.request_id:
        return ""
    return f" trace {exchange.trace_id} ·"


def _shape(shape: Shape) -> str:
    if shape.clear is not None:
        return escape(f"{shape.type} {shape.clear}")
    words = [shape.type]
    if shape.length is not None:
        words.append(f"({shape.length})")
    if shape.pattern:
        words.append(shape.pattern)
    if shape.digest:
        words.append(f"#{shape.digest}")
    return escape(" ".join(words))


def _commands(detail: ClusterDetail, config: Config | None) -> dict[str, str]:
    """How to ask both sides what the newest example asked; without the sides that are no longer in the config."""
    if not detail.examples or config is None:
        return {}
    exchange = detail.examples[-1].exchange
    upstreams = {"monolith": exchange.control, "service": exchange.candidate}
    urls = {
        side: config.upstreams[name].url
        for side, name in upstreams.items()
        if name in config.upstreams
    }
    commands = {side: curl_command(exchange.request, at) for side, at in urls.items()}
    if len(urls) == len(upstreams):
        both = same_command(exchange.request, urls["monolith"], urls["service"])
        if both is not None:
            commands[BOTH] = both
    return commands


def _detail_dict(each: Triaged, detail: ClusterDetail, commands: dict[str, str]) -> dict[str, Any]:
    cluster = each.cluster
    why_none = why_no_rule(cluster)
    request = detail.examples[-1].exchange.request if detail.examples else None
    return {
        **difference_dict(each),
        "decisions": [{**asdict(event), "at": iso_time(event.at)} for event in each.history.past],
        "examples": [example.to_dict() for example in detail.examples],
        "curl": {side: command for side, command in commands.items() if side != BOTH},
        "not_kept": missing_of(request) if request is not None else [],
        "same": commands.get(BOTH),
        "rule": None if why_none else ignore_rule(cluster, today()),
        "why_no_rule": why_none,
    }
