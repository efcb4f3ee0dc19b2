"""Stock over HTTP: a word for anybody, numbers and their changes for stock keepers."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shopsmart.accounts.api.access import REFUSALS, TOO_MANY, MemberView, refused_by_field
from shopsmart.catalog.api.pagination import CatalogPagination
from shopsmart.catalog.api.views import BAD_REQUEST, NOT_FOUND
from shopsmart.catalog.models import Variant
from shopsmart.inventory import selectors, services
from shopsmart.inventory.api.serializers import (
    AvailabilitySerializer,
    CountedInput,
    MovementSerializer,
    ReceivedInput,
    StockSerializer,
)
from shopsmart.inventory.models import Movement, MovementKind, StockItem
from shopsmart.staff import may


class KeepsStock(BasePermission):
    """Lets those see numbers who may see movements, and those change them who may add some."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = "view" if request.method in ("GET", "HEAD") else "add"
        return may(request.user, f"inventory.{needed}_movement")


class AvailabilityView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    http_method_names = ["get", "head"]

    @extend_schema(
        responses={200: AvailabilitySerializer, 404: NOT_FOUND, 429: TOO_MANY},
        operation_id="getAvailability",
    )
    def get(self, request: Request, sku: str) -> Response:
        """Whether a variant can be bought: in stock, only a few left, or sold out."""
        try:
            variant = selectors.get_variant(sku=sku)
        except Variant.DoesNotExist as error:
            raise NotFound from error
        word = selectors.availability(selectors.stock_of(variant))
        return Response(AvailabilitySerializer({"sku": sku, "availability": word}).data)


class StockView(MemberView):
    permission_classes = (IsAuthenticated, KeepsStock)
    http_method_names = ["get", "head", "put"]

    @extend_schema(
        responses={200: StockSerializer, 404: NOT_FOUND, **REFUSALS}, operation_id="getStock"
    )
    def get(self, request: Request, sku: str) -> Response:
        """How many of a variant there are; for stock keepers."""
        return Response(StockSerializer(stock_or_none_yet(find_variant(sku))).data)

    @extend_schema(
        request=CountedInput,
        responses={200: StockSerializer, 400: BAD_REQUEST, 404: NOT_FOUND, **REFUSALS},
        operation_id="correctStock",
    )
    def put(self, request: Request, sku: str) -> Response:
        """Set how many were counted on the shelf; the difference is a movement. For stock keepers."""
        variant = find_variant(sku)
        counted = CountedInput(data=request.data)
        counted.is_valid(raise_exception=True)
        with refused_by_field():
            services.correct(variant=variant, by=request.user, **counted.validated_data)
        return Response(StockSerializer(stock_or_none_yet(find_variant(sku))).data)


class MovementListView(MemberView, generics.ListAPIView):
    permission_classes = (IsAuthenticated, KeepsStock)
    serializer_class = MovementSerializer
    pagination_class = CatalogPagination
    queryset = Movement.objects.none()
    http_method_names = ["get", "head", "post"]

    def get_queryset(self) -> QuerySet[Movement]:
        return selectors.list_movements(variant=find_variant(self.kwargs["sku"]))

    @extend_schema(
        responses={
            200: MovementSerializer(many=True),
            400: BAD_REQUEST,
            404: NOT_FOUND,
            **REFUSALS,
        },
        operation_id="listMovements",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How a variant came and went, the latest first; for stock keepers."""
        return self.list(request)

    @extend_schema(
        request=ReceivedInput,
        responses={201: MovementSerializer, 400: BAD_REQUEST, 404: NOT_FOUND, **REFUSALS},
        operation_id="receiveStock",
    )
    def post(self, request: Request, sku: str) -> Response:
        """Note that so many have come in; for stock keepers."""
        variant = find_variant(sku)
        came = ReceivedInput(data=request.data)
        came.is_valid(raise_exception=True)
        with refused_by_field():
            [movement] = services.restock(
                lines={variant: came.validated_data["quantity"]},
                kind=MovementKind.RECEIVED,
                reference=came.validated_data["reference"],
                by=request.user,
            )
        return Response(MovementSerializer(movement).data, status.HTTP_201_CREATED)


def find_variant(sku: str) -> Variant:
    """The variant with this SKU, sold or not, or a 404."""
    variant = Variant.objects.select_related("stock", "product").filter(sku=sku).first()
    if variant is None:
        raise NotFound
    return variant


def stock_or_none_yet(variant: Variant) -> StockItem:
    """The stock row of a variant, or one that says none where it was never stocked."""
    return selectors.stock_of(variant) or StockItem(variant=variant)
