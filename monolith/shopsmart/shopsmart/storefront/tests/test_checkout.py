"""Checking out as a browser without JavaScript does it, against a real card gateway and its ledger."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from shopsmart.accounts.models import Address, User
from shopsmart.accounts.services import add_address
from shopsmart.cart.models import Cart
from shopsmart.cart.tests.make import contents, make_cart
from shopsmart.catalog.models import Variant
from shopsmart.catalog.services import change_price
from shopsmart.inventory.services import correct
from shopsmart.orders.models import Order
from shopsmart.payments.models import Payment
from shopsmart.payments.tests.gateway_process import (
    APPROVED,
    BROKEN,
    CONFIRM,
    DECLINED,
    NEVER,
    GatewayProcess,
)
from shopsmart.storefront.tests.conftest import MakeStocked
from shopsmart.storefront.tests.reading import said, tag_of, text

CHECKOUT = "/checkout/"
VIENNA = {
    "name": "Ada Lovelace",
    "line1": "12 St James’s Square",
    "line2": "",
    "postcode": "1010",
    "city": "Vienna",
    "country": "AT",
}


@pytest.fixture
def variant(make_stocked: MakeStocked) -> Variant:
    return make_stocked(9, price="60.00")[0]


@pytest.fixture
def home(shopper: User) -> Address:
    return add_address(user=shopper, **VIENNA)


@pytest.fixture
def cart(shopper: User, variant: Variant) -> Cart:
    return make_cart(shopper, {variant: 2})


def form(number: str = APPROVED, **changes: Any) -> dict[str, Any]:
    card = {"number": number, "expiry": "12/99", "cvc": "123"}
    return {"key": uuid4(), "seen_total": "120.00", "address": "new", **VIENNA, **card, **changes}


def pay(client: Client, number: str = APPROVED, **changes: Any) -> HttpResponse:
    return client.post(CHECKOUT, form(number, **changes))


def charged(gateway: GatewayProcess, order: Order) -> list[int]:
    """The cents that moved for an order, by the gateway's own ledger."""
    return [cents for payment in order.payments.all() for cents in gateway.moved(payment.key)]


# What comes of it ---------------------------------------------------------------------------


def test_an_order_is_paid_and_shown(
    as_shopper: Client, home: Address, cart: Cart, variant: Variant, gateway: GatewayProcess
) -> None:
    response = pay(as_shopper, address=home.pk)
    order = Order.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/orders/{order.number}/")
    page = as_shopper.get(response["Location"])
    assert "Thank you. Your order is paid" in text(page)
    assert "Paid, getting ready" in text(page)
    assert "Ada Lovelace 12 St James’s Square 1010 Vienna Austria" in text(page)
    assert "Visa ending in 4242 €120.00 paid on" in text(page)
    assert charged(gateway, order) == [12_000]
    assert contents(cart) == {}
    assert Address.objects.count() == 1


def test_an_address_that_is_typed_is_kept(
    as_shopper: Client, shopper: User, cart: Cart, gateway: GatewayProcess
) -> None:
    pay(as_shopper, city="Graz")
    assert (Order.objects.get().ship_city, Address.objects.get().city) == ("Graz", "Graz")
    assert Address.objects.get().user == shopper


def test_a_form_that_is_sent_twice_is_one_order(
    as_shopper: Client, cart: Cart, gateway: GatewayProcess
) -> None:
    sent = form()
    first, second = as_shopper.post(CHECKOUT, sent), as_shopper.post(CHECKOUT, sent)
    order = Order.objects.get()
    assert first["Location"] == second["Location"] == f"/orders/{order.number}/"
    assert charged(gateway, order) == [12_000]
    assert Address.objects.count() == 1


def test_each_form_has_a_key_of_its_own(as_shopper: Client, cart: Cart) -> None:
    keys = {str(as_shopper.get(CHECKOUT).context["key"]) for _ in range(2)}
    assert len(keys) == 2
    refused = pay(as_shopper, cvc="")
    kept = as_shopper.post(CHECKOUT, form(cvc="", key=refused.context["key"]))
    assert kept.context["key"] == refused.context["key"]


def test_a_declined_card_gives_the_cart_back_and_says_why(
    as_shopper: Client, cart: Cart, variant: Variant, gateway: GatewayProcess
) -> None:
    response = pay(as_shopper, DECLINED)
    order = Order.objects.get()
    assert response["Location"] == f"/orders/{order.number}/payment/"
    page = as_shopper.get(response["Location"])
    assert "There is not enough money on the card." in text(page)
    assert "Nothing was charged, and everything is back in your cart." in text(page)
    assert "Cart with 2 items" in text(page)
    assert contents(Cart.objects.get()) == {variant: 2}
    assert charged(gateway, order) == []
    again = pay(as_shopper)
    paid = Order.objects.latest("pk")
    assert again["Location"] == f"/orders/{paid.number}/"
    assert charged(gateway, paid) == [12_000]
    assert "nothing was bought and nothing charged" in text(
        as_shopper.get(f"/orders/{order.number}/")
    )


def test_who_tries_again_finds_the_address_that_was_typed(
    as_shopper: Client, home: Address, cart: Cart, gateway: GatewayProcess
) -> None:
    page = as_shopper.get(pay(as_shopper, DECLINED, city="Graz")["Location"])
    graz = Address.objects.get(city="Graz")
    again = f"{CHECKOUT}?address={graz.pk}"
    assert f'href="{again}"' in page.content.decode()
    assert as_shopper.get(again).context["form"]["address"].value() == str(graz.pk)
    for unknown in ("", "?address=", "?address=999", "?address=a%00b"):
        shown = as_shopper.get(CHECKOUT + unknown)
        assert shown.context["form"]["address"].value() == str(home.pk), unknown


def test_a_card_that_needs_confirmation_leads_to_the_bank_and_back(
    as_shopper: Client, cart: Cart, gateway: GatewayProcess
) -> None:
    response = pay(as_shopper, CONFIRM)
    order, payment = Order.objects.get(), Payment.objects.get()
    assert response["Location"] == payment.confirmation_url
    assert payment.confirmation_url.startswith(gateway.url)
    here = f"/orders/{order.number}/payment/"
    page = as_shopper.get(here)
    assert "Your bank has a question" in text(page)
    assert payment.confirmation_url in page.content.decode()
    gateway.answer(payment.confirmation_url, "yes")
    back = as_shopper.get(here)
    assert back["Location"] == f"/orders/{order.number}/"
    assert said(back) == ["Thank you. Your order is paid, and we get it ready to be sent."]
    assert charged(gateway, order) == [12_000]
    # Whoever comes by later is led on, and not thanked again.
    assert as_shopper.get(back["Location"]).status_code == 200
    assert said(as_shopper.get(here)) == []


def test_a_no_at_the_bank_gives_the_cart_back(
    as_shopper: Client, cart: Cart, variant: Variant, gateway: GatewayProcess
) -> None:
    pay(as_shopper, CONFIRM)
    gateway.answer(Payment.objects.get().confirmation_url, "no")
    page = as_shopper.get(f"/orders/{Order.objects.get().number}/payment/")
    assert "You did not confirm the payment." in text(page)
    assert contents(Cart.objects.get()) == {variant: 2}


def test_a_look_finds_out_what_the_gateway_did_not_answer(
    as_shopper: Client, cart: Cart, gateway: GatewayProcess
) -> None:
    response = pay(as_shopper, BROKEN)
    order = Order.objects.get()
    assert Payment.objects.get().state == "unknown"
    assert response["Location"] == f"/orders/{order.number}/payment/"
    assert as_shopper.get(response["Location"])["Location"] == f"/orders/{order.number}/"
    assert Order.objects.get().state == "paid"


def test_a_look_at_the_order_finds_out_too(
    as_shopper: Client, cart: Cart, gateway: GatewayProcess
) -> None:
    pay(as_shopper, BROKEN)
    page = as_shopper.get(f"/orders/{Order.objects.get().number}/")
    assert "Paid, getting ready" in text(page)


@pytest.mark.usefixtures("no_patience")
def test_while_nobody_knows_the_page_says_so_and_nothing_can_be_lost(
    as_shopper: Client, cart: Cart, variant: Variant, gateway: GatewayProcess
) -> None:
    pay(as_shopper, NEVER)
    order = Order.objects.get()
    page = as_shopper.get(f"/orders/{order.number}/payment/")
    assert "We are finding out" in text(page)
    assert "you are never charged twice" in text(page)
    assert "Look again" in text(page)
    assert "http-equiv" not in page.content.decode()
    assert "We don’t know yet whether it was paid." in text(
        as_shopper.get(f"/orders/{order.number}/")
    )


def test_what_came_of_a_payment_asks_a_fixed_number_of_times(
    as_shopper: Client,
    shopper: User,
    cart: Cart,
    gateway: GatewayProcess,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for city in ("Vienna", "Graz", "Linz"):
        add_address(user=shopper, **{**VIENNA, "city": city})
    here = pay(as_shopper, DECLINED)["Location"]
    # session, user; order, lines, payments, refunds, events, returns; the last payment, addresses;
    # cart, how many; categories, counts
    with django_assert_num_queries(2 + 6 + 2 + 2 + 2):
        as_shopper.get(here)


def test_a_gateway_that_is_down_is_a_card_that_could_not_be_charged(
    as_shopper: Client, cart: Cart, variant: Variant, settings: Settings
) -> None:
    settings.CARD_GATEWAY_URL = "http://127.0.0.1:9"
    page = as_shopper.get(pay(as_shopper)["Location"])
    assert "Our card gateway could not be reached." in text(page)
    assert contents(Cart.objects.get()) == {variant: 2}


# What is refused ----------------------------------------------------------------------------


def test_strangers_log_in_first_and_come_back(client: Client) -> None:
    for response in (client.get(CHECKOUT), client.post(CHECKOUT, form())):
        assert response["Location"] == f"/account/login/?next={CHECKOUT}"


@pytest.mark.parametrize(
    ("changes", "field", "word"),
    [
        ({"number": ""}, "number", "required"),
        ({"number": "4242424242424241"}, "number", "mistyped"),
        ({"number": "x" * 41}, "number", "at most 40"),
        ({"expiry": "13/99"}, "expiry", "month/year"),
        ({"expiry": "01/20"}, "expiry", "expired"),
        ({"cvc": "12"}, "cvc", "three or four"),
        ({"cvc": "a\x00b"}, "cvc", "Null characters"),
        ({"address": ""}, "address", "Choose where"),
        ({"address": "999"}, "address", "no longer in your book"),
        ({"name": ""}, "name", "required"),
        ({"postcode": "1" * 17}, "postcode", "at most 16"),
        ({"country": "XX"}, "country", "does not send to"),
        ({"country": ""}, "country", "required"),
    ],
)
def test_a_refusal_stands_beside_its_field_and_keeps_what_was_typed(
    as_shopper: Client,
    home: Address,
    cart: Cart,
    changes: dict[str, str],
    field: str,
    word: str,
) -> None:
    page = pay(as_shopper, **changes)
    assert page.status_code == 200
    errors = {**page.context["form"].errors, **page.context["typed"].errors}
    assert list(errors) == [field]
    assert word in str(errors[field])
    html = page.content.decode()
    assert "<title>Error:" in html
    assert f'id="id_{field}_error"' in html
    assert not Order.objects.exists()
    if field != "address":
        tag = tag_of(page, field)
        assert 'aria-invalid="true"' in tag
        assert " autofocus" in tag
        assert f"id_{field}_error" in tag
        assert "Vienna" in html


def test_a_cards_digits_are_never_sent_back(as_shopper: Client, cart: Cart) -> None:
    page = pay(as_shopper, expiry="")
    html = page.content.decode()
    assert "4242" not in html
    assert 'value="123"' not in html
    assert 'value="Ada Lovelace"' in html


@pytest.mark.parametrize("changes", [{"key": ""}, {"key": "x"}, {"seen_total": "much"}])
def test_a_form_that_is_not_whole_buys_nothing(
    as_shopper: Client, cart: Cart, changes: dict[str, str]
) -> None:
    page = pay(as_shopper, **changes)
    assert "The form did not come whole." in text(page)
    assert page.context["key"]
    assert not Order.objects.exists()


def test_another_price_than_the_one_shown_is_never_charged(
    as_shopper: Client, cart: Cart, variant: Variant, gateway: GatewayProcess
) -> None:
    shown = re.search(r'name="seen_total" value="([^"]+)"', str(as_shopper.get(CHECKOUT).content))
    assert shown
    assert shown[1] == "120.00"
    change_price(variant=variant, amount=variant.price_amount + 5, reason="dearer")
    page = pay(as_shopper, **{f"seen-{variant.sku}": "60.00"})
    assert not Order.objects.exists()
    assert "Nothing was bought: the total is €130.00 now." in text(page)
    assert "2 × €65.00 It was €60.00 each." in text(page)
    assert "Pay €130.00" in text(page)
    assert 'value="Vienna"' in page.content.decode()
    pay(as_shopper, seen_total="130.00", key=page.context["key"])
    assert charged(gateway, Order.objects.get()) == [13_000]


@pytest.mark.parametrize("seen", ["", "x", "NaN", "-1", "60.00", "61.00", "9" * 5000])
def test_a_price_that_was_never_shown_is_not_told(
    as_shopper: Client, cart: Cart, variant: Variant, seen: str
) -> None:
    page = pay(as_shopper, cvc="", **{f"seen-{variant.sku}": seen})
    assert page.status_code == 200
    assert ("It was" in text(page)) == (seen == "61.00")


def test_what_sold_out_meanwhile_is_said_in_the_cart(
    as_shopper: Client, cart: Cart, variant: Variant
) -> None:
    correct(variant=variant, on_hand=1, by=None, reason="counted")
    response = pay(as_shopper)
    assert response["Location"] == "/cart/"
    page = as_shopper.get("/cart/")
    assert f"Nothing was bought. Only 1 of {variant} is left." in text(page)
    assert not Order.objects.exists()
    assert as_shopper.get(CHECKOUT)["Location"] == "/cart/"


def test_an_empty_cart_has_no_checkout(as_shopper: Client, home: Address) -> None:
    assert as_shopper.get(CHECKOUT)["Location"] == "/cart/"
    response = pay(as_shopper)
    assert response["Location"] == "/cart/"
    assert said(response) == ["Nothing was bought. Your cart is empty."]
    assert as_shopper.post(CHECKOUT, form(number=""))["Location"] == "/cart/"


def test_other_peoples_addresses_are_not_offered(
    as_shopper: Client, cart: Cart, admin_user: User
) -> None:
    theirs = add_address(user=admin_user, **{**VIENNA, "city": "Elsewhere"})
    assert "Elsewhere" not in as_shopper.get(CHECKOUT).content.decode()
    assert list(pay(as_shopper, address=theirs.pk).context["form"].errors) == ["address"]


@pytest.mark.usefixtures("no_patience")
def test_other_peoples_payments_are_not_found(
    as_shopper: Client, cart: Cart, gateway: GatewayProcess, admin_client: Client
) -> None:
    pay(as_shopper, NEVER)
    number = Order.objects.get().number
    assert as_shopper.get(f"/orders/{number}/payment/").status_code == 200
    assert admin_client.get(f"/orders/{number}/payment/").status_code == 404
    assert Client().get(f"/orders/{number}/payment/").status_code == 302


def test_whoever_tries_cards_out_is_slowed_down(
    as_shopper: Client, cart: Cart, settings: Settings
) -> None:
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "checkout": "2/h"}
    assert [pay(as_shopper, number="").status_code for _ in range(3)] == [200, 200, 429]
    page = pay(as_shopper)
    assert "That was a little too often" in text(page)
    assert int(page["Retry-After"]) > 0
    assert as_shopper.get(CHECKOUT).status_code == 200
    assert not Order.objects.exists()


def test_the_checkout_wants_a_token(as_shopper: Client, shopper: User, cart: Cart) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(shopper)
    assert strict.post(CHECKOUT, form()).status_code == 403


def test_the_checkout_asks_as_often_for_much_as_for_little(
    as_shopper: Client,
    shopper: User,
    cart: Cart,
    make_stocked: MakeStocked,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    # session, user; addresses; cart, lines, pictures; how many; categories and their counts
    with django_assert_num_queries(2 + 1 + 3 + 1 + 2):
        as_shopper.get(CHECKOUT)
    make_cart(shopper, dict.fromkeys(make_stocked(9, 9, 9, images=3), 2))
    for city in ("Graz", "Linz"):
        add_address(user=shopper, **{**VIENNA, "city": city})
    with django_assert_num_queries(2 + 1 + 3 + 1 + 2):
        page = as_shopper.get(CHECKOUT)
    assert "no-store" in page["Cache-Control"]
    assert reverse("storefront:cart") in page.content.decode()
