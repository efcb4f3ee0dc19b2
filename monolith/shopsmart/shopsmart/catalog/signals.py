"""Keeps a product's rating in step with its reviews.

A receiver in one place that writes a column read in many: convenient, and one of the threads that
hold a monolith together. `bulk_create`, `QuerySet.update` and SQL pass it by; whoever uses them on
reviews calls `services.refresh_ratings` afterwards.
"""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from shopsmart.catalog.models import Review
from shopsmart.catalog.services import refresh_ratings


@receiver([post_save, post_delete], sender=Review)
def refresh_rating(instance: Review, **kwargs: Any) -> None:
    """Reckon the rating of the reviewed product again."""
    refresh_ratings(product_ids=[instance.product_id])
