"""The confirmation page in a real browser: found by its names, readable everywhere, and it leads back to the shop."""

import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from gateway_process import GatewayProcess
from playwright.sync_api import Browser, expect, sync_playwright

pytestmark = pytest.mark.slow

CONFIRMS = "4000000000003220"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium: $CHROMIUM, else the system's. Missing is a failure, never a skip."""
    names = ("chromium-headless-shell", "chromium")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert found, "Install Chromium (apt-get install chromium), or name its program in CHROMIUM."
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_anybody_can_read_and_answer_it(
    gateway: GatewayProcess, browser: Browser, size: str, colours: str
) -> None:
    # The way back is a page of the gateway's own, so that no second server is needed.
    charge = gateway.charge("k", CONFIRMS, return_url=f"{gateway.url}/livez").json()
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=colours,  # type: ignore[arg-type]
        bypass_csp=True,  # for axe; the page itself has no script
    )
    page.goto(charge["confirmation_url"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your payment")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    page.close()


@pytest.mark.parametrize(
    ("button", "status"), [("Yes, pay 12.50 EUR", "approved"), ("No, do not pay", "declined")]
)
def test_without_a_script_a_button_settles_it_and_leads_back(
    gateway: GatewayProcess, browser: Browser, button: str, status: str
) -> None:
    # Another origin, as a shop is: browsers hold the redirect after a form against the page's policy.
    back = gateway.url.replace("127.0.0.1", "localhost") + "/livez"
    charge = gateway.charge("k", CONFIRMS, return_url=back).json()
    page = browser.new_page(java_script_enabled=False)
    page.goto(charge["confirmation_url"])
    page.get_by_role("button", name=button).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/livez")
    assert gateway.get(f"/charges/{charge['id']}")["status"] == status
    page.goto(charge["confirmation_url"])
    expect(page.get_by_role("button")).to_have_count(0)
    page.get_by_role("link", name="Back to localhost").click()
    page.wait_for_url("**/livez")
    page.close()
