"""The catalogue as past orders see it: what was on sale on a day, and for how much."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shopsmart.catalog.models import PriceChange, Variant
from shopsmart.catalog.selectors import CategoryTree

# Whatever the size of the catalogue, these sell; their history fits into memory.
MOST_PRODUCTS = 5_000


@dataclass(frozen=True, slots=True)
class Good:
    """A variant and how its price went."""

    variant_id: int
    sku: str
    name: str
    product_name: str
    category_name: str
    shelves: frozenset[str]  # slugs of its category and of those above
    currency: str
    price: Decimal
    changes: tuple[tuple[datetime, Decimal, Decimal], ...]  # when, from, to; oldest first

    def price_at(self, at: datetime) -> Decimal:
        """What it cost then."""
        price = self.changes[0][1] if self.changes else self.price
        for changed_at, _, new in self.changes:
            if changed_at > at:
                break
            price = new
        return price


@dataclass(frozen=True, slots=True)
class Shelved:
    """A product's variants, and since when it was on sale."""

    since: datetime
    goods: tuple[Good, ...]


def read_goods() -> list[Shelved]:
    """What is sold, the oldest first."""
    nodes = {node.category.pk: node for node in CategoryTree().nodes}
    changes = defaultdict(list)
    for variant_id, at, old, new in PriceChange.objects.order_by("changed_at", "id").values_list(
        "variant_id", "changed_at", "old_amount", "new_amount"
    ):
        changes[variant_id].append((at, old, new))
    products: dict[int, list[Good]] = {}
    since: dict[int, datetime] = {}
    variants = Variant.objects.select_related("product").order_by("product_id", "position", "id")
    for variant in variants.iterator(chunk_size=2_000):
        product = variant.product
        if product.pk not in products and len(products) == MOST_PRODUCTS:
            break
        node = nodes[product.category_id]
        since[product.pk] = product.created_at
        products.setdefault(product.pk, []).append(
            Good(
                variant_id=variant.pk,
                sku=variant.sku,
                name=variant.name,
                product_name=product.name,
                category_name=node.category.name,
                shelves=frozenset(category.slug for category in node.path),
                currency=variant.currency,
                price=variant.price_amount,
                changes=tuple(changes[variant.pk]),
            )
        )
    shelved = [Shelved(since[pk], tuple(goods)) for pk, goods in products.items()]
    return sorted(shelved, key=lambda one: (one.since, one.goods[0].variant_id))
