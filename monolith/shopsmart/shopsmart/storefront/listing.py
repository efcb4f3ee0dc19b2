"""A list of products as a page shows it: filtered, sorted and cut into pages."""

from dataclasses import dataclass

from django.core.paginator import Page
from django.http import QueryDict

from shopsmart.catalog.models import Product, default_currency
from shopsmart.catalog.selectors import (
    CategoryNode,
    CategoryTree,
    ProductFilter,
    ProductOrder,
    list_products,
)
from shopsmart.paging import page_of
from shopsmart.storefront.forms.browsing import DEFAULT_ORDER, ORDER_LABELS, ListingForm
from shopsmart.storefront.selectors import brands_among

PAGE_SIZE = 24  # fills rows of two, three and four


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of products and everything the page says about how they were chosen."""

    form: ListingForm
    wanted: ProductFilter
    order: ProductOrder
    page: Page[Product]

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is on (a search or a category is none)."""
        wanted = self.wanted
        return any(
            value is not None
            for value in (wanted.brand, wanted.min_price, wanted.max_price, wanted.rating)
        )

    @property
    def currency(self) -> str:
        """What the price filters are in."""
        return default_currency()

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """What the list may be sorted by: value, label, whether it is."""
        return [(order.value, label, order is self.order) for order, label in ORDER_LABELS.items()]


def read_listing(
    asked: QueryDict, *, tree: CategoryTree, node: CategoryNode | None = None, q: str = ""
) -> Listing:
    """Give the page that a query string asks for; raises Http404 for one that does not exist.

    Filters that make no sense do not narrow the list; the form says what is wrong with them.
    """
    form = ListingForm(asked, brands=brands_among(node=node, q=q))
    form.full_clean()
    valid = form.cleaned_data
    order = valid.get("sort") or DEFAULT_ORDER
    wanted = ProductFilter(
        category=node.category if node else None,
        brand=valid.get("brand"),
        min_price=valid.get("min_price"),
        max_price=valid.get("max_price"),
        rating=valid.get("rating"),
        q=q,
    )
    products = list_products(wanted=wanted, order=order, tree=tree)
    return Listing(form, wanted, order, page_of(products, asked, size=PAGE_SIZE))
