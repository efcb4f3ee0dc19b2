"""Everything that reads stock. Shoppers learn a word, never a number; the word is the shop's promise."""

from collections.abc import Iterable

from django.db.models import QuerySet, TextChoices

from shopsmart.catalog.models import Variant
from shopsmart.inventory.models import Movement, StockItem


class Availability(TextChoices):
    """What a shopper is told about a variant."""

    IN_STOCK = "in_stock", "In stock"
    LOW = "low", "Only a few left"
    SOLD_OUT = "sold_out", "Sold out"


def availability(item: StockItem | None) -> Availability:
    """The word for a stock row; a variant that has none is sold out."""
    if item is None or item.available == 0:
        return Availability.SOLD_OUT
    return Availability.LOW if item.available < item.low_below else Availability.IN_STOCK


def availability_of(*, variant_ids: Iterable[int]) -> dict[int, Availability]:
    """The word for each of these variants, in one query."""
    ids = list(variant_ids)
    items = {item.variant_id: item for item in StockItem.objects.filter(variant_id__in=ids)}
    return {pk: availability(items.get(pk)) for pk in ids}


def get_variant(*, sku: str) -> Variant:
    """A variant that is sold, with its stock and product at hand; raises Variant.DoesNotExist."""
    variants = Variant.objects.select_related("stock", "product")
    return variants.get(sku=sku, product__is_active=True)


def list_movements(*, variant: Variant) -> QuerySet[Movement]:
    """How a variant came and went, the latest first, each with who did it."""
    return variant.movements.select_related("by").order_by("-at", "-id")


def stock_of(variant: Variant) -> StockItem | None:
    """The stock row of a variant; None where it was never stocked."""
    try:
        return variant.stock
    except StockItem.DoesNotExist:
        return None
