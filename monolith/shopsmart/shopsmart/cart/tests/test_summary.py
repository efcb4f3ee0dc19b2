from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.cart.models import Cart
from shopsmart.cart.pricing import CartSummary, ProblemKind
from shopsmart.cart.selectors import cart_summary, quantity_in
from shopsmart.cart.tests.make import make_cart
from shopsmart.catalog.money import Money
from shopsmart.catalog.tests.make import make_user
from shopsmart.inventory.models import StockItem
from shopsmart.inventory.selectors import Availability
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.promotions.models import Promotion
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user()


def sums(summary: CartSummary) -> tuple[str, ...]:
    parts = (summary.subtotal, summary.discount, summary.shipping, summary.total)
    assert {part.currency for part in parts} == {"EUR"}
    return tuple(str(part.amount) for part in parts)


def test_an_empty_cart_costs_nothing() -> None:
    for cart in (Cart(), Cart.objects.create(promotion_code="WELCOME10")):
        summary = cart_summary(cart)
        assert sums(summary) == ("0.00", "0.00", "0.00", "0.00")
        assert (summary.lines, summary.problems, summary.quantity) == ((), (), 0)
        assert quantity_in(cart) == 0


def test_a_cart_adds_up(ada: User) -> None:
    make_promotion("WELCOME10")
    pot, cup = make_stocked("Pot", 9, "19.99"), make_stocked("Cup", 2, "3.33")
    cart = make_cart(ada, {pot: 2, cup: 1}, code="WELCOME10")
    summary = cart_summary(cart)
    assert sums(summary) == ("43.31", "4.33", "4.90", "43.88")
    assert [line.line_total for line in summary.lines] == [
        Money(Decimal("39.98"), "EUR"),
        Money(Decimal("3.33"), "EUR"),
    ]
    assert sum(line.discount.amount for line in summary.lines) == Decimal("4.33")
    assert [line.availability for line in summary.lines] == [
        Availability.IN_STOCK,
        Availability.LOW,
    ]
    assert (summary.problems, summary.quantity, quantity_in(cart)) == ((), 3, 3)


@pytest.mark.parametrize(
    ("price", "code", "shipping"),
    [("49.99", "", "4.90"), ("50.00", "", "0.00"), ("55.00", "WELCOME10", "4.90")],
)
def test_sending_is_free_from_fifty_after_the_discount(
    ada: User, price: str, code: str, shipping: str
) -> None:
    make_promotion("WELCOME10")
    cart = make_cart(ada, {make_stocked(price=price): 1}, code=code)
    assert str(cart_summary(cart).shipping.amount) == shipping


def test_what_is_in_the_way_is_told_and_not_charged(ada: User) -> None:
    make_promotion("WELCOME10")
    pot, cup, lid, mug = (make_stocked(name, 9, "10.00") for name in ("Pot", "Cup", "Lid", "Mug"))
    cart = make_cart(ada, {pot: 1, cup: 3, lid: 1, mug: 1}, code="WELCOME10")
    StockItem.objects.filter(variant=cup).update(on_hand=2)
    lid.product.is_active = False
    lid.product.save()
    mug.currency = "USD"
    mug.save()
    Promotion.objects.update(is_active=False)
    summary = cart_summary(cart)
    assert [(problem.kind, problem.sku) for problem in summary.problems] == [
        (ProblemKind.STOCK, cup.sku),
        (ProblemKind.NOT_SOLD, lid.sku),
        (ProblemKind.CURRENCY, mug.sku),
        (ProblemKind.CODE, ""),
    ]
    assert summary.problems[0].message == "Only 2 of Cup are left."
    assert sums(summary) == ("40.00", "0.00", "4.90", "44.90")


def test_a_cart_of_nothing_that_is_sold_is_not_sent(ada: User) -> None:
    pot = make_stocked()
    cart = make_cart(ada, {pot: 1})
    pot.product.is_active = False
    pot.product.save()
    assert sums(cart_summary(cart)) == ("0.00", "0.00", "0.00", "0.00")


def test_a_summary_costs_the_same_whatever_is_in_the_cart(
    ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_promotion("WELCOME10", usage_limit=9, per_user_limit=9)
    cart = make_cart(ada, {make_stocked(): 1}, code="WELCOME10")
    with django_assert_num_queries(4):  # lines, pictures, code, its uses
        cart_summary(cart)
    make_cart(ada, {make_stocked(f"Pot {n}"): 2 for n in range(20)})
    with django_assert_num_queries(4):
        summary = cart_summary(cart)
        for line in summary.lines:
            assert str(line.variant)
            assert not line.product.images.all()
            assert line.product.brand is None
