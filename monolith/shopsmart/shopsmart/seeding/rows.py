"""The rows that a planned order becomes, each as `services` would have left it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from shopsmart.accounts.models import Address, User
from shopsmart.inventory.models import Movement, MovementKind, Reservation, ReservationState
from shopsmart.orders.models import Order, OrderEvent, OrderLine, Return
from shopsmart.orders.services.outcome import FAILED
from shopsmart.orders.states import OrderState, ReturnState
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.states import PaymentState, RefundState
from shopsmart.seeding.plan import REFUSED_BECAUSE, Fate, PlannedOrder
from shopsmart.seeding.promotions import OFFERS

CANCELLED = "The order was cancelled."
REFUND_TAKES = timedelta(seconds=2)

STATES = {
    Fate.DELIVERED: OrderState.DELIVERED,
    Fate.RETURNED: OrderState.RETURNED,
    Fate.PARTLY_RETURNED: OrderState.DELIVERED,
    Fate.RETURN_REFUSED: OrderState.DELIVERED,
    Fate.CANCELLED: OrderState.CANCELLED,
    Fate.DECLINED: OrderState.CANCELLED,
}


def order_row(planned: PlannedOrder, shopper: User, address: Address) -> Order:
    """The order; its number is made of its id, and until that is there its key stands in."""
    was_shipped = planned.fate not in (Fate.CANCELLED, Fate.DECLINED)
    was_paid = planned.fate is not Fate.DECLINED
    cancelled_at = planned.cancelled_at if was_paid else planned.answered_at
    return Order(
        number=str(planned.ids[0]),
        user=shopper,
        state=STATES[planned.fate],
        currency=planned.lines[0].good.currency,
        subtotal=planned.subtotal,
        discount=planned.discount,
        shipping=planned.shipping,
        total=planned.total,
        promotion_code=OFFERS[planned.offer].code if planned.offer is not None else "",
        ship_name=address.name,
        ship_line1=address.line1,
        ship_line2=address.line2,
        ship_postcode=address.postcode,
        ship_city=address.city,
        ship_country=address.country,
        placed_at=planned.placed_at,
        paid_at=planned.answered_at if was_paid else None,
        shipped_at=planned.shipped_at if was_shipped else None,
        delivered_at=planned.delivered_at if was_shipped else None,
        cancelled_at=None if was_shipped else cancelled_at,
        idempotency_key=str(planned.ids[0]),
    )


def line_rows(order: Order, planned: PlannedOrder) -> Iterator[OrderLine]:
    """What was bought."""
    for line in planned.lines:
        yield OrderLine(
            order=order,
            variant_id=line.good.variant_id,
            sku=line.good.sku,
            product_name=line.good.product_name,
            variant_name=line.good.name,
            category_name=line.good.category_name,
            quantity=line.quantity,
            unit_price=line.unit_price,
            line_total=line.line_total,
            discount=line.discount,
        )


def event_rows(order: Order, planned: PlannedOrder, desk: User) -> Iterator[OrderEvent]:
    """Every step, in its order."""
    for state, at, by, note in _steps(order, planned, desk):
        yield OrderEvent(order=order, state=state, at=at, by=by, note=note)


def _steps(
    order: Order, planned: PlannedOrder, desk: User
) -> Iterator[tuple[OrderState, datetime, User | None, str]]:
    yield OrderState.PLACED, planned.placed_at, order.user, ""
    if planned.fate is Fate.DECLINED:
        yield OrderState.CANCELLED, planned.answered_at, None, FAILED[PaymentState.DECLINED]
        return
    yield OrderState.PAID, planned.answered_at, None, ""
    if planned.fate is Fate.CANCELLED:
        yield OrderState.CANCELLED, planned.cancelled_at, order.user, planned.cancel_reason
        return
    yield OrderState.SHIPPED, planned.shipped_at, desk, ""
    yield OrderState.DELIVERED, planned.delivered_at, desk, ""
    if (back := planned.returned) is not None:
        here = OrderState.DELIVERED
        yield here, back.requested_at, order.user, "A return was announced."
        match planned.fate:
            case Fate.RETURNED:
                yield OrderState.RETURNED, back.settled_at, desk, ""
            case Fate.PARTLY_RETURNED:
                yield here, back.settled_at, desk, "A part of it came back."
            case _:
                yield here, back.settled_at, desk, "A return was refused."


def return_row(order: Order, planned: PlannedOrder) -> Return | None:
    """What was sent back, if anything was."""
    back = planned.returned
    if back is None:
        return None
    is_refused = planned.fate is Fate.RETURN_REFUSED
    return Return(
        order=order,
        state=ReturnState.REFUSED if is_refused else ReturnState.RECEIVED,
        reason=back.reason,
        refund_amount=back.refund,
        note=REFUSED_BECAUSE if is_refused else "",
        requested_at=back.requested_at,
        settled_at=back.settled_at,
    )


def reservation_rows(order: Order, planned: PlannedOrder) -> Iterator[Reservation]:
    """What the order held of the stock while it was paid."""
    is_declined = planned.fate is Fate.DECLINED
    for line in planned.lines:
        yield Reservation(
            order=order,
            variant_id=line.good.variant_id,
            quantity=line.quantity,
            state=ReservationState.RELEASED if is_declined else ReservationState.TAKEN,
            created_at=planned.placed_at,
        )


def payment_row(order: Order, planned: PlannedOrder) -> Payment:
    """What the card was charged."""
    is_declined = planned.fate is Fate.DECLINED
    brand, last4 = planned.card
    key = planned.ids[1]
    refund = _refund(order, planned)
    return Payment(
        order=order,
        key=key,
        amount=planned.total,
        currency=order.currency,
        refunded=refund[0] if refund else 0,
        state=PaymentState.DECLINED if is_declined else PaymentState.APPROVED,
        gateway_id=f"ch_{key.hex[:24]}",
        card_brand=brand,
        card_last4=last4,
        decline_code=planned.decline_code if is_declined else "",
        created_at=planned.placed_at,
        settled_at=planned.answered_at,
        attempts=1,
    )


def refund_row(payment: Payment, order: Order, planned: PlannedOrder) -> Refund | None:
    """What the card was given back, if anything was."""
    refund = _refund(order, planned)
    if refund is None:
        return None
    amount, at, reason = refund
    key = planned.ids[2]
    return Refund(
        payment=payment,
        key=key,
        amount=amount,
        state=RefundState.DONE,
        reason=reason,
        gateway_id=f"re_{key.hex[:24]}",
        created_at=at,
        settled_at=at + REFUND_TAKES,
        attempts=1,
    )


def _refund(order: Order, planned: PlannedOrder) -> tuple[Decimal, datetime, str] | None:
    """How much went back, when and why."""
    if planned.fate is Fate.CANCELLED:
        return planned.total, planned.cancelled_at, CANCELLED
    back = planned.returned
    if back is not None and back.refund:
        return back.refund, back.settled_at, f"Returned goods of {order.number}."
    return None


def movement_rows(order: Order, planned: PlannedOrder, desk: User) -> Iterator[Movement]:
    """How the order's goods left the store, and how some came back."""
    if planned.fate is Fate.DECLINED:
        return
    for line in planned.lines:
        yield Movement(
            variant_id=line.good.variant_id,
            delta=-line.quantity,
            kind=MovementKind.SOLD,
            reference=order.number,
            at=planned.answered_at,
        )
    is_cancelled = planned.fate is Fate.CANCELLED
    for line, pieces in zip(planned.lines, pieces_back(planned), strict=True):
        if pieces:
            yield Movement(
                variant_id=line.good.variant_id,
                delta=pieces,
                kind=MovementKind.RETURNED,
                reference=order.number,
                at=planned.cancelled_at if is_cancelled else planned.returned.settled_at,
                by=order.user if is_cancelled else desk,
            )


def pieces_back(planned: PlannedOrder) -> tuple[int, ...]:
    """How many pieces of each line came back into the store."""
    if planned.fate is Fate.CANCELLED:
        return tuple(line.quantity for line in planned.lines)
    if planned.returned is None or planned.fate is Fate.RETURN_REFUSED:
        return (0,) * len(planned.lines)
    return planned.returned.pieces
