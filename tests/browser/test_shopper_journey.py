"""A shopper's whole visit, on a phone and a desktop, with scripts switched off."""

import io
import re
from collections.abc import Callable

import pytest
from browser.shopping import fits
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow

PASSWORD = "plum-Jam-on-4-toast"


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_a_visit_from_the_front_door_to_a_review_needs_no_script(
    open_page: Callable[..., Page], size: str
) -> None:
    page = open_page(size, javascript=False)
    name = f"visitor-{size}"

    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    fits(page)

    tiles = page.get_by_role("region", name="Browse the shelves")
    shelf = tiles.get_by_role("link").first.locator("strong").inner_text()
    tiles.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(shelf)
    fits(page)

    goods = page.get_by_role("region", name="Products")
    product = goods.get_by_role("article").first.get_by_role("link").inner_text()
    goods.get_by_role("article").first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(product)
    product_path = re.sub(r"^https?://[^/]+", "", page.url)
    fits(page)

    page.get_by_role("region", name="Your review").get_by_role("link", name="register").click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("E-mail address").fill(f"{name}@example.org")
    page.get_by_label("Name shown beside your reviews").fill(f"Visitor on a {size}")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("Password again").fill("short")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("User name")).to_have_value(name)
    fits(page)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()

    expect(page).to_have_url(re.compile(re.escape(product_path) + "#reviews$"))
    expect(page.get_by_role("status").first).to_contain_text("Welcome to ShopSmart")
    page.get_by_label("4 – good").check()
    page.get_by_label("In one line").fill("Kept its edge")
    page.get_by_label("What should others know?").fill("Bought in spring, used daily.")
    page.get_by_role("button", name="Publish review").click()
    expect(page.get_by_role("status").first).to_contain_text("Your review is published")
    mine = page.get_by_role("article").filter(has_text=f"Visitor on a {size}")
    expect(mine.get_by_role("heading", name="Kept its edge")).to_be_visible()
    fits(page)

    page.get_by_role("navigation", name="Account").get_by_role("link").click()
    expect(page.get_by_role("region", name="Your reviews")).to_contain_text(product)
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "seagreen").save(out, "JPEG")
    page.get_by_label("New picture").set_input_files(
        {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
    )
    page.get_by_role("button", name="Upload picture").click()
    expect(page.get_by_role("button", name="Remove picture")).to_be_visible()
    fits(page)

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status").first).to_contain_text("You are logged out")
    page.goto("/account/")
    expect(page).to_have_url(re.compile(r"/account/login/\?next=/account/$"))
    page.get_by_label("User name or e-mail address").fill(f"{name}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile("/account/$"))


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_filters_sorting_and_pages_need_no_script(
    open_page: Callable[..., Page], size: str
) -> None:
    page = open_page(size, javascript=False)
    page.goto("/search/")
    count = page.get_by_role("region", name="Products").get_by_role("status")
    before = int(count.inner_text().split()[0])
    if size == "phone":
        page.get_by_text("Filters", exact=True).click()
    page.get_by_label("4 stars and more").check()
    page.get_by_label("To", exact=True).fill("60")
    page.get_by_role("button", name="Show products").click()
    after = int(count.inner_text().split()[0])
    assert 0 < after < before
    fits(page)

    page.get_by_role("link", name="Up to 60").click()
    page.get_by_role("link", name="4 stars and more").click()
    assert int(count.inner_text().split()[0]) == before

    page.get_by_role("link", name="Price, high to low").click()
    page.get_by_role("link", name="Next").click()
    expect(count).to_contain_text("page 2 of")
    expect(page.get_by_role("link", name="Price, high to low")).to_have_attribute(
        "aria-current", "true"
    )
    fits(page)


def test_the_search_box_offers_names_while_one_types(open_page: Callable[..., Page]) -> None:
    page = open_page("desktop")
    page.goto("/")
    name = page.get_by_role("article").first.get_by_role("link").inner_text()
    box = page.get_by_label("Search the shop").first
    box.press_sequentially(name[:6])
    offered = page.locator(f'#search-offers option[value="{name}"]')
    expect(offered).to_have_count(1)
    box.fill(name)
    box.press("Enter")
    expect(page.get_by_role("region", name="Products")).to_contain_text(name)


def test_the_search_box_works_when_nothing_can_be_offered(open_page: Callable[..., Page]) -> None:
    page = open_page("desktop")
    page.route("**/api/catalog/suggest/**", lambda route: route.abort())
    page.goto("/")
    box = page.get_by_label("Search the shop").first
    box.press_sequentially("zzzz")
    box.press("Enter")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()


def test_the_keyboard_reaches_the_content_past_the_head(open_page: Callable[..., Page]) -> None:
    page = open_page("desktop")
    page.goto("/search/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
