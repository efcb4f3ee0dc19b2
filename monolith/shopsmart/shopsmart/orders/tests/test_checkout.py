"""The checkout from the cart to the money, against a real gateway whose ledger is the witness."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from pytest_django import DjangoAssertNumQueries, Settings

from shopsmart.accounts.models import User
from shopsmart.cart.models import Cart
from shopsmart.cart.tests.make import contents, make_cart
from shopsmart.catalog.tests.make import make_category, make_product, make_user, make_variant
from shopsmart.inventory.errors import OutOfStock
from shopsmart.inventory.models import MovementKind, StockItem
from shopsmart.inventory.services import correct, restock
from shopsmart.inventory.tests.make import assert_books_agree, make_stocked, stock_of
from shopsmart.notifications.models import Notification
from shopsmart.orders.errors import TotalChanged
from shopsmart.orders.models import Order
from shopsmart.orders.services import look_again
from shopsmart.orders.states import OrderState
from shopsmart.orders.tests.make import ADDRESS, buy, moved
from shopsmart.payments.models import Payment
from shopsmart.payments.states import PaymentState
from shopsmart.payments.tests.gateway_process import (
    APPROVED,
    BROKEN,
    CONFIRM,
    DECLINED,
    NEVER,
    GatewayProcess,
)
from shopsmart.promotions.models import Promotion, Redemption
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user()


def told(user: User) -> list[str]:
    return list(
        Notification.objects.filter(user=user).order_by("id").values_list("kind", flat=True)
    )


def test_an_approved_card_pays_and_everything_follows(ada: User, gateway: GatewayProcess) -> None:
    promotion = make_promotion("WELCOME10")
    kitchen = make_category("Kitchen")
    pot = make_product("Pot", category=kitchen)
    large = make_variant(pot, "19.99", name="Large", sku="POT-L")
    restock(lines={large: 5}, kind=MovementKind.RECEIVED, reference="delivery")
    cart = make_cart(ada, {large: 2}, code="welcome10")

    order = buy(ada, seen_total=Decimal("40.88"))

    assert (order.state, order.number) == (
        OrderState.PAID,
        f"S-{order.placed_at.year}-{order.pk:06d}",
    )
    sums = (order.subtotal, order.discount, order.shipping, order.total)
    assert list(map(str, sums)) == ["39.98", "4.00", "4.90", "40.88"]
    assert moved(gateway, order) == [Decimal("40.88")]
    line = order.lines.get()
    assert (line.sku, line.product_name, line.variant_name, line.category_name) == (
        "POT-L", "Pot", "Large", "Kitchen"
    )  # fmt: skip
    assert (line.quantity, line.unit_price, line.line_total, line.discount) == (
        2, Decimal("19.99"), Decimal("39.98"), Decimal("4.00")
    )  # fmt: skip
    assert (order.ship_name, order.ship_country) == ("Ada Lovelace", "AT")
    assert [event.state for event in order.events.all()] == ["placed", "paid"]
    assert Redemption.objects.get().promotion == promotion
    assert stock_of(large) == (3, 0)
    assert contents(cart) == {}
    assert Cart.objects.get().promotion_code == ""
    assert told(ada) == ["order_placed", "order_paid"]
    assert_books_agree()


def test_a_declined_card_leaves_everything_as_it_was(ada: User, gateway: GatewayProcess) -> None:
    make_promotion("ONCE", usage_limit=1)
    pot, cup = make_stocked("Pot", 3), make_stocked("Cup", 3)
    cart = make_cart(ada, {pot: 3, cup: 1}, code="ONCE")
    order = buy(ada, DECLINED)
    assert order.state == OrderState.CANCELLED
    assert order.payments.get().decline_code == "insufficient_funds"
    assert moved(gateway, order) == []
    assert (stock_of(pot), stock_of(cup)) == ((3, 0), (3, 0))
    assert contents(cart) == {pot: 3, cup: 1}
    assert Cart.objects.get().promotion_code == "ONCE"
    assert told(ada) == ["order_placed", "payment_failed"]
    assert_books_agree()

    assert buy(ada).state == OrderState.PAID  # the code's one use was not used up


def test_what_was_put_into_the_cart_meanwhile_stays(ada: User, gateway: GatewayProcess) -> None:
    pot, cup = make_stocked("Pot", 200), make_stocked("Cup")
    make_cart(ada, {pot: 60})

    def meanwhile(order: Order) -> str:
        make_cart(ada, {pot: 60, cup: 1})
        return "http://shop.test/"

    buy(ada, DECLINED, return_url=meanwhile)
    assert contents(Cart.objects.get()) == {pot: 99, cup: 1}


def test_a_card_to_be_confirmed_waits_for_its_holder(ada: User, gateway: GatewayProcess) -> None:
    pot = make_stocked("Pot", 3)
    make_cart(ada, {pot: 1})
    order = buy(ada, CONFIRM)
    payment = order.payments.get()
    assert (order.state, payment.state) == (OrderState.PLACED, PaymentState.NEEDS_CONFIRMATION)
    assert stock_of(pot) == (3, 1)
    assert moved(gateway, order) == []
    assert look_again(order=order).state == OrderState.PLACED

    gateway.answer(payment.confirmation_url, "yes")
    order = look_again(order=order)
    assert order.state == OrderState.PAID
    assert moved(gateway, order) == [order.total]
    assert stock_of(pot) == (2, 0)


def test_a_holder_who_says_no_buys_nothing(ada: User, gateway: GatewayProcess) -> None:
    pot = make_stocked("Pot", 3)
    cart = make_cart(ada, {pot: 1})
    order = buy(ada, CONFIRM)
    gateway.answer(order.payments.get().confirmation_url, "no")
    assert look_again(order=order).state == OrderState.CANCELLED
    assert moved(gateway, order) == []
    assert (stock_of(pot), contents(cart)) == ((3, 0), {pot: 1})


def test_an_answer_that_got_lost_is_found_at_the_next_look(
    ada: User, gateway: GatewayProcess
) -> None:
    pot = make_stocked("Pot", 3)
    make_cart(ada, {pot: 1})
    order = buy(ada, BROKEN)
    assert (order.state, order.payments.get().state) == (OrderState.PLACED, PaymentState.UNKNOWN)
    assert look_again(order=order).state == OrderState.PAID
    assert moved(gateway, order) == [order.total]


def test_a_charge_that_never_arrived_frees_its_stock(
    ada: User, gateway: GatewayProcess, settings: Settings
) -> None:
    settings.CARD_GATEWAY_READ_TIMEOUT = 0.2
    pot = make_stocked("Pot", 3)
    cart = make_cart(ada, {pot: 1})
    order = buy(ada, NEVER)
    assert look_again(order=order).state == OrderState.PLACED  # it may still be under way
    settings.PAYMENT_GIVE_UP_AFTER = 0
    assert look_again(order=order).state == OrderState.CANCELLED
    assert moved(gateway, order) == []
    assert (stock_of(pot), contents(cart)) == ((3, 0), {pot: 1})


# The same purchase twice ---------------------------------------------------------------------


@pytest.mark.parametrize("number", [APPROVED, DECLINED, CONFIRM])
def test_the_same_key_is_the_same_order(ada: User, gateway: GatewayProcess, number: str) -> None:
    pot = make_stocked("Pot", 3)
    make_cart(ada, {pot: 1})
    first = buy(ada, number, key="k")
    again = buy(ada, number, key="k")
    assert (again, again.state) == (first, first.state)
    assert Order.objects.count() == Payment.objects.count() == 1
    assert len(moved(gateway, first)) == (1 if number == APPROVED else 0)


def test_the_same_key_goes_on_where_the_answer_got_lost(ada: User, gateway: GatewayProcess) -> None:
    make_cart(ada, {make_stocked(): 1})
    assert buy(ada, BROKEN, key="k").state == OrderState.PLACED
    order = buy(ada, APPROVED, key="k")
    assert order.state == OrderState.PAID
    assert moved(gateway, order) == [order.total]


def test_a_key_is_its_users_own(ada: User, gateway: GatewayProcess) -> None:
    ben = make_user("ben")
    for user in (ada, ben):
        make_cart(user, {make_stocked(): 1})
        assert buy(user, key="k").user == user


def test_another_key_finds_an_empty_cart(ada: User, gateway: GatewayProcess) -> None:
    make_cart(ada, {make_stocked(): 1})
    buy(ada, key="one")
    with pytest.raises(ValidationError, match="cart is empty"):
        buy(ada, key="two")
    assert Order.objects.count() == 1


# What can't be bought ------------------------------------------------------------------------


def assert_nothing_happened(cart: Cart, lines: dict[Any, int]) -> None:
    assert not Order.objects.exists()
    assert not Payment.objects.exists()
    assert not Notification.objects.exists()
    assert contents(cart) == lines
    assert_books_agree()
    assert not StockItem.objects.filter(reserved__gt=0).exists()


def test_a_total_that_changed_is_told_before_anything_happens(
    ada: User, gateway: GatewayProcess
) -> None:
    pot = make_stocked("Pot", 3, "10.00")
    cart = make_cart(ada, {pot: 1})
    pot.price_amount = Decimal("12.00")
    pot.save()
    with pytest.raises(TotalChanged) as caught:
        buy(ada, seen_total=Decimal("14.90"))
    assert str(caught.value.total) == "16.90 EUR"
    assert_nothing_happened(cart, {pot: 1})
    order = buy(ada)  # whoever says nothing takes what it costs
    assert moved(gateway, order) == [Decimal("16.90")]


def test_what_is_out_of_stock_is_told_all_at_once(ada: User, gateway: GatewayProcess) -> None:
    pot, cup, lid = (make_stocked(name, 3) for name in ("Pot", "Cup", "Lid"))
    cart = make_cart(ada, {pot: 3, cup: 1, lid: 3})
    for variant in (pot, lid):
        correct(variant=variant, on_hand=2, by=None, reason="One broke.")
    with pytest.raises(OutOfStock) as caught:
        buy(ada)
    assert [line.variant for line in caught.value.lines] == [pot, lid]
    assert_nothing_happened(cart, {pot: 3, cup: 1, lid: 3})


def test_what_is_no_longer_sold_and_codes_that_ended_are_told_by_field(
    ada: User, gateway: GatewayProcess
) -> None:
    make_promotion("WELCOME10")
    pot, cup = make_stocked("Pot"), make_stocked("Cup")
    cart = make_cart(ada, {pot: 1, cup: 1}, code="WELCOME10")
    cup.product.is_active = False
    cup.product.save()
    Promotion.objects.update(is_active=False)
    with pytest.raises(ValidationError) as caught:
        buy(ada)
    assert caught.value.message_dict == {
        "cart": ["Cup is no longer sold. Remove it to go on."],
        "promotion_code": ["There is no such code."],
    }
    assert_nothing_happened(cart, {pot: 1, cup: 1})


def test_an_address_that_cannot_be_is_told_by_field(ada: User, gateway: GatewayProcess) -> None:
    pot = make_stocked()
    cart = make_cart(ada, {pot: 1})
    with pytest.raises(ValidationError) as caught:
        buy(ada, address=SimpleNamespace(**{**vars(ADDRESS), "name": "", "country": "Austria"}))
    assert set(caught.value.message_dict) == {"ship_name", "ship_country"}
    assert_nothing_happened(cart, {pot: 1})


@pytest.mark.django_db(transaction=True)
def test_no_gateway_is_asked_inside_a_transaction(ada: User, gateway: GatewayProcess) -> None:
    make_cart(ada, {make_stocked(): 1})
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        buy(ada)
    assert not Order.objects.exists()
    assert buy(ada).state == OrderState.PAID


# What it costs -------------------------------------------------------------------------------


def test_a_checkout_costs_the_same_whatever_is_in_the_cart(
    ada: User, gateway: GatewayProcess, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_promotion("WELCOME10", usage_limit=99, per_user_limit=99)
    counts = []
    for lines in (1, 30):
        make_cart(ada, {make_stocked(f"Pot {n}"): 2 for n in range(lines)}, code="WELCOME10")
        with django_assert_max_num_queries(62) as seen:  # a third of them savepoints
            assert buy(ada).state == OrderState.PAID
        counts.append(len(seen))
    assert counts[0] == counts[1]
