"""Sending things back: asked for by the shopper, received or refused by the shop."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.inventory import services as inventory
from shopsmart.inventory.models import MovementKind
from shopsmart.notifications.services import notify
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order, OrderEvent, OrderLine, Return, ReturnLine
from shopsmart.orders.refunds import is_all_back, refund_for
from shopsmart.orders.selectors import pieces_back, returnable
from shopsmart.orders.services.steps import lock_order, move
from shopsmart.orders.states import OrderState, ReturnState
from shopsmart.payments import services as payments
from shopsmart.payments.states import PaymentState

RETURN_WITHIN = timedelta(days=30)


@transaction.atomic
def request_return(
    *, order: Order, lines: Mapping[OrderLine, int], reason: str, by: User | None
) -> Return:
    """Note that a shopper will send so many pieces of some lines back.

    Raises WrongState where the order was not shipped or is past the thirty days, and ValidationError
    by field for pieces that are not there to be sent back.
    """
    locked = lock_order(order)
    since = locked.delivered_at or locked.shipped_at
    if since is None or locked.state == OrderState.RETURNED:
        raise WrongState(f"Order {locked.number} is {locked.state}: nothing can be sent back.")
    if timezone.now() - since > RETURN_WITHIN:
        raise WrongState(
            f"Order {locked.number} can't be sent back after {RETURN_WITHIN.days} days."
        )
    _check_pieces(locked, lines)
    asked = Return(order=locked, reason=reason)
    asked.clean_fields(exclude=["order"])
    asked.save(force_insert=True)
    ReturnLine.objects.bulk_create(
        ReturnLine(parent=asked, order_line=line, quantity=pieces) for line, pieces in lines.items()
    )
    _note(locked, by, "A return was announced.")
    return asked


@transaction.atomic
def receive_return(*, returned: Return, by: User | None) -> Return:
    """Take back what has come: into stock, and its money to the shopper, whose order may end with it.

    Raises WrongState where the return is settled already.
    """
    order = lock_order(returned.order)
    locked = _lock_requested(returned, order)
    sent = locked.lines.select_related("order_line__variant")
    coming = {line.order_line: line.quantity for line in sent}
    before = pieces_back(order)
    locked.refund_amount = _refund(order, refund_for(order, back_before=before, coming=coming))
    _settle(locked, ReturnState.RECEIVED)
    if is_all_back(order, back_before=before, coming=coming):
        move(order, OrderState.RETURNED, by=by)
    else:
        _note(order, by, "A part of it came back.")
    inventory.restock(
        lines={line.variant: pieces for line, pieces in coming.items()},
        kind=MovementKind.RETURNED,
        reference=order.number,
        by=by,
    )
    context = {"order": order, "returned": locked}
    notify(user=order.user, kind="return_received", context=context)
    return locked


@transaction.atomic
def refuse_return(*, returned: Return, by: User | None, note: str) -> Return:
    """Say no to a return, and why; its pieces may be announced again. Raises WrongState."""
    order = lock_order(returned.order)
    locked = _lock_requested(returned, order)
    locked.note = note
    locked.clean_fields(exclude=["order"])
    _settle(locked, ReturnState.REFUSED)
    _note(order, by, "A return was refused.")
    context = {"order": order, "returned": locked}
    notify(user=order.user, kind="return_refused", context=context)
    return locked


def _check_pieces(order: Order, lines: Mapping[OrderLine, int]) -> None:
    if not lines:
        raise ValidationError({"lines": "Choose what you send back."})
    left = returnable(order)
    for line, pieces in lines.items():
        if pieces < 1:
            raise ValidationError(
                {"lines": f"Say how many of {line.sku} you send back: 1 or more."}
            )
        if pieces > left.get(line, 0):
            said = f"Of {line.sku} you can send back {left.get(line, 0)} at most."
            raise ValidationError({"lines": said})


def _lock_requested(returned: Return, order: Order) -> Return:
    """The return as it is now; its order, locked before, keeps it so."""
    locked = Return.objects.get(pk=returned.pk)
    if locked.state != ReturnState.REQUESTED:
        raise WrongState(f"This return was {locked.state} already.")
    locked.order = order
    return locked


def _settle(returned: Return, state: ReturnState) -> None:
    returned.state = state
    returned.settled_at = timezone.now()
    returned.save(update_fields=["state", "settled_at", "refund_amount", "note"])


def _refund(order: Order, worth: Decimal) -> Decimal:
    """Open a refund, settled after the commit; gives its amount, which is less where staff gave some before."""
    payment = order.payments.get(state=PaymentState.APPROVED)
    amount = min(worth, payment.refundable.amount)
    if amount:
        reason = f"Returned goods of {order.number}."
        refund = payments.open_refund(payment=payment, amount=amount, reason=reason)
        transaction.on_commit(lambda: payments.settle_refund(refund=refund), robust=True)
    return amount


def _note(order: Order, by: User | None, note: str) -> None:
    OrderEvent.objects.create(order=order, state=order.state, by=by, note=note)
