"""The endpoints. Each reads, and turns what it read into a body; nothing here asks who is asking."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shopsmart_catalog import selectors
from shopsmart_catalog.api import bodies
from shopsmart_catalog.api.pages import Pages
from shopsmart_catalog.api.query import ProductQuery, SuggestQuery
from shopsmart_catalog.models import Product
from shopsmart_catalog.shelves import read_shelves
from shopsmart_catalog.text import fold

SUGGESTED_CATEGORIES = 3


class ReadOnly(APIView):
    """As in the shop, OPTIONS is not offered."""

    http_method_names = ["get", "head"]

    def paged(self, rows: QuerySet[Any], body: Callable[[Any], bodies.Body]) -> Response:
        pages = Pages()
        page = pages.paginate_queryset(rows, self.request, view=self)
        return pages.get_paginated_response([body(row) for row in page or ()])


class Categories(ReadOnly):
    def get(self, request: Request) -> Response:
        """All categories, each before those in it."""
        return Response([bodies.shelf(shelf) for shelf in read_shelves().values()])


class CategoryDetail(ReadOnly):
    def get(self, request: Request, slug: str) -> Response:
        """One category, the way to it and what stands in it."""
        shelf = read_shelves().get(slug)
        if shelf is None:
            raise NotFound
        return Response(bodies.shelf_in_full(shelf))


class Brands(ReadOnly):
    def get(self, request: Request) -> Response:
        """All brands by name."""
        return Response([bodies.brand(brand, brand.product_count) for brand in selectors.brands()])


class Products(ReadOnly):
    def get(self, request: Request) -> Response:
        """Products, filtered, sorted and in pages."""
        wanted = ProductQuery(data=request.query_params).wanted()
        return self.paged(
            selectors.products(wanted), lambda product: bodies.product(product, request)
        )


class ProductDetail(ReadOnly):
    def get(self, request: Request, slug: str) -> Response:
        """One product with its variants and pictures."""
        product = find_product(slug)
        path = read_shelves()[product.category.slug].path
        return Response(bodies.product_in_full(product, path, request))


class Reviews(ReadOnly):
    # POST is part of what `Allow` says of this resource to shoppers.
    http_method_names = ["get", "head", "post"]

    def get(self, request: Request, slug: str) -> Response:
        """What shoppers say about a product, newest first."""
        return self.paged(selectors.reviews(find_product(slug)), bodies.review)

    def post(self, request: Request, slug: str) -> Response:
        """Reviews are written in the shop, which owns them; the proxy sends unsafe requests there."""
        detail = "Reviews are taken by the shop, not by the catalogue service."
        return Response({"detail": detail}, status=status.HTTP_501_NOT_IMPLEMENTED)


class Prices(ReadOnly):
    def get(self, request: Request, slug: str) -> Response:
        """How a product's prices went, the latest step first."""
        return self.paged(selectors.price_changes(find_product(slug)), bodies.price_change)


class Suggest(ReadOnly):
    def get(self, request: Request) -> Response:
        """What a search box offers while somebody types."""
        typed = SuggestQuery(data=request.query_params).typed()
        products = selectors.suggested(typed)
        words = fold(typed).split()
        categories = [
            shelf.category
            for shelf in read_shelves().values()
            if words and all(word in fold(shelf.category.name) for word in words)
        ]
        return Response(
            {
                "products": bodies.links(products),
                "categories": bodies.links(categories[:SUGGESTED_CATEGORIES]),
            }
        )


def find_product(slug: str) -> Product:
    """Or a 404."""
    product = selectors.product(slug)
    if product is None:
        raise NotFound
    return product
