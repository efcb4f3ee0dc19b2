"""A shop of its own for the browser tests: a seeded temporary database, gunicorn, Chromium.

The listening socket is bound here, to a free port, and handed to gunicorn: nobody can take the
port in between, and the first request waits in the socket's queue instead of in a loop here.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

MONOLITH = Path(__file__).resolve().parents[2] / "monolith" / "shopsmart"
PRODUCTS = 120  # several pages of a list, in a second
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STOP_TIMEOUT_S = 20

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running, seeded ShopSmart that nobody else uses."""
    place = tmp_path_factory.mktemp("shop")
    env = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{place / 'shop.sqlite3'}",
        "MEDIA_ROOT": str(place / "media"),
        "WEB_CONCURRENCY": "1",
    }
    for command in (["migrate", "-v0"], ["seed", "--products", str(PRODUCTS)]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=MONOLITH,
            env=env,
            check=True,
            capture_output=True,
        )
    with socket.create_server(("127.0.0.1", 0)) as listener, (place / "log").open("wb") as log:
        port = listener.getsockname()[1]
        served = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"]
        process = subprocess.Popen(
            [*served, "shopsmart.wsgi"],
            cwd=MONOLITH,
            env=env,
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium: $CHROMIUM, else the system's. Missing is a failure, never a skip."""
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, CHROMIUM_NAMES)), None
    )
    if not found or not Path(found).exists():
        pytest.fail(
            "The browser tests need Chromium. Install it (apt-get install chromium) or name its "
            f"program in CHROMIUM. Looked for: {os.environ.get('CHROMIUM', CHROMIUM_NAMES)}",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        # No sandbox: it needs rights that containers do not have, and only our own pages are read.
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, shop: str) -> Iterator[OpenPage]:
    """Open a fresh browser profile: open_page("phone", javascript=False, dark=True)."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(size: str, *, javascript: bool = True, dark: bool = False) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=shop,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(shop) else complaints.append(f"asks {asked.url}")
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
