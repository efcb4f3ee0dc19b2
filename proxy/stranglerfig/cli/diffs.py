"""``fig diffs``: what the comparison found, and how sure that is. Reads files, so it works without a running proxy."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from stranglerfig.cli.command import Command, Group
from stranglerfig.cli.output import ConfigOption, ExitCode, JsonFlag, fail, out, print_json
from stranglerfig.cli.place import Place, find_place
from stranglerfig.cli.reproduce import curl_command, ignore_rule, same_command, why_no_rule
from stranglerfig.compare.account import Account, read_accounts
from stranglerfig.compare.diff.difference import Shape
from stranglerfig.compare.marks import read_marks
from stranglerfig.compare.reading import StoreError, read_clusters, read_example
from stranglerfig.compare.record import Cluster, ClusterDetail, Example, Exchange
from stranglerfig.compare.redact import REPLACED, RedactedRequest
from stranglerfig.compare.rule_term import today
from stranglerfig.compare.store import STORE_NAME
from stranglerfig.config.load import load
from stranglerfig.config.model import Config
from stranglerfig.config.problem import ConfigError
from stranglerfig.config.scalar import duration

_SHOWN = 30
CHANGE: Final = "change"
BOTH: Final = "both, with values in clear"


class _ListsByDefault(Group):
    """``fig diffs catalog`` means ``fig diffs list catalog``: listing is what one mostly wants."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # A call for help goes along: the options that one asks for are those of the listing.
        return super().parse_args(
            ctx, args if args and args[0] in self.commands else ["list", *args]
        )


app = typer.Typer(
    cls=_ListsByDefault,
    help="Show what differs between the monolith's answers and the service's, and how sure that is.",
    rich_markup_mode="rich",
)


@app.command("list", cls=Command)
def list_(
    capability: Annotated[
        str | None, typer.Argument(help="Only this capability.", show_default=False)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Only what was seen in the last 10m, 2h, …; change: since stage, share or rules last changed."
        ),
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(help="Only those with a kept example of this trace id, or request id."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many differences to print.")] = _SHOWN,
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """List differences, the most frequent first, and what became of every request that was to be compared.

    The word `list` can be left out. [bold]fig diffs show ID[/] shows one difference whole.

    Ends with 1 when something differs. A difference is a kind at a place of a route, however often it was seen.

    [bold]Examples[/]

      fig diffs catalog

      fig diffs show 3

      fig diffs --since change

      fig diffs --since 10m --json | jq '.clusters[] | {id, kind, where, path, count}'
    """
    place = find_place(config)
    accounts = read_accounts(place.state_dir)
    marks = read_marks(place.state_dir) if since == CHANGE else {}
    is_timed = since is not None and since != CHANGE
    after = time.time() - _seconds(since) if since is not None and is_timed else 0.0
    clusters = [
        cluster
        for cluster in _clusters(place, capability, after, trace)
        if cluster.capability not in marks or cluster.last_seen >= marks[cluster.capability].at
    ]
    for name, mark in marks.items():
        if name in accounts:
            accounts[name] = accounts[name].since(mark.account)
    if capability is not None:
        _check_name(capability, place, accounts)
        accounts = {name: account for name, account in accounts.items() if name == capability}
    if as_json:
        print_json(
            {
                "accounts": {name: account.to_dict() for name, account in accounts.items()},
                "clusters": [_cluster_dict(cluster) for cluster in clusters],
            }
        )
    else:
        _print_accounts(accounts, capability)
        if is_timed:
            out.print(f"[dim]the account is of all that was counted; below, the last {since}[/]")
        _print_clusters(clusters, limit)
    counted = (
        not is_timed and trace is None and any(account.different for account in accounts.values())
    )
    if clusters or counted:
        raise typer.Exit(ExitCode.NO)


@app.command(cls=Command)
def show(
    which: Annotated[
        str,
        typer.Argument(metavar="ID", help="The number in `fig diffs`; or the place, '$.price'."),
    ],
    examples: Annotated[
        int, typer.Option(min=1, help="How many of the kept examples, the newest.")
    ] = 6,
    config: ConfigOption = "fig.yaml",
    as_json: JsonFlag = False,
) -> None:
    """Show one difference: both values side by side as shapes, and how to ask both sides again.

    Values are kept as type, length, digit pattern and a keyed hash; in clear only where a rule in fig.rules.yaml
    says [b]action: show[/].

    [bold]Examples[/]

      fig diffs show 3

      fig diffs show '$.results[].price.amount' --examples 1
    """
    place = find_place(config)
    cluster_id = _number_of(which, place)
    try:
        detail = read_example(place.state_dir / STORE_NAME, cluster_id)
    except StoreError as error:
        fail(str(error), code=ExitCode.NO)
    if detail is None:
        fail(f"there is no difference {cluster_id}", mend="fig diffs lists them with their numbers")
    detail = replace(detail, examples=detail.examples[-examples:])
    commands = _commands(detail, _config_of(place))
    if as_json:
        print_json(_detail_dict(detail, commands))
    else:
        _print_detail(detail, commands)


def _number_of(which: str, place: Place) -> int:
    """The number of a difference that is given by it, or by the place where it is."""
    if which.isascii() and which.isdigit():
        return int(which)
    clusters = _clusters(place, None, 0.0)
    found = [each for each in clusters if which in (each.path, each.place, each.where)]
    if not found:
        fail(f"there is no difference at {which!r}", mend="fig diffs lists them with their places")
    if len(found) > 1:
        several = ", ".join(f"{each.id} ({each.kind}, {each.place})" for each in found)
        fail(f"{len(found)} differences are at {which!r}", mend=f"give a number: {several}")
    return found[0].id


def _seconds(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        fail(f"--since: {error}", mend="write 90s, 10m, 2h or change")


def _clusters(
    place: Place, capability: str | None, since: float, trace: str | None = None
) -> list[Cluster]:
    try:
        return read_clusters(place.state_dir / STORE_NAME, capability, since=since, trace=trace)
    except StoreError as error:
        fail(str(error), code=ExitCode.NO)


def _check_name(capability: str, place: Place, accounts: dict[str, Account]) -> None:
    config = _config_of(place)
    known = {*accounts, *(config.capabilities if config is not None else ())}
    if capability not in known:
        names = ", ".join(sorted(known)) or "none"
        fail(f"there is no capability {capability!r}", mend=f"known ones: {names}")


def _config_of(place: Place) -> Config | None:
    """The config as written now; a file that is broken at the moment hides no difference."""
    try:
        return load(place.config_path).config
    except ConfigError:
        return None


def _print_accounts(accounts: dict[str, Account], capability: str | None) -> None:
    if not accounts:
        whose = f"of {capability} " if capability else ""
        out.print(
            f"Nothing {escape(whose)}was compared yet: set a capability to shadow, and send it traffic."
        )
    for name, account in accounts.items():
        parts = [
            f"asked {account.asked:,}",
            f"equal {account.equal:,}",
            f"different {account.different:,}",
            f"ignored {account.ignored:,}",
            f"no answer {account.no_answer:,}{_reasons(account.no_answer_by)}",
            f"skipped {sum(account.skipped.values()):,}{_reasons(account.skipped)}",
            f"lost {sum(account.lost.values()):,}{_reasons(account.lost)}",
            f"waiting {max(account.waiting, 0):,}",
        ]
        out.print(f"[bold]{escape(name)}[/]  {escape(' · '.join(parts))}")
        out.print(f"  {_how_sure(account)}")


def _reasons(counts: dict[str, int]) -> str:
    if not counts:
        return ""
    return f" ({', '.join(f'{name} {count:,}' for name, count in sorted(counts.items()))})"


def _how_sure(account: Account) -> str:
    if not account.compared:
        return "no verdict yet: nothing is known about differences"
    if account.bound is None:
        share = account.different / account.compared
        return f"{share:.2%} of {account.compared:,} comparisons differ"
    return (
        f"no difference in {account.compared:,} comparisons: with 95 % confidence fewer than"
        f" {account.bound:.3%} of answers differ"
    )


def _print_clusters(clusters: list[Cluster], limit: int) -> None:
    if not clusters:
        return
    # Two lines each instead of a table: a path that is folded or cut at 80 columns could not be copied.
    shown = clusters[:limit]
    id_width = max(2, *(len(str(cluster.id)) for cluster in shown))
    count_width = max(5, *(len(f"{cluster.count:,}") for cluster in shown))
    out.print(f"\n[bold]{'id':>{id_width}}  {'count':>{count_width}}  {'kind':<9}  where[/]")
    indent = " " * (id_width + count_width + 15)
    for cluster in shown:
        out.print(
            f"{cluster.id:>{id_width}}  {cluster.count:>{count_width},}  {cluster.kind:<9}  {escape(cluster.place)}"
        )
        seen = f"first {_local(cluster.first_seen)} · last {_local(cluster.last_seen)}"
        out.print(f"{indent}[dim]{escape(cluster.route)} · {seen}[/]")
    out.print()
    if len(clusters) > limit:
        out.print(f"… and {len(clusters) - limit:,} more: --limit {len(clusters)}")
    out.print(f"Look at one: fig diffs show {clusters[0].id}")


def _print_detail(detail: ClusterDetail, commands: dict[str, str]) -> None:
    cluster = detail.cluster
    out.print(
        f"[bold]{cluster.kind}[/] at [bold]{escape(cluster.place)}[/] of {escape(cluster.route)}"
        f" ({escape(cluster.capability)}): {cluster.count:,} times,"
        f" {_local(cluster.first_seen)} – {_local(cluster.last_seen)}"
    )
    for example in detail.examples:
        out.print()
        _print_example(example)
    out.print()
    for side, command in commands.items():
        out.print(f"[bold]{side}[/]")
        out.print(f"  {escape(command)}")
    if detail.examples:
        _print_missing(detail.examples[-1].exchange.request)
    if why_none := why_no_rule(cluster):
        out.print(f"\nNo rule is offered: {why_none}.")
    else:
        out.print("\nIf this may differ, say so in fig.rules.yaml (`rules:` stands there once):")
        out.print(escape(ignore_rule(cluster, today())))


def _print_example(example: Example) -> None:
    exchange = example.exchange
    request = exchange.request
    out.print(f"{escape(request.method)} {escape(request.target)}")
    out.print(
        f"  {_local(exchange.seen_at)} · request {escape(exchange.request_id)} ·{_trace(exchange)} stage {exchange.stage}, generation"
        f" {exchange.generation} · the {exchange.answered_side} answered the user"
        + (f" {escape(request.user)}" if request.user else "")
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column(f"monolith ({escape(exchange.control)})")
    table.add_column(f"service ({escape(exchange.candidate)})")
    table.add_row("status", str(exchange.control_status), str(exchange.candidate_status))
    table.add_row(escape(example.path), _shape(example.control), _shape(example.candidate))
    out.print(table)


def _trace(exchange: Exchange) -> str:
    """The trace, unless it is called as the request is."""
    if exchange.trace_id is None or exchange.trace_id == exchange.request_id:
        return ""
    return f" trace {exchange.trace_id} ·"


def _print_missing(request: RedactedRequest) -> None:
    """What has to be put back before the request is the one that was sent."""
    if request.user is not None:
        out.print("  (it was sent with credentials, which are not kept: add your own)")
    if REPLACED in request.target:
        out.print(f"  (values in the query that hold {REPLACED} are stand-ins: put in your own)")
    if request.body_bytes:
        out.print(f"  (it had a body of {request.body_bytes:,} bytes, which is not kept)")


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


def _cluster_dict(cluster: Cluster) -> dict[str, Any]:
    return {
        "id": cluster.id,
        "capability": cluster.capability,
        "route": cluster.route,
        "kind": cluster.kind,
        "where": cluster.where,
        "path": cluster.path,
        "count": cluster.count,
        "first_seen": _iso(cluster.first_seen),
        "last_seen": _iso(cluster.last_seen),
    }


def _detail_dict(detail: ClusterDetail, commands: dict[str, str]) -> dict[str, Any]:
    why_none = why_no_rule(detail.cluster)
    return {
        **_cluster_dict(detail.cluster),
        "examples": [example.to_dict() for example in detail.examples],
        "curl": {side: command for side, command in commands.items() if side != BOTH},
        "same": commands.get(BOTH),
        "rule": None if why_none else ignore_rule(detail.cluster, today()),
        "why_no_rule": why_none,
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _local(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"
