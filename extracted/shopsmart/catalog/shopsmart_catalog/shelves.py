"""The tree of categories, read whole in two queries: there are dozens of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from shopsmart_catalog.models import Category, Product


@dataclass(frozen=True)
class Shelf:
    """A category in its place."""

    category: Category
    path: Sequence[Category]
    """From the top down to the category itself."""
    children: Sequence[Category]
    ids: frozenset[int]
    """Of this category and all below it."""
    product_count: int
    """Active products here and below."""

    @property
    def parent(self) -> Category | None:
        return self.path[-2] if len(self.path) > 1 else None


def read_shelves() -> Mapping[str, Shelf]:
    """All categories that hang from a top one, by slug: each before those in it, siblings in their order."""
    below: dict[int | None, list[Category]] = {}
    for category in Category.objects.order_by("position", "id"):
        below.setdefault(category.parent_id, []).append(category)
    active = Product.objects.filter(is_active=True).values("category")
    counts = dict(active.annotate(number=Count("pk")).values_list("category", "number"))
    shelves = [shelf for top in below.get(None, ()) for shelf in _walk(top, (), below, counts)]
    return {shelf.category.slug: shelf for shelf in shelves}


def _walk(
    category: Category,
    above: tuple[Category, ...],
    below: Mapping[int | None, list[Category]],
    counts: Mapping[int, int],
) -> Iterator[Shelf]:
    path, children = (*above, category), below.get(category.pk, [])
    within = [shelf for child in children for shelf in _walk(child, path, below, counts)]
    ids = frozenset({category.pk, *(shelf.category.pk for shelf in within)})
    number = sum(counts.get(key, 0) for key in ids)
    yield Shelf(category, path, children, ids, number)
    yield from within
