"""`manage.py backfill`: copy a capability's rows from the monolith into this service's tables."""

import argparse
import io
import json
import time
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from chassis.ownership.backfill.copying import copy
from chassis.ownership.backfill.lock import AlreadyRunningError, only_one
from chassis.ownership.backfill.walk import Walked, WalkError
from chassis.ownership.interruption import interruptible
from chassis.ownership.management import service
from chassis.ownership.management.terminal import (
    EXIT_INTERRUPTED,
    Bars,
    print_line,
    progress_on,
)
from chassis.ownership.models import BackfillCursor
from chassis.ownership.source.channel import SourceAwayError, SourceError
from chassis.ownership.views import MAX_LIMIT

DEFAULT_CHUNK = 500
_COUNTS = ("rows_read", "inserted", "changed", "unchanged", "deleted", "orphaned", "kept")


class Command(BaseCommand):
    help = (
        "Copy the rows of a capability from the monolith, and on later runs what changed there. "
        "Can be stopped at any moment (Ctrl-C, kill) and goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        service.add_arguments(parser)
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
            with interruptible(), progress_on(console) as progress:
                walked = _run(options, console, progress)
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from error
        except SourceAwayError as error:
            raise CommandError(
                f"{error}. Nothing is lost: run backfill again when it is back."
            ) from error
        except (SourceError, WalkError) as error:
            raise CommandError(str(error)) from error
        except AlreadyRunningError:
            raise CommandError(
                "another backfill of this capability is running; it was left alone"
            ) from None
        except Error as error:
            raise CommandError(service.database_words(error)) from error
        except KeyboardInterrupt:
            console.print("Stopped. Every finished chunk is kept; run backfill again to go on.")
            raise SystemExit(EXIT_INTERRUPTED) from None
        seconds = time.monotonic() - begun
        write = _as_json if options["json"] else _as_table
        self.stdout.write(write(walked.cursors, walked.resumed, seconds))


def _run(options: dict[str, Any], console: Console, progress: Progress) -> Walked:
    mine = service.copy_of(options["capability"])
    capability, using = mine.replica.capability, mine.replica.using
    known = {target.table for target in mine.targets}
    if unknown := sorted(set(options["table"] or ()) - known):
        raise ImproperlyConfigured(
            f"BACKFILL names no table {unknown[0]} for {capability}; it names {', '.join(sorted(known))}"
        )
    source, feed = service.source_of(
        capability, options["source"], on_retry=lambda line: print_line(console, line)
    )
    with only_one("backfill", capability, using):
        return copy(
            mine.replica,
            mine.targets,
            source,
            feed,
            chunk=options["chunk"],
            watcher=Bars(progress),
            tables=options["table"],
            restart=options["restart"],
        )


def _chunk(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


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
