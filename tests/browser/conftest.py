"""A shop of its own for the browser tests: a seeded temporary database, gunicorn, a card gateway, Chromium."""

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.looks import SIZES
from browser.shopping import STOCK_UP, Goods, Shopper
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from stack.card_gateway import CardGateway
from stack.data import MONOLITH
from stack.gunicorn import Gunicorn
from stack.process import manage

PRODUCTS = 120  # several pages of a list, in a second
PATIENCE_MS = 30_000  # with pages and their elements; a busy machine needs it, a right one does not
CHROMIUM_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CardGateway]:
    """The card gateway that the shop asks, and its ledger."""
    place = tmp_path_factory.mktemp("gateway")
    started = CardGateway(folder=place, logs=place)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def shop_environment(
    tmp_path_factory: pytest.TempPathFactory, gateway: CardGateway
) -> dict[str, str]:
    """A seeded database that nobody else uses, and all else the shop is told."""
    place = tmp_path_factory.mktemp("shop")
    environment = {
        "DATABASE_URL": f"sqlite:///{place / 'shop.sqlite3'}",
        "MEDIA_ROOT": str(place / "media"),
        "LOG_LEVEL": "WARNING",
        "THROTTLES": "off",
        "CARD_GATEWAY_URL": gateway.url,
        "CARD_GATEWAY_READ_TIMEOUT": "30",
        "PAYMENT_GIVE_UP_AFTER": "3600",
        "EMAIL_URL": f"file://{place / 'mail'}",
    }
    manage(MONOLITH, environment, "migrate", "-v0")
    manage(MONOLITH, environment, "seed", "--products", str(PRODUCTS))
    return environment


@pytest.fixture(scope="session")
def goods(shop_environment: dict[str, str]) -> Goods:
    """What the tests buy, with known stock."""
    return Goods(**json.loads(manage(MONOLITH, shop_environment, "shell", "-v0", "-c", STOCK_UP)))


@pytest.fixture(scope="session")
def shop(
    tmp_path_factory: pytest.TempPathFactory, shop_environment: dict[str, str]
) -> Iterator[str]:
    """The address of a running, seeded ShopSmart."""
    served = Gunicorn(
        "shop",
        "shopsmart.wsgi",
        folder=MONOLITH,
        logs=tmp_path_factory.mktemp("logs"),
        environment=shop_environment,
    )
    yield served.url
    served.stop()


@pytest.fixture(scope="session")
def hasty_shop(
    tmp_path_factory: pytest.TempPathFactory, shop_environment: dict[str, str]
) -> Iterator[str]:
    """The same shop at another address, where nobody waits for the gateway: for cards that it never answers."""
    served = Gunicorn(
        "hasty shop",
        "shopsmart.wsgi",
        folder=MONOLITH,
        logs=tmp_path_factory.mktemp("hasty"),
        environment=shop_environment | {"CARD_GATEWAY_READ_TIMEOUT": "0.5"},
    )
    yield served.url
    served.stop()


@pytest.fixture(scope="session")
def _shoppers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def shopper(_shoppers: Iterator[int]) -> Shopper:
    """One of the seeded shoppers, whom no other test uses."""
    return Shopper(f"shopper{next(_shoppers):03}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium: $CHROMIUM, else the system's. Missing is a failure, never a skip."""
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, CHROMIUM_NAMES)), None
    )
    if not found or not Path(found).exists():
        pytest.fail(
            "The browser tests need Chromium. Install it (apt-get install chromium-headless-shell) or name its "
            f"program in CHROMIUM. Looked for: {os.environ.get('CHROMIUM', CHROMIUM_NAMES)}",
            pytrace=False,
        )
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        # No sandbox: it needs rights that containers do not have, and only our own pages are read.
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_page(
    browser: Browser, shop: str, hasty_shop: str, gateway: CardGateway
) -> Iterator[OpenPage]:
    """Open a fresh browser profile: open_page("phone", javascript=False, dark=True)."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    known = (shop, hasty_shop, gateway.url)

    def opened(size: str, *, javascript: bool = True, dark: bool = False) -> Page:
        context = browser.new_context(
            base_url=shop,
            viewport=SIZES[size],
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(known) else complaints.append(f"asks {asked.url}")
            ),
        )
        page.on(
            "response",
            lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 500 else None,
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints
