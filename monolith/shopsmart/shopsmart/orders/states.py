"""The ways an order can go, all of them, in one table."""

from django.db.models import TextChoices


class OrderState(TextChoices):
    """Where an order stands. `placed` means that its payment is under way."""

    PLACED = "placed", "placed"
    PAID = "paid", "paid"
    SHIPPED = "shipped", "shipped"
    DELIVERED = "delivered", "delivered"
    CANCELLED = "cancelled", "cancelled"
    RETURNED = "returned", "returned"


class ReturnState(TextChoices):
    """Where a return stands; the last two are final."""

    REQUESTED = "requested", "requested"
    RECEIVED = "received", "received"
    REFUSED = "refused", "refused"


TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    OrderState.PLACED: frozenset({OrderState.PAID, OrderState.CANCELLED}),
    OrderState.PAID: frozenset({OrderState.SHIPPED, OrderState.CANCELLED}),
    OrderState.SHIPPED: frozenset({OrderState.DELIVERED, OrderState.RETURNED}),
    OrderState.DELIVERED: frozenset({OrderState.RETURNED}),
    OrderState.CANCELLED: frozenset(),
    OrderState.RETURNED: frozenset(),
}


def may_become(state: str, to: OrderState) -> bool:
    """Whether an order in `state` may go to `to` next."""
    return to in TRANSITIONS[OrderState(state)]
