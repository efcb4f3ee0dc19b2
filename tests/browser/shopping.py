"""What shoppers and clerks do on the shop's pages, step by step."""

import re
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Page, expect
from stack.card_gateway import APPROVED, CardGateway

DECLINED = "4000000000009995"
CONFIRM = "4000000000003220"
BROKEN = "4000000000000119"  # charged, and answered by a 500
NEVER = "4000000000000341"  # neither charged nor answered
PASSWORD = "shopsmart"
NUMBER = re.compile(r"S-\d{4}-\d{6}")

# Run in the shop: sets the stock of two products, one with a choice, and prints their addresses.
STOCK_UP = """
import json
from django.db.models import Count
from shopsmart.catalog.models import Product
from shopsmart.inventory.services import correct
products = Product.objects.filter(is_active=True).annotate(n=Count("variants")).order_by("id")
choice, plain = products.filter(n__gte=3).first(), products.filter(n=1).first()
for product, counts in ((choice, (900, 2, 0)), (plain, (900,))):
    for variant, count in zip(product.variants.order_by("position", "id"), counts):
        correct(variant=variant, on_hand=count, by=None, reason="counted")
print(json.dumps({"choice": choice.slug, "plain": plain.slug}))
"""


@dataclass(frozen=True)
class Goods:
    """Slugs of two products: `choice` has plenty, few and none of its variants, `plain` plenty of its one."""

    choice: str
    plain: str


@dataclass(frozen=True)
class Shopper:
    """Somebody with an account."""

    name: str

    def log_in(self, page: Page) -> None:
        page.goto("/account/login/")
        page.get_by_label("User name or e-mail address").fill(self.name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("button", name="Log out")).to_be_visible()


CLERK = Shopper("desk")


def fits(page: Page) -> None:
    """Nothing sticks out to the side: the page scrolls in one direction."""
    page.wait_for_load_state()
    # By locator: right after a click the next document may have come, and have no element yet.
    wide = page.locator("html").evaluate("root => root.scrollWidth")
    assert page.viewport_size is not None
    assert wide <= page.viewport_size["width"], page.url


def put_in(page: Page, slug: str, quantity: int = 1) -> None:
    """Put the first variant that there is of a product into the cart."""
    page.goto(f"/product/{slug}/")
    choices = page.get_by_role("group", name="Choose yours").get_by_role("radio")
    if choices.count():
        choices.first.check()
    page.get_by_label("Quantity").fill(str(quantity))
    page.get_by_role("button", name="Put in the cart").click()
    expect(page.get_by_role("status").first).to_contain_text("in your cart")


def fill_address(page: Page) -> None:
    """Type a new address, where one has to be typed or may be."""
    another = page.get_by_role("radio", name="Another address")
    if another.count():
        another.check()
    page.get_by_label("Full name").fill("Ada Lovelace")
    page.get_by_label("Street and number").fill("12 St James’s Square")
    page.get_by_label("Postcode").fill("1010")
    page.get_by_label("City").fill("Vienna")
    page.get_by_label("Country").select_option("Austria")


def fill_card(page: Page, number: str = APPROVED) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires").fill("12/99")
    page.get_by_label("Security code").fill("123")


def pay(page: Page, number: str = APPROVED) -> None:
    """Fill the checkout in and send it."""
    fill_address(page)
    fill_card(page, number)
    page.get_by_role("button", name=re.compile("^Pay")).click()


def buy(page: Page, slug: str, number: str = APPROVED, quantity: int = 1) -> None:
    """From the product to what comes of the payment, for who is logged in."""
    put_in(page, slug, quantity)
    page.goto("/checkout/")
    pay(page, number)


def buy_and_hear_nothing(page: Page, slug: str, hasty_shop: str, quantity: int = 1) -> None:
    """Pay with a card that is never answered, where one soon stops waiting; then go on where one does not."""
    put_in(page, slug, quantity)
    page.goto(f"{hasty_shop}/checkout/")
    pay(page, NEVER)
    expect(page.get_by_role("heading", level=1)).to_have_text("We are finding out")
    page.goto(urlsplit(page.url).path)


def order_number(page: Page) -> str:
    """The number of the order that the page is about."""
    found = NUMBER.search(page.url)
    assert found, page.url
    return found[0]


def moved(gateway: CardGateway, number: str) -> list[Decimal]:
    """What moved for an order, by the ledger of the gateway: charges are positive, refunds negative."""
    ledger = requests.get(f"{gateway.url}/ledger", {"reference": number}, timeout=30).json()
    return [Decimal(entry["amount"]) for entry in ledger["entries"]]
