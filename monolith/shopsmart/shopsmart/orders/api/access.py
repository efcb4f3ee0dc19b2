"""What the views of orders have in common: whose order it is, and how a refusal reads."""

from collections.abc import Iterator
from contextlib import contextmanager

from drf_spectacular.utils import OpenApiResponse
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from shopsmart.catalog.api.serializers import ErrorSerializer
from shopsmart.orders import selectors
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order
from shopsmart.staff import may

CONFLICT = OpenApiResponse(ErrorSerializer, "The order has gone too far, or not far enough.")


class Conflict(APIException):
    """409: what is asked was right once, and isn't any more."""

    status_code = status.HTTP_409_CONFLICT


CHANGE = "orders.change_order"


class WorksAtTheOrderDesk(BasePermission):
    """Lets those act who may change orders."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return may(request.user, CHANGE)


def find_order(request: Request, number: str, *, needs: str = "orders.view_order") -> Order:
    """An order of whoever asks, or anybody's for staff with the permission it needs, or a 404."""
    try:
        if may(request.user, needs):
            return selectors.get_any_order(number=number)
        return selectors.get_order(number=number, user=request.user)
    except Order.DoesNotExist as error:
        raise NotFound from error


@contextmanager
def refused_by_state() -> Iterator[None]:
    """Turn a step that an order can't take into a 409."""
    try:
        yield
    except WrongState as error:
        raise Conflict(str(error)) from error
