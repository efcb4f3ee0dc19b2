"""Anything may happen in any order: after each step the books agree, and no cent is lost or made."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from shopsmart.cart.models import Cart
from shopsmart.cart.tests.make import make_cart
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.errors import OutOfStock
from shopsmart.inventory.models import MovementKind
from shopsmart.inventory.services import correct, restock
from shopsmart.inventory.tests.make import assert_books_agree, make_stocked
from shopsmart.orders.errors import WrongState
from shopsmart.orders.models import Order, Return
from shopsmart.orders.selectors import returnable
from shopsmart.orders.services import (
    cancel_order,
    deliver_order,
    look_again,
    receive_return,
    refuse_return,
    request_return,
    ship_order,
)
from shopsmart.orders.states import TRANSITIONS, OrderState
from shopsmart.orders.tests.make import buy, moved
from shopsmart.payments.models import Payment
from shopsmart.payments.services import open_refund, settle_refund
from shopsmart.payments.tests.gateway_process import (
    APPROVED,
    BROKEN,
    CONFIRM,
    DECLINED,
    GatewayProcess,
)
from shopsmart.promotions.models import Redemption
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db

STEPS = 40
CARDS = [APPROVED] * 6 + [DECLINED, CONFIRM, BROKEN]
CODES = ["", "", "TEN", "SEVEN", "ONCE"]


class Shop:
    """A small shop in which things happen by chance."""

    def __init__(self, seed: int, gateway: GatewayProcess) -> None:
        self.rng = Random(seed)
        self.gateway = gateway
        self.shoppers = [make_user(f"shopper{n}") for n in range(3)]
        prices = ("3.33", "9.99", "0.01", "24.95", "70.00")
        self.pots = [make_stocked(f"Pot {n}", 12, price) for n, price in enumerate(prices)]
        make_promotion("TEN", "10")
        make_promotion("SEVEN", amount="7.00")
        make_promotion("ONCE", "33.33", usage_limit=2, per_user_limit=1)

    def step(self) -> None:
        """Do something; what is refused changes nothing, and that is looked at, too."""
        self.rng.choice(
            [self.shop] * 5
            + [self.cancel, self.ship, self.ship, self.deliver, self.send_back, self.send_back]
            + [self.receive, self.receive, self.refuse, self.confirm, self.look, self.goodwill]
            + [self.count, self.restock]
        )()

    def shop(self) -> None:
        user = self.rng.choice(self.shoppers)
        lines = {pot: self.rng.randint(1, 4) for pot in self.rng.sample(self.pots, 2)}
        make_cart(user, lines)
        Cart.objects.filter(user=user).update(promotion_code=self.rng.choice(CODES))
        buy(user, self.rng.choice(CARDS), key=f"{self.rng.randint(1, 40)}")

    def cancel(self) -> None:
        cancel_order(order=self.any_order(), by=None)

    def ship(self) -> None:
        ship_order(order=self.any_order("paid"), by=None)

    def deliver(self) -> None:
        deliver_order(order=self.any_order("shipped"), by=None)

    def send_back(self) -> None:
        order = self.any_order("shipped", "delivered")
        lines = {line: self.rng.randint(0, left) for line, left in returnable(order).items()}
        lines = {line: pieces for line, pieces in lines.items() if pieces}
        request_return(order=order, lines=lines, reason="x", by=order.user)

    def receive(self) -> None:
        receive_return(returned=self.any_return(), by=None)

    def refuse(self) -> None:
        refuse_return(returned=self.any_return(), by=None, note="x")

    def confirm(self) -> None:
        waiting = Payment.objects.filter(state="needs_confirmation").first()
        if waiting:
            self.gateway.answer(waiting.confirmation_url, self.rng.choice(["yes", "no"]))

    def look(self) -> None:
        look_again(order=self.any_order("placed"))

    def goodwill(self) -> None:
        payment = self.any_order("paid", "delivered").payments.get()
        settle_refund(refund=open_refund(payment=payment, amount=Decimal("0.50"), reason="Sorry."))

    def count(self) -> None:
        pot = self.rng.choice(self.pots)
        correct(variant=pot, on_hand=self.rng.randint(0, 20), by=None, reason="Counted.")

    def restock(self) -> None:
        restock(lines=dict.fromkeys(self.pots, 2), kind=MovementKind.RECEIVED, reference="more")

    def any_order(self, *states: str) -> Order:
        """An order in one of these states, most of the time, or else in any."""
        orders = Order.objects.select_related("user").order_by("id")
        found = list(orders.filter(state__in=states)) if self.rng.random() < 0.9 else []
        return self.rng.choice(found or list(orders) or [Order(pk=0)])

    def any_return(self) -> Return:
        returns = Return.objects.select_related("order").order_by("id")
        return self.rng.choice(list(returns) or [Return(order=Order(pk=0))])

    def look_over(self) -> None:
        """Hold everything against everything."""
        assert_books_agree()
        for order in Order.objects.all():
            self.look_over_order(order)
        used = Redemption.objects.filter(promotion__code="ONCE")
        assert used.count() <= 2
        assert used.values("user").distinct().count() == used.count()

    def look_over_order(self, order: Order) -> None:
        lines = list(order.lines.all())
        assert sum(line.line_total for line in lines) == order.subtotal
        assert sum(line.discount for line in lines) == order.discount
        events = [OrderState(event.state) for event in order.events.all()]
        assert events[0] == OrderState.PLACED
        assert events[-1] == order.state
        for before, after in pairwise(events):
            assert before == after or after in TRANSITIONS[before]
        reservations = set(order.reservations.values_list("state", flat=True))
        payment = order.payments.get()
        assert reservations <= {self.reservation_of(order, payment)}
        money = moved(self.gateway, order)
        assert sum(money) >= 0
        if payment.state == "approved":
            assert money[0] == payment.amount == order.total
            assert -sum(money[1:]) == payment.refunded <= payment.amount
        if order.state == OrderState.CANCELLED:
            assert sum(money) == 0 or payment.state == "unknown"
            assert not Redemption.objects.filter(order=order).exists()
        elif order.state == OrderState.RETURNED:
            assert sum(money) == 0
        back = sum((r.refund_amount for r in order.returns.all()), Decimal(0))
        assert back <= payment.refunded
        if payment.state == "approved" and order.state not in (
            OrderState.CANCELLED,
            OrderState.RETURNED,
        ):
            goodwill = payment.refunds.filter(reason="Sorry.")
            assert payment.refunded - back == sum(refund.amount for refund in goodwill)

    def reservation_of(self, order: Order, payment: Payment) -> str:
        if order.state == OrderState.PLACED:
            return "held"
        was_paid = order.events.filter(state=OrderState.PAID).exists()
        return "taken" if was_paid else "released"


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))]
)
def test_whatever_happens_the_books_agree(
    seed: int, gateway: GatewayProcess, after_commit: Callable[[], Any]
) -> None:
    shop = Shop(seed, gateway)
    done = 0
    for _ in range(STEPS):
        try:
            with after_commit():
                shop.step()
            done += 1
        except (OutOfStock, ValidationError, WrongState, Order.DoesNotExist):
            pass
        shop.look_over()
    assert done > STEPS / 3
    assert Order.objects.count() > 5
