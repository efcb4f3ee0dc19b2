"""The cart as a browser without JavaScript meets it, a guest's and a shopper's."""

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from shopsmart.accounts.models import User
from shopsmart.cart.models import Cart
from shopsmart.cart.tests.make import contents, make_cart
from shopsmart.catalog.models import Product, Variant
from shopsmart.inventory.services import correct
from shopsmart.promotions.models import Promotion
from shopsmart.storefront.tests.conftest import MakeStocked
from shopsmart.storefront.tests.reading import said, tag_of, text

OURS = {"Origin": "http://testserver"}
CART = "/cart/"


def buy(
    client: Client, variant: Variant, quantity: object = 1, headers: dict[str, str] | None = None
) -> HttpResponse:
    form = {"sku": variant.sku, "quantity": str(quantity)}
    url = reverse("storefront:buy", args=[variant.product.slug])
    return client.post(url, form, headers=OURS if headers is None else headers)


# Putting in ---------------------------------------------------------------------------------


def test_a_guest_puts_something_in_and_finds_it_again(
    client: Client, make_stocked: MakeStocked
) -> None:
    (variant,) = make_stocked(9)
    response = buy(client, variant, 2)
    page = f"/product/{variant.product.slug}/"
    assert (response.status_code, response["Location"]) == (302, page)
    assert said(response) == [f"2 × {variant} in your cart."]
    after = client.get(page)
    assert f"2 × {variant} in your cart. Go to the cart" in text(after)
    assert "Cart with 2 items" in text(after)
    assert f"{variant.product.name} {variant.sku} In stock" in text(client.get(CART))
    cart = Cart.objects.get()
    assert (cart.user, contents(cart)) == (None, {variant: 2})


def test_more_of_the_same_adds_up(client: Client, make_stocked: MakeStocked) -> None:
    (variant,) = make_stocked(9)
    buy(client, variant, 2)
    buy(client, variant, 3)
    assert contents(Cart.objects.get()) == {variant: 5}


def test_logging_in_brings_the_guests_cart_along(
    client: Client, shopper: User, make_stocked: MakeStocked
) -> None:
    kept, new = make_stocked(5, 5)
    make_cart(shopper, {kept: 1})
    buy(client, new, 2)
    login = {"username": "ada", "password": "x", "next": CART}
    assert client.post("/account/login/", login)["Location"] == CART
    page = client.get(CART)
    assert "Cart with 3 items" in text(page)
    assert page.cookies["cart"].value == ""  # the guest's cart is no more
    assert contents(Cart.objects.get()) == {kept: 1, new: 2}


def test_each_variant_has_its_word_and_only_what_is_there_can_be_chosen(
    client: Client, make_stocked: MakeStocked
) -> None:
    plenty, few, none = make_stocked(50, 2, 0)
    page = client.get(f"/product/{plenty.product.slug}/")
    assert f"Size 0 {plenty.sku} In stock €12.50" in text(page)
    assert f"Size 1 {few.sku} Only a few left €12.50" in text(page)
    assert f"Size 2 {none.sku} Sold out €12.50" in text(page)
    html = page.content.decode()
    assert f'value="{none.sku}" required disabled' in html
    assert html.count(" disabled") == 1
    assert "Put in the cart" in html


def test_what_is_sold_out_has_no_button(client: Client, make_stocked: MakeStocked) -> None:
    for variants in (make_stocked(0), make_stocked(0, 0)):
        page = client.get(f"/product/{variants[0].product.slug}/")
        assert "Sold out" in text(page)
        assert "Put in the cart" not in text(page)


@pytest.mark.parametrize(
    ("form", "field", "word"),
    [
        ({"quantity": "1"}, "sku", "Choose one."),
        ({"sku": "nothing", "quantity": "1"}, "sku", "no longer in the shop"),
        ({"quantity": "0"}, "quantity", "from 1 to 99"),
        ({"quantity": "100"}, "quantity", "from 1 to 99"),
        ({"quantity": "-1"}, "quantity", "from 1 to 99"),
        ({"quantity": "1e1"}, "quantity", "whole number"),
        ({"quantity": ""}, "quantity", "Say how many"),
        ({"quantity": "4"}, "quantity", "Only 3 of"),
        ({"quantity": "9" * 5000}, "quantity", "whole number"),
    ],
)
def test_what_is_refused_is_said_beside_the_field_and_kept(
    client: Client, make_stocked: MakeStocked, form: dict[str, str], field: str, word: str
) -> None:
    variant, _ = make_stocked(3, 3)
    asked = form if field == "sku" else {"sku": variant.sku, **form}
    page = client.post(f"/product/{variant.product.slug}/buy/", asked, headers=OURS)
    assert page.status_code == 200
    assert list(page.context["buy_form"].errors) == [field]
    assert word in text(page)
    assert "<title>Error:" in page.content.decode()
    if field == "quantity":
        assert 'aria-invalid="true"' in tag_of(page, "quantity")
        assert " autofocus" in tag_of(page, "quantity")
        assert f'value="{variant.sku}" required checked' in page.content.decode()
    assert not Cart.objects.exists()


def test_another_products_variant_is_not_this_ones(
    client: Client, make_stocked: MakeStocked
) -> None:
    (mine,), (other,) = make_stocked(3), make_stocked(3)
    url = f"/product/{mine.product.slug}/buy/"
    page = client.post(url, {"sku": other.sku, "quantity": "1"}, headers=OURS)
    assert list(page.context["buy_form"].errors) == ["sku"]
    Product.objects.filter(pk=mine.product_id).update(is_active=False)
    assert buy(client, mine).status_code == 404


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({"Origin": "http://testserver"}, True),
        ({"Origin": "https://testserver"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://testserver.evil.example"}, False),
        ({"Origin": "http://testserver:81"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_only_a_page_of_this_shop_puts_things_in(
    make_stocked: MakeStocked, headers: dict[str, str], is_let_in: bool
) -> None:
    (variant,) = make_stocked(3)
    response = buy(Client(enforce_csrf_checks=True), variant, headers=headers)
    assert response.status_code == (302 if is_let_in else 403)
    assert Cart.objects.exists() == is_let_in
    if not is_let_in:
        assert "This form has run out" in text(response)


def test_a_guest_without_a_cart_gets_neither_cookie_nor_bytes_of_their_own(
    client: Client, make_stocked: MakeStocked
) -> None:
    (variant,) = make_stocked(3)
    path = f"/product/{variant.product.slug}/"
    first, second = client.get(path), Client().get(path)
    assert first.content == second.content
    assert not first.cookies
    assert b"csrf" not in first.content
    assert first["Vary"] == second["Vary"]
    assert not Cart.objects.exists()
    buy(client, variant)
    # Who has a cart sees their own count, and what stands between caches and them is the cookie.
    assert "Cookie" in client.get(path)["Vary"]
    assert Client().get(path).content == second.content


def test_pages_with_a_cart_are_not_kept_by_caches(
    client: Client, make_stocked: MakeStocked
) -> None:
    assert "no-store" in client.get(CART)["Cache-Control"]


# The cart's page ----------------------------------------------------------------------------


def test_an_empty_cart_says_so_and_leads_on(client: Client, as_shopper: Client) -> None:
    for visitor in (Client(), as_shopper):
        page = visitor.get(CART)
        assert "Nothing in it yet See all products" in text(page)
    assert not Cart.objects.exists()


def test_the_cart_shows_what_it_costs(as_shopper: Client, make_stocked: MakeStocked) -> None:
    (variant,) = make_stocked(9, price="1234.50")
    buy(as_shopper, variant, 2)
    seen = text(as_shopper.get(CART))
    assert "€2,469.00 €1,234.50 each" in seen
    assert "Goods €2,469.00 Delivery free Total €2,469.00" in seen
    assert "Go to the checkout" in seen


def test_quantities_change_and_lines_go(as_shopper: Client, make_stocked: MakeStocked) -> None:
    one, other = make_stocked(9, 9)
    for variant in (one, other):
        buy(as_shopper, variant)
    response = as_shopper.post(
        reverse("storefront:cart-quantity"), {"sku": one.sku, "quantity": "4"}
    )
    assert (response.status_code, response["Location"]) == (302, CART)
    response = as_shopper.post(reverse("storefront:cart-remove"), {"sku": other.sku})
    assert (response.status_code, response["Location"]) == (302, CART)
    assert said(response)[-1] == f"{other} is out of your cart."
    assert contents(Cart.objects.get()) == {one: 4}
    for sku in (other.sku, "nothing", "a\x00b", ""):
        assert as_shopper.post(reverse("storefront:cart-remove"), {"sku": sku}).status_code == 302


@pytest.mark.parametrize(
    ("quantity", "word"), [("10", "Only 9 of"), ("0", "from 1 to 99"), ("", "Say how many")]
)
def test_a_refused_quantity_stands_where_it_was_typed(
    as_shopper: Client, make_stocked: MakeStocked, quantity: str, word: str
) -> None:
    one, other = make_stocked(9, 9)
    for variant in (one, other):
        buy(as_shopper, variant)
    page = as_shopper.post(
        reverse("storefront:cart-quantity"), {"sku": other.sku, "quantity": quantity}
    )
    assert page.status_code == 200
    assert "<title>Error:" in page.content.decode()
    first, second = page.context["lines"]
    assert not first.form.errors
    assert word in str(second.form.errors)
    assert second.form["quantity"].value() == quantity
    assert contents(Cart.objects.get()) == {one: 1, other: 1}


def test_a_quantity_of_what_is_not_in_the_cart_changes_nothing(
    as_shopper: Client, make_stocked: MakeStocked
) -> None:
    (variant,) = make_stocked(9)
    for sku in (variant.sku, "nothing"):
        response = as_shopper.post(
            reverse("storefront:cart-quantity"), {"sku": sku, "quantity": "1"}
        )
        assert said(response)[-1] == "That is no longer in your cart."


def test_what_went_wrong_meanwhile_is_marked_where_it_is(
    as_shopper: Client, make_stocked: MakeStocked
) -> None:
    scarce, gone, fine = (make_stocked(5)[0] for _ in range(3))
    for variant in (scarce, gone, fine):
        buy(as_shopper, variant, 5)
    correct(variant=scarce, on_hand=2, by=None, reason="counted")
    Product.objects.filter(pk=gone.product_id).update(is_active=False)
    page = as_shopper.get(CART)
    troubles = [line.problem.message if line.problem else "" for line in page.context["lines"]]
    assert troubles == [
        f"Only 2 of {scarce} are left.",
        f"{gone} is no longer sold. Remove it to go on.",
        "",
    ]
    assert all(trouble in text(page) for trouble in troubles)
    assert "Not everything can be bought as it stands." in text(page)
    assert "Go to the checkout" not in text(page)
    response = as_shopper.get("/checkout/")
    assert response["Location"] == CART


def test_codes_are_taken_and_dropped(as_shopper: Client, make_stocked: MakeStocked) -> None:
    Promotion.objects.create(code="TEN", kind="percent", value=10)
    (variant,) = make_stocked(9, price="100.00")
    buy(as_shopper, variant)
    response = as_shopper.post(reverse("storefront:cart-code"), {"promotion_code": " ten "})
    assert (response.status_code, response["Location"]) == (302, CART)
    seen = text(as_shopper.get(CART))
    assert "Goods €100.00 Code TEN −€10.00 Delivery free Total €90.00" in seen
    assert "I have a promotion code" not in seen
    as_shopper.post(reverse("storefront:cart-drop-code"))
    assert "Total €100.00" in text(as_shopper.get(CART))


@pytest.mark.parametrize("code", ["", "nope", "x" * 41, "<script>", "a\x00b"])
def test_a_code_that_gives_nothing_is_kept_with_the_reason(
    as_shopper: Client, make_stocked: MakeStocked, code: str
) -> None:
    (variant,) = make_stocked(9)
    buy(as_shopper, variant)
    page = as_shopper.post(reverse("storefront:cart-code"), {"promotion_code": code})
    assert page.status_code == 200
    assert list(page.context["code_form"].errors) == ["promotion_code"]
    assert '<details class="code" open>' in page.content.decode()
    assert "<script>" not in page.content.decode().partition('id="sum"')[2]


def test_a_code_that_holds_no_more_says_so_and_can_be_dropped(
    as_shopper: Client, make_stocked: MakeStocked
) -> None:
    Promotion.objects.create(code="TEN", kind="percent", value=10)
    (variant,) = make_stocked(9)
    buy(as_shopper, variant)
    as_shopper.post(reverse("storefront:cart-code"), {"promotion_code": "TEN"})
    Promotion.objects.update(is_active=False)
    seen = text(as_shopper.get(CART))
    assert "Do without the code TEN" in seen
    assert "Go to the checkout" not in seen
    as_shopper.post(reverse("storefront:cart-drop-code"))
    assert "Go to the checkout" in text(as_shopper.get(CART))


def test_everything_that_changes_a_cart_is_a_post_with_a_token(as_shopper: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    for name in ("cart-quantity", "cart-remove", "cart-code", "cart-drop-code"):
        assert as_shopper.get(reverse(f"storefront:{name}")).status_code == 405, name
        assert strict.post(reverse(f"storefront:{name}")).status_code == 403, name
    assert as_shopper.post(CART).status_code == 405


def test_the_cart_asks_as_often_for_much_as_for_little(
    as_shopper: Client,
    shopper: User,
    make_stocked: MakeStocked,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_cart(shopper, {make_stocked(9, images=1)[0]: 1})
    # session, user; cart, lines, pictures; how many things are in it; categories and their counts
    with django_assert_num_queries(2 + 3 + 1 + 2):
        as_shopper.get(CART)
    make_cart(shopper, dict.fromkeys(make_stocked(9, 9, 9, images=3), 2))
    with django_assert_num_queries(2 + 3 + 1 + 2):
        page = as_shopper.get(CART)
    assert len(page.context["lines"]) == 4


def test_what_others_have_in_their_carts_is_theirs(
    as_shopper: Client, make_stocked: MakeStocked
) -> None:
    (variant,) = make_stocked(9)
    stranger = Client()
    buy(stranger, variant)
    assert "Nothing in it yet" in text(as_shopper.get(CART))
    as_shopper.post(reverse("storefront:cart-remove"), {"sku": variant.sku})
    assert contents(Cart.objects.get(user=None)) == {variant: 1}
