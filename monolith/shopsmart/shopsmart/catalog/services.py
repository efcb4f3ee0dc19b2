"""Everything that writes to the catalogue, each in one transaction.

Arguments are keyword-only and already known to be of the right type; what may still be wrong is a
`django.core.exceptions.ValidationError` by field.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.catalog.models import PriceChange, Product, Review, Variant
from shopsmart.catalog.money import to_cents


@transaction.atomic
def change_price(
    *, variant: Variant, amount: Decimal, reason: str, at: datetime | None = None
) -> PriceChange | None:
    """Give a variant another price and write its history; None where the price is that already.

    The variant is locked and read again: of two people who change a price at once the second
    continues from what the first left. A former price that no longer is higher is dropped.
    Raises ValidationError.
    """
    locked = Variant.objects.select_for_update().get(pk=variant.pk)
    new = to_cents(amount)
    old = locked.price_amount
    if new == old:
        return None
    locked.price_amount = new
    if locked.compare_at_amount is not None and locked.compare_at_amount <= new:
        locked.compare_at_amount = None
    locked.full_clean()
    change = PriceChange(
        variant=locked,
        old_amount=old,
        new_amount=new,
        currency=locked.currency,
        changed_at=at or timezone.now(),
        reason=reason,
    )
    change.full_clean()
    locked.save(update_fields=["price_amount", "compare_at_amount"])
    change.save(force_insert=True)
    variant.price_amount, variant.compare_at_amount = new, locked.compare_at_amount
    return change


def add_review(*, product: Product, author: User, rating: int, title: str, body: str) -> Review:
    """Publish what a shopper says about a product, and refresh the product's rating.

    Raises ValidationError, for a second review of the same product too.
    """
    review = Review(product=product, author=author, rating=rating, title=title, body=body)
    try:
        with transaction.atomic():
            review.full_clean()
            review.save(force_insert=True)
    except IntegrityError as error:
        # Two windows sent the form at once; the database let the first one in.
        raise ValidationError("You have reviewed this product already.") from error
    return review


@transaction.atomic
def set_review_published(*, review: Review, is_published: bool) -> Review:
    """Show or hide a review; the product's rating follows."""
    review.is_published = is_published
    review.save(update_fields=["is_published"])
    return review


@transaction.atomic
def refresh_ratings(*, product_ids: Iterable[int]) -> None:
    """Reckon average and count of the published reviews of these products again.

    The products are locked in the order of their ids first, so that two reviews of one product
    can't both miss the other.
    """
    ids = sorted(product_ids)
    locked = list(Product.objects.select_for_update().filter(pk__in=ids).order_by("pk").only("pk"))
    published = Review.objects.filter(product_id__in=ids, is_published=True).order_by()
    sums = {
        row["product_id"]: (row["total"], row["count"])
        for row in published.values("product_id").annotate(total=Sum("rating"), count=Count("pk"))
    }
    for product in locked:
        total, product.rating_count = sums.get(product.pk, (0, 0))
        product.rating_average = average_rating(total=total, count=product.rating_count)
    Product.objects.bulk_update(locked, ["rating_average", "rating_count"], batch_size=200)


def average_rating(*, total: int, count: int) -> Decimal | None:
    """The average as it is kept, with two places; None without reviews.

    Divided here and not in SQL, since the databases round differently.
    """
    return (Decimal(total) / count).quantize(Decimal("0.01"), ROUND_HALF_UP) if count else None
