"""Everything that reads the catalogue, for the API and the storefront alike.

Every list has a total order that ends with the id, so that pages neither repeat nor skip a row and
two databases with the same rows give the same pages.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable

from shopsmart.catalog.models import (
    Brand,
    Category,
    PriceChange,
    Product,
    ProductImage,
    Review,
    Variant,
)
from shopsmart.catalog.text import fold


class ProductOrder(StrEnum):
    """How a list of products may be sorted; the values are the words of the API."""

    NAME = "name"
    PRICE = "price"
    PRICE_DESCENDING = "-price"
    NEWEST = "newest"
    RATING = "rating"


# Where something may be missing, databases disagree on which end it belongs; here it comes last.
ORDERINGS: dict[ProductOrder, tuple[str | Combinable, ...]] = {
    ProductOrder.NAME: ("name_key", "id"),
    ProductOrder.PRICE: (F("price_from").asc(nulls_last=True), "name_key", "id"),
    ProductOrder.PRICE_DESCENDING: (F("price_from").desc(nulls_last=True), "name_key", "id"),
    ProductOrder.NEWEST: ("-created_at", "-id"),
    ProductOrder.RATING: (
        F("rating_average").desc(nulls_last=True),
        "-rating_count",
        "name_key",
        "id",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """Which products are asked for; what is None or empty does not narrow the list."""

    category: Category | None = None  # with everything below it
    brand: Brand | None = None
    min_price: Decimal | None = None  # of the cheapest variant, inclusive
    max_price: Decimal | None = None
    rating: int | None = None  # at least this average, 1 to 5
    q: str = ""  # every word must occur in name or description


@dataclass(frozen=True, slots=True)
class CategoryNode:
    """A category in its place in the tree."""

    category: Category
    depth: int  # 0 at the top
    path: tuple[Category, ...]  # from the top down to the category itself
    children: tuple[Category, ...]
    descendant_ids: frozenset[int]  # with its own
    product_count: int  # active products here and below


class CategoryTree:
    """All categories, read in two queries; there are dozens of them, not thousands."""

    def __init__(self) -> None:
        categories = list(Category.objects.order_by("position", "id"))
        counts = dict(
            Product.objects.filter(is_active=True)
            .order_by()
            .values_list("category_id")
            .annotate(Count("id"))
        )
        children: dict[int | None, list[Category]] = {}
        for category in categories:
            children.setdefault(category.parent_id, []).append(category)
        self.nodes: list[CategoryNode] = []  # parents before children, siblings in their order
        for top in children.get(None, []):
            self.nodes += _walk(top, (), children, counts)
        self._by_slug = {node.category.slug: node for node in self.nodes}

    def find(self, slug: str) -> CategoryNode | None:
        """The category with this slug; None where there is none."""
        return self._by_slug.get(slug)

    def at(self, category: Category) -> CategoryNode:
        """The place of a category in the tree."""
        return self._by_slug[category.slug]


def list_brands() -> QuerySet[Brand]:
    """All brands by name, each with `product_count`, its active products."""
    active = Count("products", filter=Q(products__is_active=True))
    return Brand.objects.annotate(product_count=active).order_by("name", "id")


def list_products(
    *,
    wanted: ProductFilter | None = None,
    order: ProductOrder = ProductOrder.NAME,
    tree: CategoryTree | None = None,
) -> QuerySet[Product]:
    """Active products with category, brand, variants and images at hand (three queries).

    A `tree` that the caller has read already saves reading it again for a category's descendants.
    """
    wanted = wanted or ProductFilter()
    products = _with_parts(Product.objects.filter(is_active=True))
    if wanted.category is not None:
        node = (tree or CategoryTree()).at(wanted.category)
        products = products.filter(category_id__in=sorted(node.descendant_ids))
    if wanted.brand is not None:
        products = products.filter(brand=wanted.brand)
    if wanted.rating is not None:
        products = products.filter(rating_average__gte=wanted.rating)
    for word in fold(wanted.q).split():
        products = products.filter(search_text__contains=word)
    by_price = order in (ProductOrder.PRICE, ProductOrder.PRICE_DESCENDING)
    if by_price or wanted.min_price is not None or wanted.max_price is not None:
        products = products.annotate(price_from=_cheapest_amount())
    if wanted.min_price is not None:
        products = products.filter(price_from__gte=wanted.min_price)
    if wanted.max_price is not None:
        products = products.filter(price_from__lte=wanted.max_price)
    return products.order_by(*ORDERINGS[order])


def get_product(*, slug: str) -> Product:
    """An active product with all its parts; raises Product.DoesNotExist."""
    return _with_parts(Product.objects.filter(is_active=True)).get(slug=slug)


def cheapest_variant(product: Product) -> Variant | None:
    """The variant a list shows the price of; asks nothing of the database after `list_products`."""
    return min(product.variants.all(), key=lambda v: (v.price_amount, v.pk), default=None)


def list_reviews(*, product: Product) -> QuerySet[Review]:
    """Published reviews of a product, newest first, each with its author at hand."""
    return (
        product.reviews.filter(is_published=True)
        .select_related("author")
        .order_by("-created_at", "-id")
    )


def list_price_changes(*, product: Product) -> QuerySet[PriceChange]:
    """How the prices of a product's variants went, the latest step first."""
    return (
        PriceChange.objects.filter(variant__product=product)
        .select_related("variant")
        .order_by("-changed_at", "-id")
    )


def suggest_products(*, q: str, limit: int = 8) -> QuerySet[Product]:
    """Active products whose name has every word of `q`; those that begin with it come first."""
    typed = fold(q)
    products = Product.objects.filter(is_active=True)
    for word in typed.split():
        products = products.filter(name_key__contains=word)
    begins = Q(name_key__startswith=typed)
    return products.annotate(begins=begins).order_by("-begins", "name_key", "id")[:limit]


def suggest_categories(*, q: str, limit: int = 3) -> list[Category]:
    """Categories whose name has every word of `q`."""
    words = fold(q).split()
    found = [
        node.category
        for node in CategoryTree().nodes
        if words and all(word in fold(node.category.name) for word in words)
    ]
    return found[:limit]


def _walk(
    category: Category,
    above: tuple[Category, ...],
    children: dict[int | None, list[Category]],
    counts: dict[int, int],
) -> list[CategoryNode]:
    """The nodes of a category and of everything below it, its own first."""
    path = (*above, category)
    below = children.get(category.pk, [])
    subtrees = [_walk(child, path, children, counts) for child in below]
    nearest = [subtree[0] for subtree in subtrees]
    node = CategoryNode(
        category=category,
        depth=len(above),
        path=path,
        children=tuple(below),
        descendant_ids=frozenset({category.pk}).union(*(n.descendant_ids for n in nearest)),
        product_count=counts.get(category.pk, 0) + sum(n.product_count for n in nearest),
    )
    return [node, *(node for subtree in subtrees for node in subtree)]


def _with_parts(products: QuerySet[Product]) -> QuerySet[Product]:
    return products.select_related("category", "brand").prefetch_related(
        Prefetch("variants", Variant.objects.order_by("position", "id")),
        Prefetch("images", ProductImage.objects.order_by("position", "id")),
    )


def _cheapest_amount() -> Subquery:
    variants = Variant.objects.filter(product=OuterRef("pk")).order_by("price_amount", "id")
    return Subquery(variants.values("price_amount")[:1])
