"""What is read from the catalogue, and in which order.

Every order is total (the key comes last) and says where nothing goes, so that this database and the shop's, which may
be of another make, list the same rows in the same places.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable

from shopsmart_catalog.models import Brand, PriceChange, Product, ProductImage, Review, Variant
from shopsmart_catalog.text import fold

SUGGESTED_PRODUCTS = 8

ORDERS: dict[str, tuple[str | Combinable, ...]] = {
    "name": ("name_key", "pk"),
    "price": (F("price_from").asc(nulls_last=True), "name_key", "pk"),
    "-price": (F("price_from").desc(nulls_last=True), "name_key", "pk"),
    "newest": ("-created_at", "-pk"),
    "rating": (F("rating_average").desc(nulls_last=True), "-rating_count", "name_key", "pk"),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which products, and in which of ORDERS; None narrows nothing."""

    order: str
    categories: Collection[int] | None = None
    brand: int | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    rating: int | None = None
    words: str = ""


def products(wanted: Wanted) -> QuerySet[Product]:
    """Active products with what a list shows of them: three queries."""
    found = _with_parts(Product.objects.filter(is_active=True))
    if wanted.categories is not None:
        found = found.filter(category__in=wanted.categories)
    if wanted.brand is not None:
        found = found.filter(brand=wanted.brand)
    if wanted.rating is not None:
        found = found.filter(rating_average__gte=wanted.rating)
    for word in fold(wanted.words).split():
        found = found.filter(search_text__contains=word)
    bounds = (wanted.min_price, wanted.max_price)
    if bounds != (None, None) or "price" in wanted.order:
        found = found.annotate(price_from=_lowest_price())
    if wanted.min_price is not None:
        found = found.filter(price_from__gte=wanted.min_price)
    if wanted.max_price is not None:
        found = found.filter(price_from__lte=wanted.max_price)
    return found.order_by(*ORDERS[wanted.order])


def product(slug: str) -> Product | None:
    """The active product of that slug, with all its parts."""
    return _with_parts(Product.objects.filter(is_active=True, slug=slug)).first()


def cheapest(product: Product) -> Variant | None:
    """The variant whose price stands for the product; no query after `products` or `product`."""
    return min(product.variants.all(), key=lambda v: (v.price_amount, v.pk), default=None)


def brands() -> QuerySet[Brand]:
    """By name, each with its number of active products."""
    active = Count("products", filter=Q(products__is_active=True))
    return Brand.objects.annotate(product_count=active).order_by("name", "pk")


def reviews(product: Product) -> QuerySet[Review]:
    """The published ones, newest first."""
    return product.reviews.filter(is_published=True).order_by("-created_at", "-pk")


def price_changes(product: Product) -> QuerySet[PriceChange]:
    """Of all its variants, the latest first."""
    changes = PriceChange.objects.filter(variant__product=product).select_related("variant")
    return changes.order_by("-changed_at", "-pk")


def suggested(typed: str) -> QuerySet[Product]:
    """Active products with all words in their name; those that begin with what was typed come first."""
    typed = fold(typed)
    found = Product.objects.filter(is_active=True)
    for word in typed.split():
        found = found.filter(name_key__contains=word)
    begins = Case(When(name_key__startswith=typed, then=Value(0)), default=Value(1))
    return found.order_by(begins, "name_key", "pk")[:SUGGESTED_PRODUCTS]


def _with_parts(products: QuerySet[Product]) -> QuerySet[Product]:
    return products.select_related("category", "brand").prefetch_related(
        Prefetch("variants", Variant.objects.order_by("position", "pk")),
        Prefetch("images", ProductImage.objects.order_by("position", "pk")),
    )


def _lowest_price() -> Subquery:
    variants = Variant.objects.filter(product=OuterRef("pk")).order_by("price_amount", "pk")
    return Subquery(variants.values("price_amount")[:1])
