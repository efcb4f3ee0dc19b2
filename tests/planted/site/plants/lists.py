"""Lists: where a page begins, what leads to the next, in which order, how often a row is there."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F
from rest_framework.utils.urls import remove_query_param

from planted.site.plant import instead_of
from shopsmart.catalog import selectors
from shopsmart.catalog.api.pagination import CatalogPagination
from shopsmart.catalog.selectors import ProductOrder


@instead_of(Paginator, "page", "page-begins-one-early")
def _early(original: Any, paginator: Paginator, number: Any) -> Page:
    page = original(paginator, number)
    if page.number > 1:
        begin = page.start_index() - 2
        page.object_list = paginator.object_list[begin : begin + len(page.object_list)]
    return page


@instead_of(CatalogPagination, "get_next_link", "next-loses-filter")
def _next(original: Any, pagination: Any) -> str | None:
    url = original(pagination)
    return None if url is None else remove_query_param(url, "brand")


@instead_of(selectors, "list_products", "ties-in-another-order")
def _ties(original: Any, **asked: Any) -> Any:
    found = original(**asked)
    if asked.get("order") is not ProductOrder.RATING:
        return found
    return found.order_by(F("rating_average").desc(nulls_last=True), "name_key", "id")


@instead_of(selectors, "list_products", "rows-twice")
def _joined(original: Any, **asked: Any) -> Any:
    return original(**asked).filter(variants__isnull=False)
