"""What a run prints while it runs: a line for each command, with its time; on a terminal the one that runs, too."""

from types import TracebackType

from rich.markup import escape
from rich.status import Status

from guidebook.cli.output import err
from guidebook.pages import Command, Interrupt
from guidebook.run import Mark, PageReport

_LONGEST_COMMAND = 70


class Progress:
    """A `Watcher` that prints on stderr."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._line = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def page_begins(self, page: str) -> None:
        err.print(f"[bold]{escape(page)}[/]")

    def page_ended(self, page: PageReport) -> None:
        commands = f"{len(page.done)} command{'s' * (len(page.done) != 1)}"
        err.print(f"  [bold]{page.seconds:6.1f} s  {commands}[/]")

    def command_begins(self, terminal: str, action: Command | Interrupt) -> None:
        text = " ".join(action.text.split())
        if len(text) > _LONGEST_COMMAND:
            text = f"{text[: _LONGEST_COMMAND - 1]}…"
        self._line = f"{action.line:>4}  {terminal:<8}  {text}"
        if err.is_terminal:
            self._status = err.status(escape(self._line))
            self._status.start()

    def command_ended(self, seconds: float, *, fine: bool) -> None:
        self._stop()
        mark = "[green]✓[/]" if fine else "[red]✗[/]"
        err.print(f"{mark} {seconds:6.1f} s {escape(self._line)}")

    def mark_reached(self, mark: Mark) -> None:
        err.print(f"[bold]●[/] {mark.after_s:6.1f} s  since the start: {escape(mark.name)}")

    def _stop(self) -> None:
        if self._status:
            self._status.stop()
            self._status = None
