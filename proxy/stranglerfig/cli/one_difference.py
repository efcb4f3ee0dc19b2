"""One difference as a person reads it: what was decided, the values of each example side by side, and ways on."""

from rich.markup import escape
from rich.table import Table

from stranglerfig.cli.differences import mark_text, reopened_text
from stranglerfig.cli.output import local_time, out
from stranglerfig.compare.diff.difference import STATUS, Shape
from stranglerfig.compare.record import Cluster, ClusterDetail, Example, Exchange
from stranglerfig.compare.reproduce import ignore_rule, missing_of, why_no_rule
from stranglerfig.compare.rule_term import today
from stranglerfig.compare.rules import Rule
from stranglerfig.compare.triage import Mark, Reopening, Triaged


def print_difference(
    each: Triaged,
    detail: ClusterDetail,
    commands: dict[str, str],
    shapes: str,
    expired: list[Rule],
    smallest: Example | None,
) -> None:
    """Print what is shown of a difference; ``smallest`` is pointed out among several examples."""
    cluster = detail.cluster
    out.print(
        f"[bold]{cluster.kind}[/]{f' ({escape(shapes)})' if shapes else ''} at [bold]{escape(cluster.place)}[/]"
        f" of {escape(cluster.route)} ({escape(cluster.capability)}): {cluster.count:,} times,"
        f" {local_time(cluster.first_seen)} – {local_time(cluster.last_seen)}"
    )
    out.print(f"severity {cluster.weight.severity}: {cluster.weight.why}")
    _print_decisions(each)
    for rule in expired:
        out.print(f"  expired   {rule.expires} rule {escape(rule.name)}, which covered it")
    for example in detail.examples:
        out.print()
        _print_example(
            cluster, example, is_smallest=example is smallest and len(detail.examples) > 1
        )
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
