"""Deletes carts of guests that nobody can come back to: their cookie has expired."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from shopsmart.cart.middleware import COOKIE_MAX_AGE_S
from shopsmart.cart.models import Cart

BATCH = 1_000


class Command(BaseCommand):
    help = "Delete guests' carts that were left alone for longer than their cookie lives (90 days)."

    def handle(self, *args: Any, **options: Any) -> None:
        left_alone_since = timezone.now() - timedelta(seconds=COOKIE_MAX_AGE_S)
        old = Cart.objects.filter(user=None, updated_at__lt=left_alone_since).order_by("updated_at")
        count = 0
        # In batches, each its own transaction: shoppers who write meanwhile wait for one of them at most.
        while keys := list(old.values_list("pk", flat=True)[:BATCH]):
            # Asked again in the deletion: a guest may have come back in between.
            count += old.filter(pk__in=keys).delete()[1].get("cart.Cart", 0)
        self.stdout.write(f"{count} carts of guests deleted.")
