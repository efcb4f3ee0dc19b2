"""`manage.py consume`: keep this service's copy of a capability in step with the monolith."""

import argparse
import re
import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from rich.console import Console

from chassis.ownership.backfill.lock import AlreadyRunningError, only_one
from chassis.ownership.backfill.walk import WalkError
from chassis.ownership.interruption import TerminatedError, interruptible
from chassis.ownership.management import following, service
from chassis.ownership.management.terminal import (
    EXIT_INTERRUPTED,
    print_line,
)
from chassis.ownership.replica import OvertakenError
from chassis.ownership.replication.consumer import Consumer
from chassis.ownership.replication.loop import follow
from chassis.ownership.replication.page import PageError
from chassis.ownership.replication.status import status_of
from chassis.ownership.source.channel import SourceAwayError, SourceError
from chassis.ownership.views import MAX_LIMIT

DEFAULT_INTERVAL_S = 0.25
DEFAULT_LIMIT = 500


class Command(BaseCommand):
    help = (
        "Follow the monolith's feed of changes and apply them to this service's copy of a capability; copies everything "
        "first where that has not been done. Runs until it is stopped (Ctrl-C, SIGTERM, kill) and goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        service.add_arguments(parser)
        parser.add_argument(
            "--once", action="store_true", help="End when everything up to now has been applied."
        )
        parser.add_argument(
            "--interval",
            type=_interval,
            default=DEFAULT_INTERVAL_S,
            metavar="TIME",
            help="How long to wait before asking again, such as 250ms or 2s, when there was nothing more. Default: 250ms.",
        )
        parser.add_argument(
            "--limit",
            type=_limit,
            default=DEFAULT_LIMIT,
            metavar="N",
            help=f"Changes per transaction, and rows where it copies, 1 to {MAX_LIMIT}. Default: {DEFAULT_LIMIT}.",
        )
        parser.add_argument(
            "--status",
            action="store_true",
            help="Say where the copy stands; exit code 1 when it does not run, is stuck, or is not whole.",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="Print the status, or the summary of --once, as JSON.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(stderr=True, quiet=options["verbosity"] == 0)
        try:
            mine = service.copy_of(options["capability"])
            if options["status"]:
                self._print_status(mine, as_json=options["json"])
                return
            with interruptible():
                self._consume(mine, console, options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from error
        except SourceAwayError as error:
            raise CommandError(
                f"{error}. Nothing is lost: run consume again when it is back."
            ) from error
        except (SourceError, WalkError, PageError) as error:
            raise CommandError(str(error)) from error
        except (AlreadyRunningError, OvertakenError):
            raise CommandError(
                "another consume of this capability is running; it was left alone"
            ) from None
        except Error as error:
            raise CommandError(service.database_words(error)) from error
        except KeyboardInterrupt as error:
            print_line(console, "Stopped. What was applied is kept; run consume again to go on.")
            # Who runs this as a service ends it by SIGTERM, and means no failure.
            code = 0 if isinstance(error, TerminatedError) else EXIT_INTERRUPTED
            raise SystemExit(code) from None

    def _consume(self, mine: service.Copy, console: Console, options: dict[str, Any]) -> None:
        begun, replica = time.monotonic(), mine.replica
        with following.Display(console, replica.capability) as display:
            source, feed = service.source_of(
                replica.capability,
                options["source"],
                on_retry=display.tell,
                delays_s=None if options["once"] else (),
            )
            consumer = Consumer(
                replica, mine.targets, source, feed, limit=options["limit"], listener=display
            )
            if not options["once"]:
                follow(replica, consumer, interval_s=options["interval"], tell=display.tell)
            with only_one("consume", replica.capability, replica.using):
                while consumer.turn():
                    pass
        if not consumer.is_copied:
            raise WalkError(
                "a backfill of this capability is running and has not copied everything yet; "
                "what changed so far was applied. Run consume again after it."
            )
        write = following.summary_as_json if options["json"] else following.summary_as_text
        self.stdout.write(write(consumer, time.monotonic() - begun))

    def _print_status(self, mine: service.Copy, *, as_json: bool) -> None:
        status = status_of(mine.replica, mine.targets)
        write = following.status_as_json if as_json else following.status_as_text
        self.stdout.write(write(status))
        if not status.is_well:
            raise SystemExit(1)


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _interval(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as 250ms or 2s")
    seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
    if not 0.01 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be from 10ms to 3600s")
    return seconds
