"""What `consume` shows: lines for a log, and one living line where a person looks."""

import dataclasses
import datetime as dt
import io
import json
import time
from contextlib import ExitStack

from django.utils import timezone
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.status import Status as LivingLine
from rich.table import Table

from chassis.ownership.backfill.batch import Outcome
from chassis.ownership.management.terminal import Bars, print_line, progress_on
from chassis.ownership.replication.consumer import Consumer
from chassis.ownership.replication.status import Status


class Display:
    """Prints what is told; in a terminal also bars while it copies and a living line while it follows."""

    def __init__(self, console: Console, capability: str) -> None:
        self._console = console
        self._capability = capability
        self._shown = ExitStack()
        self._bars: Bars | None = None
        self._line: LivingLine | None = None
        self._last_change: float | None = None

    def __enter__(self) -> "Display":
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def tell(self, line: str) -> None:
        print_line(self._console, f"{self._capability}: {line}")
        if self._line is not None:
            self._line.update(escape(f"{self._capability}: {line}"))

    def reading(self, table: str, phase: str, done: int, total: int | None) -> None:
        if self._bars is None:
            self._clear()
            self._bars = Bars(self._shown.enter_context(progress_on(self._console)))
        self._bars.reading(table, phase, done, total)

    def followed(self, changes: int, more: bool) -> None:
        if not self._console.is_terminal or self._console.quiet:
            return
        if self._line is None:
            self._clear()
            self._line = self._shown.enter_context(self._console.status("", spinner="dots"))
            self._changes = changes
        if changes != self._changes:
            self._changes, self._last_change = changes, time.monotonic()
        words = "catching up" if more else "in step"
        words = f"{self._capability}: {words}, {changes:,} changes applied"
        if self._last_change is not None:
            words += f", the last {_age(time.monotonic() - self._last_change)} ago"
        self._line.update(escape(words))

    def _clear(self) -> None:
        self._shown.close()
        self._bars = self._line = None


_COUNTS = tuple(field.name for field in dataclasses.fields(Outcome))


def summary_as_json(consumer: Consumer, seconds: float) -> str:
    """What a run to the end of the feed did."""
    return json.dumps(
        {
            "seconds": round(seconds, 3),
            "copied": sorted(consumer.copied_tables),
            "pages": consumer.pages,
            "changes": consumer.changes,
            "tables": {
                table: dataclasses.asdict(outcome) for table, outcome in consumer.outcomes.items()
            },
        },
        indent=2,
    )


def summary_as_text(consumer: Consumer, seconds: float) -> str:
    """The same for people."""
    text = io.StringIO()
    console = Console(file=text, width=120)
    outcomes = {t: o for t, o in consumer.outcomes.items() if o.read or o.deleted or o.kept}
    if outcomes:
        table = Table("table", box=box.SIMPLE)
        shown = [
            name
            for name in _COUNTS
            if name not in ("orphaned", "kept") or any(getattr(o, name) for o in outcomes.values())
        ]
        for name in shown:
            table.add_column(name, justify="right")
        for name, outcome in sorted(outcomes.items()):
            table.add_row(name, *(f"{getattr(outcome, count):,}" for count in shown))
        console.print(table)
    if consumer.copied_tables:
        console.print(f"Copied first: {', '.join(sorted(consumer.copied_tables))}.", soft_wrap=True)
    console.print(
        f"In step after {seconds:.1f} s: {consumer.changes:,} changes in {consumer.pages:,} pages.",
        soft_wrap=True,
        highlight=False,
    )
    return text.getvalue()


def status_as_json(status: Status) -> str:
    """Where the copy stands."""
    body = dataclasses.asdict(status) | {"ok": status.is_well}
    return json.dumps(body, indent=2, default=lambda moment: moment.isoformat())


def status_as_text(status: Status) -> str:
    """The same for people."""
    lines = [
        ("consume", "runs" if status.running else "does not run"),
        ("cursor", status.cursor or "none: nobody has followed the feed yet"),
        ("still to copy", ", ".join(status.to_copy) or "nothing"),
        ("changes", f"{status.changes:,} applied, the last {_ago(status.applied_at)}"),
        ("source", f"answered {_ago(status.heard_at)}"),
    ]
    if status.orphans:
        lines.append(
            ("left out", f"{status.orphans:,} rows: what they refer to is not in the source")
        )
    if status.trouble:
        lines.append(("trouble", f"since {_ago(status.trouble_at)}: {status.trouble}"))
    return "\n".join([f"{status.capability}", *(f"  {name:<14}{text}" for name, text in lines)])


def _ago(moment: dt.datetime | None) -> str:
    return "never" if moment is None else f"{_age((timezone.now() - moment).total_seconds())} ago"


def _age(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
