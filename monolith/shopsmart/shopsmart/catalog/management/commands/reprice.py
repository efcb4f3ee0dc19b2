"""The nightly re-pricing: one UPDATE for thousands of prices, and past everything that watches them.

`QuerySet.update()` calls no `save()` and sends no signal, so this writes no PriceChange, touches no
`updated_at` and tells nobody. That is how such commands come to be written, since it is two hundred
times as fast; it is also why a copy of these tables that relies on signals is wrong by morning.
"""

from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Case, DecimalField, F, Value, When
from django.db.models.functions import Round

from shopsmart.catalog.models import Variant
from shopsmart.catalog.selectors import CategoryTree

LIMIT_PERCENT = 90


class Command(BaseCommand):
    help = (
        "Move all prices, or those of one category, by a percentage. Writes no price history and "
        "sends no signal: see the README before copying the tables it writes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--percent",
            type=_percent,
            required=True,
            metavar="P",
            help=f"by how much, from -{LIMIT_PERCENT} to {LIMIT_PERCENT}; a minus makes it cheaper",
        )
        parser.add_argument(
            "--category", metavar="SLUG", help="only what stands in this category or below it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        variants = Variant.objects.all()
        if options["category"]:
            node = CategoryTree().find(options["category"])
            if node is None:
                raise CommandError(f"There is no category {options['category']!r}.")
            variants = variants.filter(product__category_id__in=sorted(node.descendant_ids))
        amount = DecimalField(max_digits=10, decimal_places=2)
        factor = Value(1 + options["percent"] / 100, DecimalField(max_digits=7, decimal_places=4))
        new_price = Round(F("price_amount") * factor, 2, output_field=amount)
        changed = variants.update(
            price_amount=new_price,
            # The database refuses a former price that is no longer the higher one.
            compare_at_amount=Case(
                When(compare_at_amount__gt=new_price, then=F("compare_at_amount")),
                default=None,
                output_field=amount,
            ),
        )
        self.stdout.write(f"Moved {changed} prices by {options['percent']} %.")


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text)
    except InvalidOperation:
        percent = Decimal("NaN")
    if not percent.is_finite() or abs(percent) > LIMIT_PERCENT or percent == 0:
        raise ArgumentTypeError(
            f"{text!r} is no percentage from -{LIMIT_PERCENT} to {LIMIT_PERCENT}"
        )
    return percent
