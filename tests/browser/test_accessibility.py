"""Every page under axe's rules (WCAG 2.2 AA and good practice), light and dark, phone and desktop."""

from collections.abc import Callable

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

pytestmark = pytest.mark.slow

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def go(path: str) -> Callable[[Page], None]:
    return lambda page: page.goto(path) and None


def product(page: Page) -> None:
    page.goto("/search/")
    page.get_by_role("article").first.get_by_role("link").click()


def logged_in(page: Page) -> None:
    page.goto("/account/login/")
    page.get_by_label("User name or e-mail address").fill("shopper001")
    page.get_by_label("Password").fill("shopsmart")
    page.get_by_role("button", name="Log in").click()


def account(page: Page) -> None:
    logged_in(page)
    page.goto("/account/")


def password(page: Page) -> None:
    logged_in(page)
    page.goto("/account/password/")


def review_form(page: Page) -> None:
    logged_in(page)
    product(page)


def refused_registration(page: Page) -> None:
    page.goto("/account/register/")
    page.locator("main form").evaluate("form => { form.noValidate = true }")
    page.get_by_role("button", name="Register").click()


PAGES: dict[str, Callable[[Page], None]] = {
    "home": go("/"),
    "category": go("/category/kitchen/"),
    "filtered": go("/search/?rating=4&max_price=50"),
    "wrong filter": go("/search/?min_price=50&max_price=10"),
    "second page": go("/search/?page=2"),
    "nothing found": go("/search/?q=zzzz"),
    "product": product,
    "review form": review_form,
    "login": go("/account/login/"),
    "refused registration": refused_registration,
    "account": account,
    "password": password,
    "not found": go("/nowhere/"),
}


def rules_broken(page: Page) -> AxeResults:
    return Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})


@pytest.mark.parametrize(("size", "dark"), [("phone", True), ("desktop", False)])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule(
    open_page: Callable[..., Page], name: str, size: str, dark: bool
) -> None:
    page = open_page(size, dark=dark)
    PAGES[name](page)
    found = rules_broken(page)
    assert found.violations_count == 0, found.generate_report()


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
