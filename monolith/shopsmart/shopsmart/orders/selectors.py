"""Everything that reads orders. Lists bring along what their rows show, in a fixed number of queries."""

from django.db.models import Prefetch, Q, QuerySet, Sum

from shopsmart.accounts.models import User
from shopsmart.orders.models import Order, OrderEvent, OrderLine, Return, ReturnLine
from shopsmart.orders.states import ReturnState


def list_orders(*, user: User, state: str = "") -> QuerySet[Order]:
    """A shopper's orders, of one state or all, the latest first, with lines and payments at hand."""
    orders = Order.objects.filter(user=user)
    return with_parts(orders.filter(state=state) if state else orders)


def get_order(*, number: str, user: User) -> Order:
    """One of a shopper's own orders with all that belongs to it; raises Order.DoesNotExist."""
    return with_history(Order.objects.filter(user=user)).get(number=number)


def get_any_order(*, number: str) -> Order:
    """Anybody's order with all that belongs to it, for staff; raises Order.DoesNotExist."""
    return with_history(Order.objects.all()).get(number=number)


def list_all_orders(*, state: str = "") -> QuerySet[Order]:
    """Everybody's orders, of one state or all, the latest first, for staff."""
    orders = Order.objects.filter(state=state) if state else Order.objects.all()
    return with_parts(orders)


def list_returns(*, state: str = ReturnState.REQUESTED) -> QuerySet[Return]:
    """Returns of everybody in a state, those that wait longest first, with order and lines at hand."""
    return (
        Return.objects.filter(state=state)
        .select_related("order__user")
        .prefetch_related(_return_lines())
        .order_by("requested_at", "id")
    )


def pieces_back(order: Order) -> dict[OrderLine, int]:
    """How many pieces of each line have come back."""
    return _pieces(order, Q(return_lines__parent__state=ReturnState.RECEIVED))


def returnable(order: Order) -> dict[OrderLine, int]:
    """How many pieces of each line are neither back nor announced."""
    open_or_back = [ReturnState.REQUESTED, ReturnState.RECEIVED]
    spoken_for = _pieces(order, Q(return_lines__parent__state__in=open_or_back))
    return {line: line.quantity - spoken_for[line] for line in spoken_for}


def with_parts(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Orders as lists show them: three queries, with shopper, lines and payments, the latest first."""
    return (
        orders.select_related("user")
        .prefetch_related(Prefetch("lines", OrderLine.objects.order_by("id")), "payments")
        .order_by("-placed_at", "-id")
    )


def with_history(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Orders with everything: lines, payments and refunds, events with who did them, returns."""
    return with_parts(orders).prefetch_related(
        "payments__refunds",
        Prefetch("events", OrderEvent.objects.select_related("by").order_by("at", "id")),
        Prefetch(
            "returns",
            Return.objects.prefetch_related(_return_lines()).order_by("-requested_at", "-id"),
        ),
    )


def _return_lines() -> Prefetch:
    lines = ReturnLine.objects.select_related("order_line").order_by("id")
    return Prefetch("lines", lines)


def _pieces(order: Order, counted: Q) -> dict[OrderLine, int]:
    lines = order.lines.annotate(pieces=Sum("return_lines__quantity", filter=counted, default=0))
    return {line: line.pieces for line in lines.order_by("id")}
