"""Pages by number. The links are absolute, built from the Host and scheme that the shopper used."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

# More digits than there will ever be pages.
MAX_DIGITS = 9


class Pages(PageNumberPagination):
    page_size = 24
    max_page_size = 100
    page_size_query_param = "page_size"
    last_page_strings = ()  # "last" is no number here

    def get_page_number(self, request: Request, paginator: Any) -> int:
        return _whole_number(request, self.page_query_param) or 1

    def get_page_size(self, request: Request) -> int:
        size = _whole_number(request, "page_size") or self.page_size
        if size > self.max_page_size:
            raise ValidationError({"page_size": [f"This is at most {self.max_page_size}."]})
        return size


def _whole_number(request: Request, name: str) -> int | None:
    """The parameter as a number from 1; None when it is absent or empty. Raises a 400."""
    text = request.query_params.get(name) or None
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text) > 0:
        return int(text)
    raise ValidationError({name: ["A whole number from 1 is required."]})
