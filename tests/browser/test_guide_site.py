"""The migration guide as a site, as a reader has it: no rule broken, no other host asked, found by a word, copied clean."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.looks import SIZES, looks
from browser.shopping import fits
from browser.test_accessibility import RULES
from playwright.sync_api import Browser, Page, expect

from guidebook.book import STEP, Entry, read_book
from guidebook.pages import Directive, Interrupt, read_block
from guidebook.repository import Repository
from guidebook.site import build_site

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BOOK = read_book(Repository(ROOT))
OVERLAPS = """() => {
  const texts = [...document.querySelectorAll('text')].map(text => [text.textContent, text.getBBox()]);
  const view = document.documentElement.viewBox.baseVal;
  const found = [];
  for (const [words, box] of texts)
    if (box.x < 4 || box.y < 4 || box.x + box.width > view.width - 4 || box.y + box.height > view.height - 4)
      found.push(`${words}: outside`);
  texts.forEach(([one, a], at) => texts.slice(at + 1).forEach(([other, b]) => {
    if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
      found.push(`${one}: over ${other}`);
  }));
  return found;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the built guide."""
    folder = tmp_path_factory.mktemp("guide") / "site"
    build_site(BOOK, folder)
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


@pytest.fixture
def open_guide(browser: Browser, site: str) -> Iterator["OpenGuide"]:
    """Open a page of it in a fresh profile; what goes wrong meanwhile fails the test in the end."""
    opened = OpenGuide(browser, site)
    yield opened
    opened.close()
    assert not opened.complaints


class OpenGuide:
    """A reader's browser."""

    def __init__(self, browser: Browser, site: str) -> None:
        self._browser = browser
        self._site = site
        self._pages: list[Page] = []
        self.complaints: list[str] = []

    def __call__(self, path: str, size: str = "desktop", *, dark: bool = False) -> Page:
        context = self._browser.new_context(
            viewport=SIZES[size],
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("request", lambda asked: self._note(asked.url))
        page.on("response", lambda got: self._note(got.url, got.status))
        self._pages.append(page)
        page.goto(f"{self._site}/{path}")
        return page

    def _note(self, url: str, status: int = 200) -> None:
        if not url.startswith((f"{self._site}/", "data:")) or status >= 400:
            self.complaints.append(f"{status} {url}")

    def close(self) -> None:
        for page in self._pages:
            page.context.close()


def address(entry: Entry) -> str:
    """Where a page stands in the site."""
    inside = entry.page.path.relative_to(ROOT / "migration-guide")
    if inside.name == "README.md":
        return str(inside.with_name("index.html"))
    return str(inside.with_suffix(".html"))


@pytest.mark.parametrize("entry", BOOK.entries, ids=lambda entry: entry.name)
def test_a_page_breaks_no_rule(open_guide: OpenGuide, entry: Entry) -> None:
    page = open_guide(address(entry), "phone", dark=True)
    for look in looks(page):
        fits(page)
        found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{look}: {found.generate_report()}"


def test_nothing_sticks_out_where_the_text_just_got_wider(open_guide: OpenGuide) -> None:
    fits(open_guide(address(BOOK.of_kind(STEP)[0]), "wide"))


def test_every_page_can_be_reached_from_the_first(open_guide: OpenGuide) -> None:
    page = open_guide("index.html")
    tree = page.get_by_role("complementary").get_by_role("link")
    reached = set(tree.evaluate_all("links => links.map(link => link.pathname)"))
    assert {f"/{address(entry)}" for entry in BOOK.entries} <= reached


def test_a_word_is_found(open_guide: OpenGuide) -> None:
    page = open_guide("search.html?q=distributed")
    found = page.get_by_role("list").get_by_role("link", name="When not to split")
    expect(found.first).to_be_visible()


def test_the_copy_button_copies_commands_alone(open_guide: OpenGuide) -> None:
    """No prompt and no output; a command of several lines whole. Every block of a step, against what the runner types."""
    step = BOOK.of_kind(STEP)[0]
    page = open_guide(address(step))
    tried = 0
    for fence, block in zip(
        [fence for fence in step.page.fences if fence.language == "console"],
        page.locator(".highlight-console").all(),
        strict=True,
    ):
        read, _ = read_block(fence, Directive("run"), step.page.name)
        if any(isinstance(action, Interrupt) for action in read.actions):
            continue
        block.hover()
        block.get_by_role("button", name="Copy").click()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.rstrip("\n") == "\n".join(action.text for action in read.actions)
        tried += 1
    assert tried


PICTURES = sorted((ROOT / "migration-guide/pictures").glob("*.svg"))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_words_of_a_picture_stand_inside_and_apart(browser: Browser, picture: Path) -> None:
    page = browser.new_page()
    page.goto(picture.as_uri())
    assert page.evaluate(OVERLAPS) == []
    page.close()
