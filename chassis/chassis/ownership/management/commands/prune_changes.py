"""`manage.py prune_changes`: delete old entries of the change log."""

import argparse
import json
import re
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chassis.ownership.capture.install import CaptureError, refuse_without_log
from chassis.ownership.capture.prune import prune

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = (
        "Delete old entries of the change log, to be run daily. A service that has not read them by then "
        "copies everything again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--keep",
            type=_duration,
            default=timedelta(days=7),
            metavar="TIME",
            help="Entries younger than this stay: 12h, 7d. Default: 7d.",
        )
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            refuse_without_log()
            deleted = prune(options["keep"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from error
        except CaptureError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"deleted": deleted}))
        else:
            self.stdout.write(f"Deleted {deleted:,} entries.")


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError("must be a number and a unit: 90s, 30m, 12h, 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
