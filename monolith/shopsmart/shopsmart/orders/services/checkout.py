"""The checkout: one transaction over cart, promotion, stock, order and payment; then the gateway is asked."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from shopsmart.accounts.models import User
from shopsmart.cart import services as carts
from shopsmart.cart.models import Cart
from shopsmart.cart.pricing import CartSummary, ProblemKind
from shopsmart.cart.selectors import read_lines, summarise
from shopsmart.inventory import services as inventory
from shopsmart.notifications.services import notify
from shopsmart.orders.errors import TotalChanged
from shopsmart.orders.models import Order, OrderEvent, OrderLine
from shopsmart.orders.states import OrderState
from shopsmart.payments import services as payments
from shopsmart.payments.cards import Card
from shopsmart.payments.models import Payment
from shopsmart.payments.states import PaymentState
from shopsmart.promotions.services import redeem


class ShipTo(Protocol):
    """Where a parcel goes, as in the address book or as just typed."""

    name: str
    line1: str
    line2: str
    postcode: str
    city: str
    country: str


def place_order(
    *,
    user: User,
    address: ShipTo,
    card: Card,
    idempotency_key: str,
    return_url: Callable[[Order], str],
    seen_total: Decimal | None = None,
) -> Order:
    """Buy what is in the user's cart; gives the order as it stands when the gateway has answered.

    It is `paid`; or `cancelled`, where the card was declined, with everything back in the cart; or
    `placed`, where the card holder has to confirm at the gateway, or nobody knows yet what came of it.
    The same key again is the same order, and goes on with what was interrupted. `return_url` says
    where a card holder who had to confirm is led back to.

    Raises, with nothing changed: ValidationError by field; OutOfStock; TotalChanged where it costs
    something else than `seen_total`. Raises RuntimeError inside a transaction.
    """
    with transaction.atomic(durable=True):
        payment = _place(user, address, idempotency_key, seen_total)
    # Nothing is held now but what the rows say. Whoever comes here twice at once, by a double
    # click, asks the gateway with the same key, which charges once and answers both.
    if payment.state == PaymentState.PENDING:
        payments.charge(payment=payment, card=card, return_url=return_url(payment.order))
    elif payment.state == PaymentState.UNKNOWN:
        payments.settle(payment=payment)
    return Order.objects.select_related("user").get(pk=payment.order_id)


def _place(
    user: User, address: ShipTo, idempotency_key: str, seen_total: Decimal | None
) -> Payment:
    """The payment of a new order, or of the order that was made with this key before."""
    cart = carts.lock_cart(user=user)
    known = Order.objects.filter(user=user, idempotency_key=idempotency_key).first()
    if known is not None:
        return Payment.objects.select_related("order").filter(order=known).latest("created_at")
    summary = _priced(cart, user)
    if seen_total is not None and seen_total != summary.total.amount:
        raise TotalChanged(summary.total)
    order = _write_order(user, address, idempotency_key, summary)
    if summary.applied is not None:
        redeem(promotion=summary.applied.promotion, order=order)
    inventory.reserve(order=order, lines={one.variant: one.quantity for one in summary.lines})
    payment = payments.open_payment(order=order, amount=order.total)
    carts.empty(cart=cart)
    notify(user=user, kind="order_placed", context={"order": order})
    return payment


def _priced(cart: Cart, user: User) -> CartSummary:
    """What the cart costs at this moment; raises ValidationError where it can't be bought."""
    lines = list(read_lines(cart))
    if not lines:
        raise ValidationError({"cart": "Your cart is empty."})
    summary = summarise(lines, code=cart.promotion_code, user=user, lock=True)
    said: dict[str, list[str]] = {}
    for problem in summary.problems:
        # Stock is not judged by what was read here, but under its lock.
        if problem.kind != ProblemKind.STOCK:
            field = "promotion_code" if problem.kind == ProblemKind.CODE else "cart"
            said.setdefault(field, []).append(problem.message)
    if said:
        raise ValidationError(said)
    return summary


def _write_order(user: User, address: ShipTo, idempotency_key: str, summary: CartSummary) -> Order:
    now = timezone.now()
    order = Order(
        # The number is made of the id, which the database has yet to give.
        number=uuid4().hex,
        user=user,
        currency=summary.total.currency,
        subtotal=summary.subtotal.amount,
        discount=summary.discount.amount,
        shipping=summary.shipping.amount,
        total=summary.total.amount,
        promotion_code=summary.promotion_code,
        ship_name=address.name,
        ship_line1=address.line1,
        ship_line2=address.line2,
        ship_postcode=address.postcode,
        ship_city=address.city,
        ship_country=address.country,
        placed_at=now,
        idempotency_key=idempotency_key,
    )
    order.clean_fields(exclude=["user"])
    order.save(force_insert=True)
    order.number = f"S-{now.year}-{order.pk:06d}"
    order.save(update_fields=["number"])
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            variant=line.variant,
            sku=line.variant.sku,
            product_name=line.product.name,
            variant_name=line.variant.name,
            category_name=line.product.category.name,
            quantity=line.quantity,
            unit_price=line.unit_price.amount,
            line_total=line.line_total.amount,
            discount=line.discount.amount,
        )
        for line in summary.lines
    )
    OrderEvent.objects.create(order=order, state=OrderState.PLACED, at=now, by=user)
    return order
