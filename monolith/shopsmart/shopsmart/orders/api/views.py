"""A shopper's orders over HTTP: buying, looking, cancelling, sending back. Other people's are a 404."""

import re

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from shopsmart.accounts.api.access import REFUSALS, MemberView, refused_by_field
from shopsmart.accounts.throttling import ApiThrottle, CheckoutThrottle
from shopsmart.catalog.api.pagination import CatalogPagination
from shopsmart.catalog.api.serializers import MoneySerializer
from shopsmart.catalog.api.views import BAD_REQUEST, NOT_FOUND
from shopsmart.inventory.errors import OutOfStock
from shopsmart.orders import selectors, services
from shopsmart.orders.api.access import (
    CHANGE,
    CONFLICT,
    Conflict,
    find_order,
    refused_by_state,
)
from shopsmart.orders.api.serializers import (
    CancelInput,
    CheckoutInput,
    OrderDetailSerializer,
    OrderQuery,
    OrderSerializer,
    ReturnInput,
    ReturnSerializer,
)
from shopsmart.orders.errors import TotalChanged
from shopsmart.orders.models import Order
from shopsmart.orders.states import OrderState

KEY = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 64 visible characters of your own making. Sent again, it is the same order.",
)
NOT_AS_SEEN = OpenApiResponse(
    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    "Not enough is left (`cart`), or it costs something else than `seen_total`; nothing was bought.",
)


class OrderListView(MemberView, generics.ListAPIView):
    serializer_class = OrderSerializer
    pagination_class = CatalogPagination
    queryset = Order.objects.none()
    http_method_names = ["get", "head", "post"]

    def get_throttles(self) -> list[object]:
        return [ApiThrottle()] + ([CheckoutThrottle()] if self.request.method == "POST" else [])

    def get_queryset(self) -> QuerySet[Order]:
        query = OrderQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return selectors.list_orders(user=self.request.user, **query.validated_data)

    @extend_schema(
        parameters=[OrderQuery],
        responses={200: OrderSerializer(many=True), 400: BAD_REQUEST, 404: NOT_FOUND, **REFUSALS},
        operation_id="listOrders",
    )
    def get(self, request: Request) -> Response:
        """One's orders, the latest first."""
        return self.list(request)

    @extend_schema(
        parameters=[KEY_HEADER],
        request=CheckoutInput,
        responses={
            201: OpenApiResponse(OrderDetailSerializer, "Bought and paid."),
            202: OpenApiResponse(
                OrderDetailSerializer,
                "Placed; the payment has to be confirmed, or its outcome is not known yet.",
            ),
            400: BAD_REQUEST,
            402: OpenApiResponse(
                OrderDetailSerializer,
                "The card was declined: the order is cancelled, the cart as it was.",
            ),
            409: NOT_AS_SEEN,
            **REFUSALS,
        },
        operation_id="placeOrder",
    )
    def post(self, request: Request) -> Response:
        """Buy what is in the cart."""
        key = request.headers.get("Idempotency-Key", "")
        if not KEY.fullmatch(key):
            said = "Send this header with 1 to 64 visible characters of your own making."
            raise ValidationError({"Idempotency-Key": [said]})
        wanted = CheckoutInput(data=request.data, context={"request": request})
        wanted.is_valid(raise_exception=True)
        try:
            with refused_by_field():
                order = services.place_order(
                    user=request.user,
                    idempotency_key=key,
                    return_url=lambda order: self._url_of(order),
                    **wanted.validated_data,
                )
        except OutOfStock as error:
            raise Conflict({"cart": [str(line) for line in error.lines]}) from error
        except TotalChanged as error:
            total = MoneySerializer(error.total).data
            raise Conflict({"seen_total": [str(error)], "total": total}) from error
        shown = selectors.get_order(number=order.number, user=request.user)
        return Response(OrderDetailSerializer(shown).data, status_of(shown))

    def _url_of(self, order: Order) -> str:
        return self.request.build_absolute_uri(reverse("storefront:payment", args=[order.number]))


class OrderView(MemberView):
    http_method_names = ["get", "head"]

    @extend_schema(
        responses={200: OrderDetailSerializer, 404: NOT_FOUND, **REFUSALS},
        operation_id="getOrder",
    )
    def get(self, request: Request, number: str) -> Response:
        """One order with everything. Where its payment is open the card gateway is asked first."""
        order = find_order(request, number)
        if order.state == OrderState.PLACED:
            services.look_again(order=order)
            order = find_order(request, number)
        return Response(OrderDetailSerializer(order).data)


class CancelView(MemberView):
    http_method_names = ["post"]

    @extend_schema(
        request=CancelInput,
        responses={
            200: OrderDetailSerializer,
            400: BAD_REQUEST,
            404: NOT_FOUND,
            409: CONFLICT,
            **REFUSALS,
        },
        operation_id="cancelOrder",
    )
    def post(self, request: Request, number: str) -> Response:
        """Cancel an order that was not shipped; what was paid is given back."""
        order = find_order(request, number, needs=CHANGE)
        wanted = CancelInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refused_by_state():
            services.cancel_order(order=order, by=request.user, **wanted.validated_data)
        return Response(OrderDetailSerializer(find_order(request, number)).data)


class ReturnListView(MemberView):
    http_method_names = ["get", "head", "post"]

    @extend_schema(
        responses={200: ReturnSerializer(many=True), 404: NOT_FOUND, **REFUSALS},
        operation_id="listReturns",
    )
    def get(self, request: Request, number: str) -> Response:
        """What of an order was or will be sent back, the latest first."""
        order = find_order(request, number)
        return Response(ReturnSerializer(order.returns, many=True).data)

    @extend_schema(
        request=ReturnInput,
        responses={
            201: ReturnSerializer,
            400: BAD_REQUEST,
            404: NOT_FOUND,
            409: CONFLICT,
            **REFUSALS,
        },
        operation_id="requestReturn",
    )
    def post(self, request: Request, number: str) -> Response:
        """Announce that some of an order will be sent back, within thirty days."""
        order = find_order(request, number, needs=CHANGE)
        wanted = ReturnInput(data=request.data, context={"order": order})
        wanted.is_valid(raise_exception=True)
        with refused_by_state(), refused_by_field():
            asked = services.request_return(order=order, by=request.user, **wanted.validated_data)
        return Response(ReturnSerializer(asked).data, status.HTTP_201_CREATED)


def status_of(order: Order) -> int:
    """How far a purchase came, as a status."""
    if order.paid_at is not None:
        return status.HTTP_201_CREATED
    if order.state == OrderState.PLACED:
        return status.HTTP_202_ACCEPTED
    return status.HTTP_402_PAYMENT_REQUIRED
