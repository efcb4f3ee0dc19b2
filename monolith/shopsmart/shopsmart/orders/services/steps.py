"""One step of an order: the only code that changes its state."""

from datetime import datetime

from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order, OrderEvent
from shopsmart.orders.states import OrderState, may_become

_TIMES = {
    OrderState.PAID: "paid_at",
    OrderState.SHIPPED: "shipped_at",
    OrderState.DELIVERED: "delivered_at",
    OrderState.CANCELLED: "cancelled_at",
}


def lock_order(order: Order) -> Order:
    """The order as it is now, with its shopper, locked until the end of the transaction."""
    orders = Order.objects.select_related("user").select_for_update(of=("self",), no_key=True)
    return orders.get(pk=order.pk)


def move(order: Order, to: OrderState, *, by: User | None = None, note: str = "") -> datetime:
    """Take a locked order one step further and write that down; gives the time of it.

    Raises WrongState for a step that the table of states does not know.
    """
    if not may_become(order.state, to):
        raise WrongState(f"Order {order.number} is {order.state}: it can't be {to} any more.")
    now = timezone.now()
    order.state = to
    changed = ["state"]
    if to in _TIMES:
        setattr(order, _TIMES[to], now)
        changed.append(_TIMES[to])
    order.save(update_fields=changed)
    OrderEvent.objects.create(order=order, state=to, at=now, by=by, note=note)
    return now
