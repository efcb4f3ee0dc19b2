"""What only the storefront's pages ask of the database; what the API asks too is the catalogue's."""

from dataclasses import dataclass

from django.db.models import Count, Q

from shopsmart.accounts.models import User
from shopsmart.catalog.models import Brand, Product, Review, Variant
from shopsmart.catalog.selectors import (
    CategoryNode,
    ProductFilter,
    ProductOrder,
    list_products,
)
from shopsmart.catalog.text import fold
from shopsmart.inventory.selectors import Availability, availability_of

RELATED_PRODUCTS = 4


@dataclass(frozen=True, slots=True)
class RatingShare:
    """How many of a product's reviews gave this many stars."""

    stars: int
    count: int
    percent: int  # of all its reviews, rounded


@dataclass(frozen=True, slots=True)
class Offer:
    """A variant as a product's page offers it."""

    variant: Variant
    availability: Availability

    @property
    def is_sold_out(self) -> bool:
        """Whether there is none to put into a cart."""
        return self.availability == Availability.SOLD_OUT


def offers(product: Product) -> list[Offer]:
    """A product's variants, each with the word for its stock (one query for all)."""
    variants = product.variants.all()
    words = availability_of(variant_ids=[variant.pk for variant in variants])
    return [Offer(variant, words[variant.pk]) for variant in variants]


def rating_shares(product: Product) -> list[RatingShare]:
    """The distribution of a product's ratings, five stars first; shares are 0 without reviews."""
    counts = dict(
        product.reviews.filter(is_published=True)
        .order_by()
        .values_list("rating")
        .annotate(Count("id"))
    )
    total = sum(counts.values())
    return [
        RatingShare(stars, counts.get(stars, 0), round(100 * counts.get(stars, 0) / (total or 1)))
        for stars in (5, 4, 3, 2, 1)
    ]


def related_products(product: Product) -> list[Product]:
    """The best rated others on the same shelf."""
    same_shelf = list_products(order=ProductOrder.RATING).filter(category=product.category)
    return list(same_shelf.exclude(pk=product.pk)[:RELATED_PRODUCTS])


def own_review(product: Product, user: User) -> Review | None:
    """What this user said about the product, shown or hidden; None where nothing yet."""
    return product.reviews.filter(author=user).first()


def brands_among(*, node: CategoryNode | None, q: str) -> list[Brand]:
    """Brands with active products in a part of the shop, by name, each with their `found`.

    Price and rating do not narrow them: a filter that makes the other filters vanish can't be
    taken back.
    """
    wanted = Q(products__is_active=True)
    if node is not None:
        wanted &= Q(products__category_id__in=sorted(node.descendant_ids))
    for word in fold(q).split():
        wanted &= Q(products__search_text__contains=word)
    return list(
        Brand.objects.filter(wanted).annotate(found=Count("products")).order_by("name", "id")
    )


def showcase(*, order: ProductOrder, limit: int) -> list[Product]:
    """The first products of the whole shop in this order."""
    return list(list_products(wanted=ProductFilter(), order=order)[:limit])
