"""`manage.py backfill`: copy a capability's rows from the monolith into this service's tables."""

import argparse
import io
import json
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from chassis.declaration import section
from chassis.environment import read_secret
from chassis.ownership.backfill.lock import AlreadyRunningError, only_one
from chassis.ownership.backfill.mapping import database_of, declared_targets
from chassis.ownership.backfill.source import Source, SourceError
from chassis.ownership.backfill.walk import Walk, WalkError
from chassis.ownership.models import BackfillCursor
from chassis.ownership.views import MAX_LIMIT

DEFAULT_CHUNK = 500
_COUNTS = ("rows_read", "inserted", "changed", "unchanged", "deleted", "orphaned", "kept")
EXIT_INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Copy the rows of a capability from the monolith, and on later runs what changed there. "
        "Can be stopped at any moment (Ctrl-C, kill) and goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("capability", nargs="?", help="Needed when BACKFILL declares several.")
        parser.add_argument(
            "--source",
            metavar="URL",
            help="Where the monolith answers. Default: CHASSIS_SOURCE_URL.",
        )
        parser.add_argument(
            "--table",
            action="append",
            metavar="NAME",
            help="This table only; may be given again. Default: all.",
        )
        parser.add_argument(
            "--chunk",
            type=_chunk,
            default=DEFAULT_CHUNK,
            metavar="N",
            help=f"Rows per transaction, 1 to {MAX_LIMIT}. Default: {DEFAULT_CHUNK}.",
        )
        parser.add_argument(
            "--restart", action="store_true", help="Forget an interrupted walk and begin a new one."
        )
        parser.add_argument("--json", action="store_true", help="Print the summary as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        begun = time.monotonic()
        console = Console(stderr=True, quiet=options["verbosity"] == 0)
        try:
            with _terminated_as_interrupted(), _progress(console, options["json"]) as progress:
                walk, cursors = _run(options, console, progress)
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from error
        except (SourceError, WalkError) as error:
            raise CommandError(str(error)) from error
        except AlreadyRunningError:
            raise CommandError(
                "another backfill of this capability is running; it was left alone"
            ) from None
        except DatabaseError as error:
            raise CommandError(
                f"this service's database: {error}. Are its migrations applied (manage.py migrate)?"
            ) from error
        except KeyboardInterrupt:
            console.print("Stopped. Every finished chunk is kept; run backfill again to go on.")
            raise SystemExit(EXIT_INTERRUPTED) from None
        seconds = time.monotonic() - begun
        write = _as_json if options["json"] else _as_table
        self.stdout.write(write(cursors, walk.resumed, seconds))


def _run(
    options: dict[str, Any], console: Console, progress: Progress
) -> tuple[Walk, Sequence[BackfillCursor]]:
    capability = _capability(options["capability"])
    targets = declared_targets(capability)
    known = {target.table for target in targets}
    if unknown := sorted(set(options["table"] or ()) - known):
        raise ImproperlyConfigured(
            f"BACKFILL names no table {unknown[0]} for {capability}; it names {', '.join(sorted(known))}"
        )
    url = options["source"] or read_secret("CHASSIS_SOURCE_URL")
    if not url:
        raise ImproperlyConfigured(
            "say where the rows come from: --source URL, or CHASSIS_SOURCE_URL"
        )
    credential = read_secret("CHASSIS_CREDENTIAL")
    if credential is None:
        raise ImproperlyConfigured(
            "CHASSIS_CREDENTIAL (or CHASSIS_CREDENTIAL_FILE) is not set: it is what the monolith knows this "
            "service by, declared there in CHASSIS CALLERS"
        )
    source = Source(
        url,
        capability,
        credential,
        on_retry=lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True),
    )
    using = database_of(targets)
    with only_one(capability, using):
        walk = Walk(
            capability,
            targets,
            source,
            using,
            chunk=options["chunk"],
            watcher=_Bars(progress),
            tables=options["table"],
        )
        return walk, walk.run(restart=options["restart"])


def _capability(given: str | None) -> str:
    declared = list(section("BACKFILL")[0])
    if given is None and len(declared) != 1:
        known = ", ".join(declared) or "none"
        raise ImproperlyConfigured(f"say which capability: CHASSIS BACKFILL declares {known}")
    return given if given is not None else declared[0]


def _chunk(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does: the chunk under way is rolled back, and the last line says so."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Bars:
    """Draws the walk: one bar per table and phase."""

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
def _progress(console: Console, quiet: bool) -> Iterator[Progress]:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
    )
    with progress:
        yield progress


def _as_json(cursors: Sequence[BackfillCursor], resumed: bool, seconds: float) -> str:
    tables = {c.table: {name: getattr(c, name) for name in _COUNTS} for c in cursors}
    return json.dumps(
        {"resumed": resumed, "seconds": round(seconds, 3), "tables": tables}, indent=2
    )


def _as_table(cursors: Sequence[BackfillCursor], resumed: bool, seconds: float) -> str:
    table = Table("table", box=box.SIMPLE)
    shown = [
        n for n in _COUNTS if n not in ("orphaned", "kept") or any(getattr(c, n) for c in cursors)
    ]
    for name in shown:
        table.add_column(name.replace("rows_read", "rows read"), justify="right")
    for cursor in cursors:
        table.add_row(cursor.table, *(f"{getattr(cursor, name):,}" for name in shown))
    text = io.StringIO()
    console = Console(file=text, width=120)
    console.print(table)
    if any(cursor.orphaned for cursor in cursors):
        console.print(
            "orphaned: what these rows refer to is not in the source, so they were not written."
        )
    if any(cursor.kept for cursor in cursors):
        console.print("kept: vanished from the source, but other rows here still refer to them.")
    note = " The counts are those of the whole walk, with what was done before it was interrupted."
    console.print(f"Done in {seconds:.1f} s.{note if resumed else ''}", soft_wrap=True)
    return text.getvalue()
