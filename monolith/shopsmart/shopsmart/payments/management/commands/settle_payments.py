"""Asks the gateway what came of the payments and refunds that were left open, and ends their orders by it.

Run it every few minutes. Whatever was killed, lost or timed out in between, this ends it; running
twice, or beside itself and the shop, changes nothing more.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shopsmart.payments import services
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.selectors import unsettled_payments, unsettled_refunds

logger = logging.getLogger(__name__)

FAILED = "failed"


class Command(BaseCommand):
    help = (
        "Ask the card gateway about payments and refunds whose outcome is not known, and end their "
        "orders by it. Exit code 1 while some stay unknown because the gateway gave no answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="say what came of it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=self.stderr, highlight=False)
        with Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=options["json"],
        ) as progress:
            payments = self._settle_all(progress, "payments", unsettled_payments(), _settle_payment)
            refunds = self._settle_all(progress, "refunds", unsettled_refunds(), _settle_refund)
        if options["json"]:
            self.stdout.write(json.dumps({"payments": dict(payments), "refunds": dict(refunds)}))
        else:
            self.stdout.write(f"Payments: {_told(payments)}. Refunds: {_told(refunds)}.")
        if any(counted[state] for counted in (payments, refunds) for state in ("unknown", FAILED)):
            raise SystemExit(1)

    def _settle_all(
        self, progress: Progress, name: str, rows: Any, settle: Callable[[Any], str]
    ) -> Counter[str]:
        """How many came to be in each state."""
        # All that were open at the beginning: no cursor is kept while the gateway is asked.
        keys = list(rows.values_list("pk", flat=True))
        task = progress.add_task(name, total=len(keys))
        counted: Counter[str] = Counter()
        for row in _each(rows.model, keys):
            try:
                counted[settle(row)] += 1
            except Exception:
                # One that can't be ended must not keep the others from it.
                logger.exception("could not settle %s %s", name, row.key)
                counted[FAILED] += 1
            progress.advance(task)
        return counted


def _each(model: type[Payment] | type[Refund], keys: Iterable[int]) -> Iterator[Any]:
    for key in keys:
        yield model._default_manager.get(pk=key)


def _settle_payment(payment: Payment) -> str:
    return services.settle(payment=payment).state


def _settle_refund(refund: Refund) -> str:
    return services.settle_refund(refund=refund).state


def _told(counted: Counter[str]) -> str:
    told = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in counted.items())
    return told or "none open"
