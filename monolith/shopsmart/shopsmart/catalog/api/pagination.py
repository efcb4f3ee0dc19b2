"""Pages by number, with links that keep the host and scheme the client used."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request


class CatalogPagination(PageNumberPagination):
    """Pages of 24 (`page_size`, at most 100). A malformed number is a 400, a page too far a 404.

    DRF answers 404 to both and swallows a bad size; a client that sent nonsense should hear so.
    """

    page_size = 24
    page_size_query_param = "page_size"
    max_page_size = 100
    last_page_strings = ()

    def get_page_size(self, request: Request) -> int:
        return self._number(request, self.page_size_query_param, self.page_size, self.max_page_size)

    def get_page_number(self, request: Request, paginator: Any) -> int:
        return self._number(request, self.page_query_param, 1, None)

    def _number(self, request: Request, name: str, default: int, largest: int | None) -> int:
        text = request.query_params.get(name, "")
        if not text:
            return default
        # Nine digits are more than there will ever be pages, and never too large for a database.
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= 1):
            raise ValidationError({name: ["A whole number from 1 is required."]})
        if largest is not None and int(text) > largest:
            raise ValidationError({name: [f"This is at most {largest}."]})
        return int(text)
