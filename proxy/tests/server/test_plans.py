"""The plan is carried out: who answers, which cookie is set, who may force and see it."""

import re
import time
from typing import Any

import pytest

from stranglerfig.signing import sign

KEY = b"a key of the tests"
NEW = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew"
OLD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold"
COOKIE = re.compile(
    rb"fig_user=([A-Za-z0-9_-]{22}); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax(; Secure)?"
)


class Shop:
    """A monolith, a catalogue service, and a proxy before them."""

    def __init__(self, start_upstream: Any, start_proxy: Any) -> None:
        self._start_upstream = start_upstream
        self._start_proxy = start_proxy

    async def open(self, *, new: bytes = NEW, old: bytes = OLD, **keys: Any) -> Any:
        self.monolith = await self._start_upstream(old)
        self.service = await self._start_upstream(new)
        extra = {
            name: keys.pop(name) for name in ("trusted_proxies", "signing_key") if name in keys
        }
        capability = {"upstream": "catalog", "routes": ["/api/catalog/**"], "compare": False} | keys
        capability["routes"] = ["GET,POST /api/catalog/**"]
        self.proxy = await self._start_proxy(
            self.monolith,
            upstreams={"catalog": f"http://127.0.0.1:{self.service.port}"},
            capabilities={"catalog": capability},
            **extra,
        )
        return self.proxy


@pytest.fixture
def shop(start_upstream: Any, start_proxy: Any) -> Shop:
    return Shop(start_upstream, start_proxy)


@pytest.mark.parametrize(
    ("stage", "answer"), [("monolith", b"old"), ("shadow", b"old"), ("service", b"new")]
)
async def test_the_stage_says_who_answers(shop: Shop, stage: str, answer: bytes) -> None:
    proxy = await shop.open(stage=stage)
    assert (await proxy.get("/api/catalog/products")).body == answer
    assert (await proxy.get("/api/%63atalog/products?x")).body == answer
    assert (await proxy.get("/elsewhere")).body == b"old"
    side = "service" if answer == b"new" else "monolith"
    assert proxy.count("requests", capability="catalog", stage=stage, side=side, status="2xx") == 2
    assert proxy.count("requests", capability="-", stage="-", side="monolith", status="2xx") == 1


async def test_unsafe_requests_go_to_who_owns_the_data(shop: Shop) -> None:
    proxy = await shop.open(stage="service", writes="monolith")
    answer = await proxy.get("/api/catalog/x", "Content-Length: 0", method="POST")
    assert answer.body == b"old"


async def test_in_canary_the_user_is_minted_used_and_told_in_one_exchange(shop: Shop) -> None:
    proxy = await shop.open(stage="canary", percent=50)
    sides = set()
    for _ in range(40):
        first = await proxy.get("/api/catalog/products")
        (cookie,) = first.values(b"Set-Cookie")
        match = COOKIE.fullmatch(cookie)
        assert match is not None
        assert match[2] is None
        user = match[1].decode()
        again = await proxy.get("/api/catalog/products", f"Cookie: a=1; fig_user={user}; b=2")
        assert again.body == first.body
        assert again.values(b"Set-Cookie") == []
        sides.add(first.body)
    assert sides == {b"old", b"new"}
    seen = shop.monolith.requests + shop.service.requests
    assert {request.headers.get(b"cookie") for request in seen} == {None, b"a=1; b=2"}
    assert proxy.count("user_cookies") == 40
    assert proxy.count("assigned_units", capability="catalog", unit="minted") == 40
    assert proxy.count("assigned_units", capability="catalog", unit="cookie") == 40


async def test_the_cookie_is_secure_behind_https(shop: Shop) -> None:
    proxy = await shop.open(stage="canary", percent=50, trusted_proxies=["127.0.0.1/32"])
    answer = await proxy.get("/api/catalog/products", "X-Forwarded-Proto: https")
    assert answer.headers[b"set-cookie"].endswith(b"; SameSite=Lax; Secure")


@pytest.mark.parametrize("control", ["public, max-age=60", "s-maxage=60"])
async def test_no_cookie_is_put_on_what_shared_caches_may_keep(shop: Shop, control: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\nCache-Control: {control}\r\nContent-Length: 3\r\n\r\nold".encode()
    proxy = await shop.open(old=answer, new=answer, stage="canary", percent=50)
    assert (await proxy.get("/api/catalog/products")).values(b"Set-Cookie") == []
    assert proxy.count("user_cookies_withheld") == 1


async def test_no_cookie_is_set_outside_of_canary_or_where_authorization_decides(
    shop: Shop,
) -> None:
    proxy = await shop.open(stage="canary", percent=50)
    assert (await proxy.get("/elsewhere")).values(b"Set-Cookie") == []
    answer = await proxy.get("/api/catalog/x", "Authorization: Bearer x")
    assert answer.values(b"Set-Cookie") == []
    assert {
        seen.headers.get(b"authorization")
        for seen in shop.monolith.requests + shop.service.requests
    } == {
        None,
        b"Bearer x",
    }


def header(name: str, payload: str, expires_in_s: int = 60, key: bytes = KEY) -> str:
    return f"{name}: {sign(name, payload, int(time.time()) + expires_in_s, key)}"


async def test_who_holds_the_key_may_force_a_side_and_see_the_plan(shop: Shop) -> None:
    proxy = await shop.open(stage="monolith")
    answer = await proxy.get(
        "/api/catalog/x", header("Fig-Force", "catalog=service"), header("Fig-Debug", "plan")
    )
    assert answer.body == b"new"
    plan = answer.headers[b"fig-plan"]
    for part in (b"side=service", b"reason=forced", b"generation=1", b"capability=catalog"):
        assert part in plan
    assert proxy.count("forced_requests", capability="catalog", side="service", status="2xx") == 1
    (seen,) = shop.service.requests
    assert not [name for name in seen.headers if name.startswith(b"fig-")]


@pytest.mark.parametrize(
    "force",
    [
        "Fig-Force: catalog=service",
        "Fig-Force: v1;99999999999;catalog=service;" + "0" * 64,
        header("Fig-Force", "catalog=service", expires_in_s=-1),
        header("Fig-Force", "catalog=service", key=b"another"),
        header("Fig-Force", "catalog=both"),
        header("Fig-Debug", "catalog=service").replace("Debug", "Force"),
    ],
)
async def test_who_does_not_hold_the_key_forces_and_sees_nothing(shop: Shop, force: str) -> None:
    proxy = await shop.open(stage="monolith")
    answer = await proxy.get("/api/catalog/x", force)
    assert answer.body == b"old"
    assert b"fig-plan" not in answer.headers
    assert proxy.count("dropped_headers", reason="not_signed") == 1


async def test_a_force_that_contradicts_itself_or_names_no_side_is_not_believed(shop: Shop) -> None:
    proxy = await shop.open(stage="monolith")
    for payload in ("catalog=service,catalog=monolith", "catalog=service,", "=service"):
        answer = await proxy.get("/api/catalog/x", header("Fig-Force", payload))
        assert answer.body == b"old", payload
    assert proxy.count("dropped_headers", reason="not_signed") == 3


async def test_a_user_beyond_ascii_is_the_one_that_the_file_lists(shop: Shop) -> None:
    lists = {"allow": ["José"], "deny": ["Zoë"]}
    proxy = await shop.open(stage="canary", percent=50, sticky="header X-User", lists=lists)
    for name, body in (("José", b"new"), ("Zoë", b"old")):
        sent = name.encode().decode("latin-1")  # what the test's client encodes back to these bytes
        assert (await proxy.get("/api/catalog/x", f"X-User: {sent}")).body == body


async def test_without_a_key_nobody_may_force(shop: Shop) -> None:
    proxy = await shop.open(stage="monolith", signing_key=None)
    answer = await proxy.get("/api/catalog/x", header("Fig-Force", "catalog=service", key=KEY))
    assert answer.body == b"old"


async def test_an_upstream_cannot_say_fig_plan(shop: Shop) -> None:
    proxy = await shop.open(old=b"HTTP/1.1 200 OK\r\nFig-Plan: lie\r\nContent-Length: 0\r\n\r\n")
    assert (await proxy.get("/")).raw_headers == [(b"Content-Length", b"0")]
