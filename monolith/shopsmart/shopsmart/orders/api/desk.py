"""What the order desk does to anybody's orders over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from shopsmart.accounts.api.access import REFUSALS, MemberView
from shopsmart.catalog.api.views import BAD_REQUEST, NOT_FOUND
from shopsmart.orders import services
from shopsmart.orders.api.access import (
    CONFLICT,
    WorksAtTheOrderDesk,
    find_order,
    refused_by_state,
)
from shopsmart.orders.api.serializers import (
    NoteInput,
    OrderDetailSerializer,
    RefusalInput,
    ReturnSerializer,
)
from shopsmart.orders.models import Return

ORDER_ANSWERS = {
    200: OrderDetailSerializer,
    400: BAD_REQUEST,
    404: NOT_FOUND,
    409: CONFLICT,
    **REFUSALS,
}
RETURN_ANSWERS = {**ORDER_ANSWERS, 200: ReturnSerializer}


class DeskView(MemberView):
    permission_classes = (IsAuthenticated, WorksAtTheOrderDesk)
    http_method_names = ["post"]


class ShipView(DeskView):
    @extend_schema(request=NoteInput, responses=ORDER_ANSWERS, operation_id="shipOrder")
    def post(self, request: Request, number: str) -> Response:
        """Note that a paid order has left the house; for the order desk."""
        order = find_order(request, number)
        wanted = NoteInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refused_by_state():
            services.ship_order(order=order, by=request.user, **wanted.validated_data)
        return Response(OrderDetailSerializer(find_order(request, number)).data)


class DeliverView(DeskView):
    @extend_schema(request=NoteInput, responses=ORDER_ANSWERS, operation_id="deliverOrder")
    def post(self, request: Request, number: str) -> Response:
        """Note that a shipped order has arrived; for the order desk."""
        order = find_order(request, number)
        wanted = NoteInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refused_by_state():
            services.deliver_order(order=order, by=request.user, **wanted.validated_data)
        return Response(OrderDetailSerializer(find_order(request, number)).data)


class ReceiveView(DeskView):
    @extend_schema(request=None, responses=RETURN_ANSWERS, operation_id="receiveReturn")
    def post(self, request: Request, number: str, pk: int) -> Response:
        """Take back what was sent: into stock, and its money to the shopper; for the order desk."""
        returned = find_return(request, number, pk)
        with refused_by_state():
            received = services.receive_return(returned=returned, by=request.user)
        return Response(ReturnSerializer(received).data)


class RefuseView(DeskView):
    @extend_schema(request=RefusalInput, responses=RETURN_ANSWERS, operation_id="refuseReturn")
    def post(self, request: Request, number: str, pk: int) -> Response:
        """Say no to a return, and why; for the order desk."""
        returned = find_return(request, number, pk)
        wanted = RefusalInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refused_by_state():
            refused = services.refuse_return(
                returned=returned, by=request.user, **wanted.validated_data
            )
        return Response(ReturnSerializer(refused).data)


def find_return(request: Request, number: str, pk: int) -> Return:
    """A return of this order, or a 404."""
    returned = Return.objects.select_related("order").filter(order__number=number, pk=pk).first()
    if returned is None:
        raise NotFound
    return returned
