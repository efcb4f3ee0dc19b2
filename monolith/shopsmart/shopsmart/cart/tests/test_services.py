from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from shopsmart.accounts.models import User
from shopsmart.cart.models import MAX_LINES, Cart, CartLine
from shopsmart.cart.selectors import cart_summary
from shopsmart.cart.services import (
    add_to_cart,
    apply_code,
    drop_code,
    lock_cart,
    merge_carts,
    remove_line,
    set_quantity,
)
from shopsmart.cart.tests.make import contents, make_cart
from shopsmart.catalog.tests.make import make_product, make_user, make_variant
from shopsmart.inventory.tests.make import make_stocked
from shopsmart.promotions.errors import CodeRefused
from shopsmart.promotions.tests.make import make_promotion

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user()


def test_a_cart_is_made_when_something_is_put_into_it(ada: User) -> None:
    pot = make_stocked()
    for cart in (Cart(), Cart(user=ada)):
        add_to_cart(cart=cart, variant=pot)
        add_to_cart(cart=cart, variant=pot, quantity=2)
        assert contents(Cart.objects.get(key=cart.key)) == {pot: 3}
    assert lock_cart(user=ada).user == ada
    assert Cart.objects.count() == 2


def test_a_user_has_one_cart_even_if_two_windows_make_it(ada: User) -> None:
    pot, cup = make_stocked("Pot"), make_stocked("Cup")
    one, other = Cart(user=ada), Cart(user=ada)
    add_to_cart(cart=one, variant=pot)
    add_to_cart(cart=other, variant=cup)
    assert contents(Cart.objects.get()) == {pot: 1, cup: 1}


@pytest.mark.parametrize("quantity", [0, -1, 100])
def test_a_quantity_is_from_1_to_99(ada: User, quantity: int) -> None:
    pot = make_stocked(on_hand=200)
    cart = make_cart(ada, {pot: 1})
    with pytest.raises(ValidationError, match=r"1 or more|99 of one thing"):
        set_quantity(cart=cart, variant=pot, quantity=quantity)
    with pytest.raises(ValidationError, match="99 of one thing"):
        add_to_cart(cart=cart, variant=pot, quantity=99)
    assert contents(cart) == {pot: 1}


def test_no_more_goes_in_than_there_is(ada: User) -> None:
    pot, never = make_stocked("Pot", 2), make_stocked("Lid", 0)
    cart = make_cart(ada, {pot: 2})
    with pytest.raises(ValidationError, match="Only 2 of Pot are left"):
        add_to_cart(cart=cart, variant=pot)
    with pytest.raises(ValidationError, match="Lid is sold out"):
        add_to_cart(cart=cart, variant=never)
    assert contents(cart) == {pot: 2}


def test_what_is_not_sold_does_not_go_in(ada: User) -> None:
    pot = make_stocked("Pot")
    pot.product.is_active = False
    pot.product.save()
    with pytest.raises(ValidationError, match="no longer sold"):
        add_to_cart(cart=Cart(user=ada), variant=pot)


def test_a_cart_holds_one_currency(ada: User) -> None:
    dollars = make_variant(make_product("Mug"), "3.00", currency="USD")
    cart = make_cart(ada, {make_stocked("Pot"): 1})
    with pytest.raises(ValidationError, match="sold in USD"):
        add_to_cart(cart=cart, variant=dollars)


def test_a_cart_holds_so_many_things(ada: User) -> None:
    cart = Cart.objects.create(user=ada)
    pots = [make_stocked(f"Pot {n}", 9) for n in range(MAX_LINES)]
    CartLine.objects.bulk_create(CartLine(cart=cart, variant=pot, quantity=1) for pot in pots)
    add_to_cart(cart=cart, variant=pots[0])
    with pytest.raises(ValidationError, match="different things"):
        add_to_cart(cart=cart, variant=make_stocked("Last"))


def test_lines_are_changed_and_removed(ada: User) -> None:
    pot, cup = make_stocked("Pot"), make_stocked("Cup")
    cart = make_cart(ada, {pot: 1, cup: 1})
    set_quantity(cart=cart, variant=pot, quantity=5)
    remove_line(cart=cart, variant=cup)
    remove_line(cart=cart, variant=cup)
    assert contents(cart) == {pot: 5}
    with pytest.raises(CartLine.DoesNotExist):
        set_quantity(cart=cart, variant=cup, quantity=1)


def test_a_code_is_kept_if_it_gives_something(ada: User) -> None:
    make_promotion("WELCOME10")
    cart = Cart(user=ada)
    with pytest.raises(CodeRefused, match="Put something"):
        apply_code(cart=cart, code="welcome10")
    make_cart(ada, {make_stocked(): 1})
    apply_code(cart=cart, code=" welcome10")
    assert Cart.objects.get().promotion_code == "WELCOME10"
    with pytest.raises(CodeRefused, match="no such code"):
        apply_code(cart=cart, code="nothing")
    assert Cart.objects.get().promotion_code == "WELCOME10"
    drop_code(cart=cart)
    drop_code(cart=cart)
    assert Cart.objects.get().promotion_code == ""


def test_a_guests_cart_becomes_the_users(ada: User) -> None:
    make_promotion("WELCOME10")
    make_promotion("OTHER")
    pot, cup, lid = (make_stocked(name, 300) for name in ("Pot", "Cup", "Lid"))
    guest = make_cart(None, {pot: 60, lid: 2}, code="WELCOME10")
    mine = make_cart(ada, {pot: 60, cup: 1})
    merge_carts(guest=guest, user=ada)
    merge_carts(guest=guest, user=ada)
    assert contents(mine) == {pot: 99, cup: 1, lid: 2}
    assert Cart.objects.get().promotion_code == "WELCOME10"

    merge_carts(guest=make_cart(None, {lid: 1}, code="OTHER"), user=ada)
    assert Cart.objects.get().promotion_code == "WELCOME10"


def test_a_cart_that_was_merged_away_says_so(ada: User) -> None:
    pot = make_stocked()
    guest = make_cart(None, {pot: 1})
    merge_carts(guest=Cart.objects.get(pk=guest.pk), user=ada)
    with pytest.raises(ValidationError, match="logged in"):
        add_to_cart(cart=guest, variant=pot)


def test_a_price_is_that_of_the_moment(ada: User) -> None:
    pot = make_stocked(price="10.00")
    cart = make_cart(ada, {pot: 2})
    pot.price_amount = Decimal("12.50")
    pot.save()
    assert cart_summary(cart).subtotal.amount == 25
