"""What the account pages read. They reach into the catalogue, as the rest of the shop does."""

from django.db.models import QuerySet

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Review


def reviews_by(user: User) -> QuerySet[Review]:
    """A user's own reviews, newest first, hidden ones too, with product, brand and shelf at hand."""
    return (
        Review.objects.filter(author=user)
        .select_related("product__brand", "product__category")
        .order_by("-created_at", "-id")
    )
