"""Buying: from the shelf to the parcel and back, with every way a payment can go, by the gateway's own ledger."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from browser.shopping import (
    BROKEN,
    CLERK,
    CONFIRM,
    DECLINED,
    Goods,
    Shopper,
    buy,
    buy_and_hear_nothing,
    fill_address,
    fill_card,
    fits,
    moved,
    order_number,
    pay,
    put_in,
)
from playwright.sync_api import Page, expect
from stack.card_gateway import CardGateway
from stack.data import MONOLITH
from stack.process import manage

pytestmark = pytest.mark.slow

OpenPage = Callable[..., Page]
PASSWORD = "plum-Jam-on-4-toast"
BUTTON = re.compile("^Pay")
# Run in the shop: as if an order's payment had been begun long ago.
MAKE_OLD = """
from datetime import timedelta
from shopsmart.payments.models import Payment
[payment] = Payment.objects.filter(order__number="{0}")
payment.created_at -= timedelta(days=1)
payment.save()
"""


def amount(text: str) -> Decimal:
    """The last price in a text."""
    return Decimal(re.findall(r"€([\d,]+\.\d\d)", text)[-1].replace(",", ""))


def basket(page: Page) -> str:
    """What the sign of the cart says to a screen reader."""
    return " ".join(page.get_by_role("link", name=re.compile("^Cart")).inner_text().split())


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_a_stranger_buys_and_sends_something_back_without_a_script(
    open_page: OpenPage, goods: Goods, gateway: CardGateway, size: str
) -> None:
    page, clerk = (open_page(size, javascript=False) for _ in range(2))

    # From the shelf into the cart, as a guest.
    page.goto(f"/product/{goods.choice}/")
    choice = page.get_by_role("group", name="Choose yours").get_by_role("radio")
    expect(choice.nth(2)).to_be_disabled()
    choice.first.check()
    page.get_by_label("Quantity").fill("3")
    page.get_by_role("button", name="Put in the cart").click()
    expect(page.get_by_role("status").first).to_contain_text("3 × ")
    fits(page)
    put_in(page, goods.plain)
    page.get_by_role("link", name="Go to the cart").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your cart")
    lines = page.get_by_role("region", name="What is in it").get_by_role("article")
    expect(lines).to_have_count(2)
    lines.first.get_by_label("Quantity").fill("2")
    lines.first.get_by_role("button", name="Change").click()
    expect(page.get_by_role("status").first).to_contain_text("up to date")
    expect(lines.first.get_by_label("Quantity")).to_have_value("2")
    assert basket(page) == "Cart with 3 items"
    fits(page)

    # To the checkout: log in, or make an account; the cart comes along.
    page.get_by_role("link", name="Go to the checkout").click()
    page.get_by_role("link", name="Make an account").click()
    name = f"buyer-{size}"
    page.get_by_label("User name").fill(name)
    page.get_by_label("E-mail address").fill(f"{name}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Checkout")
    review = page.get_by_role("region", name="What you buy")
    expect(review.get_by_role("listitem")).to_have_count(2)
    total = amount(review.get_by_role("button", name=BUTTON).inner_text())
    fits(page)

    # Paid: what the button said is what the ledger says.
    pay(page)
    expect(page.get_by_role("status").first).to_contain_text("Your order is paid")
    number = order_number(page)
    assert moved(gateway, number) == [total]
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {number}")
    expect(page.get_by_role("region", name="Where it goes")).to_contain_text("Vienna")
    expect(page.get_by_role("region", name="Where it goes")).to_contain_text("ending in 4242")
    fits(page)

    # The desk sends it, and it arrives.
    CLERK.log_in(clerk)
    clerk.goto("/desk/")
    clerk.get_by_label("Order number").fill(number)
    clerk.get_by_role("button", name="Find").click()
    fits(clerk)
    clerk.get_by_label("Parcel number").fill("Parcel 4711")
    clerk.get_by_role("button", name="It has left the house").click()
    expect(clerk.get_by_role("status").first).to_contain_text("is on its way")
    fits(clerk)
    clerk.goto(f"/desk/{number}/")
    clerk.get_by_role("button", name="It has arrived").click()

    # History, and back with one of two.
    page.get_by_role("link", name="All your orders").click()
    row = page.get_by_role("listitem").filter(has_text=number)
    expect(row).to_contain_text("Delivered")
    fits(page)
    row.get_by_role("link", name=number).click()
    expect(page.get_by_role("region", name="How it goes")).to_contain_text("Parcel 4711")
    page.get_by_role("link", name="Send something back").click()
    page.locator("main").get_by_role("combobox").first.select_option("1")
    page.get_by_label("What is the matter with it?").fill("A crack in the lid.")
    fits(page)
    page.get_by_role("button", name="Announce the return").click()
    expect(page.get_by_role("region", name="What you sent back")).to_contain_text("A crack")
    fits(page)

    clerk.goto("/desk/?show=returns")
    clerk.get_by_role("link", name=number).click()
    fits(clerk)
    clerk.get_by_role("button", name="It is here and in order").click()
    expect(clerk.get_by_role("region", name="Coming back")).to_contain_text("given back")

    page.reload()
    back = page.get_by_role("region", name="What you sent back").inner_text()
    charged, refunded = moved(gateway, number)
    assert (charged, refunded) == (total, -amount(back))
    page.get_by_role("link", name="Inbox").click()
    expect(page.get_by_role("listitem").filter(has_text=number).first).to_be_visible()
    fits(page)


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_a_declined_card_leaves_the_cart_for_another_try(
    open_page: OpenPage, goods: Goods, gateway: CardGateway, shopper: Shopper, size: str
) -> None:
    page = open_page(size, javascript=False)
    shopper.log_in(page)
    buy(page, goods.plain, DECLINED, quantity=2)
    expect(page.get_by_role("heading", level=1)).to_have_text("The card was declined")
    expect(page.get_by_role("alert")).to_contain_text("not enough money on the card")
    assert moved(gateway, order_number(page)) == []
    assert basket(page) == "Cart with 2 items"
    fits(page)
    page.get_by_role("link", name="Try again").click()
    # The address that was typed is there to be chosen; the card is not.
    expect(page.get_by_role("radio", name="Ada Lovelace").first).to_be_checked()
    expect(page.get_by_label("Card number")).to_have_value("")
    fill_card(page)
    page.get_by_role("button", name=BUTTON).click()
    expect(page.get_by_role("status").first).to_contain_text("Your order is paid")
    assert len(moved(gateway, order_number(page))) == 1
    assert basket(page) == "Cart"


@pytest.mark.parametrize(("answer", "size"), [("Yes", "phone"), ("No", "desktop")])
def test_a_bank_that_asks_is_answered_on_its_page(
    open_page: OpenPage,
    goods: Goods,
    gateway: CardGateway,
    shopper: Shopper,
    answer: str,
    size: str,
) -> None:
    page = open_page(size, javascript=False)
    shopper.log_in(page)
    buy(page, goods.plain, CONFIRM)
    assert page.url.startswith(gateway.url)
    # Somebody who wanders off finds the way back.
    page.goto("/orders/")
    page.locator("main").get_by_role("link", name=re.compile("^S-")).first.click()
    number = order_number(page)
    page.get_by_role("link", name="Go on with the payment").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your bank has a question")
    fits(page)
    page.get_by_role("link", name="Go to your bank").click()
    page.get_by_role("button", name=re.compile(f"^{answer}")).click()
    if answer == "Yes":
        expect(page.get_by_role("status").first).to_contain_text("Your order is paid")
        assert len(moved(gateway, number)) == 1
    else:
        expect(page.get_by_role("heading", level=1)).to_have_text("The card was declined")
        assert moved(gateway, number) == []
        assert basket(page) == "Cart with 1 item"


def test_an_answer_that_got_lost_is_found_by_looking(
    open_page: OpenPage, goods: Goods, gateway: CardGateway, shopper: Shopper
) -> None:
    page = open_page("desktop", javascript=False)
    shopper.log_in(page)
    buy(page, goods.plain, BROKEN)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {order_number(page)}")
    expect(page.get_by_role("status").first).to_contain_text("Your order is paid")
    assert len(moved(gateway, order_number(page))) == 1


def test_while_nobody_knows_one_can_look_or_cancel(
    open_page: OpenPage, goods: Goods, gateway: CardGateway, shopper: Shopper, hasty_shop: str
) -> None:
    page = open_page("phone", javascript=False)
    shopper.log_in(page)
    buy_and_hear_nothing(page, goods.plain, hasty_shop)
    expect(page.get_by_role("heading", level=1)).to_have_text("We are finding out")
    fits(page)
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We are finding out")
    page.get_by_role("link", name="See the order").click()
    page.get_by_text("Cancel this order").click()
    page.get_by_role("button", name="Yes, cancel").click()
    expect(page.get_by_role("region", name="Where it goes")).to_contain_text("nothing was charged")
    assert moved(gateway, order_number(page)) == []


def test_with_scripts_the_page_finds_out_by_itself(
    open_page: OpenPage,
    goods: Goods,
    gateway: CardGateway,
    shopper: Shopper,
    hasty_shop: str,
    shop_environment: dict[str, str],
) -> None:
    page = open_page("desktop")
    shopper.log_in(page)
    buy_and_hear_nothing(page, goods.plain, hasty_shop)
    expect(page.get_by_role("heading", level=1)).to_have_text("We are finding out")
    number = order_number(page)
    # What is too old is given up, when the page looks the next time.
    manage(MONOLITH, shop_environment, "shell", "-v0", "-c", MAKE_OLD.format(number))
    expect(page.get_by_role("heading", level=1)).to_have_text("The payment did not come about")
    assert moved(gateway, number) == []
    assert basket(page) == "Cart with 1 item"


def test_a_double_click_is_one_order(
    open_page: OpenPage, goods: Goods, gateway: CardGateway, shopper: Shopper
) -> None:
    page = open_page("desktop")
    shopper.log_in(page)
    put_in(page, goods.plain)
    page.goto("/checkout/")
    fill_address(page)
    fill_card(page)
    page.get_by_role("button", name=BUTTON).dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Order S-"))
    number = order_number(page)
    assert len(moved(gateway, number)) == 1
    page.goto("/orders/?state=paid")
    expect(page.locator("main").get_by_role("link", name=re.compile("^S-"))).to_have_count(1)
    page.goto("/account/addresses/")
    typed = page.get_by_role("listitem").filter(has_text="12 St James’s Square")
    expect(typed).to_have_count(1)


def test_a_refused_form_takes_the_reader_to_its_first_error(
    open_page: OpenPage, goods: Goods, shopper: Shopper
) -> None:
    page = open_page("phone", javascript=True)
    shopper.log_in(page)
    put_in(page, goods.plain)
    page.goto("/checkout/")
    fill_address(page)
    fill_card(page, "4242424242424241")
    page.get_by_role("button", name=BUTTON).click()
    number = page.get_by_label("Card number")
    expect(number).to_be_focused()
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_have_accessible_description(re.compile("mistyped digit"))
    expect(number).to_have_value("")
    expect(number).to_be_in_viewport()
    expect(page.get_by_label("Expires")).to_have_value("12/99")
    expect(page.get_by_label("City")).to_have_value("Vienna")


def test_the_form_for_another_address_shows_when_it_is_wanted(
    open_page: OpenPage, goods: Goods, shopper: Shopper
) -> None:
    page = open_page("phone", javascript=False)
    shopper.log_in(page)
    page.goto("/account/addresses/new/")
    fill_address(page)
    page.get_by_role("button", name="Add the address").click()
    put_in(page, goods.plain)
    page.goto("/checkout/")
    expect(page.get_by_label("Full name")).to_be_hidden()
    page.get_by_role("radio", name="Another address").check()
    expect(page.get_by_label("Full name")).to_be_visible()
    page.get_by_role("radio", name="Ada Lovelace").first.check()
    expect(page.get_by_label("Full name")).to_be_hidden()


def test_the_back_button_shows_no_card_and_buys_nothing_twice(
    open_page: OpenPage, goods: Goods, gateway: CardGateway, shopper: Shopper
) -> None:
    page = open_page("desktop")
    shopper.log_in(page)
    buy(page, goods.plain)
    number = order_number(page)
    page.go_back()
    # The cart is empty now, so there is nothing to check out.
    expect(page.get_by_role("heading", level=1)).to_have_text("Your cart")
    assert len(moved(gateway, number)) == 1
