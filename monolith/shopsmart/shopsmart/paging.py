"""Lists that come in pages.

A page number out of range is 404, never the last page: an address always means the same thing or
nothing, and crawlers do not walk pages that do not exist.
"""

from typing import Any

from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, QueryDict


def page_of(
    items: QuerySet[Any], asked: QueryDict, *, size: int, parameter: str = "page"
) -> Page[Any]:
    """The page that a query string asks for; raises Http404 for one that does not exist."""
    try:
        return Paginator(items, size).page(asked.get(parameter, "1"))
    except InvalidPage as error:
        raise Http404("There is no such page.") from error
