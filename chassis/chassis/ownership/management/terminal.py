"""How the commands of a service show what they do."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from chassis.ownership.models import BackfillCursor

EXIT_INTERRUPTED = 130


class Bars:
    """Draws a walk: one bar per table and phase."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[tuple[str, str], TaskID] = {}

    def reading(self, table: str, phase: str, done: int, total: int | None) -> None:
        bar = self._bars.get((table, phase))
        if bar is None:
            words = f"{table}: {BackfillCursor.Phase(phase).label}"
            bar = self._bars[table, phase] = self._progress.add_task(words, total=total)
        self._progress.update(bar, completed=done, total=total)


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """Bars below what is printed meanwhile; nothing where nobody looks."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=console.quiet or not console.is_terminal,
        transient=True,
    )
    with progress:
        yield progress


def print_line(console: Console, line: str) -> None:
    """A line as it is: no markup, no colours, not broken."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
