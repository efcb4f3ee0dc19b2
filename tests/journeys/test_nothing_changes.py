"""The proxy in front, nothing moved: whatever a browser does at the shop, it is told exactly the same.

Two shops with the same goods, one asked directly and one through the proxy, walk through the same script: pages, login,
CSRF, uploads, redirects, cookies, conditional and range requests, compression, streaming, the admin. After every step
the two answers are compared: status and reason, every header with its order and case, every byte of the body.
"""

import contextlib
import io
import itertools
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from journeys.transcript import HOST, Answer, Visitor
from stack import SeededData, Stack

pytestmark = pytest.mark.slow

Step = Callable[[Visitor], Answer]
ORIGIN = f"http://{HOST}"
CSS = "/static/storefront/shop.css"


@pytest.fixture(scope="module")
def shops(
    tmp_path_factory: pytest.TempPathFactory, seeded: SeededData
) -> Iterator[tuple[str, str]]:
    """The same shop twice: asked directly, and through the proxy."""
    folder: Path = tmp_path_factory.mktemp("nothing-changes")
    with (
        Stack.start(folder / "direct", data=seeded, with_proxy=False) as direct,
        Stack.start(folder / "behind", data=seeded) as behind,
    ):
        yield direct.monolith_url, behind.proxy_url


def _both(shops: tuple[str, str], steps: list[tuple[str, Step, int]]) -> None:
    """Walk both shops through ``steps``: name, what to do, the status that the shop itself must give."""
    with contextlib.ExitStack() as ends:
        visitors = [ends.enter_context(contextlib.closing(Visitor(url))) for url in shops]
        for name, step, status in steps:
            direct, proxied = (step(visitor) for visitor in visitors)
            assert direct.status == status, f"{name}: the shop itself gave {direct.status}"
            for mine, its in itertools.zip_longest(direct.normal(), proxied.normal()):
                assert its == mine, name


def _get(path: str, **headers: str) -> Step:
    return lambda visitor: visitor.ask("GET", path, **headers)


def _picture(colour: bytes) -> bytes:
    """A PNG of 48 x 48 in one colour."""
    rows = (b"\0" + colour * 48) * 48

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(0, io.SEEK_END)
    out.write(chunk(b"IHDR", struct.pack(">IIBBBBB", 48, 48, 8, 2, 0, 0, 0)))
    out.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return out.getvalue()


def _again_with_its_etag(path: str, **headers: str) -> Step:
    def step(visitor: Visitor) -> Answer:
        etag = visitor.ask("GET", path, **headers).header("etag")
        assert etag, f"{path} has no ETag"
        return visitor.ask("GET", path, if_none_match=etag, **headers)

    return step


def test_pages_files_and_errors_are_the_same(shops: tuple[str, str], slug: str) -> None:
    _both(
        shops,
        [
            ("home", _get("/"), 200),
            ("product", _get(f"/product/{slug}/"), 200),
            ("search with words beyond ASCII", _get("/search/?q=caf%C3%A9&sort=price"), 200),
            ("no slash: redirect", _get(f"/product/{slug}"), 301),
            ("unknown page", _get("/product/no-such-thing/"), 404),
            ("bytes that are no UTF-8", _get("/search/?q=%FF%FE"), 200),
            ("path twice encoded", _get("/product/%2541/"), 404),
            ("doubled slash", _get("//product//x/"), 404),
            ("HEAD of a page", lambda v: v.ask("HEAD", "/"), 200),
            ("OPTIONS of the API", lambda v: v.ask("OPTIONS", "/api/catalog/products/"), 405),
            ("method not allowed", lambda v: v.ask("DELETE", "/api/catalog/products/"), 405),
            ("compressed page", _get("/", accept_encoding="gzip, deflate, br"), 200),
            ("compressed API answer", _get("/api/catalog/products/", accept_encoding="gzip"), 200),
            ("conditional page", _again_with_its_etag("/api/catalog/products/"), 304),
            ("file", _get(CSS), 200),
            ("HEAD of a file", lambda v: v.ask("HEAD", CSS), 200),
            ("conditional file", _again_with_its_etag(CSS), 304),
            ("part of a file", _get(CSS, range="bytes=10-99"), 206),
            ("end of a file", _get(CSS, range="bytes=-50"), 206),
            ("a range beyond the end", _get(CSS, range="bytes=99999999-"), 416),
            ("unknown file", _get("/static/nothing.css"), 404),
            ("robots", _get("/robots.txt"), 200),
            ("schema", _get("/api/schema/"), 200),
        ],
    )  # fmt: skip


def test_login_forms_cookies_and_uploads_are_the_same(shops: tuple[str, str], slug: str) -> None:
    login = {"username": "shopper001", "password": "shopsmart"}
    review = {"rating": "4", "title": "Fine – as told", "body": "Ünïcode\r\nand a second line <b>"}
    _both(
        shops,
        [
            ("a stranger's account page", _get("/account/?tab=a%20b"), 302),
            ("wrong password", lambda v: v.submit("/account/login/", "username", {**login, "password": "no"}), 200),
            ("no CSRF token", lambda v: v.ask("POST", "/account/login/", b"username=a",
                                             content_type="application/x-www-form-urlencoded"), 403),
            ("another site's form", lambda v: v.submit("/account/login/", "username", login,
                                                       origin="https://evil.example"), 403),
            ("login", lambda v: v.submit("/account/login/?next=/account/", "username", login, origin=ORIGIN), 302),
            ("account", _get("/account/"), 200),
            ("profile", lambda v: v.submit("/account/", "display_name", {"display_name": "Åsa"}), 302),
            ("account with a message", _get("/account/"), 200),
            ("review", lambda v: v.submit(f"/product/{slug}/", "title", review), 302),
            ("product with the review", _get(f"/product/{slug}/"), 200),
            ("picture", lambda v: v.submit("/account/", "picture", {}, {"picture": ("é.png", _picture(b"\x20\x80\xff"))}), 302),
            ("no picture", lambda v: v.submit("/account/", "picture", {}, {"picture": ("x.png", b"no")}), 200),
            ("account with the picture", _get("/account/"), 200),
            ("logout", lambda v: v.submit("/account/", "csrfmiddlewaretoken", {}), 302),
            ("a stranger again", _get("/"), 200),
        ],
    )  # fmt: skip


def test_the_admin_is_the_same(shops: tuple[str, str]) -> None:
    login = {"username": "admin", "password": "shopsmart"}
    change = "/admin/catalog/product/1/change/"

    def add_picture(visitor: Visitor) -> Answer:
        page = visitor.ask("GET", change).body.decode()
        count = page.split('name="images-TOTAL_FORMS" value="')[1].split('"')[0]
        row = f"images-{count}"
        fields = {
            "images-TOTAL_FORMS": str(int(count) + 1),
            f"{row}-id": "", f"{row}-product": "1", f"{row}-alt": "A square",
            f"{row}-position": "77", "_save": "Save",
        }  # fmt: skip
        files = {f"{row}-image": ("square.png", _picture(b"\xff\x40\x20"))}
        return visitor.submit(change, "images-TOTAL_FORMS", fields, files)

    _both(
        shops,
        [
            ("a stranger at the admin", _get("/admin/"), 302),
            ("login", lambda v: v.submit("/admin/login/?next=/admin/", "username", login, origin=ORIGIN), 302),
            ("index", _get("/admin/"), 200),
            ("list", _get("/admin/catalog/product/?q=a&o=-1"), 200),
            ("change form", _get(change), 200),
            ("a picture is uploaded", add_picture, 302),
            ("change form with the picture", _get(change), 200),
            ("a price that is none", lambda v: v.submit(change, "variants-0-sku", {"variants-0-price_amount": "-1"}), 200),
            ("a streamed list", _get("/admin/catalog/product/export.csv"), 200),
            ("a streamed list, compressed", _get("/admin/catalog/product/export.csv", accept_encoding="gzip"), 200),
            ("logout", lambda v: v.submit("/admin/", "csrfmiddlewaretoken", {}), 302),
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def slug(shops: tuple[str, str]) -> str:
    """A product of both shops."""
    visitor = Visitor(shops[0])
    found = visitor.ask("GET", "/api/catalog/products/?page_size=1")
    visitor.close()
    return found.body.decode().split('"slug":"')[1].split('"')[0]
