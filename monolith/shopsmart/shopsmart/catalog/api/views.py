"""The catalogue over HTTP. Views translate; `selectors` and `services` do the work.

Reading needs no login and looks at no cookie, so that an answer depends on the URL alone and
carries no `Vary: Cookie`.
"""

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import AllowAny, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from shopsmart.catalog import selectors, services
from shopsmart.catalog.api.authentication import WriterAuthentication
from shopsmart.catalog.api.filters import ProductQuery, SuggestQuery
from shopsmart.catalog.api.pagination import CatalogPagination
from shopsmart.catalog.api.serializers import (
    BrandSerializer,
    CategoryDetailSerializer,
    CategorySerializer,
    ErrorSerializer,
    PriceChangeSerializer,
    ProductDetailSerializer,
    ProductSerializer,
    ReviewSerializer,
    SuggestionsSerializer,
)
from shopsmart.catalog.models import PriceChange, Product, Review

NOT_FOUND = OpenApiResponse(ErrorSerializer, "There is no such thing.")
BAD_REQUEST = OpenApiResponse(
    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    "What is wrong, by field.",
)


class PublicView(APIView):
    """A view that anybody may read."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    http_method_names = ["get", "head"]


class CategoryListView(PublicView):
    @extend_schema(responses=CategorySerializer(many=True), operation_id="listCategories")
    def get(self, request: Request) -> Response:
        """All categories, each after the one it stands in."""
        return Response(CategorySerializer(selectors.CategoryTree().nodes, many=True).data)


class CategoryView(PublicView):
    @extend_schema(
        responses={200: CategoryDetailSerializer, 404: NOT_FOUND}, operation_id="getCategory"
    )
    def get(self, request: Request, slug: str) -> Response:
        """One category, with the way to it and what stands in it."""
        node = selectors.CategoryTree().find(slug)
        if node is None:
            raise NotFound
        return Response(CategoryDetailSerializer(node).data)


class BrandListView(PublicView):
    @extend_schema(responses=BrandSerializer(many=True), operation_id="listBrands")
    def get(self, request: Request) -> Response:
        """All brands by name."""
        return Response(BrandSerializer(selectors.list_brands(), many=True).data)


class ProductListView(PublicView, generics.ListAPIView):
    serializer_class = ProductSerializer
    pagination_class = CatalogPagination
    queryset = Product.objects.none()

    @extend_schema(
        parameters=[ProductQuery],
        responses={200: ProductSerializer(many=True), 400: BAD_REQUEST, 404: NOT_FOUND},
        operation_id="listProducts",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Products, filtered, sorted and in pages."""
        return self.list(request)

    def get_queryset(self) -> QuerySet[Product]:
        wanted, order, tree = ProductQuery(data=self.request.query_params).read()
        return selectors.list_products(wanted=wanted, order=order, tree=tree)


class ProductView(PublicView):
    @extend_schema(
        responses={200: ProductDetailSerializer, 404: NOT_FOUND}, operation_id="getProduct"
    )
    def get(self, request: Request, slug: str) -> Response:
        """One product with its variants, pictures and rating."""
        product = find_product(slug)
        node = selectors.CategoryTree().at(product.category)
        context = {"request": request, "breadcrumb": node.path}
        return Response(ProductDetailSerializer(product, context=context).data)


class ReviewListView(generics.ListAPIView):
    serializer_class = ReviewSerializer
    pagination_class = CatalogPagination
    authentication_classes = (WriterAuthentication,)
    permission_classes = (IsAuthenticatedOrReadOnly,)
    throttle_classes = ()
    queryset = Review.objects.none()
    http_method_names = ["get", "head", "post"]

    def get_queryset(self) -> QuerySet[Review]:
        return selectors.list_reviews(product=find_product(self.kwargs["slug"]))

    @extend_schema(
        responses={200: ReviewSerializer(many=True), 400: BAD_REQUEST, 404: NOT_FOUND},
        operation_id="listReviews",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What shoppers say about a product, newest first."""
        return self.list(request)

    class ReviewInput(serializers.Serializer):
        rating = serializers.IntegerField(min_value=1, max_value=5)
        title = serializers.CharField(max_length=120)
        body = serializers.CharField(max_length=4000, required=False, default="", allow_blank=True)

    @extend_schema(
        request=ReviewInput,
        responses={
            201: ReviewSerializer,
            400: BAD_REQUEST,
            403: OpenApiResponse(ErrorSerializer, "Not logged in, or without the CSRF token."),
            404: NOT_FOUND,
        },
        operation_id="addReview",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Review a product, once, under one's own name."""
        product = find_product(slug)
        wanted = self.ReviewInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            review = services.add_review(
                product=product, author=request.user, **wanted.validated_data
            )
        except DjangoValidationError as error:
            raise ValidationError(errors_by_field(error)) from error
        return Response(ReviewSerializer(review).data, status.HTTP_201_CREATED)


class PriceHistoryView(PublicView, generics.ListAPIView):
    serializer_class = PriceChangeSerializer
    pagination_class = CatalogPagination
    queryset = PriceChange.objects.none()

    def get_queryset(self) -> QuerySet[PriceChange]:
        return selectors.list_price_changes(product=find_product(self.kwargs["slug"]))

    @extend_schema(
        responses={200: PriceChangeSerializer(many=True), 400: BAD_REQUEST, 404: NOT_FOUND},
        operation_id="listPrices",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How the prices of a product went, the latest step first."""
        return self.list(request)


class SuggestView(PublicView):
    @extend_schema(
        parameters=[SuggestQuery],
        responses={200: SuggestionsSerializer, 400: BAD_REQUEST},
        operation_id="suggest",
    )
    def get(self, request: Request) -> Response:
        """What a search box offers while somebody types."""
        query = SuggestQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        typed = query.validated_data["q"]
        found = {
            "products": selectors.suggest_products(q=typed),
            "categories": selectors.suggest_categories(q=typed),
        }
        return Response(SuggestionsSerializer(found).data)


def find_product(slug: str) -> Product:
    """The active product with this slug, or a 404."""
    try:
        return selectors.get_product(slug=slug)
    except Product.DoesNotExist as error:
        raise NotFound from error


def errors_by_field(error: DjangoValidationError) -> dict[str, list[str]]:
    """What a model or service refused, in the words of the API."""
    if not hasattr(error, "error_dict"):
        return {api_settings.NON_FIELD_ERRORS_KEY: error.messages}
    return {
        api_settings.NON_FIELD_ERRORS_KEY if field == NON_FIELD_ERRORS else field: said
        for field, said in error.message_dict.items()
    }
