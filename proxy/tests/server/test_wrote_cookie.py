"""A user's reads stay where the last write was taken: the cookie on its way out, back in, and not to any upstream."""

import asyncio
import re
import time
from typing import Any

import pytest
from waiting import within

from stranglerfig.routing.recent import Lag
from stranglerfig.signing import sign
from stranglerfig.signing.wrote import KEPT_S, MAX_LENGTH, Wrote, read_wrote, scope_of, write_wrote

KEY = b"a key of the tests"
JOURNEY, CONTROL = scope_of("journey", "catalog"), scope_of("upstream", "monolith")
COOKIE = re.compile(
    rb"fig_wrote=([A-Za-z0-9._-]+); Path=/; Max-Age=(\d+); HttpOnly; SameSite=Lax(; Secure)?"
)
POST = "Content-Length: 0"


def answer(body: str, status: str = "200 OK", *headers: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class Shop:
    """A monolith, a catalogue service, and a proxy before them."""

    def __init__(self, start_upstream: Any, start_proxy: Any) -> None:
        self._start_upstream = start_upstream
        self._start_proxy = start_proxy

    async def open(self, stage: str = "service", *, old: Any = None, new: Any = None, port: int | None = None, trusted_proxies: list[str] | None = None, timeouts: dict[str, str] | None = None, **keys: Any) -> Any:  # fmt: skip
        self.monolith = await self._start_upstream(answer("old") if old is None else old)
        self.service = await self._start_upstream(answer("new") if new is None else new)
        routes = ["* /api/catalog/**", {"match": "POST /api/catalog/search", "safe": True},
                  {"match": "GET /api/catalog/limited", "stage": "shadow"}]  # fmt: skip
        capability = {"upstream": "catalog", "stage": stage, "compare": False, "routes": routes}
        extra = {"timeouts": timeouts} if timeouts else {}
        self.proxy = await self._start_proxy(
            port or self.monolith,
            upstreams={"catalog": f"http://127.0.0.1:{self.service.port}"},
            capabilities={"catalog": capability | keys},
            trusted_proxies=trusted_proxies or [],
            **extra,
        )
        return self.proxy

    async def write(self, target: str = "/product/1/", *headers: str, method: str = "POST") -> Any:
        return await self.proxy.get(target, POST, *headers, method=method)

    async def read(self, cookie: str | None = None, *headers: str, target: str = "/api/catalog/x", method: str = "GET") -> Any:  # fmt: skip
        sent = (f"Cookie: {cookie}",) if cookie else ()
        return await self.proxy.get(target, *sent, *headers, method=method)

    def seen(self) -> list[Any]:
        return [*self.monolith.requests, *self.service.requests]


@pytest.fixture
def shop(start_upstream: Any, start_proxy: Any) -> Shop:
    return Shop(start_upstream, start_proxy)


def cookie_of(got: Any) -> str:
    """The one cookie fig_wrote that an answer sets, as a browser would send it back."""
    (line,) = [value for value in got.values(b"Set-Cookie") if value.startswith(b"fig_wrote=")]
    match = COOKIE.fullmatch(line)
    assert match is not None, line
    assert int(match[2]) == KEPT_S
    return f"fig_wrote={match[1].decode()}"


def told_by(cookie: str) -> dict[str, Wrote]:
    writes = read_wrote(cookie.removeprefix("fig_wrote="), KEY, int(time.time() * 1000))
    assert isinstance(writes, dict)
    return writes


def cookie(ago_s: float, taker: Any = "m", scope: str = JOURNEY, key: bytes = KEY) -> str:
    at_ms = int((time.time() - ago_s) * 1000)
    return f"fig_wrote={write_wrote({scope: Wrote(taker, at_ms)}, key)}"


@pytest.mark.parametrize(("stage", "keys"), [("service", {}), ("canary", {"percent": 100})])
@pytest.mark.parametrize("target", ["/product/1/", "/api/catalog/x"])
async def test_who_wrote_reads_where_it_was_taken_and_others_go_on_as_before(
    shop: Shop, stage: str, keys: dict[str, Any], target: str
) -> None:
    proxy = await shop.open(stage, **keys)
    wrote = await shop.write(target)
    assert wrote.body == b"old"
    mine = cookie_of(wrote)
    assert (await shop.read(mine)).body == b"old"
    assert (await shop.read(mine, method="HEAD")).status == 200
    assert shop.monolith.requests[-1].method == "HEAD"
    assert (await shop.read()).body == b"new"
    assert (await shop.read("sessionid=other")).body == b"new"
    count = {"capability": "catalog", "status": "2xx", "side": "monolith"}
    assert proxy.count("wrote_requests", **count) == 2
    assert proxy.count("writes_remembered") == 1


async def test_the_cookie_says_when_and_where_and_nothing_else(shop: Shop) -> None:
    await shop.open()
    before = int(time.time() * 1000)
    claimed = told_by(cookie_of(await shop.write("/api/catalog/x")))
    unclaimed = told_by(cookie_of(await shop.write("/product/1/")))
    after = int(time.time() * 1000)
    assert {scope: wrote.taker for scope, wrote in claimed.items()} == {JOURNEY: "m"}
    assert {scope: wrote.taker for scope, wrote in unclaimed.items()} == {CONTROL: "u"}
    assert before <= claimed[JOURNEY].at_ms <= unclaimed[CONTROL].at_ms <= after


async def test_a_later_write_is_added_to_what_the_cookie_said(shop: Shop) -> None:
    await shop.open()
    first = cookie_of(await shop.write("/product/1/"))
    second = told_by(cookie_of(await shop.write("/api/catalog/x", f"Cookie: {first}")))
    assert second.keys() == {JOURNEY, CONTROL}
    assert second[CONTROL] == told_by(first)[CONTROL]
    forged = cookie(1, key=b"another", scope=scope_of("journey", "x"))
    assert told_by(cookie_of(await shop.write("/product/1/", f"Cookie: {forged}"))).keys() == {CONTROL}  # fmt: skip


@pytest.mark.parametrize("writes", ["service", "stage"])
async def test_the_service_keeps_the_reads_of_what_it_took(shop: Shop, writes: str) -> None:
    await shop.open("canary", percent=0 if writes == "service" else 50, writes=writes)
    for _ in range(20):
        wrote = await shop.write("/api/catalog/x")
        got = await shop.read(cookie_of(wrote))
        assert got.body == wrote.body
    assert writes == "stage" or wrote.body == b"new"


async def test_both_cookies_are_set_by_one_answer(shop: Shop) -> None:
    await shop.open("canary", percent=50, writes="stage")
    wrote = await shop.write("/api/catalog/x")
    names = [value.partition(b"=")[0] for value in wrote.values(b"Set-Cookie")]
    assert names == [b"fig_user", b"fig_wrote"]
    user = wrote.values(b"Set-Cookie")[0].partition(b";")[0].decode()
    assert (await shop.read(f"{user}; {cookie_of(wrote)}")).body == wrote.body


async def test_the_applications_own_cookies_stay_beside_it(shop: Shop) -> None:
    both = answer("old", "302 Found", "Set-Cookie: sessionid=1; Path=/", "Location: /product/1/")
    await shop.open(old=both)
    wrote = await shop.write()
    assert (wrote.status, wrote.headers[b"location"]) == (302, b"/product/1/")
    first, second = wrote.values(b"Set-Cookie")
    assert first == b"sessionid=1; Path=/"
    assert COOKIE.fullmatch(second)


async def test_no_upstream_sees_the_cookie(shop: Shop) -> None:
    await shop.open("canary", percent=50)
    own = cookie(1)
    user = "fig_user=" + "a" * 22
    await shop.read(f"a=1; {own};b=2 ; {user}; c=3")
    await shop.read(own)
    await shop.read(f"{user}; {own}")
    await shop.read("my_fig_wrote=1; fig_wrote_too=2; Fig_Wrote=3")
    await shop.write("/product/1/", f"Cookie: a=1; {own}")
    assert [seen.headers.get(b"cookie") for seen in shop.seen() if seen.method == "GET"] == [
        b"a=1;b=2 ; c=3", None, None, b"my_fig_wrote=1; fig_wrote_too=2; Fig_Wrote=3",
    ]  # fmt: skip
    assert [seen.headers[b"cookie"] for seen in shop.seen() if seen.method == "POST"] == [b"a=1"]


async def test_it_is_secure_behind_https(shop: Shop) -> None:
    await shop.open(trusted_proxies=["127.0.0.1/32"])
    plain, secure = await shop.write(), await shop.write("/x/", "X-Forwarded-Proto: https")
    assert not plain.headers[b"set-cookie"].endswith(b"Secure")
    assert secure.headers[b"set-cookie"].endswith(b"; SameSite=Lax; Secure")


@pytest.mark.parametrize("control", ["public, max-age=60", "s-maxage=60"])
async def test_it_is_not_put_on_what_shared_caches_may_keep(shop: Shop, control: str) -> None:
    proxy = await shop.open(old=answer("old", "200 OK", f"Cache-Control: {control}"))
    assert (await shop.write()).values(b"Set-Cookie") == []
    assert proxy.count("write_cookies_withheld") == 1
    assert proxy.count("writes_remembered") == 0


NEVER = [
    # stage, keys, method, target
    ("monolith", {}, "POST", "/product/1/"),
    ("shadow", {}, "POST", "/product/1/"),
    ("shadow", {}, "POST", "/api/catalog/x"),
    ("canary", {"percent": 0}, "POST", "/api/catalog/x"),
    ("service", {"read_your_writes": "off"}, "POST", "/product/1/"),
    ("service", {"writes": "service"}, "POST", "/api/catalog/x"),
    ("service", {}, "GET", "/api/catalog/x"),
    ("service", {}, "GET", "/product/1/"),
    ("service", {}, "HEAD", "/product/1/"),
    ("service", {}, "OPTIONS", "/product/1/"),
    ("service", {}, "POST", "/api/catalog/search"),
    ("service", {}, "POST", "/_chassis/x"),
    ("service", {}, "POST", "/a/../b"),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "keys", "method", "target"), NEVER)
async def test_it_is_set_only_where_it_can_matter(
    shop: Shop, stage: str, keys: dict[str, Any], method: str, target: str
) -> None:
    await shop.open(stage, **keys)
    assert (await shop.write(target, method=method)).values(b"Set-Cookie") == []


async def test_shadow_and_monolith_do_not_look_at_it(shop: Shop) -> None:
    for stage in ("monolith", "shadow"):
        await shop.open(stage)
        assert (await shop.read(cookie(0, "s"))).body == b"old"
    await shop.open("service")
    assert (await shop.read(cookie(0, "s"), target="/api/catalog/limited")).body == b"old"


async def test_the_window_ends(shop: Shop) -> None:
    await shop.open(read_your_writes="2s")
    assert (await shop.read(cookie(1.5))).body == b"old"
    assert (await shop.read(cookie(2.5))).body == b"new"


async def test_the_measured_lag_makes_it_longer_as_known_when_the_read_comes(shop: Shop) -> None:
    proxy = await shop.open(read_your_writes="2s")
    mine = cookie(10)
    assert (await shop.read(mine)).body == b"new"
    proxy.plane.learn({"catalog": Lag(30.0, time.time())})
    assert (await shop.read(mine)).body == b"old"
    proxy.plane.learn({"other": Lag(30.0, time.time())})
    assert (await shop.read(mine)).body == b"new"
    proxy.plane.learn({"catalog": Lag(0.1, time.time())})
    assert (await shop.read(mine)).body == b"new"


NOT_BELIEVED = [
    (lambda: cookie(0, key=b"another"), "forged"),
    (lambda: cookie(0)[:-1] + "~", "malformed"),
    (lambda: "fig_wrote=", "malformed"),
    (lambda: "fig_wrote=\xff\xfe", "malformed"),
    (lambda: "fig_wrote=" + "x" * (MAX_LENGTH + 1), "oversized"),
    (lambda: cookie(KEPT_S + 5), "expired"),
    (lambda: cookie(-60), "ahead"),
]


@pytest.mark.parametrize(("make", "why"), NOT_BELIEVED)
async def test_what_is_not_believed_is_ignored_counted_and_passed_on_to_nobody(
    shop: Shop, make: Any, why: str
) -> None:
    proxy = await shop.open()
    assert (await shop.read(make())).body == b"new"
    assert proxy.count("write_cookies_ignored", reason=why) == 1
    assert b"cookie" not in shop.service.requests[0].headers


async def test_the_last_of_two_counts_also_over_two_headers(shop: Shop) -> None:
    await shop.open()
    good, bad = cookie(0), "fig_wrote=bad"
    assert (await shop.read(f"{bad}; {good}")).body == b"old"
    assert (await shop.read(f"{good}; {bad}")).body == b"new"
    assert (await shop.read(bad, f"Cookie: {good}")).body == b"old"
    assert all(b"cookie" not in seen.headers for seen in shop.seen())


async def test_a_new_key_believes_no_old_cookie_and_a_request_keeps_the_one_it_began_with(
    shop: Shop,
) -> None:
    go, begun = asyncio.Event(), asyncio.Event()

    async def wait(connection: Any) -> None:
        while seen := await connection.request():
            if seen.method == "POST":
                begun.set()
                await go.wait()
            await connection.send(answer("old"))

    proxy = await shop.open(old=wait)
    writing = asyncio.create_task(shop.write())
    await within(begun.wait())
    snapshot = proxy.plane._runtime.generation.snapshot
    proxy.plane.swap(snapshot, cookie_key=b"a new key")
    go.set()
    mine = cookie_of(await writing)
    assert told_by(mine)  # signed by the old key
    assert (await shop.read(mine)).body == b"new"
    assert proxy.count("write_cookies_ignored", reason="forged") == 1
    assert (await shop.read(cookie(0, key=b"a new key"))).body == b"old"


def header(name: str, payload: str) -> str:
    return f"{name}: {sign(name, payload, int(time.time()) + 60, KEY)}"


async def test_a_force_comes_before_it_and_the_plan_names_it(shop: Shop) -> None:
    await shop.open()
    debug, force = header("Fig-Debug", "plan"), header("Fig-Force", "catalog=service")
    got = await shop.read(cookie(0), debug)
    assert b"reason=wrote" in got.headers[b"fig-plan"]
    assert b"side=monolith" in got.headers[b"fig-plan"]
    assert (await shop.read(cookie(0), force)).body == b"new"


# --- answers of the proxy's own


async def hang_up(connection: Any) -> None:
    await connection.request()
    connection.close()


async def say_nonsense(connection: Any) -> None:
    await connection.request()
    await connection.send(b"nonsense\r\n\r\n")


async def never_answer(connection: Any) -> None:
    await connection.request()
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("handler", "status"), [(hang_up, 502), (say_nonsense, 502), (never_answer, 504)]
)
async def test_a_write_that_may_have_reached_the_monolith_counts(
    shop: Shop, handler: Any, status: int
) -> None:
    await shop.open(old=handler, timeouts={"connect": "1s", "response": "200ms", "idle": "1s"})
    got = await shop.write()
    assert got.status == status
    assert told_by(cookie_of(got)).keys() == {CONTROL}


async def test_a_write_that_was_cut_off_by_the_client_counts_where_it_is_told(shop: Shop) -> None:
    proxy = await shop.open(old=never_answer)
    got = await proxy.ask(
        b"POST /product/1/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nnonsense\r\n"
    )
    assert got.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nSet-Cookie: fig_wrote=" in got


async def test_a_write_that_reached_nobody_does_not_count(shop: Shop) -> None:
    closed = 9
    await shop.open(port=closed)
    got = await shop.write()
    assert (got.status, got.values(b"Set-Cookie")) == (502, [])


async def test_a_refusal_of_the_monolith_counts_too(shop: Shop) -> None:
    await shop.open(old=answer("no", "403 Forbidden"))
    cookie_of(await shop.write())


# --- on one connection


async def test_what_was_sent_before_the_answer_to_a_write_cannot_know_of_it(shop: Shop) -> None:
    """Pipelined: the read behind the write carries no cookie yet, and its answer none either."""
    proxy = await shop.open()
    client = await proxy.connect()
    read = b"GET /api/catalog/x HTTP/1.1\r\nHost: a\r\n%b\r\n"
    client.send(b"POST /product/1/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + read % b"")
    wrote = await client.answer()
    mine = cookie_of(wrote)
    early = await client.answer()
    assert (early.body, early.values(b"Set-Cookie")) == (b"new", [])
    client.send((read % f"Cookie: {mine}\r\n".encode()) + read % b"")
    assert (await client.answer()).body == b"old"
    assert (await client.answer()).body == b"new"


async def test_a_read_that_is_tried_again_stays_on_its_side(shop: Shop) -> None:
    async def answer_once(connection: Any) -> None:
        await connection.request()
        await connection.send(answer("old"))
        if connection.number > 1:
            return
        await connection.request()  # and hangs up on what comes next
        connection.reset()

    await shop.open(old=answer_once)
    assert (await shop.read(cookie(0))).body == b"old"
    assert (await shop.read(cookie(0))).body == b"old"
    assert shop.monolith.connections == 2
    assert shop.service.connections == 0


async def test_http_1_0_gets_it_too(shop: Shop) -> None:
    proxy = await shop.open()
    got = await proxy.ask(b"POST /x/ HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert b"\r\nSet-Cookie: fig_wrote=" in got


# --- the account


@pytest.mark.parametrize("sample", [0, 100])
async def test_such_reads_are_skipped_by_name_and_the_sums_add_up(shop: Shop, sample: int) -> None:
    proxy = await shop.open(compare=True, sample=sample)
    for _ in range(3):
        assert (await shop.read(cookie(0))).body == b"old"
    assert proxy.count("compare_asked", capability="catalog") == 3
    assert proxy.count("compare_tee_skipped", capability="catalog", reason="wrote") == 3
    requests = {"capability": "catalog", "side": "monolith", "status": "2xx"}
    assert proxy.count("requests", stage="service", **requests) == 3
    assert proxy.count("wrote_requests", **requests) == 3
    assert proxy.counts("request_duration_seconds_bucket") == {}
