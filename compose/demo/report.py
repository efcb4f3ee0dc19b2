"""What the demo prints: the story while it happens, then the evidence as one table."""

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from demo.failure import DemoError
from demo.money import Money
from demo.pages import CATALOG, CHECKOUT
from demo.price import PriceChange
from demo.walk import ANSWERS_A_STEP, Evidence, Step

COLUMNS = (
    *("set ms", "monolith", "service", "equal", "ignored", "differ", "failed", "orders", "logs"),
)
console = Console(highlight=False, soft_wrap=True)


def heading(text: str) -> None:
    """Begin a part of the story."""
    console.print(f"\n[bold green]●[/] [bold]{text}[/]")


def say(text: str) -> None:
    """Add a line to the part; on a terminal it is wrapped between words, under itself."""
    if console.is_terminal:
        console.print(Padding(text, (0, 0, 0, 2)), soft_wrap=False)
    else:
        console.print(f"  {text}")


def say_command(command: str) -> None:
    """Add a command, unwrapped, so that it can be copied."""
    console.print(f"    [cyan]{escape(command)}[/]")


def fail(failed: DemoError) -> None:
    """Say why the demo ends. The end of a log is shown as it is, brackets too."""
    console.print(f"\n[bold red]error:[/] {escape(str(failed))}")


def step_progress(step: Step) -> Progress:
    """A bar for the answers of one step; it vanishes when the step is done."""
    progress = Progress(
        SpinnerColumn(),
        TextColumn("shoppers browse"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    progress.add_task(step.name, total=ANSWERS_A_STEP)
    return progress


def announce(step: Step, command: str) -> None:
    """Say what is about to be done, as a person would type it."""
    heading(f"{step.name}: {step.why}")
    say_command(f"$ {command}")


def show(evidence: Evidence) -> None:
    """Say what one step showed."""
    changing, after = evidence.changing, evidence.after
    if evidence.effective_ms is None:
        say("it was so already")
    else:
        say(
            f"effective on every worker after [bold]{evidence.effective_ms:.0f} ms[/]; "
            f"{changing.shoppers.answers[CATALOG]} answers meanwhile, {changing.failed} failed"
        )
    counts = after.counts
    say(
        f"{after.shoppers.answers[CATALOG]} catalogue answers to {after.shoppers.visitors} visitors: "
        f"{counts.monolith} by the monolith, {counts.service} by the service; "
        f"{after.failed} of all requests failed"
    )
    if counts.own_writes:
        say(
            f"{counts.own_writes} of these by the monolith since the customer had just written there"
        )
    if others := changing.by_others + after.by_others:
        say(f"{others} more to others who looked at the shop meanwhile")
    if counts.asked:
        say(
            f"{counts.asked} to be compared: {counts.equal} equal, {counts.ignored} ignored by rule, "
            f"[bold]{counts.different} different[/], {counts.lag} lag, {counts.noise} noise, {counts.no_answer} no answer, "
            f"{counts.skipped + counts.not_teed} skipped, {counts.lost} lost"
        )
    checkouts = changing.shoppers.answers[CHECKOUT] + after.shoppers.answers[CHECKOUT]
    say(f"{checkouts} {'checkout' if checkouts == 1 else 'checkouts'} meanwhile")
    problems = evidence.problems()
    for problem in problems:
        say(f"[bold red]✗ {escape(problem)}[/]")
    if not problems:
        say("[green]✓[/] shoppers, proxy and both access logs agree on every count")


def table(steps: list[Evidence]) -> Table:
    """Every step as one row; the counts are those after the change."""
    summary = Table(
        title="catalog, step by step", title_justify="left", box=None, padding=(0, 1, 0, 0)
    )
    summary.add_column("stage", no_wrap=True)
    for name in COLUMNS:
        summary.add_column(name, justify="right", no_wrap=True)
    for evidence in steps:
        window, counts = evidence.after, evidence.after.counts
        agree = not (evidence.changing.mismatches() or window.mismatches())
        summary.add_row(
            evidence.step.name,
            "-" if evidence.effective_ms is None else f"{evidence.effective_ms:.0f}",
            *map(str, (counts.monolith, counts.service)),
            *map(str, (counts.equal, counts.ignored, counts.different)),
            str(evidence.changing.failed + window.failed),
            str(window.shoppers.answers[CHECKOUT]),
            "[green]agree[/]" if agree else "[bold red]differ[/]",
        )
    return summary


def show_price(change: PriceChange) -> None:
    """Say how long a changed price took."""
    say(f"{change.sku} now costs {change.after} instead of {change.before}")
    say(f"the service answers with it [bold]{change.arrived_after_ms:.0f} ms[/] after the commit")


def show_money(money: Money) -> None:
    """The three accounts of the money, and every order on which they disagree."""
    console.print()
    outcomes = money.outcomes
    summary = Table(
        title=(
            f"{outcomes.get('paid', 0)} orders paid, {outcomes.get('cancelled', 0)} of them cancelled and "
            f"{outcomes.get('returned', 0)} sent back; {outcomes.get('declined', 0)} cards declined"
        ),
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    summary.add_column("EUR", no_wrap=True)
    for name in ("charged", "refunded", "kept"):
        summary.add_column(name, justify="right", no_wrap=True)
    for name, sums in money.accounts():
        kept = sums.charged - sums.refunded
        summary.add_row(name, *(f"{amount:,.2f}" for amount in (sums.charged, sums.refunded, kept)))
    console.print(summary)
    for problem in money.problems():
        say(f"[bold red]✗ {escape(problem)}[/]")
