"""Payments over HTTP: shoppers see their own, the accounts department sees all and gives money back."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from shopsmart.accounts.api.access import REFUSALS, MemberView, refused_by_field
from shopsmart.catalog.api.pagination import CatalogPagination
from shopsmart.catalog.api.views import BAD_REQUEST, NOT_FOUND
from shopsmart.payments import selectors, services
from shopsmart.payments.api.serializers import (
    PaymentQuery,
    PaymentSerializer,
    RefundInput,
    RefundSerializer,
)
from shopsmart.payments.models import Payment
from shopsmart.staff import may

KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.UUID,
    OpenApiParameter.HEADER,
    required=True,
    description="Sent again, it is the same refund.",
)


class PaymentListView(MemberView, generics.ListAPIView):
    serializer_class = PaymentSerializer
    pagination_class = CatalogPagination
    queryset = Payment.objects.none()
    http_method_names = ["get", "head"]

    def get_queryset(self) -> QuerySet[Payment]:
        query = PaymentQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return selectors.list_payments(user=self.request.user, **query.validated_data)

    @extend_schema(
        parameters=[PaymentQuery],
        responses={200: PaymentSerializer(many=True), 400: BAD_REQUEST, 404: NOT_FOUND, **REFUSALS},
        operation_id="listPayments",
    )
    def get(self, request: Request) -> Response:
        """Payments, the latest first: one's own or, for the accounts department, all."""
        return self.list(request)


class PaymentView(MemberView):
    http_method_names = ["get", "head"]

    @extend_schema(
        responses={200: PaymentSerializer, 404: NOT_FOUND, **REFUSALS}, operation_id="getPayment"
    )
    def get(self, request: Request, key: UUID) -> Response:
        """One payment with its refunds."""
        return Response(PaymentSerializer(find_payment(request, key)).data)


class ConfirmView(MemberView):
    http_method_names = ["post"]

    @extend_schema(
        request=None,
        responses={200: PaymentSerializer, 404: NOT_FOUND, **REFUSALS},
        operation_id="confirmPayment",
    )
    def post(self, request: Request, key: UUID) -> Response:
        """Ask the gateway what the card holder said there, and go on by it."""
        services.confirm(payment=find_payment(request, key))
        return Response(PaymentSerializer(find_payment(request, key)).data)


class RefundListView(MemberView):
    http_method_names = ["get", "head", "post"]

    @extend_schema(
        responses={200: RefundSerializer(many=True), 404: NOT_FOUND, **REFUSALS},
        operation_id="listRefunds",
    )
    def get(self, request: Request, key: UUID) -> Response:
        """What of a payment goes or went back, the oldest first."""
        return Response(RefundSerializer(find_payment(request, key).refunds, many=True).data)

    @extend_schema(
        parameters=[KEY_HEADER],
        request=RefundInput,
        responses={201: RefundSerializer, 400: BAD_REQUEST, 404: NOT_FOUND, **REFUSALS},
        operation_id="addRefund",
    )
    def post(self, request: Request, key: UUID) -> Response:
        """Give some of a payment back, or all; for the accounts department."""
        if not may(request.user, "payments.add_refund"):
            raise PermissionDenied
        payment = find_payment(request, key)
        wanted = RefundInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refused_by_field():
            refund = services.open_refund(
                payment=payment, key=_idempotency_key(request), **wanted.validated_data
            )
        refund = services.settle_refund(refund=refund)
        return Response(RefundSerializer(refund).data, status.HTTP_201_CREATED)


def find_payment(request: Request, key: UUID) -> Payment:
    """A payment that whoever asks may see, or a 404."""
    try:
        return selectors.get_payment(key=key, user=request.user)
    except Payment.DoesNotExist as error:
        raise NotFound from error


def _idempotency_key(request: Request) -> UUID:
    try:
        return UUID(request.headers.get("Idempotency-Key", ""))
    except ValueError as error:
        said = {"Idempotency-Key": ["Send this header with a UUID of your own making."]}
        raise ValidationError(said) from error
