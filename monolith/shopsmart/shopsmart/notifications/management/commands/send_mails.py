"""Sends the mails that wait. As many may run at once as one likes: each takes what no other has."""

import json
import signal
import threading
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shopsmart.notifications.models import Mail
from shopsmart.notifications.selectors import count_mails, due_mails
from shopsmart.notifications.sending import Sending, send_queued


class Command(BaseCommand):
    help = (
        "Send the mails that wait; again, later, those that the mail server refused for now. "
        "Exits 1 when the mail server can't be reached."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every",
            type=_seconds,
            metavar="SECONDS",
            help="go on and look again this often, until SIGTERM or Ctrl-C",
        )
        parser.add_argument("--json", action="store_true", help="say what was done as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if Mail._meta.db_table not in connection.introspection.table_names():
            raise CommandError("The database has no tables yet. Run `manage.py migrate` first.")
        self.ended = threading.Event()
        with self._told_to_end():
            while True:
                run = self._send(options)
                if options["every"] is None:
                    break
                if run.unreachable:
                    self.stderr.write(_away(run))
                # A connection that waits for minutes may be gone by then; it costs little to make.
                connection.close()
                if self.ended.wait(options["every"]):
                    return
        if run.unreachable:
            raise CommandError(_away(run))

    @contextmanager
    def _told_to_end(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C let the mail in hand be finished first, so that nobody gets it twice."""
        before = {
            number: signal.signal(number, lambda *_: self.ended.set())
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _send(self, options: dict[str, Any]) -> Sending:
        goes_on = options["every"] is not None
        with Progress(
            TextColumn("mails"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=self.stderr, highlight=False),
            disable=options["json"] or goes_on,
        ) as progress:
            task = progress.add_task("mails", total=due_mails().count())
            run = send_queued(stop=self.ended.is_set, done=lambda: progress.advance(task))
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(run), "mails": count_mails()}))
        elif not goes_on or run.sent or run.failed or run.postponed:
            self.stdout.write(
                f"Sent {run.sent}, given up {run.failed}, put off {run.postponed}; {_waiting()} wait."
            )
        self.stdout.flush()
        return run


def _away(run: Sending) -> str:
    return f"The mail server can't be reached ({run.unreachable}). {_waiting()} mails wait; see EMAIL_URL."


def _waiting() -> int:
    return count_mails()[Mail.State.QUEUED]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no number of seconds") from error
    if not 0.1 <= seconds <= 86_400:
        raise ArgumentTypeError("from 0.1 to 86400 seconds")
    return seconds
