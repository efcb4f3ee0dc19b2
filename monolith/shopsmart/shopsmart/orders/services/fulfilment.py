"""What the order desk and the shopper do to an order: cancel, ship, deliver."""

from functools import partial

from django.db import transaction

from shopsmart.accounts.models import User
from shopsmart.inventory import services as inventory
from shopsmart.inventory.models import MovementKind
from shopsmart.notifications.services import notify
from shopsmart.orders.models import Order
from shopsmart.orders.services.outcome import refund_after_commit
from shopsmart.orders.services.steps import lock_order, move
from shopsmart.orders.states import OrderState
from shopsmart.payments import services as payments
from shopsmart.payments.states import PaymentState
from shopsmart.promotions.services import give_back


@transaction.atomic
def cancel_order(*, order: Order, by: User | None, reason: str = "") -> Order:
    """Cancel an order that has not been shipped: what it holds or took of stock goes back, and so does the money.

    A payment that is still under way is withdrawn after the commit; where the gateway was faster,
    `take_outcome` gives the money back. Raises WrongState.
    """
    locked = lock_order(order)
    was_paid = locked.state == OrderState.PAID
    move(locked, OrderState.CANCELLED, by=by, note=reason)
    for payment in locked.payments.all():
        if payment.state == PaymentState.APPROVED:
            refund_after_commit(payment, "The order was cancelled.")
        elif not payment.is_settled:
            withdraw = partial(payments.withdraw, payment=payment)
            transaction.on_commit(withdraw, robust=True)
    give_back(locked)
    if was_paid:
        lines = {line.variant: line.quantity for line in locked.lines.select_related("variant")}
        inventory.restock(lines=lines, kind=MovementKind.RETURNED, reference=locked.number, by=by)
    else:
        inventory.release(order=locked)
    notify(user=locked.user, kind="order_cancelled", context={"order": locked})
    return locked


@transaction.atomic
def ship_order(*, order: Order, by: User | None, note: str = "") -> Order:
    """Note that a paid order has left the house; raises WrongState."""
    locked = lock_order(order)
    move(locked, OrderState.SHIPPED, by=by, note=note)
    notify(user=locked.user, kind="order_shipped", context={"order": locked})
    return locked


@transaction.atomic
def deliver_order(*, order: Order, by: User | None, note: str = "") -> Order:
    """Note that a shipped order has arrived; raises WrongState."""
    locked = lock_order(order)
    move(locked, OrderState.DELIVERED, by=by, note=note)
    notify(user=locked.user, kind="order_delivered", context={"order": locked})
    return locked
