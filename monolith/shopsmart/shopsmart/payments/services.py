"""Everything that writes payments and refunds.

The gateway is asked outside any transaction, and what it said is written in one of its own: a slow
bank holds no lock here, and a process that is killed in between leaves a row that says what to ask
again. That row is written before the gateway is asked, with the key it will know the charge by.

Locks are taken in one order: the order, then its payments, then their refunds.
"""

import logging
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from shopsmart.catalog.money import to_cents
from shopsmart.notifications.services import notify
from shopsmart.orders.models import Order
from shopsmart.orders.states import OrderState
from shopsmart.payments import gateway
from shopsmart.payments.cards import Card
from shopsmart.payments.gateway import (
    Approved,
    Cancelled,
    Declined,
    NeedsConfirmation,
    NeverAsked,
    Outcome,
    Refunded,
    RefundOutcome,
    Refused,
    Unknown,
)
from shopsmart.payments.models import Payment, Refund
from shopsmart.payments.states import PaymentState, RefundState, may_become, refund_may_become

logger = logging.getLogger(__name__)

# What says that a question charged nothing, and nothing about another with the same key.
NOT_THIS_TIME = (Declined(gateway.UNREACHABLE), Declined(gateway.INVALID))


@transaction.atomic
def open_payment(*, order: Order, amount: Decimal) -> Payment:
    """Note that an order is to be paid; belongs into the transaction that makes the order.

    Raises ValidationError for no amount, and where the order has been paid, or is being paid, already.
    """
    if to_cents(amount) <= 0:
        raise ValidationError({"amount": "There is nothing to pay."})
    payment = Payment(order=order, amount=to_cents(amount), currency=order.currency)
    payment.clean_fields(exclude=["order"])
    try:
        with transaction.atomic():
            payment.save(force_insert=True)
    except IntegrityError as error:
        raise ValidationError("This order has been paid, or is being paid, already.") from error
    return payment


def charge(*, payment: Payment, card: Card, return_url: str) -> Payment:
    """Ask the gateway to charge a pending payment, and take what it says; give the payment as it then is.

    A payment that is no longer pending, or whose order is no longer to be paid, is left as it is.
    Raises RuntimeError inside a transaction.
    """
    with transaction.atomic(durable=True):
        asked = _lock(payment)
        if asked.state != PaymentState.PENDING or asked.order.state != OrderState.PLACED:
            return asked
        asked.attempts += 1
        asked.card_last4 = card.last4
        asked.save(update_fields=["attempts", "card_last4"])
    outcome = gateway.ask_charge(
        key=asked.key,
        money=asked.money,
        card=card,
        reference=asked.order.number,
        return_url=return_url,
    )
    return _take(asked, outcome)


def confirm(*, payment: Payment) -> Payment:
    """Take what the card holder said at the gateway; give the payment as it then is.

    Raises RuntimeError inside a transaction.
    """
    return settle(payment=payment)


def settle(*, payment: Payment) -> Payment:
    """Ask the gateway by key what came of a payment, and take it; give the payment as it then is.

    What the gateway has not heard of, or the card holder has not answered, may still be under way:
    it is cancelled there, for good, once it is older than the settings allow, or at once if its
    order is cancelled. Where the gateway gives no answer the payment stays as it is. Raises
    RuntimeError inside a transaction.
    """
    known = _read(payment)
    if known.is_settled:
        return known
    if known.order.state == OrderState.CANCELLED:
        return withdraw(payment=known)
    outcome = gateway.find_charge(key=known.key, money=known.money)
    patience = {
        NeverAsked: settings.PAYMENT_GIVE_UP_AFTER,
        NeedsConfirmation: settings.PAYMENT_CONFIRM_WITHIN,
    }.get(type(outcome))
    if patience is not None and timezone.now() - known.created_at > timedelta(seconds=patience):
        outcome = gateway.cancel_charge(key=known.key, money=known.money)
    if isinstance(outcome, NeverAsked):
        return known
    return _take(known, outcome)


def withdraw(*, payment: Payment) -> Payment:
    """Cancel a payment at the gateway unless it was faster; give the payment as it then is.

    After this it is cancelled, declined or approved, or still unsettled where the gateway gave no
    answer. Raises RuntimeError inside a transaction.
    """
    known = _read(payment)
    if known.is_settled:
        return known
    return _take(known, gateway.cancel_charge(key=known.key, money=known.money))


@transaction.atomic
def open_refund(
    *, payment: Payment, amount: Decimal, reason: str, key: UUID | None = None
) -> Refund:
    """Set aside an amount to be given back; `settle_refund` gives it back after the commit.

    A `key` that the caller has used before gives the refund of then. Raises ValidationError, by
    field, for more than is left of the payment and for a key of another refund.
    """
    locked = _lock(payment)
    if key is not None and (known := Refund.objects.filter(key=key).first()):
        if (known.payment_id, known.amount) != (locked.pk, to_cents(amount)):
            raise ValidationError({"key": "This key was used for another refund."})
        return known
    if locked.state != PaymentState.APPROVED:
        raise ValidationError("Only a payment that was approved can be given back.")
    if to_cents(amount) <= 0:
        raise ValidationError({"amount": "Say how much is given back."})
    if to_cents(amount) > locked.refundable.amount:
        raise ValidationError({"amount": f"At most {locked.refundable} can be given back."})
    refund = Refund(payment=locked, amount=to_cents(amount), reason=reason, key=key or uuid4())
    refund.clean_fields(exclude=["payment"])
    refund.save(force_insert=True)
    locked.refunded += refund.amount
    locked.save(update_fields=["refunded"])
    return refund


def settle_refund(*, refund: Refund) -> Refund:
    """Ask the gateway to give money back, as often as it takes; give the refund as it then is.

    One that is refused leaves its amount with the payment. Raises RuntimeError inside a transaction.
    """
    with transaction.atomic(durable=True):
        payment, asked = _lock_refund(refund)
        if asked.is_settled:
            return asked
        asked.attempts += 1
        asked.save(update_fields=["attempts"])
    outcome = gateway.ask_refund(
        gateway_id=payment.gateway_id, key=asked.key, money=asked.money, reason=asked.reason
    )
    return _take_refund(asked, outcome)


def _read(payment: Payment) -> Payment:
    """The payment as it is now. Raises RuntimeError inside a transaction, where it could be old."""
    with transaction.atomic(durable=True):
        return Payment.objects.select_related("order").get(pk=payment.pk)


def _lock(payment: Payment) -> Payment:
    """The payment as it is now, locked after its order, which it has at hand."""
    order = Order.objects.select_for_update(no_key=True).get(pk=payment.order_id)
    locked = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    locked.order = order
    return locked


def _lock_refund(refund: Refund) -> tuple[Payment, Refund]:
    payment = _lock(Payment.objects.get(refunds=refund))
    locked = Refund.objects.select_for_update(no_key=True).get(pk=refund.pk)
    locked.payment = payment
    return payment, locked


def _take(payment: Payment, outcome: Outcome) -> Payment:
    """Write what the gateway said, and end the order by it, in one transaction.

    Whoever comes second finds the outcome there and changes nothing.
    """
    # Late, since orders and payments call each other.
    from shopsmart.orders.services import take_outcome

    with transaction.atomic(durable=True):
        locked = _lock(payment)
        if outcome in NOT_THIS_TIME and locked.attempts > 1:
            # Known under the lock alone: the other time may have begun while this one was asked.
            outcome = Unknown("nothing came of it this time, but it was asked another time")
        to = _state_of(outcome)
        if not may_become(locked.state, to):
            if to == PaymentState.APPROVED != locked.state:
                logger.error("payment %s is charged, but %s here", locked.key, locked.state)
            return locked
        locked.state = to
        match outcome:
            case Approved(gateway_id, brand):
                locked.gateway_id, locked.card_brand = gateway_id, brand
            case Declined(code, gateway_id, brand):
                locked.decline_code = code
                locked.gateway_id, locked.card_brand = gateway_id, brand
            case NeedsConfirmation(url, gateway_id, brand):
                locked.confirmation_url = url
                locked.gateway_id, locked.card_brand = gateway_id, brand
            case Cancelled(gateway_id):
                locked.gateway_id = gateway_id
            case Unknown(reason):
                logger.warning("payment %s is unknown: %s", locked.key, reason)
        if locked.is_settled:
            locked.settled_at = timezone.now()
            locked.confirmation_url = ""
        locked.save()
        if locked.is_settled:
            logger.info("payment %s is %s", locked.key, locked.state)
            locked.order = take_outcome(payment=locked)
            # An order that was cancelled meanwhile gave it back at once.
            locked.refresh_from_db(fields=["refunded"])
    return locked


def _take_refund(refund: Refund, outcome: RefundOutcome) -> Refund:
    with transaction.atomic(durable=True):
        payment, locked = _lock_refund(refund)
        to = _refund_state_of(outcome)
        if not refund_may_become(locked.state, to):
            return locked
        locked.state = to
        match outcome:
            case Refunded(gateway_id):
                locked.gateway_id = gateway_id
            case Refused(code, gateway_id):
                locked.refusal_code, locked.gateway_id = code, gateway_id
                payment.refunded -= locked.amount
                payment.save(update_fields=["refunded"])
            case Unknown(reason):
                logger.warning("refund %s is unknown: %s", locked.key, reason)
        if locked.is_settled:
            locked.settled_at = timezone.now()
            logger.info("refund %s is %s", locked.key, locked.state)
        locked.save()
        if locked.state == RefundState.DONE:
            context = {"order": payment.order, "refund": locked, "amount": locked.money}
            notify(user=payment.order.user, kind="refunded", context=context)
    return locked


def _state_of(outcome: Outcome) -> PaymentState:
    return {
        Approved: PaymentState.APPROVED,
        Declined: PaymentState.DECLINED,
        NeedsConfirmation: PaymentState.NEEDS_CONFIRMATION,
        Cancelled: PaymentState.CANCELLED,
        Unknown: PaymentState.UNKNOWN,
    }[type(outcome)]


def _refund_state_of(outcome: RefundOutcome) -> RefundState:
    return {
        Refunded: RefundState.DONE,
        Refused: RefundState.REFUSED,
        Unknown: RefundState.UNKNOWN,
    }[type(outcome)]
