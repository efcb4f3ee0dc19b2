"""`manage.py capture`: put the triggers that log changes in place, take them away, or say how they are."""

import io
import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich import box
from rich.console import Console
from rich.table import Table

from chassis.ownership.capture.install import (
    CaptureError,
    install,
    refuse_without_log,
    remove,
    renew,
)
from chassis.ownership.capture.report import Report, report
from chassis.problem import ProblemError

# A reader asks several times a second; `fig status` says the same of one that has not for so long.
STOPPED_AFTER_S = 10.0


class Command(BaseCommand):
    help = (
        "Put the triggers in place by which changes of the declared tables are logged. `migrate` does it, too; "
        "what is right already is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--status",
            action="store_true",
            help="Change nothing; say what is captured and how far it is read. Exit 1: something is wrong.",
        )
        instead.add_argument(
            "--remove", action="store_true", help="Drop all triggers: nothing is logged any more."
        )
        instead.add_argument(
            "--renew",
            action="store_true",
            help="Let every service copy again: after an older copy of the database was put back.",
        )
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            refuse_without_log()
            if options["status"]:
                found = report()
                self.stdout.write(
                    json.dumps(found.as_json(), indent=2) if options["json"] else _as_text(found)
                )
                if not found.whole:
                    raise SystemExit(1)
                return
            change = remove if options["remove"] else renew if options["renew"] else install
            done = change()
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from error
        except (CaptureError, ProblemError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"done": list(done)}, indent=2))
        else:
            self.stdout.write("\n".join(done) or "Nothing to do.")


def _as_text(found: Report) -> str:
    text = io.StringIO()
    console = Console(file=text, width=120)
    tables = Table("table", "logged by", "needed by", "triggers", box=box.SIMPLE)
    for watched in found.tables:
        tables.add_row(
            watched.table,
            watched.column,
            ", ".join(watched.capabilities),
            watched.fault or "in place",
        )
    console.print(tables)
    if found.readers:
        readers = Table("capability", "reader", "behind", "lag", "asked", box=box.SIMPLE)
        for capability, reader in found.readers:
            lost = reader["lag_s"] is None
            readers.add_row(
                capability,
                str(reader["caller"]),
                "copies again" if lost else f"{reader['behind']}",
                "" if lost else f"{reader['lag_s']} s",
                _asked(reader["asked_s_ago"]),
            )
        console.print(readers)
    for line in found.remarks:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return text.getvalue().rstrip("\n")


def _asked(s_ago: float) -> str:
    return f"stopped {s_ago} s ago" if s_ago > STOPPED_AFTER_S else f"{s_ago} s ago"
