"""What the demo prints: the story while it happens, then the evidence as one table."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from demo.pages import CATALOG
from demo.walk import ANSWERS_A_STEP, Evidence, Step

console = Console(highlight=False)


def heading(text: str) -> None:
    """Begin a part of the story."""
    console.print(f"\n[bold green]●[/] [bold]{text}[/]")


def say(text: str) -> None:
    """Add a line to the part."""
    console.print(f"  {text}")


def step_progress(step: Step) -> Progress:
    """A bar for the answers of one step; it vanishes when the step is done."""
    progress = Progress(
        SpinnerColumn(),
        TextColumn("shoppers browse"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
    )
    progress.add_task(step.name, total=ANSWERS_A_STEP)
    return progress


def announce(step: Step, command: str) -> None:
    """Say what is about to be done, as a person would type it."""
    heading(f"{step.name}: {step.why}")
    say(f"[cyan]$ {command}[/]")


def show(evidence: Evidence) -> None:
    """Say what one step showed."""
    counts = evidence.counts
    effective = evidence.effective_ms
    say(
        "already so"
        if effective is None
        else f"effective on every worker after [bold]{effective:.0f} ms[/]"
    )
    say(
        f"{evidence.shoppers.answers[CATALOG]} catalogue answers to {evidence.shoppers.visitors} visitors: "
        f"{counts.monolith} by the monolith, {counts.service} by the service, "
        f"{sum(evidence.shoppers.errors.values())} failed"
    )
    if counts.asked:
        say(
            f"{counts.asked} to be compared: {counts.equal} equal, {counts.different} different, "
            f"{counts.ignored} ignored, {counts.no_answer} no answer, "
            f"{counts.skipped + counts.not_teed} skipped, {counts.lost} lost"
        )
    problems = evidence.problems()
    for problem in problems:
        say(f"[bold red]✗ {problem}[/]")
    if not problems:
        say("[green]✓[/] shoppers, proxy and both access logs agree on every count")


def table(steps: list[Evidence]) -> Table:
    """Every step as one row."""
    summary = Table(title="catalog, step by step", title_justify="left", caption_justify="left")
    summary.add_column("stage")
    for name in ("effective", "monolith", "service", "equal", "different", "failed"):
        summary.add_column(name, justify="right")
    summary.add_column("access logs")
    for evidence in steps:
        counts, logs = evidence.counts, (evidence.monolith_log, evidence.service_log)
        agreed = not evidence.mismatches()
        summary.add_row(
            evidence.step.name,
            "-" if evidence.effective_ms is None else f"{evidence.effective_ms:.0f} ms",
            str(counts.monolith),
            str(counts.service),
            str(counts.equal),
            str(counts.different),
            str(sum(evidence.shoppers.errors.values())),
            f"{logs[0].by_users} + {logs[1].by_users} by users, "
            f"{logs[0].as_shadow + logs[1].as_shadow} shadows "
            + ("[green]✓[/]" if agreed else "[bold red]✗[/]"),
        )
    return summary
