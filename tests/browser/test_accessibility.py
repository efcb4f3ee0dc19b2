"""Every page under axe's rules (WCAG 2.2 AA and good practice), light and dark, phone and desktop."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from browser.looks import looks
from browser.shopping import (
    CLERK,
    CONFIRM,
    DECLINED,
    Goods,
    Shopper,
    buy,
    buy_and_hear_nothing,
    fits,
    order_number,
    put_in,
)
from playwright.sync_api import Page, expect
from stack.card_gateway import APPROVED

pytestmark = pytest.mark.slow

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Visit:
    """A browser, whose shopper no other test uses, and what there is to buy."""

    page: Page
    shopper: Shopper
    goods: Goods
    hasty_shop: str

    def log_in(self) -> None:
        self.shopper.log_in(self.page)

    def checkout(self) -> None:
        self.log_in()
        put_in(self.page, self.goods.plain)
        self.page.goto("/checkout/")

    def bought(self, number: str = APPROVED) -> None:
        self.log_in()
        buy(self.page, self.goods.plain, number, quantity=2)

    def paid(self) -> str:
        """Bought and paid; gives the number."""
        self.bought()
        expect(self.page).to_have_title(re.compile("^Order S-"))
        return order_number(self.page)

    def sent(self) -> str:
        """Bought, sent and arrived; gives the number."""
        number = self.paid()
        self.log_out()
        CLERK.log_in(self.page)
        for button in ("It has left the house", "It has arrived"):
            self.page.goto(f"/desk/{number}/")
            self.page.get_by_role("button", name=button).click()
            expect(self.page).to_have_title(re.compile("^Order desk"))
        return number

    def log_out(self) -> None:
        self.page.get_by_role("button", name="Log out").click()
        expect(self.page.get_by_role("link", name="Log in")).to_be_visible()

    def send(self, button: str) -> None:
        """Send a form, whatever the browser thinks of it."""
        self.page.locator("main form").evaluate_all("all => all.forEach(f => f.noValidate = true)")
        self.page.get_by_role("button", name=re.compile(button)).click()


def go(path: str, *, logged_in: bool = False) -> Callable[[Visit], None]:
    def visit(to: Visit) -> None:
        if logged_in:
            to.log_in()
        to.page.goto(path)

    return visit


def product(to: Visit) -> None:
    to.page.goto("/search/")
    to.page.get_by_role("article").first.get_by_role("link").click()


def choice(to: Visit) -> None:
    to.page.goto(f"/product/{to.goods.choice}/")
    to.page.get_by_role("radio").first.check()


def refused_choice(to: Visit) -> None:
    to.page.goto(f"/product/{to.goods.choice}/")
    to.send("Put in the cart")


def put_into_cart(to: Visit) -> None:
    put_in(to.page, to.goods.choice, 2)


def review_form(to: Visit) -> None:
    to.log_in()
    product(to)


def refused_registration(to: Visit) -> None:
    to.page.goto("/account/register/")
    to.send("Register")


def cart(to: Visit) -> None:
    put_in(to.page, to.goods.choice, 2)
    to.page.goto("/cart/")


def refused_quantity(to: Visit) -> None:
    cart(to)
    to.page.get_by_label("Quantity").fill("0")
    to.send("Change")


def refused_code(to: Visit) -> None:
    cart(to)
    to.page.get_by_text("I have a promotion code").click()
    to.page.get_by_label("Promotion code").fill("nothing")
    to.send("Use the code")


def refused_checkout(to: Visit) -> None:
    to.checkout()
    to.send("^Pay")


def declined(to: Visit) -> None:
    to.bought(DECLINED)


def needs_confirmation(to: Visit) -> None:
    to.bought(CONFIRM)
    expect(to.page).to_have_title(re.compile("card gateway"))
    to.page.goto("/orders/?state=placed")
    to.page.locator("main").get_by_role("link", name=re.compile("^S-")).first.click()
    to.page.get_by_role("link", name="Go on with the payment").click()


def finding_out(to: Visit) -> None:
    to.log_in()
    buy_and_hear_nothing(to.page, to.goods.plain, to.hasty_shop)


def paid_order(to: Visit) -> None:
    to.paid()
    to.page.get_by_text("Cancel this order").click()


def sending_back(to: Visit) -> None:
    number = to.sent()
    to.log_out()
    to.log_in()
    to.page.goto(f"/orders/{number}/return/")
    to.send("Announce the return")


def returned_order(to: Visit) -> None:
    sending_back(to)
    expect(to.page).to_have_title(re.compile("^Error:"))
    to.page.locator("main").get_by_role("combobox").first.select_option("1")
    to.page.get_by_label("What is the matter with it?").fill("A crack.")
    to.send("Announce the return")


def orders(to: Visit) -> None:
    to.paid()
    to.page.goto("/orders/")


def inbox(to: Visit) -> None:
    to.paid()
    to.page.goto("/account/inbox/")


def addresses(to: Visit) -> None:
    to.paid()
    to.page.goto("/account/addresses/")


def refused_address(to: Visit) -> None:
    to.log_in()
    to.page.goto("/account/addresses/new/")
    to.send("Add the address")


def token(to: Visit) -> None:
    to.log_in()
    to.page.goto("/account/tokens/")
    to.page.get_by_label("What is it for?").fill("script")
    to.send("Make the token")


def desk(to: Visit) -> None:
    to.paid()
    to.log_out()
    CLERK.log_in(to.page)
    to.page.goto("/desk/")


def desk_order(to: Visit) -> None:
    desk(to)
    to.page.locator("main").get_by_role("link", name=re.compile("^S-")).first.click()


def desk_return(to: Visit) -> None:
    returned_order(to)
    expect(to.page).to_have_title(re.compile("^Order S-"))
    number = order_number(to.page)
    to.log_out()
    CLERK.log_in(to.page)
    to.page.goto(f"/desk/{number}/")
    to.page.get_by_text("Refuse it").click()
    to.send("Refuse the return")


# How to get to each page, and how its title begins, which says that it is there.
PAGES: dict[str, tuple[Callable[[Visit], None], str]] = {
    "home": (go("/"), "ShopSmart – well-made"),
    "category": (go("/category/kitchen/"), "Kitchen –"),
    "filtered": (go("/search/?rating=4&max_price=50"), "All products"),
    "wrong filter": (go("/search/?min_price=50&max_price=10"), "All products"),
    "second page": (go("/search/?page=2"), "page 2 –"),
    "nothing found": (go("/search/?q=zzzz"), "zzzz"),
    "product": (product, "^(?!All products)"),
    "choice": (choice, "^(?!All products)"),
    "refused choice": (refused_choice, "Error:"),
    "put into the cart": (put_into_cart, "^(?!All products)"),
    "review form": (review_form, "^(?!All products|Log in|ShopSmart)"),
    "login": (go("/account/login/"), "Log in"),
    "refused registration": (refused_registration, "Error: Register"),
    "cart": (cart, "Your cart"),
    "empty cart": (go("/cart/"), "Your cart"),
    "refused quantity": (refused_quantity, "Error: Your cart"),
    "refused code": (refused_code, "Error: Your cart"),
    "checkout": (Visit.checkout, "Checkout"),
    "refused checkout": (refused_checkout, "Error: Checkout"),
    "declined": (declined, "Not paid"),
    "needs confirmation": (needs_confirmation, "Your payment"),
    "finding out": (finding_out, "Your payment"),
    "paid order": (paid_order, "Order S-"),
    "sending back": (sending_back, "Error: Send something back"),
    "returned order": (returned_order, "Order S-"),
    "orders": (orders, "Your orders"),
    "no such orders": (go("/orders/?state=returned", logged_in=True), "Your orders"),
    "inbox": (inbox, "Your inbox"),
    "addresses": (addresses, "Your addresses"),
    "refused address": (refused_address, "Error: Add an address"),
    "token": (token, "API tokens"),
    "account": (go("/account/", logged_in=True), "Your account"),
    "password": (go("/account/password/", logged_in=True), "Change your password"),
    "desk": (desk, "Order desk"),
    "desk, order": (desk_order, "Order S-"),
    "desk, return": (desk_return, "Error: Order S-"),
    "not for shoppers": (go("/desk/", logged_in=True), "Not for you"),
    "not found": (go("/nowhere/"), "Not found"),
}


def rules_broken(page: Page) -> AxeResults:
    return Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})


@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule(
    open_page: Callable[..., Page],
    shopper: Shopper,
    goods: Goods,
    hasty_shop: str,
    name: str,
) -> None:
    page = open_page("phone", dark=True)
    visit, title = PAGES[name]
    visit(Visit(page, shopper, goods, hasty_shop))
    expect(page).to_have_title(re.compile(title))
    page.wait_for_load_state()
    for look in looks(page):
        fits(page)
        found = rules_broken(page)
        assert found.violations_count == 0, f"{look}: {found.generate_report()}"


def test_a_page_that_is_spoilt_on_purpose_breaks_the_rules(open_page: Callable[..., Page]) -> None:
    """The rules above are switched on: each of these faults is found by its own."""
    page = open_page("desktop")
    page.goto("/account/login/")
    page.evaluate(
        """() => {
          document.querySelector('label[for=id_password]').remove();
          document.querySelector('main h1').outerHTML = '<h4>Log in</h4>';
          document.querySelector('main button').style.color = '#94507f';
          document.querySelector('main').append(new Image());
          document.documentElement.removeAttribute('lang');
        }"""
    )
    broken = {violation["id"] for violation in rules_broken(page).response["violations"]}
    expected = {"label", "page-has-heading-one", "color-contrast", "image-alt", "html-has-lang"}
    assert expected <= broken
