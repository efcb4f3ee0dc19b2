"""What came of a payment, taken by its order."""

from django.db import transaction

from shopsmart.cart import services as carts
from shopsmart.inventory import services as inventory
from shopsmart.notifications.services import notify
from shopsmart.orders.models import Order
from shopsmart.orders.services.steps import lock_order, move
from shopsmart.orders.states import OrderState
from shopsmart.payments import services as payments
from shopsmart.payments.models import Payment
from shopsmart.payments.states import PaymentState
from shopsmart.promotions.services import give_back

FAILED = {
    PaymentState.DECLINED: "The payment was declined.",
    PaymentState.CANCELLED: "The payment did not come about.",
}


@transaction.atomic
def take_outcome(*, payment: Payment) -> Order:
    """Let an order follow its payment; harmless the second time, or while the outcome is not known.

    Approved, the order is paid and its stock sold; an order that was cancelled meanwhile gets its
    money back. Declined or cancelled, the order is cancelled, its stock released, the code given
    back and the cart filled again.
    """
    order = lock_order(payment.order)
    if payment.state == PaymentState.APPROVED:
        if order.state == OrderState.PLACED:
            move(order, OrderState.PAID)
            inventory.take(order=order)
            notify(user=order.user, kind="order_paid", context={"order": order})
        elif order.state == OrderState.CANCELLED and not payment.refunds.exists():
            refund_after_commit(payment, "The order was cancelled.")
    elif payment.state in FAILED and order.state == OrderState.PLACED:
        move(order, OrderState.CANCELLED, note=FAILED[PaymentState(payment.state)])
        _put_back_into_cart(order)
        give_back(order)
        inventory.release(order=order)
        context = {"order": order, "payment": payment}
        notify(user=order.user, kind="payment_failed", context=context)
    return order


def look_again(*, order: Order) -> Order:
    """Ask the gateway about an order whose payment was left open; gives the order as it then is.

    Costs one query where nothing is open. Raises RuntimeError inside a transaction.
    """
    if order.state != OrderState.PLACED:
        return order
    for payment in order.payments.all():
        if not payment.is_settled:
            payments.settle(payment=payment)
    return Order.objects.select_related("user").get(pk=order.pk)


def refund_after_commit(payment: Payment, reason: str) -> None:
    """Open a refund of all that is left of a payment, and settle it after the commit."""
    left = payment.refundable.amount
    if left:
        refund = payments.open_refund(payment=payment, amount=left, reason=reason)
        transaction.on_commit(lambda: payments.settle_refund(refund=refund), robust=True)


def _put_back_into_cart(order: Order) -> None:
    cart = carts.lock_cart(user=order.user)
    lines = {line.variant_id: line.quantity for line in order.lines.all()}
    carts.put_back(cart=cart, lines=lines, code=order.promotion_code)
